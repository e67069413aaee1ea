//! An event before and after it is stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Something that happened, to be appended. This crate gives kind and payload no meaning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NewEvent {
    /// What happened, as in `attempt_started`.
    pub kind: String,
    /// Version of the payload's meaning.
    pub version: u16,
    /// The details.
    pub payload: Value,
}

/// An event as read back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StoredEvent {
    /// Its place in the stream, from 1, without gaps.
    pub seq: u64,
    /// When it was appended, in milliseconds since the Unix epoch, as the writer's clock had it.
    pub at_ms: i64,
    /// What happened.
    pub kind: String,
    /// Version of the payload's meaning.
    pub version: u16,
    /// The details.
    pub payload: Value,
}
