//! Replaying a run: every decision that its log records is made again from what the log says came from outside, and must
//! come out the same. No model is asked and no sandbox made; answers and results are read from the log and its blobs.
//!
//! What came from outside — results of attempts, orders, the clock — is in the events themselves: the first event that a
//! command leads to carries all that the command carried. So the commands can be told from the events (`commands`), also
//! those of old logs, and `decide` is asked again (`retrace`). The planner is asked again for every change of the plan and
//! for the verdict (`plans`); what models were sent is built again and compared by its hash (`conversations`).

mod commands;
mod conversations;
mod plans;
mod retrace;

use std::fmt;

use smallhands_event_log::{BlobId, EventLog, StoredEvent};
use smallhands_task_graph::{RunEvent, RunState, try_evolve};

use crate::journal::stream_of;
use crate::request::RunError;
use crate::state_dir::StateDir;
pub(crate) use retrace::boundaries;

/// What was derived again, and came out the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Replayed {
    /// Events of the run.
    pub events: u64,
    /// Commands that were decided again.
    pub commands: u64,
    /// Decisions of the planner, the verdict included.
    pub plans: u64,
    /// Requests to models that were built again.
    pub requests: u64,
    /// Blobs that are there and hold what their name says.
    pub blobs: u64,
}

/// The first place where the log says something else than what follows from it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Divergence {
    /// The stream, such as `run/7f3a`.
    pub stream: String,
    /// The number of the event, from 1.
    pub event: u64,
    /// What follows from the events before it.
    pub expected: String,
    /// What the log says.
    pub got: String,
}

impl fmt::Display for Divergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, event, expected, got } = self;
        write!(f, "event {event} of {stream} diverges: expected {expected}; got {got}")
    }
}

/// Why a replay did not come to its end.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// Something came out otherwise.
    #[error("{0}")]
    Diverged(Divergence),
    /// The log cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<Divergence> for ReplayError {
    fn from(divergence: Divergence) -> Self {
        Self::Diverged(divergence)
    }
}

/// Replays a run.
///
/// # Errors
/// The first [`Divergence`]; or why the log cannot be read.
pub fn replay(state: &StateDir, run: &str) -> Result<Replayed, ReplayError> {
    let log = state.log();
    replay_log(log.as_ref(), run, state)
}

fn replay_log(log: &dyn EventLog, run: &str, state: &StateDir) -> Result<Replayed, ReplayError> {
    let stream = stream_of(run)?;
    let stored = log.read(&stream, 0).map_err(RunError::from)?;
    if stored.is_empty() {
        let unknown = RunError::UnknownRun { run: run.to_owned(), state: state.root().to_path_buf() };
        return Err(unknown.into());
    }
    let events = decode(run, &stored)?;
    let name = stream.as_str();
    let (commands, after) = retrace::retrace(name, &events)?;
    let plans = plans::retrace(name, &events)?;
    let blobs = blobs(log, name, &stored)?;
    let requests = conversations::retrace(log, run, &after)?;
    Ok(Replayed { events: stored.len() as u64, commands, plans, requests, blobs })
}

/// An event of the run together with when it was written down.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Recorded {
    /// The event.
    pub(crate) event: RunEvent,
    /// When it was appended, milliseconds since the Unix epoch; not before the command was given.
    pub(crate) at_ms: i64,
}

/// The events as this program understands them.
pub(crate) fn decode(run: &str, stored: &[StoredEvent]) -> Result<Vec<Recorded>, RunError> {
    let read = |stored: &StoredEvent| {
        let event = RunEvent::decode(&stored.kind, stored.version, &stored.payload).map_err(|error| {
            RunError::StoredState { run: run.to_owned(), reason: format!("event {}: {error}", stored.seq) }
        })?;
        Ok(Recorded { event, at_ms: stored.at_ms })
    };
    stored.iter().map(read).collect()
}

/// The state after an event, or the divergence that it cannot follow.
fn follow(stream: &str, state: RunState, event: &RunEvent) -> Result<RunState, Divergence> {
    try_evolve(state, event).map_err(|error| Divergence {
        stream: stream.to_owned(),
        event: error.number,
        expected: "an event that can follow the events before it".into(),
        got: format!("{} ({})", crate::chronicle::line(event), error.detail),
    })
}

/// Looks at every blob that the events name.
fn blobs(log: &dyn EventLog, stream: &str, stored: &[StoredEvent]) -> Result<u64, Divergence> {
    let mut seen = std::collections::BTreeSet::new();
    for event in stored {
        let mut named = Vec::new();
        collect(&event.payload, &mut named);
        for blob in named {
            if !seen.insert(blob.clone()) {
                continue;
            }
            log.get_blob(&blob).map_err(|error| Divergence {
                stream: stream.to_owned(),
                event: event.seq,
                expected: format!("the content of {blob}"),
                got: error.to_string(),
            })?;
        }
    }
    Ok(seen.len() as u64)
}

fn collect(value: &serde_json::Value, blobs: &mut Vec<BlobId>) {
    match value {
        serde_json::Value::String(text) => blobs.extend(text.parse::<BlobId>().ok()),
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect(item, blobs)),
        serde_json::Value::Object(fields) => fields.values().for_each(|field| collect(field, blobs)),
        _ => {}
    }
}
