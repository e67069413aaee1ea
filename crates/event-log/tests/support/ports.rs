//! What the tests of every event log share, whatever crate it lives in.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it; a failed unwrap is a failed test"
)]

#[path = "suite.rs"]
pub mod suite;

use serde_json::{Value, json};
use smallhands_event_log::{EventLog, NewEvent, StoredEvent, StreamId};

pub fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub fn event(kind: &str, payload: Value) -> NewEvent {
    NewEvent { kind: kind.into(), version: 1, payload }
}

/// `count` distinguishable events.
pub fn events(count: usize) -> Vec<NewEvent> {
    (0..count).map(|n| event("counted", json!({ "n": n, "text": "some words to fill the row" }))).collect()
}

/// Appends one event wherever the stream is now, as often as it takes.
pub fn append_anyhow(log: &dyn EventLog, to: &StreamId, new: &NewEvent) -> u64 {
    let mut expected = log.read(to, 0).unwrap().len() as u64;
    loop {
        match log.append(to, expected, 1, std::slice::from_ref(new)) {
            Ok(seq) => return seq,
            Err(smallhands_event_log::LogError::Conflict { actual, .. }) => expected = actual,
            Err(error) => panic!("{error}"),
        }
    }
}

pub fn payloads(stored: &[StoredEvent]) -> Vec<Value> {
    stored.iter().map(|event| event.payload.clone()).collect()
}
