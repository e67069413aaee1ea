//! The [`Runtime`](smallhands_shell_runtime::Runtime) port over HTTP: sessions, commands and files of a machine that
//! runs our runtime server, or the original SWE-ReX server.
//!
//! | module | concept |
//! |---|---|
//! | [`remote`] | the adapter: each request of the port as one call |
//! | `connection` | one call: address, key, request id, retries, time |
//! | `commands` | one-shot commands in the protocol's terms |
//! | `failures` | transferred exceptions as the runtime's own errors |

mod commands;
mod connection;
mod failures;
pub mod remote;

pub use connection::{RemoteOptions, Server};
pub use remote::RemoteRuntime;
