//! A bounded place with a clean copy of the user's repository.
//!
//! | module | concept |
//! |---|---|
//! | [`base`] | the published copy: one commit in a private repository; patches become further commits |
//! | [`backend`] | the ports: a backend makes sandboxes, a sandbox owns a workspace and a runtime |
//! | [`host`] | the adapter without isolation: a directory on this machine, limits, a lease, a watchdog |
//! | [`tree`] | names of commits of a base |
//! | `git` | running git without touching or trusting anybody's configuration |
//!
//! The user's repository is only ever read. Its history is not copied: a sandbox shows one commit, so that nobody
//! finds a fix by reading what came later.

pub mod backend;
pub mod base;
pub mod error;
mod git;
pub mod host;
mod removal;
pub mod tree;

pub use backend::{LimitHit, Sandbox, SandboxBackend, SandboxSpec};
pub use base::Base;
pub use error::SandboxError;
pub use host::HostBackend;
pub use smallhands_shell_runtime::Limits;
pub use tree::TreeId;
