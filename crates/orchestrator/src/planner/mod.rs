//! Planners: from what is known about a run to the next change of its plan. Pure; they neither act nor wait.

pub mod plan_file;
pub mod rules;
pub mod view;

use smallhands_task_graph::{PlanChange, ReplanCause};

use view::PlannerView;

/// The planner's decision for this cause. A function of what it is given: asked again, it says the same.
#[must_use]
pub fn next(cause: &ReplanCause, view: &PlannerView) -> Decision {
    if let ReplanCause::Halted { halt } = cause {
        return Decision::Halt(Halt::Limit(halt.to_string()));
    }
    match rules::plan(view) {
        Decision::Change(change)
            if matches!(cause, ReplanCause::Idle) && change.add.is_empty() && change.drop.is_empty() =>
        {
            Decision::Halt(Halt::Unobservable("nothing is left that could be tried".into()))
        }
        decision => decision,
    }
}

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
}
