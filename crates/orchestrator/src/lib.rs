//! One owner per run: plans the work, leases sandboxes to agents, verifies and merges what they bring, resumes after a crash.
//!
//! - [`run`] begins and resumes runs; [`listing`] reads what is known about them.
//! - `dispatcher` owns a run; `planner` decides what to do next; `workshop` does it, one file per specialist.
//! - [`replay`] makes a run's decisions again, [`fork`] lets it go another way, [`compare`] says how two runs differ.
//! - [`control`] is how a run is steered from another process.
//! - `journal` is the only place where state changes: decide, make durable, evolve.

mod assignment;
pub mod chronicle;
pub mod compare;
mod conduct;
pub mod control;
mod deliver;
mod dispatcher;
#[cfg(feature = "failpoints")]
pub mod failpoint;
pub mod fork;
mod journal;
pub mod listing;
mod model;
pub mod plan_source;
mod planner;
pub mod progress;
pub mod replay;
mod report;
pub mod request;
pub mod run;
mod selection;
mod spec;
pub mod state_dir;
mod workshop;

pub use smallhands_agent::cancel::CancelToken;
