//! All policy: which commands are accepted, and what they lead to.

mod fallen;

use std::collections::BTreeSet;

use serde_json::Value;

use crate::agenda::Slot;
use crate::chance::{mix, seed_of};
use crate::control;
use crate::plan_rules::{Surroundings, validate_added};
use crate::schedule::startable_at;
use crate::{
    AttemptId, AttemptPhase, AttemptResult, Command, Failure, FailureClass, Halt, Limit, PlanChange,
    Rejection, RunEvent, RunLimits, RunPhase, RunState, TaskId, TaskPhase, TaskState, TaskStep,
};
pub(crate) use fallen::fallen;

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
        Command::FailAttempt { attempt, failure, at_ms } => fail_attempt(state, attempt, failure, *at_ms),
        Command::ChangeCapacity { capacity } if state.capacity == *capacity => Ok(Vec::new()),
        Command::ChangeCapacity { capacity } => Ok(vec![RunEvent::CapacityChanged { capacity: *capacity }]),
        Command::Cancel { reason } => Ok(cancel(state, reason)),
        Command::LimitReached { which } => Ok(reach(state, which)),
        Command::Finish { verdict, summary } => finish(state, verdict, summary),
        Command::Tick { at_ms } => {
            Ok(tick(state, *at_ms).into_iter().chain(control::lapsed(state, *at_ms)).collect())
        }
        Command::Resume { at_ms } => Ok(resume(state, *at_ms)),
        Command::Order { request, order, at_ms } => control::take(state, *request, order, *at_ms),
        Command::Ask { attempt, question, default, until_ms } => {
            control::ask(state, attempt, question, *default, *until_ms)
        }
        Command::Intend { key, attempt, what } => control::intend(state, key, attempt.as_ref(), what),
        Command::Receive { key, done, receipt } => control::receive(state, key, *done, receipt),
        Command::Fork { parent, at } if *at == state.events => {
            Ok(vec![RunEvent::RunForked { parent: parent.clone(), at: *at }])
        }
        Command::Fork { at, .. } => Err(Rejection::BadFork { at: *at, events: state.events }),
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
    validate_added(&change.add, &Surroundings::of_run(&state.tasks, state.capacity))?;
    let mut events = vec![RunEvent::PlanAdopted {
        add: change.add.clone(),
        drop: change.drop.clone(),
        reason: change.reason.clone(),
        seen: change.seen,
    }];
    let waiting = change.drop.iter().filter(|id| phase_of(state, id) == Some(TaskPhase::Waiting));
    let dropped: Vec<Slot> = waiting.filter_map(|id| state.tasks.slot(id)).collect();
    events.extend(fallen(state, &dropped, &change.add, &change.drop));
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
    let mut events = fallen(state, &[], &[], &[]);
    let waiting = state.count(TaskPhase::Waiting) > events.len();
    if waiting && state.attempts_left() == Some(0) {
        events.push(RunEvent::RunLimitReached { which: Limit::Attempts });
        return events;
    }
    let starts = startable_at(state, at_ms).into_iter().map(|task| {
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
    let stopped = called_off(state, attempt);
    let result = stopped.as_ref().unwrap_or(result);
    let then = after_attempt(state, task, result);
    let event = RunEvent::AttemptFinished { attempt: attempt.clone(), result: result.clone(), then, at_ms };
    let mut events = vec![event];
    events.extend(wait_before_retry(state, attempt, then, 0, at_ms));
    events.extend(fallen_with(state, &[(task, then)]));
    Ok(events)
}

/// What comes back from an attempt that the user stopped is not an answer to its task, whatever it is.
fn called_off(state: &RunState, attempt: &AttemptId) -> Option<AttemptResult> {
    let reason = state.control.called_off.get(attempt)?;
    Some(AttemptResult::Lost { reason: format!("called off: {reason}") })
}

fn fail_attempt(
    state: &RunState,
    attempt: &AttemptId,
    failure: &Failure,
    at_ms: i64,
) -> Result<Vec<RunEvent>, Rejection> {
    let task = require_active(state, attempt)?;
    if let Some(stopped) = called_off(state, attempt) {
        return finish_attempt(state, attempt, &stopped, at_ms);
    }
    let kills = task.kills + u32::from(failure.killed_worker);
    let quarantined = failure.killed_worker && task.task.retry.quarantines(kills);
    let then = after_failure(state, task, failure.class, quarantined);
    let event = RunEvent::AttemptFailed {
        attempt: attempt.clone(),
        failure: failure.clone(),
        then,
        quarantined: quarantined && then != TaskStep::Drop,
        at_ms,
    };
    let mut events = vec![event];
    let at_least_ms = failure.retry_after_ms.unwrap_or(0);
    events.extend(wait_before_retry(state, attempt, then, at_least_ms, at_ms));
    events.extend(fallen_with(state, &[(task, then)]));
    Ok(events)
}

/// What the end of an attempt means for its task.
fn after_attempt(state: &RunState, task: &TaskState, result: &AttemptResult) -> TaskStep {
    let class = match result {
        AttemptResult::Done { .. } if task.phase == TaskPhase::Stopping => return TaskStep::Drop,
        AttemptResult::Done { .. } => return TaskStep::Succeed,
        AttemptResult::GaveUp { .. } => FailureClass::GaveUp,
        AttemptResult::LimitReached { .. } => FailureClass::Limit,
        AttemptResult::Lost { .. } => FailureClass::Infrastructure,
    };
    after_failure(state, task, class, false)
}

/// What a failure means for its task.
fn after_failure(state: &RunState, task: &TaskState, class: FailureClass, quarantined: bool) -> TaskStep {
    if task.phase == TaskPhase::Stopping {
        return TaskStep::Drop;
    }
    let may_retry = task.attempts_remain() && state.halt.is_none() && !quarantined;
    if may_retry && task.task.retry.retries(class) {
        return TaskStep::Retry;
    }
    match class {
        FailureClass::GaveUp | FailureClass::CheckFailed => TaskStep::GiveUp,
        FailureClass::Limit | FailureClass::Infrastructure | FailureClass::PoisonedSandbox => TaskStep::Fail,
    }
}

/// How long the next attempt has to wait. Chance comes from the run, the task and the attempt: the same log would have been
/// written again.
fn wait_before_retry(
    state: &RunState,
    attempt: &AttemptId,
    then: TaskStep,
    at_least_ms: u64,
    at_ms: i64,
) -> Option<RunEvent> {
    let task = state.tasks.get(&attempt.task).filter(|_| then == TaskStep::Retry)?;
    let seed = || {
        let run = seed_of(&state.spec.to_string()) ^ state.submitted_at_ms.unsigned_abs();
        mix(mix(run, seed_of(attempt.task.as_str())), u64::from(attempt.number))
    };
    let backoff = task.task.retry.backoff.map_or(0, |backoff| backoff.delay_ms(task.charged, seed()));
    let wait_ms = backoff.max(at_least_ms);
    let not_before_ms = at_ms.saturating_add_unsigned(wait_ms);
    (wait_ms > 0).then(|| RunEvent::TaskDelayed { task: attempt.task.clone(), not_before_ms })
}

/// Calling off what is called off already changes nothing.
pub(crate) fn cancel(state: &RunState, reason: &str) -> Vec<RunEvent> {
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
    let since = state.control.paused_at_ms.unwrap_or(state.last_at_ms);
    let away_ms = at_ms.saturating_sub(since).max(0);
    let deadline_at_ms = state.limits.deadline_at_ms.map(|deadline| deadline.saturating_add(away_ms));
    let mut events = vec![RunEvent::RunResumed { deadline_at_ms, at_ms }];
    let lost = state.active_attempts().into_iter().filter_map(|attempt| {
        let task = state.tasks.get(&attempt.task)?;
        let then = match task.phase {
            TaskPhase::Stopping => TaskStep::Drop,
            _ if task.task.retry.on_lost && state.halt.is_none() => TaskStep::Retry,
            _ => TaskStep::Fail,
        };
        Some((attempt, task, then))
    });
    let lost: Vec<_> = lost.collect();
    let ends: Vec<_> = lost.iter().map(|(_, task, then)| (*task, *then)).collect();
    events.extend(lost.into_iter().map(|(attempt, _, then)| {
        let reason = "the process that ran it ended".to_owned();
        RunEvent::AttemptLost { attempt, reason, then, at_ms }
    }));
    events.extend(fallen_with(state, &ends));
    events
}

/// The tasks that become unreachable because these take these steps.
fn fallen_with(state: &RunState, ends: &[(&TaskState, TaskStep)]) -> Vec<RunEvent> {
    let undone = ends.iter().filter(|(task, then)| {
        task.phase.after(*then).is_some_and(|phase| phase.is_settled() && phase != TaskPhase::Done)
    });
    let undone: Vec<Slot> = undone.filter_map(|(task, _)| state.tasks.slot(&task.task.id)).collect();
    fallen(state, &undone, &[], &[])
}

fn phase_of(state: &RunState, id: &TaskId) -> Option<TaskPhase> {
    state.tasks.get(id).map(|task| task.phase)
}

/// The task of an attempt that is not over.
pub(crate) fn require_active<'a>(state: &'a RunState, id: &AttemptId) -> Result<&'a TaskState, Rejection> {
    let unknown = || Rejection::UnknownAttempt { attempt: id.clone() };
    let phase: AttemptPhase = state.attempt(id).ok_or_else(unknown)?.phase;
    if phase.is_over() {
        return Err(Rejection::AttemptOver { attempt: id.clone(), phase });
    }
    state.tasks.get(&id.task).ok_or_else(unknown)
}
