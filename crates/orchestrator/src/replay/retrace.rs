//! Decides every command of a log again and compares the events. Pure.

use smallhands_task_graph::{RunEvent, RunState, decide};

use super::{Divergence, Recorded, commands, follow};
use crate::chronicle;

/// Follows the whole log. Returns the number of commands and the state that it leads to.
///
/// # Errors
/// The first event that does not follow.
pub(super) fn retrace(stream: &str, events: &[Recorded]) -> Result<(u64, RunState), Divergence> {
    let mut state = RunState::default();
    let (mut at, mut commands) = (0, 0);
    while at < events.len() {
        let length = next(stream, &state, events, at)?;
        for recorded in &events[at..at + length] {
            state = follow(stream, state, &recorded.event)?;
        }
        at += length;
        commands += 1;
    }
    Ok((commands, state))
}

/// The numbers of events after which no command is half done: where a log may be cut.
///
/// # Errors
/// The first event that does not follow.
pub(crate) fn boundaries(stream: &str, events: &[Recorded]) -> Result<Vec<u64>, Divergence> {
    let mut state = RunState::default();
    let (mut at, mut found) = (0, Vec::new());
    while at < events.len() {
        let length = next(stream, &state, events, at)?;
        for recorded in &events[at..at + length] {
            state = follow(stream, state, &recorded.event)?;
        }
        at += length;
        found.push(at as u64);
    }
    Ok(found)
}

/// How many events from `at` on are those of one command.
fn next(stream: &str, state: &RunState, events: &[Recorded], at: usize) -> Result<usize, Divergence> {
    let rest = &events[at..];
    let mut best: Option<(usize, String)> = None;
    for command in commands::of(state, rest) {
        let decided = match decide(state, &command) {
            Ok(decided) => decided,
            Err(refusal) => {
                best.get_or_insert((0, format!("a refusal ({refusal})")));
                continue;
            }
        };
        let agree =
            decided.iter().zip(rest).take_while(|(event, recorded)| **event == recorded.event).count();
        if agree == decided.len() && agree > 0 {
            return Ok(agree);
        }
        let expected = decided.get(agree).map_or_else(|| "nothing at all".to_owned(), describe);
        if best.as_ref().is_none_or(|(most, _)| agree > *most) {
            best = Some((agree, expected));
        }
    }
    let (agree, expected) = best
        .unwrap_or_else(|| (0, "the first event of a command; this one only ever follows another".into()));
    let got =
        rest.get(agree).map_or_else(|| "the end of the log".to_owned(), |recorded| describe(&recorded.event));
    Err(Divergence { stream: stream.to_owned(), event: (at + agree) as u64 + 1, expected, got })
}

