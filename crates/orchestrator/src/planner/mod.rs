//! Planners: from what is known about a run to the next change of its plan. Pure; they neither act nor wait.

pub mod plan_file;
pub mod rules;
pub mod view;

use smallhands_task_graph::PlanChange;

/// What a planner wants to happen next.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// Change the plan (possibly by nothing) and go on.
    Change(PlanChange),
    /// There is nothing left to do.
    Halt(Halt),
}

/// Why a planner stops.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Halt {
    /// Every check passes as it is.
    NothingToDo,
    /// The verification of the final tree has been run.
    Verified,
    /// No patch was found, or none held.
    NoPatch,
    /// The checks could not be run.
    Unobservable(String),
    /// A limit of the run was reached.
    Limit(String),
    /// Every task of the plan file is done, and there is no check besides.
    PlanDone(String),
    /// A task of the plan file failed.
    PlanFailed(String),
}
