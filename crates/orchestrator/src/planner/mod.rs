//! Planners: from what is known about a run to the next change of its plan. Pure; they neither act nor wait.

pub mod plan_file;
pub mod rules;
pub mod view;

use smallhands_task_graph::{PlanChange, ReplanCause};

use plan_file::Progressed;
use view::PlannerView;

/// What all planners together want to happen next.
#[derive(Debug, Clone, PartialEq)]
pub enum Course {
    /// Change the plan in these steps (possibly by nothing) and go on.
    Changes(Vec<PlanChange>),
    /// There is nothing left to do.
    Halt(Halt),
}

/// The decision for this cause: the plan that the user laid down comes first, `script` being how far it is; then the rules.
/// A function of what it is given: asked again, it says the same.
#[must_use]
pub fn next(cause: &ReplanCause, view: &PlannerView, script: Option<Progressed>) -> Course {
    if let ReplanCause::Halted { halt } = cause {
        return Course::Halt(Halt::Limit(halt.to_string()));
    }
    match script {
        Some(Progressed::Changes(changes)) => return Course::Changes(changes),
        Some(Progressed::Failed(reason)) => return Course::Halt(Halt::PlanFailed(reason)),
        Some(Progressed::Done(reason)) if view.facts.checks.is_empty() => {
            return Course::Halt(Halt::PlanDone(reason));
        }
        Some(Progressed::Done(_)) | None => {}
    }
    match rules::plan(view) {
        Decision::Change(change)
            if matches!(cause, ReplanCause::Idle) && change.add.is_empty() && change.drop.is_empty() =>
        {
            Course::Halt(Halt::Unobservable("nothing is left that could be tried".into()))
        }
        Decision::Change(change) => Course::Changes(vec![change]),
        Decision::Halt(halt) => Course::Halt(halt),
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
    /// Every task of the plan file is done, and there is no check besides.
    PlanDone(String),
    /// A task of the plan file failed.
    PlanFailed(String),
}