fn describe(event: &RunEvent) -> String {
    format!("`{}`: {}", event.kind(), chronicle::line(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};
    use smallhands_task_graph::{AttemptResult, Command, Order, PlanChange, RunLimits, Task, evolve};

    /// A log made by commands, every event with the time at which it was written.
    fn log_of(commands: &[Command]) -> Vec<Recorded> {
        let mut state = RunState::default();
        let mut log = Vec::new();
        for (index, command) in commands.iter().enumerate() {
            for event in decide(&state, command).unwrap() {
                state = evolve(state, &event);
                log.push(Recorded { event, at_ms: index as i64 * 10 + 3 });
            }
        }
        log
    }

    fn story() -> Vec<Command> {
        let task = |id: &str, after: &[&str]| Task {
            after: after.iter().map(|id| (*id).into()).collect(),
            max_attempts: 2,
            ..Task::new(id, "worker", "work")
        };
        let add =
            vec![task("a", &[]), task("b", &[]), task("c", &["a"]), task("d", &["b"]), task("e", &["d"])];
        let end = |attempt: &str, result: AttemptResult, at_ms: i64| Command::FinishAttempt {
            attempt: attempt.parse().unwrap(),
            result,
            at_ms,
        };
        let order = |request, order, at_ms| Command::Order { request, order, at_ms };
        let ask = |until_ms| Command::Ask {
            attempt: "c#1".parse().unwrap(),
            question: "push?".into(),
            default: false,
            until_ms,
        };
        let limits = RunLimits { agents: 2, deadline_at_ms: Some(500), ..RunLimits::default() };
        vec![
            Command::Submit { spec: json!({"task": "x"}), limits, at_ms: 0 },
            Command::AdoptPlan(PlanChange { add, reason: "first plan".into(), ..PlanChange::default() }),
            Command::StartReady { at_ms: 21 },
            Command::AttemptProgress { attempt: "a#1".parse().unwrap(), note: json!(3) },
            Command::Intend { key: "r/a".into(), attempt: Some("a#1".parse().unwrap()), what: json!(1) },
            Command::Receive { key: "r/a".into(), done: true, receipt: json!(2) },
            end("a#1", AttemptResult::Done { output: Value::Null }, 40),
            end("b#1", AttemptResult::GaveUp { reason: "no".into(), output: Value::Null }, 41),
            Command::StartReady { at_ms: 42 },
            ask(60),
            ask(400),
            Command::Tick { at_ms: 77 },
            order(3, Order::Answer { approval: "ask-2".into(), yes: true }, 80),
            order(4, Order::Pause, 81),
            Command::Resume { at_ms: 100 },
            order(5, Order::Unpause, 130),
            Command::StartReady { at_ms: 131 },
            order(6, Order::CancelAttempt { attempt: "c#2".parse().unwrap(), reason: "r".into() }, 132),
            end("c#2", AttemptResult::Done { output: Value::Null }, 140),
            Command::StartReady { at_ms: 141 },
            Command::Tick { at_ms: 900 },
            Command::Finish { verdict: json!("failed"), summary: json!(null) },
        ]
    }

    fn finishable() -> Vec<Command> {
        let mut story = story();
        // The attempt that runs when the deadline comes ends before the run does.
        story.retain(|command| !matches!(command, Command::StartReady { at_ms: 141 }));
        story
    }

    #[test]
    fn every_command_is_told_from_its_events() {
        let log = log_of(&finishable());
        let (commands, state) = retrace("run/r", &log).unwrap();
        let effective = boundaries("run/r", &log).unwrap();
        assert_eq!(commands as usize, effective.len());
        assert_eq!(effective.last(), Some(&(log.len() as u64)));
        assert_eq!(state.events, log.len() as u64);
        assert_eq!(state.phase, smallhands_task_graph::RunPhase::Finished);
    }

    #[test]
    fn a_log_cut_at_a_boundary_can_be_replayed_and_between_them_cannot_always() {
        let log = log_of(&finishable());
        let found = boundaries("run/r", &log).unwrap();
        for at in &found {
            assert!(retrace("run/r", &log[..*at as usize]).is_ok(), "{at}");
        }
        let within = (1..log.len()).find(|at| !found.contains(&(*at as u64))).unwrap();
        let divergence = retrace("run/r", &log[..within]).unwrap_err();
        assert_eq!((divergence.event, divergence.got.as_str()), (within as u64 + 1, "the end of the log"));
    }

    #[test]
    fn the_first_divergence_is_named() {
        let log = log_of(&finishable());
        let started = log.iter().position(|r| matches!(r.event, RunEvent::AttemptStarted { .. })).unwrap();
        let mut swapped = log.clone();
        swapped.swap(started, started + 1);
        let divergence = retrace("run/r", &swapped).unwrap_err();
        assert_eq!(divergence.event as usize, started + 1);
        assert!(
            divergence.expected.contains("started") && divergence.got.contains("started"),
            "{divergence}"
        );

        let mut retried = log.clone();
        let ended = log.iter().position(|r| matches!(&r.event, RunEvent::AttemptFinished { attempt, .. } if attempt.task.as_str() == "b")).unwrap();
        if let RunEvent::AttemptFinished { then, .. } = &mut retried[ended].event {
            *then = smallhands_task_graph::TaskStep::Retry;
        }
        let divergence = retrace("run/r", &retried).unwrap_err();
        assert_eq!(divergence.event as usize, ended + 1);
        assert!(
            divergence.expected.contains("given up") && divergence.got.contains("tried again"),
            "{divergence}"
        );
    }

    #[test]
    fn an_event_that_was_taken_out_is_missed() {
        let log = log_of(&finishable());
        for gone in 1..log.len() - 1 {
            let mut shorter = log.clone();
            let removed = shorter.remove(gone);
            // Notes and receipts leave no trace in later decisions.
            if matches!(removed.event, RunEvent::AttemptProgressed { .. } | RunEvent::EffectReceived { .. }) {
                continue;
            }
            let outcome = retrace("run/r", &shorter);
            let silent = matches!(
                removed.event,
                RunEvent::OrderTaken { .. }
                    | RunEvent::RunResumed { .. }
                    | RunEvent::ApprovalAsked { .. }
                    | RunEvent::ApprovalLapsed { .. }
                    | RunEvent::EffectIntended { .. }
                    | RunEvent::DeadlineMoved { .. }
                    | RunEvent::RunLimitReached { .. }
            );
            assert!(outcome.is_err() || silent, "{gone}: {removed:?}");
        }
    }
}
