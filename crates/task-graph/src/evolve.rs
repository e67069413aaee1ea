//! How events change state. No policy here: whether an event should have happened is not asked, only whether the tables
//! in [`crate::transitions`] know such a step.

use serde_json::Value;

use crate::agenda::Slot;
use crate::control;
use crate::transitions::{AttemptStep, RunStep};
use crate::{
    Attempt, AttemptId, AttemptPhase, AttemptResult, Failure, FailureClass, Halt, RunEvent, RunState, Task,
    TaskId, TaskPhase, TaskStep,
};

/// An event that cannot follow the events before it. Either the log was changed, or it was written by a newer smallhands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "event {number} (`{kind}`) cannot follow the events before it: {detail}; the log is damaged or newer than this program"
)]
pub struct IllegalEvent {
    /// Its place in the log, from 1.
    pub number: u64,
    /// Its kind.
    pub kind: &'static str,
    /// What is wrong.
    pub detail: String,
}

/// The state after `event`. An event that cannot follow changes nothing; use [`try_evolve`] or [`replay`] to hear of it.
pub fn evolve(mut state: RunState, event: &RunEvent) -> RunState {
    if check(&state, event).is_ok() {
        write(&mut state, event);
    }
    state
}

/// The state after `event`, or why it cannot follow.
pub fn try_evolve(mut state: RunState, event: &RunEvent) -> Result<RunState, IllegalEvent> {
    check(&state, event).map_err(|detail| IllegalEvent {
        number: state.events + 1,
        kind: event.kind(),
        detail,
    })?;
    write(&mut state, event);
    Ok(state)
}

/// The state after all `events`, from the beginning.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a RunEvent>) -> Result<RunState, IllegalEvent> {
    events.into_iter().try_fold(RunState::default(), try_evolve)
}

/// Whether the tables know the step. Looks only; so a refused event leaves the state as it was.
fn check(state: &RunState, event: &RunEvent) -> Result<(), String> {
    let step = run_step(event);
    if state.phase.after(step).is_none() {
        return Err(format!("a run that is {:?} cannot {step:?}", state.phase));
    }
    match event {
        RunEvent::PlanAdopted { add, drop, .. } => check_change(state, add, drop),
        RunEvent::TaskUnreachable { task, .. } => check_task(state, task, TaskStep::Drop),
        RunEvent::AttemptStarted { attempt, .. } => check_start(state, attempt),
        RunEvent::AttemptProgressed { attempt, .. } => active(state, attempt).map(|_| ()),
        RunEvent::AttemptFinished { attempt, result, then, .. } => {
            check_end(state, attempt, attempt_step(result), *then)
        }
        RunEvent::AttemptFailed { attempt, failure, then, .. } => {
            check_end(state, attempt, failure_step(failure.class), *then)
        }
        RunEvent::AttemptLost { attempt, then, .. } => check_end(state, attempt, AttemptStep::Lose, *then),
        RunEvent::TaskDelayed { task, .. } => check_task(state, task, TaskStep::Start),
        _ => control::check(state, event),
    }
}

fn run_step(event: &RunEvent) -> RunStep {
    match event {
        RunEvent::RunSubmitted { .. } => RunStep::Submit,
        RunEvent::PlanAdopted { .. } => RunStep::Adopt,
        RunEvent::TaskUnreachable { .. }
        | RunEvent::AttemptStarted { .. }
        | RunEvent::AttemptProgressed { .. }
        | RunEvent::AttemptFinished { .. }
        | RunEvent::AttemptFailed { .. }
        | RunEvent::AttemptLost { .. }
        | RunEvent::TaskDelayed { .. }
        | RunEvent::CapacityChanged { .. }
        | RunEvent::RunResumed { .. }
        | RunEvent::OrderTaken { .. }
        | RunEvent::DeadlineMoved { .. }
        | RunEvent::ApprovalAsked { .. }
        | RunEvent::ApprovalLapsed { .. }
        | RunEvent::EffectIntended { .. }
        | RunEvent::EffectReceived { .. }
        | RunEvent::RunForked { .. } => RunStep::Work,
        RunEvent::RunCancelled { .. } | RunEvent::RunLimitReached { .. } => RunStep::Halt,
        RunEvent::RunFinished { .. } => RunStep::Finish,
    }
}

