//! The port: what every event log offers.

use std::io::{Cursor, Read};

use crate::chain::{EncodedEvent, seal_all};
use crate::{BlobId, ChainHead, CutTail, LogError, NewEvent, StoredEvent, StreamId};

/// The largest blob that a log keeps which cannot stream, bytes.
pub const LARGEST_BLOB_IN_MEMORY: u64 = 256 * 1024 * 1024;

/// Events to be appended to one stream, all or none.
#[derive(Debug, Clone, Copy)]
pub struct Append<'a> {
    /// The stream.
    pub stream: &'a StreamId,
    /// The last sequence number of the stream that the caller has seen; 0 for a new stream.
    pub expected_seq: u64,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What happened. Nothing: only the position is checked.
    pub events: &'a [NewEvent],
}

/// An [`Append`] that can travel between threads, its payloads already text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedAppend {
    /// The stream.
    pub stream: StreamId,
    /// Where the stream must be.
    pub expected_seq: u64,
    /// When it happened, in milliseconds since the Unix epoch.
    pub at_ms: i64,
    /// What happened.
    pub events: Vec<EncodedEvent>,
}

impl From<&Append<'_>> for EncodedAppend {
    fn from(append: &Append<'_>) -> Self {
        Self {
            stream: append.stream.clone(),
            expected_seq: append.expected_seq,
            at_ms: append.at_ms,
            events: append.events.iter().map(EncodedEvent::from).collect(),
        }
    }
}

/// How much a log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Streams with at least one event.
    pub streams: u64,
    /// Events of all streams.
    pub events: u64,
    /// Blobs.
    pub blobs: u64,
}

/// Append-only streams and content-addressed blobs. Safe to share between threads; calls block for the time of a small
/// disk write.
pub trait EventLog: Send + Sync {
    /// Carries out several appends with one confirmation of the disk, in order; each is all or nothing by itself, and has
    /// its own result: the sequence number of the last event of its stream, or why it was refused. Whatever succeeded is
    /// durable when this returns, to the degree that the log was opened with.
    fn append_many(&self, appends: &[Append<'_>]) -> Vec<Result<u64, LogError>>;

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
    ) -> Result<u64, LogError> {
        let answer = self.append_many(&[Append { stream, expected_seq, at_ms, events }]).pop();
        answer.unwrap_or(Err(LogError::Abandoned))
    }

    /// The events of `stream` whose sequence number is greater than `after`, in order; none for an unknown stream.
    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError>;

    /// The names of all streams that begin with `prefix`, sorted.
    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError>;

    /// Makes everything durable that was appended so far, however the log was opened. Before an effect outside that
    /// cannot be taken back, say.
    fn flush(&self) -> Result<(), LogError>;

    /// The torn ends that this value has cut so far: when it was opened, or later, when another process died in the middle
    /// of a write. They should be told. A log that cannot tell says nothing.
    fn cuts(&self) -> Vec<CutTail> {
        Vec::new()
    }

    /// Stores `bytes` and returns their name. Storing the same bytes again changes nothing. An event that is appended
    /// after this returned never survives without the blob.
    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError>;

    /// The bytes of this name; [`LogError::BlobMissing`] if there are none, [`LogError::CorruptBlob`] if they changed.
    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError>;

    /// The names of all blobs, sorted.
    fn blobs(&self) -> Result<Vec<BlobId>, LogError>;

    /// Stores what `source` yields, as [`EventLog::put_blob`] does. A log that cannot stream holds it in memory and
    /// refuses more than [`LARGEST_BLOB_IN_MEMORY`].
    fn put_blob_from(&self, source: &mut dyn Read) -> Result<BlobId, LogError> {
        let mut bytes = Vec::new();
        let read = source.take(LARGEST_BLOB_IN_MEMORY + 1).read_to_end(&mut bytes);
        read.map_err(|error| LogError::BlobSource { detail: error.to_string() })?;
        if bytes.len() as u64 > LARGEST_BLOB_IN_MEMORY {
            return Err(LogError::BlobTooLarge { limit: LARGEST_BLOB_IN_MEMORY });
        }
        self.put_blob(&bytes)
    }

    /// The bytes of this name as a stream. What is read is false if reading ends in an error, as it does when the bytes
    /// do not match the name at the end.
    fn open_blob(&self, id: &BlobId) -> Result<Box<dyn Read + Send>, LogError> {
        Ok(Box::new(Cursor::new(self.get_blob(id)?)))
    }

    /// Reads the events of `stream` up to number `last`, checks the whole chain, and says where it is there; at the end of
    /// the stream if that comes first.
    fn head_at(&self, stream: &StreamId, last: u64) -> Result<ChainHead, LogError> {
        let mut events = self.read(stream, 0)?;
        events.retain(|event| event.seq <= last);
        Ok(ChainHead { stream: stream.clone(), seq: events.len() as u64, seal: seal_all(stream, &events) })
    }

    /// Reads the whole stream, checks its chain, and returns its head, which can be published and compared later.
    fn verify(&self, stream: &StreamId) -> Result<ChainHead, LogError> {
        self.head_at(stream, u64::MAX)
    }

    /// Checks the chain of a stream and that it still passes through a head that was published earlier; returns the head
    /// of now. [`LogError::Tampered`] if the stream's past is not what it was.
    fn verify_against(&self, published: &ChainHead) -> Result<ChainHead, LogError> {
        let then = self.head_at(&published.stream, published.seq)?;
        if then.seq < published.seq {
            return Err(published.broken(format!("the stream ends at {} now", then.seq)));
        }
        if then.seal != published.seal {
            return Err(published.broken("another history leads to that event now".into()));
        }
        self.verify(&published.stream)
    }

    /// Reads everything and compares it with its seals and names. Takes time in proportion to the size of the log; for a
    /// doctor, not for every start.
    fn verify_all(&self) -> Result<Extent, LogError> {
        let mut extent = Extent::default();
        for stream in self.streams("")? {
            extent.streams += 1;
            extent.events += self.verify(&stream)?.seq;
        }
        for id in self.blobs()? {
            extent.blobs += 1;
            let read = std::io::copy(&mut self.open_blob(&id)?, &mut std::io::sink());
            read.map_err(|error| LogError::CorruptBlob { id, detail: error.to_string() })?;
        }
        Ok(extent)
    }
}
