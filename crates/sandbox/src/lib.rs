//! A bounded place with a clean copy of the repository, and the runtime that works in it.
//!
//! - [`base`]: the published copy of the user's repository that all sandboxes of a run start from.
//! - [`port`]: what every kind of sandbox offers.
//! - [`host`]: sandboxes on the plain host: separate folders, limits, no isolation.
//! - [`lease`]: who owns a sandbox on disk, so that what a crash left behind can be told from what is in use.
//!
//! Not here: what runs inside (see `shell-runtime`), and any decision about what to run.

pub mod base;
pub mod error;
mod git;
pub mod host;
pub mod lease;
mod listing;
pub mod port;
pub mod tree;

pub use base::Base;
pub use error::SandboxError;
pub use host::{HostBackend, HostSandbox, LimitHit};
pub use port::{Sandbox, SandboxBackend, SandboxSpec};
pub use tree::TreeId;