/// The step that an attempt takes with this result.
fn attempt_step(result: &AttemptResult) -> AttemptStep {
    match result {
        AttemptResult::Done { .. } => AttemptStep::Succeed,
        AttemptResult::GaveUp { .. } => AttemptStep::GiveUp,
        AttemptResult::LimitReached { .. } => AttemptStep::ReachLimit,
        AttemptResult::Lost { .. } => AttemptStep::Lose,
    }
}

/// The step that an attempt takes with such a failure.
fn failure_step(class: FailureClass) -> AttemptStep {
    match class {
        FailureClass::Infrastructure | FailureClass::PoisonedSandbox => AttemptStep::Lose,
        FailureClass::Limit => AttemptStep::ReachLimit,
        FailureClass::GaveUp | FailureClass::CheckFailed => AttemptStep::GiveUp,
    }
}

fn check_change(state: &RunState, add: &[Task], drop: &[TaskId]) -> Result<(), String> {
    if let Some(task) = add.iter().find(|task| state.tasks.contains_key(&task.id)) {
        return Err(format!("task `{}` exists already", task.id));
    }
    drop.iter().try_for_each(|id| match state.tasks.get(id).map(|task| task.phase) {
        Some(TaskPhase::Waiting | TaskPhase::Running) => Ok(()),
        Some(phase) => Err(format!("task `{id}` is {phase:?} and cannot be dropped")),
        None if add.iter().any(|task| task.id == *id) => Ok(()),
        None => Err(format!("task `{id}` is unknown")),
    })
}

fn check_task(state: &RunState, id: &TaskId, step: TaskStep) -> Result<(), String> {
    let phase = state.tasks.get(id).ok_or_else(|| format!("task `{id}` is unknown"))?.phase;
    phase.after(step).map(|_| ()).ok_or_else(|| format!("task `{id}` is {phase:?} and cannot {step:?}"))
}

fn check_start(state: &RunState, attempt: &AttemptId) -> Result<(), String> {
    check_task(state, &attempt.task, TaskStep::Start)?;
    let made = state.tasks.get(&attempt.task).map_or(0, |task| task.attempts.len() as u32);
    if attempt.number != made + 1 {
        return Err(format!("attempt `{attempt}` comes after {made} attempts"));
    }
    Ok(())
}

fn check_end(state: &RunState, attempt: &AttemptId, step: AttemptStep, then: TaskStep) -> Result<(), String> {
    let phase = active(state, attempt)?;
    let end =
        phase.after(step).ok_or_else(|| format!("attempt `{attempt}` is {phase:?} and cannot {step:?}"))?;
    if !end.allows(then) {
        return Err(format!("an attempt that is {end:?} does not let its task {then:?}"));
    }
    check_task(state, &attempt.task, then)
}

/// The phase of an attempt that is not over.
fn active(state: &RunState, id: &AttemptId) -> Result<AttemptPhase, String> {
    let attempt = state.attempt(id).ok_or_else(|| format!("attempt `{id}` is unknown"))?;
    if attempt.phase.is_over() {
        return Err(format!("attempt `{id}` is over"));
    }
    Ok(attempt.phase)
}

/// Follows an event that [`check`] has let through.
fn write(state: &mut RunState, event: &RunEvent) {
    state.events += 1;
    state.phase = state.phase.after(run_step(event)).unwrap_or(state.phase);
    match event {
        RunEvent::RunSubmitted { spec, limits, at_ms } => {
            state.spec = spec.clone();
            state.limits = limits.clone();
            state.submitted_at_ms = *at_ms;
            state.last_at_ms = *at_ms;
        }
        RunEvent::PlanAdopted { add, drop, reason, seen } => adopt(state, add, drop, reason, *seen),
        RunEvent::RunResumed { deadline_at_ms, at_ms } => {
            state.epoch += 1;
            state.limits.deadline_at_ms = *deadline_at_ms;
            time_is(state, *at_ms);
            control::write(state, event);
        }
        RunEvent::CapacityChanged { capacity } => state.capacity = *capacity,
        RunEvent::OrderTaken { at_ms, .. } => {
            time_is(state, *at_ms);
            control::write(state, event);
        }
        RunEvent::DeadlineMoved { .. }
        | RunEvent::ApprovalAsked { .. }
        | RunEvent::ApprovalLapsed { .. }
        | RunEvent::EffectIntended { .. }
        | RunEvent::EffectReceived { .. }
        | RunEvent::RunForked { .. } => control::write(state, event),
        RunEvent::RunCancelled { reason } => halt(state, Halt::Cancelled { reason: reason.clone() }),
        RunEvent::RunLimitReached { which } => halt(state, Halt::LimitReached { which: which.clone() }),
        RunEvent::RunFinished { verdict, summary } => {
            state.verdict = Some(verdict.clone());
            state.summary = Some(summary.clone());
            close(state);
        }
        RunEvent::TaskUnreachable { task, .. }
        | RunEvent::TaskDelayed { task, .. }
        | RunEvent::AttemptStarted { attempt: AttemptId { task, .. }, .. }
        | RunEvent::AttemptProgressed { attempt: AttemptId { task, .. }, .. }
        | RunEvent::AttemptFinished { attempt: AttemptId { task, .. }, .. }
        | RunEvent::AttemptFailed { attempt: AttemptId { task, .. }, .. }
        | RunEvent::AttemptLost { attempt: AttemptId { task, .. }, .. } => {
            if let Some(slot) = state.tasks.slot(task) {
                write_task(state, slot, event);
            }
        }
    }
}

