//! All policy: which commands are accepted, and what they lead to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::plan_rules::validate_added;
use crate::schedule::{startable, unreachable};
use crate::{
    AttemptId, AttemptPhase, AttemptResult, Command, Halt, Limit, PlanChange, Rejection, RunEvent, RunLimits,
    RunPhase, RunState, Task, TaskId, TaskPhase, TaskState, TaskStep,
};

/// The events that `command` leads to, to be made durable together and then given to [`crate::evolve`]. None at all is a
/// fine answer: there was nothing to do.
pub fn decide(state: &RunState, command: &Command) -> Result<Vec<RunEvent>, Rejection> {
    require_phase(state, command)?;
    match command {
        Command::Submit { spec, limits, at_ms } => submit(spec, limits, *at_ms),
        Command::AdoptPlan(change) => adopt(state, change),
        Command::StartReady { at_ms } => Ok(start_ready(state, *at_ms)),
        Command::AttemptProgress { attempt, note } => progress(state, attempt, note),
        Command::FinishAttempt { attempt, result, at_ms } => finish_attempt(state, attempt, result, *at_ms),
        Command::Cancel { reason } => Ok(cancel(state, reason)),
        Command::LimitReached { which } => Ok(reach(state, which)),
        Command::Finish { verdict, summary } => finish(state, verdict, summary),
        Command::Tick { at_ms } => Ok(tick(state, *at_ms)),
        Command::Resume { at_ms } => Ok(resume(state, *at_ms)),
    }
}

fn require_phase(state: &RunState, command: &Command) -> Result<(), Rejection> {
    let submits = matches!(command, Command::Submit { .. });
    match state.phase {
        RunPhase::Unsubmitted if !submits => Err(Rejection::NotSubmitted),
        RunPhase::Planning | RunPhase::Running if submits => Err(Rejection::AlreadySubmitted),
        RunPhase::Finished => Err(Rejection::Finished),
        _ => Ok(()),
    }
}

fn submit(spec: &Value, limits: &RunLimits, at_ms: i64) -> Result<Vec<RunEvent>, Rejection> {
    if limits.agents == 0 {
        return Err(Rejection::ZeroLimit { field: "agents" });
    }
    if limits.max_attempts == Some(0) {
        return Err(Rejection::ZeroLimit { field: "max_attempts" });
    }
    Ok(vec![RunEvent::RunSubmitted { spec: spec.clone(), limits: limits.clone(), at_ms }])
}

fn adopt(state: &RunState, change: &PlanChange) -> Result<Vec<RunEvent>, Rejection> {
    if let Some(halt) = state.halt.as_ref().filter(|_| !change.add.is_empty()) {
        return Err(Rejection::Halted { why: halt.to_string() });
    }
    check_drops(state, change)?;
    let actual = state.settled.len() as u64;
    if let Some(claimed) = change.seen.filter(|claimed| *claimed > actual) {
        return Err(Rejection::SeenTooMuch { claimed, actual });
    }
    validate_added(&change.add, &state.tasks.keys().collect())?;
    let mut events = vec![RunEvent::PlanAdopted {
        add: change.add.clone(),
        drop: change.drop.clone(),
        reason: change.reason.clone(),
        seen: change.seen,
    }];
    let waits = |id: &&TaskId| phase_of(state, id).is_none_or(|phase| phase == TaskPhase::Waiting);
    let settling = change.drop.iter().filter(waits);
    let settling = settling.map(|id| (id, TaskPhase::Dropped)).collect();
    events.extend(fallen(state, &change.add, &settling));
    Ok(events)
}

/// A task may be dropped by the change that adds it: so it is on record why it was never done.
fn check_drops(state: &RunState, change: &PlanChange) -> Result<(), Rejection> {
    let mut named = BTreeSet::new();
    let added: BTreeSet<&TaskId> = change.add.iter().map(|task| &task.id).collect();
    for task in &change.drop {
        match phase_of(state, task) {
            None if added.contains(task) => {}
            None => return Err(Rejection::UnknownTask { task: task.clone() }),
            Some(TaskPhase::Waiting | TaskPhase::Running) => {}
            Some(phase) => return Err(Rejection::CannotDrop { task: task.clone(), phase }),
        }
        if !named.insert(task) {
            return Err(Rejection::DroppedTwice { task: task.clone() });
        }
    }
    Ok(())
}

/// Starts what may start, unless the deadline has come or the attempts of the run are used up. Also catches up on tasks
/// that became unreachable, for a log that was cut before it said so.
fn start_ready(state: &RunState, at_ms: i64) -> Vec<RunEvent> {
    let late = tick(state, at_ms);
    if !late.is_empty() || state.halt.is_some() {
        return late;
    }
    let mut events = fallen(state, &[], &BTreeMap::new());
    let waiting = state.count(TaskPhase::Waiting) > events.len();
    if waiting && state.attempts_left() == Some(0) {
        events.push(RunEvent::RunLimitReached { which: Limit::Attempts });
        return events;
    }
    let starts = startable(state).into_iter().map(|task| {
        let number = state.tasks.get(&task).map_or(0, |task| task.attempts.len() as u32) + 1;
        RunEvent::AttemptStarted { attempt: AttemptId::new(task, number), at_ms }
    });
    events.extend(starts);
    events
}

fn progress(state: &RunState, attempt: &AttemptId, note: &Value) -> Result<Vec<RunEvent>, Rejection> {
    require_active(state, attempt)?;
    Ok(vec![RunEvent::AttemptProgressed { attempt: attempt.clone(), note: note.clone() }])
}

