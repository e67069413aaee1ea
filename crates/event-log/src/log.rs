//! The port: what every event log offers.

use crate::{BlobId, LogError, NewEvent, StoredEvent, StreamId};

/// Append-only streams and content-addressed blobs. Safe to share between threads; calls block for the time of a small
/// disk write.
pub trait EventLog: Send + Sync {
    /// Appends `events` to `stream`, all or none, and returns the sequence number of the last event of the stream.
    /// Durable when it returns. `expected_seq` is the last sequence number that the caller has seen (0 for a new
    /// stream); if the stream is elsewhere, nothing is written and [`LogError::Conflict`] says where. `at_ms` is the time
    /// in milliseconds since the Unix epoch.
    fn append(
        &self,
        stream: &StreamId,
        expected_seq: u64,
        at_ms: i64,
        events: &[NewEvent],
    ) -> Result<u64, LogError>;

    /// The events of `stream` whose sequence number is greater than `after`, in order; none for an unknown stream.
    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError>;

    /// The names of all streams that begin with `prefix`, sorted.
    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError>;

    /// Stores `bytes` and returns their name. Storing the same bytes again changes nothing. Durable when it returns.
    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError>;

    /// The bytes of this name; [`LogError::BlobMissing`] if there are none, [`LogError::CorruptBlob`] if they changed.
    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError>;
}