/// Follows an event about one task.
fn write_task(state: &mut RunState, slot: Slot, event: &RunEvent) {
    match event {
        RunEvent::TaskUnreachable { because, .. } => {
            note(state, slot, format!("needs `{because}`, which was not done"));
            move_task(state, slot, TaskStep::Drop);
        }
        RunEvent::TaskDelayed { not_before_ms, .. } => state.tasks.delay(slot, *not_before_ms),
        RunEvent::AttemptStarted { at_ms, .. } => start(state, slot, *at_ms),
        RunEvent::AttemptProgressed { note, .. } => {
            if let Some(task) = state.tasks.at_mut(slot) {
                task.last_progress = Some(note.clone());
            }
        }
        RunEvent::AttemptFinished { result, then, at_ms, .. } => {
            end(state, slot, attempt_step(result), ending_of(result), *at_ms);
            move_task(state, slot, *then);
        }
        RunEvent::AttemptFailed { failure, then, quarantined, at_ms, .. } => {
            fail(state, slot, failure, *quarantined, *at_ms);
            move_task(state, slot, *then);
        }
        RunEvent::AttemptLost { reason, then, at_ms, .. } => {
            let ending = Ending { reason: Some(reason.clone()), ..Ending::default() };
            end(state, slot, AttemptStep::Lose, ending, *at_ms);
            uncharge(state, slot);
            move_task(state, slot, *then);
        }
        _ => {}
    }
}

/// Time only goes forward.
fn time_is(state: &mut RunState, at_ms: i64) {
    state.last_at_ms = state.last_at_ms.max(at_ms);
    state.tasks.wake(state.last_at_ms);
}

fn adopt(state: &mut RunState, add: &[Task], drop: &[TaskId], reason: &str, seen: Option<u64>) {
    state.revision += 1;
    state.tasks.add(add);
    for slot in drop.iter().filter_map(|id| state.tasks.slot(id)).collect::<Vec<_>>() {
        let reason = if reason.is_empty() { "dropped from the plan" } else { reason };
        drop_or_stop(state, slot, reason);
    }
    let through = seen.unwrap_or(state.settled.len() as u64);
    state.planned_through = state.planned_through.max(through);
}

/// Drops a task that waits, asks the attempt of one that runs to stop, leaves any other alone.
pub(crate) fn drop_or_stop(state: &mut RunState, slot: Slot, reason: &str) {
    match state.tasks.at(slot).map(|task| task.phase) {
        Some(TaskPhase::Waiting) => {
            note(state, slot, reason.to_owned());
            move_task(state, slot, TaskStep::Drop);
        }
        Some(TaskPhase::Running) => {
            note(state, slot, reason.to_owned());
            move_task(state, slot, TaskStep::Stop);
            if let Some(attempt) = state.tasks.at_mut(slot).and_then(|task| task.attempts.last_mut()) {
                attempt.phase = attempt.phase.after(AttemptStep::Stop).unwrap_or(attempt.phase);
                attempt.reason = Some(reason.to_owned());
            }
        }
        _ => {}
    }
}

fn start(state: &mut RunState, slot: Slot, at_ms: i64) {
    state.attempts_charged += 1;
    time_is(state, at_ms);
    if let Some(task) = state.tasks.at_mut(slot) {
        task.charged += 1;
        task.attempts.push(Attempt {
            phase: AttemptPhase::Running,
            started_at_ms: at_ms,
            ended_at_ms: None,
            output: None,
            reason: None,
            failure: None,
        });
    }
    move_task(state, slot, TaskStep::Start);
}

