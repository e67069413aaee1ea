//! Builds every request that a model was sent again, from the recorded conversation, and compares its hash.

use smallhands_agent::coder::tools;
use smallhands_event_log::{EventLog, StoredEvent, StreamId};
use smallhands_task_graph::RunState;
use smallhands_trajectory::{Message, RequestHash, Step, ToolSpec, Trajectory};

use super::{Divergence, ReplayError};
use crate::request::RunError;

/// Follows the conversations of a run and returns the number of requests that were built again. Conversations recorded
/// before what models are told was recorded cannot be built again; they are left out.
///
/// # Errors
/// The first request that comes out otherwise.
pub(super) fn retrace(log: &dyn EventLog, run: &str, state: &RunState) -> Result<u64, ReplayError> {
    let specs: Vec<ToolSpec> = tools::all().iter().map(|tool| tool.spec()).collect();
    let mut requests = 0;
    for stream in log.streams(&format!("attempt/{run}/")).map_err(RunError::from)? {
        if is_of(&stream, run, state) {
            let stored = log.read(&stream, 0).map_err(RunError::from)?;
            requests += follow(stream.as_str(), &stored, &specs)?;
        }
    }
    Ok(requests)
}

/// A conversation belongs to the run when the run knows its attempt.
fn is_of(stream: &StreamId, run: &str, state: &RunState) -> bool {
    let attempt = stream.as_str().strip_prefix(&format!("attempt/{run}/"));
    let Some((task, number)) = attempt.and_then(|attempt| attempt.rsplit_once('/')) else { return false };
    let tries = state.task(&task.into()).map_or(0, |task| task.attempts.len());
    number.parse::<usize>().is_ok_and(|number| number >= 1 && number <= tries)
}

fn follow(stream: &str, stored: &[StoredEvent], specs: &[ToolSpec]) -> Result<u64, Divergence> {
    let diverges = |event: &StoredEvent, expected: String, got: String| Divergence {
        stream: stream.to_owned(),
        event: event.seq,
        expected,
        got,
    };
    if stored.first().is_none_or(|first| first.kind != "told") {
        return Ok(0);
    }
    let mut trajectory = Trajectory::default();
    let mut requests = 0;
    for event in stored {
        let unreadable =
            |error: serde_json::Error| diverges(event, format!("a `{}`", event.kind), error.to_string());
        match event.kind.as_str() {
            "told" => {
                let message: Message = serde_json::from_value(event.payload.clone()).map_err(unreadable)?;
                trajectory.tell(message);
            }
            "step" => {
                let step: Step = serde_json::from_value(event.payload.clone()).map_err(unreadable)?;
                let expected = RequestHash::of(&trajectory.messages(), specs);
                if step.request_hash != expected {
                    let shown = |hash: &RequestHash| format!("a request with the hash {hash:?}");
                    return Err(diverges(event, shown(&expected), shown(&step.request_hash)));
                }
                trajectory.push(step);
                requests += 1;
            }
            other => return Err(diverges(event, "a step or something told".into(), format!("`{other}`"))),
        }
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_trajectory::{Message, Usage};

    fn stored(kind: &str, seq: u64, payload: &impl serde::Serialize) -> StoredEvent {
        let payload = serde_json::to_value(payload).unwrap();
        StoredEvent { seq, at_ms: 0, kind: kind.into(), version: 1, payload }
    }

    fn conversation() -> Vec<StoredEvent> {
        let mut trajectory = Trajectory::default();
        let mut events = Vec::new();
        for round in 0..3u64 {
            let message = Message::user(format!("round {round}"));
            events.push(stored("told", events.len() as u64 + 1, &message));
            trajectory.tell(message);
            let request_hash = RequestHash::of(&trajectory.messages(), &[]);
            let answer = Message::assistant(format!("answer {round}"), vec![]);
            let step = Step { request_hash, message: answer, observations: vec![], usage: Usage::default() };
            events.push(stored("step", events.len() as u64 + 1, &step));
            trajectory.push(step);
        }
        events
    }

    #[test]
    fn what_was_recorded_is_built_again() {
        assert_eq!(follow("attempt/r/a/1", &conversation(), &[]), Ok(3));
    }

    #[test]
    fn a_word_that_was_changed_is_noticed_at_the_next_request() {
        let mut events = conversation();
        events[2].payload["content"] = "round one".into();
        let divergence = follow("attempt/r/a/1", &events, &[]).unwrap_err();
        assert_eq!(divergence.event, 4);
    }

    #[test]
    fn old_conversations_are_left_out() {
        assert_eq!(follow("attempt/r/a/1", &conversation()[1..2], &[]), Ok(0));
        assert_eq!(follow("attempt/r/a/1", &[], &[]), Ok(0));
    }
}
