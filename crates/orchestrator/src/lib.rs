//! One owner per run: plans the work, leases sandboxes to agents, verifies and merges what they bring, resumes after a crash.
//!
//! - [`run`] begins and resumes runs; [`listing`] reads what is known about them.
//! - `dispatcher` owns a run; `planner` decides what to do next; `workshop` does it, one file per specialist.
//! - `journal` is the only place where state changes: decide, make durable, evolve.

mod assignment;
mod deliver;
mod dispatcher;
mod journal;
pub mod listing;
mod model;
pub mod plan_source;
mod planner;
pub mod progress;
mod report;
pub mod request;
pub mod run;
mod selection;
mod spec;
pub mod state_dir;
mod workshop;

pub use smallhands_agent::cancel::CancelToken;
