//! The one place where a run's state changes: decide, make durable, evolve. Nothing acts before `apply` has returned.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use smallhands_event_log::{EventLog, NewEvent, StreamId};
use smallhands_task_graph::{Command, EncodedEvent, Rejection, RunEvent, RunState, decide, evolve};

use crate::request::RunError;

/// A run's event stream together with the state folded from it.
pub struct Journal {
    log: Arc<dyn EventLog>,
    stream: StreamId,
    run: String,
    seq: u64,
    state: RunState,
}

/// What became of a command.
#[derive(Debug)]
pub enum Applied {
    /// These events are durable and part of the state.
    Events(Vec<RunEvent>),
    /// Refused; nothing changed.
    Rejected(Rejection),
}

impl Journal {
    /// Opens the stream of `run` and folds what is in it; an unknown run has an empty state.
    ///
    /// # Errors
    /// When the log cannot be read, or holds events that this version cannot continue.
    pub fn open(log: Arc<dyn EventLog>, run: &str) -> Result<Self, RunError> {
        let stream = stream_of(run)?;
        let mut state = RunState::default();
        let mut seq = 0;
        for stored in log.read(&stream, 0)? {
            let event = RunEvent::decode(&stored.kind, stored.version, &stored.payload)
                .map_err(|error| RunError::StoredState { run: run.to_owned(), reason: error.to_string() })?;
            state = smallhands_task_graph::try_evolve(state, &event)
                .map_err(|error| RunError::StoredState { run: run.to_owned(), reason: error.to_string() })?;
            seq = stored.seq;
        }
        Ok(Self { log, stream, run: run.to_owned(), seq, state })
    }

    /// The run's id.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// The state after every event so far.
    #[must_use]
    pub fn state(&self) -> &RunState {
        &self.state
    }

    /// Decides on a command, makes the events durable, and only then lets the state follow.
    ///
    /// # Errors
    /// When the log cannot be written; the state is then as before.
    pub fn apply(&mut self, command: &Command) -> Result<Applied, RunError> {
        let events = match decide(&self.state, command) {
            Ok(events) => events,
            Err(rejection) => return Ok(Applied::Rejected(rejection)),
        };
        if events.is_empty() {
            return Ok(Applied::Events(events));
        }
        let encoded: Vec<NewEvent> = events.iter().map(|event| to_stored(event.encode())).collect();
        self.seq = self.log.append(&self.stream, self.seq, now_ms(), &encoded)?;
        let before = std::mem::take(&mut self.state);
        self.state = events.iter().fold(before, evolve);
        Ok(Applied::Events(events))
    }
}

/// The stream that holds a run's events.
///
/// # Errors
/// [`RunError::BadInput`] when `run` cannot be the name of a run.
pub fn stream_of(run: &str) -> Result<StreamId, RunError> {
    StreamId::new(format!("run/{run}"))
        .map_err(|_| RunError::BadInput(format!("`{run}` is not the id of a run")))
}

fn to_stored(event: EncodedEvent) -> NewEvent {
    NewEvent { kind: event.kind.to_owned(), version: event.version, payload: event.payload }
}

/// Wall clock in milliseconds since the Unix epoch.
#[must_use]
pub fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use smallhands_event_log::MemoryLog;
    use smallhands_task_graph::{RunLimits, RunPhase};

    #[test]
    fn what_was_applied_is_there_when_the_stream_is_opened_again() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let mut journal = Journal::open(log.clone(), "r1").unwrap();
        let submit = Command::Submit { spec: json!({"a": 1}), limits: RunLimits::default(), at_ms: 5 };
        assert!(matches!(journal.apply(&submit).unwrap(), Applied::Events(events) if events.len() == 1));
        assert!(matches!(journal.apply(&submit).unwrap(), Applied::Rejected(_)), "a run is submitted once");
        let again = Journal::open(log, "r1").unwrap();
        assert_eq!(again.state(), journal.state());
        assert_eq!(again.state().phase, RunPhase::Planning);
    }

    #[test]
    fn a_second_owner_is_noticed_before_it_does_harm() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let submit = Command::Submit { spec: json!(null), limits: RunLimits::default(), at_ms: 5 };
        let mut first = Journal::open(log.clone(), "r1").unwrap();
        let mut second = Journal::open(log, "r1").unwrap();
        first.apply(&submit).unwrap();
        assert!(second.apply(&submit).is_err());
        assert_eq!(second.state().phase, RunPhase::Unsubmitted);
    }
}
