//! How events change state. No policy here: whether an event should have happened is not asked, only whether the tables
//! in [`crate::transitions`] know such a step.

use crate::transitions::{AttemptStep, RunStep};
use crate::{
    Attempt, AttemptId, AttemptPhase, AttemptResult, Halt, RunEvent, RunState, Task, TaskId, TaskPhase,
    TaskState, TaskStep,
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
        RunEvent::AttemptLost { attempt, then, .. } => check_end(state, attempt, AttemptStep::Lose, *then),
        _ => Ok(()),
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
        | RunEvent::AttemptLost { .. }
        | RunEvent::RunResumed { .. } => RunStep::Work,
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
        RunEvent::TaskUnreachable { task, because } => {
            note(state, task, format!("needs `{because}`, which was not done"));
            move_task(state, task, TaskStep::Drop);
        }
        RunEvent::AttemptStarted { attempt, at_ms } => start(state, attempt, *at_ms),
        RunEvent::AttemptProgressed { attempt, note } => {
            if let Some(task) = state.tasks.get_mut(&attempt.task) {
                task.last_progress = Some(note.clone());
            }
        }
        RunEvent::AttemptFinished { attempt, result, then, at_ms } => {
            end(state, attempt, attempt_step(result), ending_of(result), *at_ms);
            move_task(state, &attempt.task, *then);
        }
        RunEvent::AttemptLost { attempt, reason, then, at_ms } => {
            end(state, attempt, AttemptStep::Lose, (None, Some(reason.clone())), *at_ms);
            uncharge(state, &attempt.task);
            move_task(state, &attempt.task, *then);
        }
        RunEvent::RunResumed { deadline_at_ms, at_ms } => {
            state.epoch += 1;
            state.limits.deadline_at_ms = *deadline_at_ms;
            state.last_at_ms = state.last_at_ms.max(*at_ms);
        }
        RunEvent::RunCancelled { reason } => halt(state, Halt::Cancelled { reason: reason.clone() }),
        RunEvent::RunLimitReached { which } => halt(state, Halt::LimitReached { which: which.clone() }),
        RunEvent::RunFinished { verdict, summary } => {
            state.verdict = Some(verdict.clone());
            state.summary = Some(summary.clone());
            close(state);
        }
    }
}

fn adopt(state: &mut RunState, add: &[Task], drop: &[TaskId], reason: &str, seen: Option<u64>) {
    state.revision += 1;
    for task in add {
        let order = state.tasks.len() as u64;
        let fresh = TaskState {
            task: task.clone(),
            order,
            phase: TaskPhase::Waiting,
            attempts: Vec::new(),
            charged: 0,
            last_progress: None,
            note: None,
        };
        state.tasks.insert(task.id.clone(), fresh);
    }
    for id in drop {
        let reason = if reason.is_empty() { "dropped from the plan" } else { reason };
        drop_or_stop(state, id, reason);
    }
    let through = seen.unwrap_or(state.settled.len() as u64);
    state.planned_through = state.planned_through.max(through);
}

/// Drops a task that waits, asks the attempt of one that runs to stop, leaves any other alone.
fn drop_or_stop(state: &mut RunState, id: &TaskId, reason: &str) {
    match state.tasks.get(id).map(|task| task.phase) {
        Some(TaskPhase::Waiting) => {
            note(state, id, reason.to_owned());
            move_task(state, id, TaskStep::Drop);
        }
        Some(TaskPhase::Running) => {
            note(state, id, reason.to_owned());
            move_task(state, id, TaskStep::Stop);
            if let Some(attempt) = state.tasks.get_mut(id).and_then(|task| task.attempts.last_mut()) {
                attempt.phase = attempt.phase.after(AttemptStep::Stop).unwrap_or(attempt.phase);
                attempt.reason = Some(reason.to_owned());
            }
        }
        _ => {}
    }
}

fn start(state: &mut RunState, attempt: &AttemptId, at_ms: i64) {
    state.attempts_charged += 1;
    state.last_at_ms = state.last_at_ms.max(at_ms);
    if let Some(task) = state.tasks.get_mut(&attempt.task) {
        task.charged += 1;
        task.attempts.push(Attempt {
            phase: AttemptPhase::Running,
            started_at_ms: at_ms,
            ended_at_ms: None,
            output: None,
            reason: None,
        });
    }
    move_task(state, &attempt.task, TaskStep::Start);
}

/// What a result leaves behind: an output, a reason.
fn ending_of(result: &AttemptResult) -> (Option<serde_json::Value>, Option<String>) {
    match result {
        AttemptResult::Done { output } => (Some(output.clone()), None),
        AttemptResult::GaveUp { reason, output } => (Some(output.clone()), Some(reason.clone())),
        AttemptResult::LimitReached { which } => (None, Some(format!("{which} reached"))),
        AttemptResult::Lost { reason } => (None, Some(reason.clone())),
    }
}

fn end(
    state: &mut RunState,
    id: &AttemptId,
    step: AttemptStep,
    (output, reason): (Option<serde_json::Value>, Option<String>),
    at_ms: i64,
) {
    state.last_at_ms = state.last_at_ms.max(at_ms);
    let Some(task) = state.tasks.get_mut(&id.task) else { return };
    let being_dropped = task.phase == TaskPhase::Stopping;
    let Some(attempt) = task.attempts.last_mut() else { return };
    attempt.phase = attempt.phase.after(step).unwrap_or(attempt.phase);
    attempt.ended_at_ms = Some(at_ms);
    attempt.output = output;
    attempt.reason = reason;
    if !being_dropped {
        task.note = attempt.reason.clone();
    }
}

/// An attempt lost with its process is not held against the task or the run.
fn uncharge(state: &mut RunState, id: &TaskId) {
    state.attempts_charged = state.attempts_charged.saturating_sub(1);
    if let Some(task) = state.tasks.get_mut(id) {
        task.charged = task.charged.saturating_sub(1);
    }
}

fn halt(state: &mut RunState, halt: Halt) {
    let (reason, lets_end) = (halt.to_string(), halt.lets_attempts_end());
    state.halt = Some(halt);
    for id in unsettled(state) {
        let waits = state.tasks.get(&id).is_some_and(|task| task.phase == TaskPhase::Waiting);
        if waits || !lets_end {
            drop_or_stop(state, &id, &reason);
        }
    }
}

/// Settles whatever is not settled when the run ends. Attempts that did not come back count as stopped.
fn close(state: &mut RunState) {
    for id in unsettled(state) {
        drop_or_stop(state, &id, "the run is finished");
        let Some(task) = state.tasks.get_mut(&id).filter(|task| task.phase == TaskPhase::Stopping) else {
            continue;
        };
        if let Some(attempt) = task.attempts.last_mut() {
            attempt.phase = attempt.phase.after(AttemptStep::Lose).unwrap_or(attempt.phase);
        }
        move_task(state, &id, TaskStep::Drop);
    }
    state.planned_through = state.settled.len() as u64;
}

fn unsettled(state: &RunState) -> Vec<TaskId> {
    state.tasks.iter().filter(|(_, task)| !task.phase.is_settled()).map(|(id, _)| id.clone()).collect()
}

fn note(state: &mut RunState, id: &TaskId, text: String) {
    if let Some(task) = state.tasks.get_mut(id) {
        task.note = Some(text);
    }
}

fn move_task(state: &mut RunState, id: &TaskId, step: TaskStep) {
    let Some(task) = state.tasks.get_mut(id) else { return };
    let Some(phase) = task.phase.after(step) else { return };
    task.phase = phase;
    if phase.is_settled() {
        state.settled.push(id.clone());
    }
}
