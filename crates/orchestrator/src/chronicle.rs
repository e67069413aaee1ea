//! Events of a run in one line each, for people who look into a run, compare runs or look for a divergence.

use serde::Serialize;
use serde_json::Value;
use smallhands_task_graph::{AttemptResult, RunEvent};

use crate::control::words;
use crate::journal::stream_of;
use crate::replay::decode;
use crate::request::RunError;
use crate::state_dir::StateDir;

/// Longest line.
const SHOWN: usize = 300;

/// An event as it is listed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listed {
    /// Its number, from 1.
    pub event: u64,
    /// When it was written, milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// Its kind.
    pub kind: String,
    /// What it says, one line.
    pub line: String,
    /// All that it says.
    pub payload: Value,
}

/// All events of a run.
///
/// # Errors
/// [`RunError::UnknownRun`], or whatever makes its events unreadable.
pub fn events(state: &StateDir, run: &str) -> Result<Vec<Listed>, RunError> {
    let stored = state.log().read(&stream_of(run)?, 0)?;
    if stored.is_empty() {
        return Err(RunError::UnknownRun { run: run.to_owned(), state: state.root().to_path_buf() });
    }
    let decoded = decode(run, &stored)?;
    let listed = stored.into_iter().zip(decoded).map(|(stored, recorded)| Listed {
        event: stored.seq,
        at_ms: stored.at_ms,
        kind: stored.kind,
        line: line(&recorded.event),
        payload: stored.payload,
    });
    Ok(listed.collect())
}

/// What an event says.
#[must_use]
pub fn line(event: &RunEvent) -> String {
    let line = match event {
        RunEvent::RunSubmitted { spec, .. } => format!("submitted: {}", text(&spec["task"])),
        RunEvent::PlanAdopted { add, drop, reason, .. } => {
            let added: Vec<&str> = add.iter().map(|task| task.id.as_str()).collect();
            let dropped: Vec<&str> = drop.iter().map(|task| task.as_str()).collect();
            format!("plan ({reason}): + [{}] - [{}]", added.join(", "), dropped.join(", "))
        }
        RunEvent::TaskUnreachable { task, because } => {
            format!("{task} can never start, because of {because}")
        }
        RunEvent::AttemptStarted { attempt, .. } => format!("{attempt} started"),
        RunEvent::AttemptProgressed { attempt, note } => format!("{attempt} came so far: {note}"),
        RunEvent::AttemptFinished { attempt, result, then, .. } => {
            format!("{attempt} {}, so its task {}", of_result(result), lower(then))
        }
        RunEvent::AttemptLost { attempt, reason, then, .. } => {
            format!("{attempt} lost ({reason}), so its task {}", lower(then))
        }
        RunEvent::AttemptFailed { attempt, failure, then, quarantined, .. } => {
            let quarantine = if *quarantined { ", in quarantine" } else { "" };
            format!("{attempt} failed ({}), so its task {}{quarantine}", failure.reason, lower(then))
        }
        RunEvent::TaskDelayed { task, .. } => format!("{task} waits before it is tried again"),
        RunEvent::CapacityChanged { capacity } => format!("capacity: {capacity:?}"),
        RunEvent::RunResumed { .. } => "another process took over".into(),
        RunEvent::RunCancelled { reason } => format!("called off: {reason}"),
        RunEvent::RunLimitReached { which } => format!("{which} reached"),
        RunEvent::OrderTaken { request, order, .. } => format!("order {request}: {}", words::of_order(order)),
        RunEvent::DeadlineMoved { .. } => "the deadline moved".into(),
        RunEvent::ApprovalAsked { approval, attempt, question, .. } => {
            format!("{approval}: {attempt} asks: {question}")
        }
        RunEvent::ApprovalLapsed { approval } => format!("{approval}: nobody answered in time"),
        RunEvent::EffectIntended { key, what, .. } => format!("effect {key} intended: {what}"),
        RunEvent::EffectReceived { key, done, receipt } => {
            format!("effect {key} {}: {receipt}", if *done { "done" } else { "not known to be done" })
        }
        RunEvent::RunForked { parent, at } => format!("forked from {parent} after its event {at}"),
        RunEvent::RunFinished { verdict, summary } => {
            format!("finished: {} — {}", text(verdict), text(&summary["reason"]))
        }
    };
    line.chars().take(SHOWN).collect()
}

fn of_result(result: &AttemptResult) -> String {
    match result {
        AttemptResult::Done { output } => format!("is done with {}", brought(output)),
        AttemptResult::GaveUp { reason, .. } => format!("gave up ({reason})"),
        AttemptResult::LimitReached { which } => format!("ran into its limit ({which})"),
        AttemptResult::Lost { reason } => format!("was lost ({reason})"),
    }
}

fn brought(output: &Value) -> String {
    match crate::assignment::Delivery::from_value(output) {
        Ok(delivery) => crate::dispatcher::describe(&delivery),
        Err(_) => output.to_string(),
    }
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn lower(step: &impl serde::Serialize) -> String {
    let value = serde_json::to_value(step).unwrap_or_default();
    match value.as_str() {
        Some("succeed") => "is done".into(),
        Some("give_up") => "is given up".into(),
        Some("fail") => "fails".into(),
        Some("retry") => "is tried again".into(),
        Some("drop") => "is dropped".into(),
        other => other.unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_have_words() {
        let cases = [
            (
                json!({"kind": "run_submitted", "payload": {"spec": {"task": "mend"}, "limits": {"agents": 1}, "at_ms": 1}}),
                "submitted: mend",
            ),
            (json!({"kind": "attempt_started", "payload": {"attempt": "a#2", "at_ms": 1}}), "a#2 started"),
            (
                json!({"kind": "attempt_lost", "payload": {"attempt": "a#2", "reason": "gone", "then": "retry", "at_ms": 1}}),
                "a#2 lost (gone), so its task is tried again",
            ),
            (
                json!({"kind": "run_forked", "payload": {"parent": "r0", "at": 7}}),
                "forked from r0 after its event 7",
            ),
            (
                json!({"kind": "run_finished", "payload": {"verdict": "failed", "summary": {"reason": "no way"}}}),
                "finished: failed — no way",
            ),
            (
                json!({"kind": "approval_lapsed", "payload": {"approval": "ask-1"}}),
                "ask-1: nobody answered in time",
            ),
        ];
        for (event, expected) in cases {
            let event: RunEvent = serde_json::from_value(event).unwrap();
            assert_eq!(line(&event), expected);
        }
    }

    #[test]
    fn lines_are_bounded() {
        assert_eq!(line(&RunEvent::RunCancelled { reason: "é".repeat(999) }).chars().count(), SHOWN);
    }
}
