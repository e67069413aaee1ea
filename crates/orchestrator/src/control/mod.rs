//! Control of a run from another process: requests are left in the run's control stream, and answered there by its owner.
//!
//! The stream `control/<run>` of the event log holds both sides. It was chosen over a folder of files because the log is
//! durable and ordered already, is where several machines meet when they share a store, and numbers the requests: the
//! number of a request is its place in the stream, and the run's own events remember the highest one taken. So a request
//! takes effect at most once, also when its owner dies between taking and answering it; and one that nobody owns takes
//! effect when the run is resumed.

mod inbox;
mod sending;
pub mod words;

pub(crate) use inbox::Inbox;
pub use sending::{Outcome, await_answer, send};
pub use smallhands_task_graph::{AttemptId, Order};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use smallhands_event_log::{EventLog, LogError, NewEvent, StoredEvent, StreamId};

use crate::journal::now_ms;
use crate::request::RunError;

/// Version of the events in control streams.
const VERSION: u16 = 1;
/// Times that an event is appended anew because somebody else was faster.
const MOST_TRIES: usize = 50;

/// One entry of a control stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
enum Entry {
    /// Somebody asks for something.
    Requested(Order),
    /// The owner says what became of it.
    Answered(Answer),
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// The number of the request.
    pub request: u64,
    /// Whether it took effect.
    pub accepted: bool,
    /// What it did, or why it was refused; one line for people.
    pub words: String,
}

fn stream_of(run: &str) -> Result<StreamId, RunError> {
    StreamId::new(format!("control/{run}"))
        .map_err(|_| RunError::BadInput(format!("`{run}` is not the id of a run")))
}

/// Appends an entry behind whatever is there, and returns its number.
fn append(log: &dyn EventLog, stream: &StreamId, entry: &Entry) -> Result<u64, RunError> {
    let whole = serde_json::to_value(entry).map_err(|error| RunError::BadInput(error.to_string()))?;
    let kind = whole["kind"].as_str().unwrap_or_default().to_owned();
    let event = NewEvent { kind, version: VERSION, payload: whole["payload"].clone() };
    let mut expected = log.read(stream, 0)?.last().map_or(0, |last| last.seq);
    for _ in 1..MOST_TRIES {
        match log.append(stream, expected, now_ms(), std::slice::from_ref(&event)) {
            Err(LogError::Conflict { actual, .. }) => expected = actual,
            appended => return Ok(appended?),
        }
    }
    Ok(log.append(stream, expected, now_ms(), &[event])?)
}

/// An entry as read back; `None` for what a newer program wrote.
fn decode(stored: &StoredEvent) -> Option<Entry> {
    let whole = serde_json::json!({ "kind": stored.kind, "payload": stored.payload });
    (stored.version == VERSION).then(|| serde_json::from_value::<Entry>(Value::clone(&whole)).ok()).flatten()
}