/// What the end of an attempt leaves behind.
#[derive(Default)]
struct Ending {
    output: Option<Value>,
    reason: Option<String>,
    failure: Option<FailureClass>,
}

fn ending_of(result: &AttemptResult) -> Ending {
    let (output, reason) = match result {
        AttemptResult::Done { output } => (Some(output.clone()), None),
        AttemptResult::GaveUp { reason, output } => (Some(output.clone()), Some(reason.clone())),
        AttemptResult::LimitReached { which } => (None, Some(format!("{which} reached"))),
        AttemptResult::Lost { reason } => (None, Some(reason.clone())),
    };
    Ending { output, reason, failure: None }
}

fn fail(state: &mut RunState, slot: Slot, failure: &Failure, quarantined: bool, at_ms: i64) {
    let kills = state.tasks.at(slot).map_or(0, |task| task.kills) + u32::from(failure.killed_worker);
    let reason = match quarantined {
        true => format!("in quarantine, because it killed {kills} workers: {}", failure.reason),
        false => failure.reason.clone(),
    };
    let output = Some(&failure.output).filter(|output| !output.is_null()).cloned();
    let ending = Ending { output, reason: Some(reason), failure: Some(failure.class) };
    end(state, slot, failure_step(failure.class), ending, at_ms);
    if let Some(task) = state.tasks.at_mut(slot) {
        task.kills = kills;
    }
}

fn end(state: &mut RunState, slot: Slot, step: AttemptStep, ending: Ending, at_ms: i64) {
    time_is(state, at_ms);
    let Some(task) = state.tasks.at_mut(slot) else { return };
    let being_dropped = task.phase == TaskPhase::Stopping;
    let Some(attempt) = task.attempts.last_mut() else { return };
    attempt.phase = attempt.phase.after(step).unwrap_or(attempt.phase);
    attempt.ended_at_ms = Some(at_ms);
    attempt.output = ending.output;
    attempt.reason = ending.reason;
    attempt.failure = ending.failure;
    if !being_dropped {
        task.note = attempt.reason.clone();
    }
}

/// An attempt lost with its process is not held against the task or the run.
fn uncharge(state: &mut RunState, slot: Slot) {
    state.attempts_charged = state.attempts_charged.saturating_sub(1);
    if let Some(task) = state.tasks.at_mut(slot) {
        task.charged = task.charged.saturating_sub(1);
    }
}

fn halt(state: &mut RunState, halt: Halt) {
    let (reason, lets_end) = (halt.to_string(), halt.lets_attempts_end());
    state.halt = Some(halt);
    for slot in unsettled(state) {
        let waits = state.tasks.at(slot).is_some_and(|task| task.phase == TaskPhase::Waiting);
        if waits || !lets_end {
            drop_or_stop(state, slot, &reason);
        }
    }
}

/// Settles whatever is not settled when the run ends. Attempts that did not come back count as stopped.
fn close(state: &mut RunState) {
    for slot in unsettled(state) {
        drop_or_stop(state, slot, "the run is finished");
        let Some(task) = state.tasks.at_mut(slot).filter(|task| task.phase == TaskPhase::Stopping) else {
            continue;
        };
        if let Some(attempt) = task.attempts.last_mut() {
            attempt.phase = attempt.phase.after(AttemptStep::Lose).unwrap_or(attempt.phase);
        }
        move_task(state, slot, TaskStep::Drop);
    }
    state.planned_through = state.settled.len() as u64;
}

/// In the order of names: what settles is listed in the order in which it settles.
fn unsettled(state: &RunState) -> Vec<Slot> {
    let open = state.tasks.iter().filter(|(_, task)| !task.phase.is_settled());
    open.map(|(_, task)| task.order as Slot).collect()
}

fn note(state: &mut RunState, slot: Slot, text: String) {
    if let Some(task) = state.tasks.at_mut(slot) {
        task.note = Some(text);
    }
}

fn move_task(state: &mut RunState, slot: Slot, step: TaskStep) {
    let settled = state.tasks.step(slot, step).is_some_and(TaskPhase::is_settled);
    if let Some(id) = state.tasks.id_at(slot).filter(|_| settled).cloned() {
        state.settled.push(id);
    }
}
