//! What must be done now, derived from state and never stored.
//!
//! The caller compares the list with what it has under way and does what is missing. Asking again changes nothing.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::schedule::{next_wake_ms, something_may_start};
use crate::{AttemptId, AttemptPhase, Halt, RunEvent, RunPhase, RunState, Task, TaskId, TaskState};

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
    /// Nothing runs, nothing can start, not even later, and nothing is new: add tasks, or finish.
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
            let active = state.tasks.agenda().active().iter().filter_map(|slot| state.tasks.at(*slot));
            let mut active: Vec<&TaskState> = active.collect();
            active.sort_unstable_by_key(|task| &task.task.id);
            in_order(active.into_iter().filter_map(|task| attempt_effect(state, task)), state)
        }
    }
}

/// Of the effects those that `events` brought about, which led to this state: attempts to stop, attempts to run, then at
/// most one look of the planner. Whoever has followed all events so far has nothing else to do.
///
/// Takes time for the events, not for what runs. After a crash, or in doubt, [`effects`] has them all.
pub fn effects_of(state: &RunState, events: &[RunEvent]) -> Vec<Effect> {
    match state.phase {
        RunPhase::Unsubmitted => Vec::new(),
        RunPhase::Finished => vec![Effect::Finished],
        RunPhase::Planning | RunPhase::Running if events.iter().any(concerns_many) => effects(state),
        RunPhase::Planning | RunPhase::Running => {
            let started = events.iter().filter_map(|event| match event {
                RunEvent::AttemptStarted { attempt, .. } => Some(std::slice::from_ref(&attempt.task)),
                RunEvent::PlanAdopted { drop, .. } => Some(drop.as_slice()),
                _ => None,
            });
            let tasks = started.flatten().filter_map(|id| state.task(id));
            in_order(tasks.filter_map(|task| attempt_effect(state, task)), state)
        }
    }
}

/// Whether an event may concern every attempt that runs.
fn concerns_many(event: &RunEvent) -> bool {
    matches!(
        event,
        RunEvent::RunCancelled { .. }
            | RunEvent::RunLimitReached { .. }
            | RunEvent::RunResumed { .. }
            | RunEvent::OrderTaken { .. }
    )
}

/// What is to stop before what is to start: it holds slots. Then the planner.
fn in_order(attempts: impl Iterator<Item = Effect>, state: &RunState) -> Vec<Effect> {
    let (mut effects, starts): (Vec<_>, Vec<_>) =
        attempts.partition(|effect| matches!(effect, Effect::StopAttempt { .. }));
    effects.extend(starts);
    let seen = state.settled.len() as u64;
    effects.extend(replan_cause(state).map(|cause| Effect::Replan { cause, seen }));
    effects
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
    let agenda = state.tasks.agenda();
    let nothing_runs = agenda.active().is_empty();
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
    let now = state.last_at_ms;
    let idle = nothing_runs && next_wake_ms(state, now).is_none() && !something_may_start(state, now);
    idle.then_some(ReplanCause::Idle)
}
