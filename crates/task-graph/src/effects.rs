//! What must be done now, derived from state and never stored.
//!
//! The caller compares the list with what it has under way and does what is missing. Asking again changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schedule::startable;
use crate::{AttemptId, AttemptPhase, Halt, RunPhase, RunState, Task, TaskId, TaskState};

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Launch the attempt, unless this process has launched it already. Listed until the attempt ends.
    StartAttempt {
        /// Which one.
        attempt: AttemptId,
        /// Which process the attempt belongs to: the number of times the run was taken over.
        epoch: u32,
        /// What to do.
        task: Box<Task>,
        /// The last progress note of an earlier attempt.
        continue_from: Option<Value>,
    },
    /// Stop the attempt and report its end with [`crate::Command::FinishAttempt`]. Listed until then.
    StopAttempt {
        /// Which one.
        attempt: AttemptId,
        /// Why.
        reason: String,
    },
    /// Let the planner look. Answer with [`crate::Command::AdoptPlan`] or [`crate::Command::Finish`].
    Replan {
        /// Why.
        cause: ReplanCause,
        /// How many settled tasks there are, for [`crate::PlanChange::seen`].
        seen: u64,
    },
    /// The run is closed; nothing is left to do.
    Finished,
}

/// Why the planner should look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReplanCause {
    /// There is no plan yet.
    NoPlan,
    /// Tasks settled that the planner has not considered.
    TasksSettled {
        /// Those tasks, in the order in which they settled.
        tasks: Vec<TaskId>,
    },
    /// Nothing runs, nothing can start and nothing is new: add tasks, or finish.
    Idle,
    /// The run is ending and nothing runs any more: finish. No task can be added.
    Halted {
        /// What halted it.
        halt: Halt,
    },
}

impl Effect {
    /// The same for the same thing to be done: launching under a key that was used before is a mistake of the caller.
    pub fn key(&self) -> String {
        match self {
            Self::StartAttempt { attempt, epoch, .. } => format!("start {attempt} in {epoch}"),
            Self::StopAttempt { attempt, .. } => format!("stop {attempt}"),
            Self::Replan { cause, seen } => format!("replan after {seen}: {}", cause.name()),
            Self::Finished => "finished".into(),
        }
    }
}

impl ReplanCause {
    /// The name of the cause, as serialised.
    pub fn name(&self) -> &'static str {
        match self {
            Self::NoPlan => "no_plan",
            Self::TasksSettled { .. } => "tasks_settled",
            Self::Idle => "idle",
            Self::Halted { .. } => "halted",
        }
    }
}

/// What must be done in this state: attempts to stop, attempts to run, then at most one look of the planner.
pub fn effects(state: &RunState) -> Vec<Effect> {
    match state.phase {
        RunPhase::Unsubmitted => Vec::new(),
        RunPhase::Finished => vec![Effect::Finished],
        RunPhase::Planning | RunPhase::Running => {
            let (mut stops, starts): (Vec<_>, Vec<_>) = state
                .tasks
                .values()
                .filter_map(|task| attempt_effect(state, task))
                .partition(|effect| matches!(effect, Effect::StopAttempt { .. }));
            stops.extend(starts);
            let seen = state.settled.len() as u64;
            stops.extend(replan_cause(state).map(|cause| Effect::Replan { cause, seen }));
            stops
        }
    }
}

fn attempt_effect(state: &RunState, task: &TaskState) -> Option<Effect> {
    let attempt = task.active_attempt()?;
    let record = task.attempts.last()?;
    if let Some(reason) = state.control.called_off.get(&attempt) {
        return Some(Effect::StopAttempt { attempt, reason: reason.clone() });
    }
    Some(match record.phase {
        AttemptPhase::Stopping => {
            Effect::StopAttempt { attempt, reason: record.reason.clone().unwrap_or_default() }
        }
        _ => Effect::StartAttempt {
            attempt,
            epoch: state.epoch,
            task: Box::new(task.task.clone()),
            continue_from: task.last_progress.clone(),
        },
    })
}

fn replan_cause(state: &RunState) -> Option<ReplanCause> {
    let nothing_runs = !state.tasks.values().any(|task| task.phase.is_active());
    if let Some(halt) = &state.halt {
        return nothing_runs.then(|| ReplanCause::Halted { halt: halt.clone() });
    }
    if state.control.is_paused() {
        return None;
    }
    if state.phase == RunPhase::Planning {
        return Some(ReplanCause::NoPlan);
    }
    let unconsidered = state.unconsidered();
    if !unconsidered.is_empty() {
        return Some(ReplanCause::TasksSettled { tasks: unconsidered.to_vec() });
    }
    (nothing_runs && startable(state).is_empty()).then_some(ReplanCause::Idle)
}
