//! What runs inside a sandbox: persistent shell sessions on a terminal, one-shot commands, long-lived helper
//! processes and files, behind one port, [`Runtime`]. Names and fields follow the SWE-ReX protocol, so that a
//! server can be put in front of it; nothing here knows HTTP.
//!
//! | module | concept |
//! |---|---|
//! | [`protocol`] | requests and answers |
//! | [`runtime`] | the port; [`local`] is its in-process adapter |
//! | `session` | a persistent bash on a PTY whose control channel is apart from its output |
//! | `execute`, [`piped`] | one command to its end; a helper that is talked to line by line |
//! | [`processes`] | finding and killing everything that descends from what was started |
//! | `launch`, [`limits`] | how a child is started, and with which resource limits |
//! | `capture`, `files` | bounded output; files below the runtime's root |

mod capture;
pub mod error;
mod execute;
pub mod files;
mod launch;
pub mod limits;
pub mod local;
pub mod piped;
pub mod processes;
pub mod protocol;
pub mod runtime;
mod session;

pub use error::RuntimeError;
pub use limits::Limits;
pub use local::{FileAccess, LocalOptions, LocalRuntime};
pub use piped::{PipedProcess, SpawnSpec};
pub use protocol::{
    Action, BashAction, BashInterruptAction, BashWaitAction, Check, Command, CommandLine, CommandResponse,
    CreateSession, CreateSessionResponse, Observation, OutputChunk, SessionInfo, Usage,
};
pub use runtime::Runtime;
pub use session::OutputStream;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub use session::fuzzing;
