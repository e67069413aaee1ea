//! A log that lives as long as its value: for tests, dry runs and replay.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::{Append, BlobId, EventLog, LogError, StoredEvent, StreamId};

/// An event log in memory.
#[derive(Debug, Default)]
pub struct MemoryLog {
    content: Mutex<Content>,
}

#[derive(Debug, Default)]
struct Content {
    streams: BTreeMap<StreamId, Vec<StoredEvent>>,
    blobs: BTreeMap<BlobId, Vec<u8>>,
}

impl Content {
    fn append(&mut self, append: &Append<'_>) -> Result<u64, LogError> {
        let Append { stream, expected_seq, at_ms, events } = *append;
        let actual = self.streams.get(stream).map_or(0, |stored| stored.len() as u64);
        if actual != expected_seq {
            return Err(LogError::Conflict { stream: stream.clone(), expected: expected_seq, actual });
        }
        if !events.is_empty() {
            let stored = self.streams.entry(stream.clone()).or_default();
            stored.extend(events.iter().zip(actual + 1..).map(|(event, seq)| StoredEvent {
                seq,
                at_ms,
                kind: event.kind.clone(),
                version: event.version,
                payload: event.payload.clone(),
            }));
        }
        Ok(actual + events.len() as u64)
    }
}

impl MemoryLog {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }

    /// Every change below is a single step, so a thread that panicked cannot have left it half done.
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl EventLog for MemoryLog {
    fn append_many(&self, appends: &[Append<'_>]) -> Vec<Result<u64, LogError>> {
        let mut content = self.content();
        appends.iter().map(|append| content.append(append)).collect()
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        let content = self.content();
        let stored = content.streams.get(stream).map(Vec::as_slice).unwrap_or_default();
        let skip = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(stored.get(skip..).unwrap_or_default().to_vec())
    }

    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError> {
        let content = self.content();
        Ok(content.streams.keys().filter(|id| id.as_str().starts_with(prefix)).cloned().collect())
    }

    fn flush(&self) -> Result<(), LogError> {
        Ok(())
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        let id = BlobId::of(bytes);
        self.content().blobs.entry(id.clone()).or_insert_with(|| bytes.to_vec());
        Ok(id)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError> {
        self.content().blobs.get(id).cloned().ok_or_else(|| LogError::BlobMissing { id: id.clone() })
    }

    fn blobs(&self) -> Result<Vec<BlobId>, LogError> {
        Ok(self.content().blobs.keys().cloned().collect())
    }
}
