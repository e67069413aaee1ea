//! The shell runtime over HTTP: the SWE-ReX protocol, and extensions beside it.
//!
//! | module | concept |
//! |---|---|
//! | `server`, `patient`, `app` | connections; one request from its head to its answer |
//! | `routes`, `schema` | the endpoints and their fields, as tables |
//! | `key`, `incoming`, `query`, `python_json`, `json_text` | who asks, and what for |
//! | `calls`, `kept_replies` | calls that outlive connections and are never run twice |
//! | `commands`, `wire`, `reading`, `upload`, `spool` | what the endpoints of the protocol do |
//! | `extensions`, `pages` | what there is beyond the protocol |
//! | `reply` | answers and refusals |
//! | [`arguments`], `signals`, `log` | the command line, the end, and what is said meanwhile |

mod app;
pub mod arguments;
mod calls;
mod commands;
mod extensions;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod incoming;
mod json_text;
mod kept_replies;
mod key;
pub mod log;
mod options;
mod pages;
mod patient;
mod precedence;
mod python_json;
mod query;
mod reading;
mod reply;
mod routes;
mod schema;
mod server;
mod signals;
mod spool;
mod upload;
mod wire;

pub use kept_replies::KeepLimits;
pub use options::ServerOptions;
pub use server::{Server, StartError};
