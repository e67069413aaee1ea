//! The model-driven specialist: model, tool call, observation, until it submits.
//!
//! - `task`: what it is asked, what bounds it, how it ended.
//! - `attempt`: the loop itself.
//! - [`tools`]: what the model can do, one file per tool.
//! - `shell`: the persistent shell behind the `bash` tool.
//! - `context`: every text the model is shown; the words themselves are files under `prompts/coder`.
//! - `budget`: what may still be spent, asked before each call.
//! - `risk`: which calls a person should agree to.
//! - `repetition`: notices a model that goes round in circles.
//!
//! The change itself is not an output of the loop: whoever owns the sandbox takes its diff. Nothing here trusts the model's
//! word that it is done; verifying is the caller's, and [`run_continued`] takes up the work again with what it found.

mod attempt;
mod budget;
mod context;
mod repetition;
mod risk;
mod shell;
mod task;
pub mod tools;

pub use attempt::{run, run_continued};
pub use task::{
    CoderError, CoderLimits, CoderObserver, CoderOutcome, CoderTask, Ended, Limit, Silent, SoFar,
};