fn finish_attempt(
    state: &RunState,
    attempt: &AttemptId,
    result: &AttemptResult,
    at_ms: i64,
) -> Result<Vec<RunEvent>, Rejection> {
    let task = require_active(state, attempt)?;
    let then = after_attempt(state, task, result);
    let event = RunEvent::AttemptFinished { attempt: attempt.clone(), result: result.clone(), then, at_ms };
    Ok(with_fallen(state, vec![(event, &attempt.task, then)]))
}

/// What the end of an attempt means for its task.
fn after_attempt(state: &RunState, task: &TaskState, result: &AttemptResult) -> TaskStep {
    if task.phase == TaskPhase::Stopping {
        return TaskStep::Drop;
    }
    let policy = task.task.retry;
    let (wants_retry, otherwise) = match result {
        AttemptResult::Done { .. } => return TaskStep::Succeed,
        AttemptResult::GaveUp { .. } => (policy.on_gave_up, TaskStep::GiveUp),
        AttemptResult::LimitReached { .. } => (policy.on_limit, TaskStep::Fail),
        AttemptResult::Lost { .. } => (policy.on_lost, TaskStep::Fail),
    };
    let may_retry = task.attempts_remain() && state.halt.is_none();
    if wants_retry && may_retry { TaskStep::Retry } else { otherwise }
}

/// Calling off what is called off already changes nothing.
fn cancel(state: &RunState, reason: &str) -> Vec<RunEvent> {
    match state.halt {
        Some(Halt::Cancelled { .. }) => Vec::new(),
        _ => vec![RunEvent::RunCancelled { reason: reason.to_owned() }],
    }
}

/// A limit matters unless the run is stopping already. One that stops attempts overrides one that lets them end.
fn reach(state: &RunState, which: &Limit) -> Vec<RunEvent> {
    match &state.halt {
        Some(halt) if !halt.lets_attempts_end() || *which == Limit::Attempts => Vec::new(),
        _ => vec![RunEvent::RunLimitReached { which: which.clone() }],
    }
}

fn finish(state: &RunState, verdict: &Value, summary: &Value) -> Result<Vec<RunEvent>, Rejection> {
    let attempts = state.active_attempts();
    let cancelled = matches!(state.halt, Some(Halt::Cancelled { .. }));
    if !attempts.is_empty() && !cancelled {
        return Err(Rejection::AttemptsRunning { attempts });
    }
    Ok(vec![RunEvent::RunFinished { verdict: verdict.clone(), summary: summary.clone() }])
}

fn tick(state: &RunState, at_ms: i64) -> Vec<RunEvent> {
    if state.is_past_deadline(at_ms) { reach(state, &Limit::Deadline) } else { Vec::new() }
}

fn resume(state: &RunState, at_ms: i64) -> Vec<RunEvent> {
    let away_ms = at_ms.saturating_sub(state.last_at_ms).max(0);
    let deadline_at_ms = state.limits.deadline_at_ms.map(|deadline| deadline.saturating_add(away_ms));
    let mut events = vec![RunEvent::RunResumed { deadline_at_ms, at_ms }];
    let active = state.tasks.values().filter_map(|task| Some((task, task.active_attempt()?)));
    let lost = active.map(|(task, attempt)| {
        let then = match task.phase {
            TaskPhase::Stopping => TaskStep::Drop,
            _ if task.task.retry.on_lost && state.halt.is_none() => TaskStep::Retry,
            _ => TaskStep::Fail,
        };
        let reason = "the process that ran it ended".to_owned();
        (RunEvent::AttemptLost { attempt, reason, then, at_ms }, &task.task.id, then)
    });
    events.extend(with_fallen(state, lost.collect()));
    events
}

/// The ends of attempts, followed by the tasks that became unreachable through them.
fn with_fallen(state: &RunState, ends: Vec<(RunEvent, &TaskId, TaskStep)>) -> Vec<RunEvent> {
    let settling: BTreeMap<&TaskId, TaskPhase> = ends
        .iter()
        .filter_map(|(_, task, then)| Some((*task, phase_of(state, task)?.after(*then)?)))
        .collect();
    let fallen = fallen(state, &[], &settling);
    ends.into_iter().map(|(event, _, _)| event).chain(fallen).collect()
}

/// The waiting tasks, `added` ones included, that can never start once the tasks in `settling` have moved on.
fn fallen(state: &RunState, added: &[Task], settling: &BTreeMap<&TaskId, TaskPhase>) -> Vec<RunEvent> {
    let added_ids: BTreeSet<&TaskId> = added.iter().map(|task| &task.id).collect();
    let phase = |id: &TaskId| {
        let new = added_ids.contains(id).then_some(TaskPhase::Waiting);
        settling.get(id).copied().or_else(|| phase_of(state, id)).or(new)
    };
    let waiting = state
        .tasks
        .values()
        .filter(|task| task.phase == TaskPhase::Waiting && !settling.contains_key(&task.task.id));
    let added = added.iter().filter(|task| !settling.contains_key(&task.id));
    unreachable(waiting.map(|task| &task.task).chain(added), &phase)
        .into_iter()
        .map(|(task, because)| RunEvent::TaskUnreachable { task, because })
        .collect()
}

fn phase_of(state: &RunState, id: &TaskId) -> Option<TaskPhase> {
    state.tasks.get(id).map(|task| task.phase)
}

/// The task of an attempt that is not over.
fn require_active<'a>(state: &'a RunState, id: &AttemptId) -> Result<&'a TaskState, Rejection> {
    let unknown = || Rejection::UnknownAttempt { attempt: id.clone() };
    let phase: AttemptPhase = state.attempt(id).ok_or_else(unknown)?.phase;
    if phase.is_over() {
        return Err(Rejection::AttemptOver { attempt: id.clone(), phase });
    }
    state.tasks.get(&id.task).ok_or_else(unknown)
}
