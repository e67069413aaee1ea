//! From durable events to what people and scripts are told. Pure.

use smallhands_task_graph::{AttemptId, AttemptResult, Order, RunEvent, RunState, Task, TaskId, TaskStep};

use crate::assignment::Delivery;
use crate::control::words;
use crate::progress::{Progress, TaskPhase, TaskView};

/// Failing tests named in one message.
const NAMED_TESTS: usize = 200;

/// What to tell about an event that has just become part of `state`.
#[must_use]
pub fn of_event(event: &RunEvent, state: &RunState) -> Vec<Progress> {
    match event {
        RunEvent::PlanAdopted { add, drop, reason, .. } if !add.is_empty() || !drop.is_empty() => {
            let mut told = vec![plan_changed(add, drop, reason)];
            // Tasks that are on record only to say why they are not done.
            let skipped = drop.iter().filter(|id| add.iter().any(|task| task.id == **id));
            told.extend(skipped.map(|id| task_changed(id, TaskPhase::Dropped, reason.clone())));
            told
        }
        RunEvent::TaskUnreachable { task, because } => {
            vec![task_changed(task, TaskPhase::Dropped, format!("{because} did not get done"))]
        }
        RunEvent::AttemptStarted { attempt, .. } => {
            vec![task_changed(&attempt.task, TaskPhase::Running, String::new())]
        }
        RunEvent::AttemptFinished { attempt, result, then, .. } => {
            attempt_finished(attempt, result, *then, state)
        }
        RunEvent::AttemptLost { attempt, reason, then, .. } => {
            vec![
                ended(attempt, "lost", reason),
                task_changed(&attempt.task, phase_after(*then), reason.clone()),
            ]
        }
        RunEvent::OrderTaken { request, order, .. } => ordered(*request, order, state),
        RunEvent::ApprovalAsked { approval, attempt, question, default, until_ms } => {
            vec![Progress::ApprovalAsked {
                approval: approval.clone(),
                attempt: attempt.to_string(),
                question: question.clone(),
                default: *default,
                until_ms: *until_ms,
            }]
        }
        RunEvent::ApprovalLapsed { approval } => {
            let yes = state.control.approvals.get(approval).is_some_and(|approval| approval.default);
            vec![Progress::ApprovalSettled { approval: approval.clone(), yes, by: "nobody".into() }]
        }
        _ => Vec::new(),
    }
}

fn ordered(request: u64, order: &Order, state: &RunState) -> Vec<Progress> {
    let mut told = vec![Progress::ControlTaken { request, words: words::of_order(order) }];
    match order {
        Order::Answer { approval, yes } => {
            told.push(Progress::ApprovalSettled { approval: approval.clone(), yes: *yes, by: "user".into() });
        }
        Order::CancelTask { task, reason }
            if state
                .task(task)
                .is_some_and(|task| task.phase == smallhands_task_graph::TaskPhase::Dropped) =>
        {
            told.push(task_changed(task, TaskPhase::Dropped, reason.clone()));
        }
        _ => {}
    }
    told
}

fn plan_changed(add: &[Task], drop: &[TaskId], reason: &str) -> Progress {
    Progress::PlanChanged {
        reason: reason.to_owned(),
        added: add.iter().map(task_view).collect(),
        dropped: drop.iter().map(ToString::to_string).collect(),
    }
}

/// A task as shown to people.
#[must_use]
pub fn task_view(task: &Task) -> TaskView {
    TaskView {
        id: task.id.to_string(),
        role: task.role.to_string(),
        goal: task.goal.clone(),
        after: task.after.iter().map(ToString::to_string).collect(),
    }
}

fn attempt_finished(
    attempt: &AttemptId,
    result: &AttemptResult,
    then: TaskStep,
    state: &RunState,
) -> Vec<Progress> {
    let (outcome, note, output) = match result {
        AttemptResult::Done { output } => ("done", None, Some(output)),
        AttemptResult::GaveUp { reason, output } => ("gave_up", Some(reason.clone()), Some(output)),
        AttemptResult::LimitReached { which } => ("limit_reached", Some(format!("{which} reached")), None),
        AttemptResult::Lost { reason } => ("lost", Some(reason.clone()), None),
    };
    let delivery = output.and_then(|output| Delivery::from_value(output).ok());
    let note = note.or_else(|| delivery.as_ref().map(describe)).unwrap_or_default();
    let mut told = vec![ended(attempt, outcome, &note)];
    told.extend(delivery.as_ref().and_then(|delivery| of_delivery(attempt, delivery)));
    if state.task(&attempt.task).is_some() {
        told.push(task_changed(&attempt.task, phase_after(then), note));
    }
    told
}

fn of_delivery(attempt: &AttemptId, delivery: &Delivery) -> Option<Progress> {
    match delivery {
        Delivery::Observed { counts, failing, .. } => Some(Progress::TestsObserved {
            counts: *counts,
            failing: failing.iter().take(NAMED_TESTS).cloned().collect(),
        }),
        Delivery::Integrated { merged: Some(patch), fixed, .. } => Some(Progress::PatchMerged {
            task: attempt.task.to_string(),
            patch: patch.view.clone(),
            fixed: fixed.clone(),
        }),
        _ => None,
    }
}

/// A delivery in one line.
#[must_use]
pub fn describe(delivery: &Delivery) -> String {
    match delivery {
        Delivery::Observed { counts, groups, mode, .. } => format!(
            "{} passed, {} failed ({mode}); {} suspected causes",
            counts.passed,
            counts.failed,
            groups.len()
        ),
        Delivery::Searched { found, validated, candidates, ended } => {
            let complete = found.iter().filter(|patch| patch.complete).count();
            format!(
                "{complete} patches pass ({} partial), {validated} of {candidates} candidates validated, {ended}",
                found.len() - complete
            )
        }
        Delivery::Changed { note, .. } | Delivery::Ran { note, .. } => note.clone(),
        Delivery::Integrated { merged: Some(patch), fixed, .. } => {
            format!("merged {}:{}, {} tests pass since then", patch.view.file, patch.view.line, fixed.len())
        }
        Delivery::Integrated { rejected, .. } => format!("nothing merged, {} rejected", rejected.len()),
        Delivery::Verified { green, counts, .. } => {
            format!(
                "{}: {} passed, {} failed",
                if *green { "green" } else { "red" },
                counts.passed,
                counts.failed
            )
        }
    }
}

fn ended(attempt: &AttemptId, outcome: &str, note: &str) -> Progress {
    Progress::AttemptFinished {
        attempt: attempt.to_string(),
        outcome: outcome.to_owned(),
        note: note.to_owned(),
    }
}

fn task_changed(task: &TaskId, phase: TaskPhase, note: String) -> Progress {
    Progress::TaskChanged { task: task.to_string(), phase, note }
}

fn phase_after(step: TaskStep) -> TaskPhase {
    match step {
        TaskStep::Start => TaskPhase::Running,
        TaskStep::Succeed => TaskPhase::Done,
        TaskStep::GiveUp | TaskStep::Fail => TaskPhase::Failed,
        TaskStep::Retry => TaskPhase::Waiting,
        TaskStep::Stop | TaskStep::Drop => TaskPhase::Dropped,
    }
}

#[cfg(test)]
#[path = "telling_tests.rs"]
mod tests;
