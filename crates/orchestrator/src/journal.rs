//! The one place where a run's state changes: decide, make durable, evolve. Nothing acts before `apply` has returned.

use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use smallhands_event_log::{Append, EventLog, LogError, NewEvent, StreamId};
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
        let applied = self.apply_all(std::slice::from_ref(command))?.pop();
        Ok(applied.unwrap_or(Applied::Events(Vec::new())))
    }

    /// Decides on commands one after the other, each on what the ones before it led to, and makes everything durable with
    /// one write. What came of each is in the same place of the answer; a process that dies in the middle has left behind
    /// what comes of the first ones.
    ///
    /// # Errors
    /// When the log cannot be written; the state is then that of the log.
    pub fn apply_all(&mut self, commands: &[Command]) -> Result<Vec<Applied>, RunError> {
        let mut written = Vec::new();
        let mut answers = Vec::with_capacity(commands.len());
        for command in commands {
            answers.push(match decide(&self.state, command) {
                Err(rejection) => Applied::Rejected(rejection),
                Ok(events) => {
                    let before = std::mem::take(&mut self.state);
                    self.state = events.iter().fold(before, evolve);
                    written.push(to_stored(&events));
                    Applied::Events(events)
                }
            });
        }
        written.retain(|events| !events.is_empty());
        self.write(&written)?;
        Ok(answers)
    }

    /// The same for commands that must become durable together or not at all: a process that dies has then left behind
    /// what comes of all of them, or of none. When one is refused, none takes effect.
    ///
    /// # Errors
    /// When the log cannot be written; the state is then that of the log.
    pub fn apply_together(&mut self, commands: &[Command]) -> Result<Applied, RunError> {
        if let [command] = commands {
            return self.apply(command);
        }
        let mut state = self.state.clone();
        let mut events = Vec::new();
        for command in commands {
            match decide(&state, command) {
                Ok(decided) => {
                    state = decided.iter().fold(state, evolve);
                    events.extend(decided);
                }
                Err(rejection) => return Ok(Applied::Rejected(rejection)),
            }
        }
        self.state = state;
        if !events.is_empty() {
            self.write(&[to_stored(&events)])?;
        }
        Ok(Applied::Events(events))
    }

    /// Makes everything durable that was applied, however the log was opened: before something is done outside that
    /// cannot be taken back, and before the user is told that the run is over.
    ///
    /// # Errors
    /// When the disk does not confirm it.
    pub fn flush(&self) -> Result<(), RunError> {
        Ok(self.log.flush()?)
    }

    /// Appends the events of several transitions with one confirmation of the disk.
    fn write(&mut self, transitions: &[Vec<NewEvent>]) -> Result<(), RunError> {
        if transitions.is_empty() {
            return Ok(());
        }
        let (stream, at_ms) = (&self.stream, now_ms());
        let mut expected_seq = self.seq;
        let mut appends = Vec::with_capacity(transitions.len());
        for events in transitions {
            appends.push(Append { stream, expected_seq, at_ms, events });
            expected_seq += events.len() as u64;
        }
        let results = self.log.append_many(&appends);
        match results.into_iter().collect::<Result<Vec<u64>, LogError>>() {
            Ok(ends) => {
                self.seq = ends.last().copied().unwrap_or(self.seq);
                Ok(())
            }
            Err(error) => {
                // Some of it may be durable. The log knows; a log that cannot be read either leaves an empty state,
                // from which nothing follows.
                self.state = RunState::default();
                if let Ok(again) = Self::open(self.log.clone(), &self.run) {
                    *self = again;
                }
                Err(error.into())
            }
        }
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

fn to_stored(events: &[RunEvent]) -> Vec<NewEvent> {
    let stored =
        |EncodedEvent { kind, version, payload }| NewEvent { kind: kind.to_owned(), version, payload };
    events.iter().map(|event| stored(event.encode())).collect()
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
    use smallhands_event_log::{MemoryLog, SegmentLog, SegmentOptions};
    use smallhands_task_graph::{PlanChange, RunLimits, RunPhase};

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

    fn submit() -> Command {
        Command::Submit { spec: json!(null), limits: RunLimits::default(), at_ms: 5 }
    }

    fn plan() -> Command {
        Command::AdoptPlan(PlanChange::default())
    }

    #[test]
    fn commands_see_what_those_before_them_led_to_and_are_refused_one_by_one() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let mut journal = Journal::open(log.clone(), "r1").unwrap();
        let applied = journal.apply_all(&[submit(), submit(), plan()]).unwrap();
        assert!(
            matches!(&applied[..], [Applied::Events(a), Applied::Rejected(_), Applied::Events(b)] if (a.len(), b.len()) == (1, 1)),
            "{applied:?}"
        );
        assert_eq!((journal.state().phase, journal.state().events), (RunPhase::Running, 2));
        assert_eq!(Journal::open(log, "r1").unwrap().state(), journal.state());
    }

    #[test]
    fn what_belongs_together_takes_effect_together_or_not_at_all() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let mut journal = Journal::open(log.clone(), "r1").unwrap();
        let refused = journal.apply_together(&[submit(), submit()]).unwrap();
        assert!(matches!(refused, Applied::Rejected(_)), "{refused:?}");
        assert_eq!(journal.state().phase, RunPhase::Unsubmitted);
        journal.apply_together(&[submit(), plan()]).unwrap();
        assert_eq!((journal.state().phase, journal.state().events), (RunPhase::Running, 2));
        assert_eq!(Journal::open(log, "r1").unwrap().state(), journal.state());
    }

    #[test]
    fn after_a_write_that_failed_the_state_is_that_of_the_log() {
        let folder = tempfile::tempdir().unwrap();
        let options = SegmentOptions { size_limit: Some(4096), ..SegmentOptions::default() };
        let log: Arc<dyn EventLog> = Arc::new(SegmentLog::open_with(folder.path(), options).unwrap());
        let mut journal = Journal::open(log.clone(), "r1").unwrap();
        journal.apply(&submit()).unwrap();
        let large = PlanChange { reason: "x".repeat(8192), ..PlanChange::default() };
        for full in [
            journal.apply(&Command::AdoptPlan(large.clone())).map(|_| ()),
            journal.apply_together(&[Command::AdoptPlan(large), plan()]).map(|_| ()),
        ] {
            assert!(matches!(full, Err(RunError::Log(LogError::DiskFull { .. }))), "{full:?}");
            assert_eq!((journal.state().phase, journal.state().events), (RunPhase::Planning, 1));
        }
        journal.apply(&plan()).unwrap();
        assert_eq!(Journal::open(log, "r1").unwrap().state(), journal.state());
    }

    #[test]
    fn a_second_owner_is_noticed_before_it_does_harm() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let submit = Command::Submit { spec: json!(null), limits: RunLimits::default(), at_ms: 5 };
        let mut first = Journal::open(log.clone(), "r1").unwrap();
        let mut second = Journal::open(log, "r1").unwrap();
        first.apply(&submit).unwrap();
        let refused = second.apply(&submit);
        assert!(matches!(refused, Err(RunError::Log(LogError::Conflict { .. }))), "{refused:?}");
        assert_eq!(second.state(), first.state(), "nothing of its own");
    }
}
