//! The only durable authority of a run: append-only streams of events, and blobs addressed by their content.
//!
//! [`EventLog`] is the port; [`MemoryLog`] forgets at the end of the process, [`SqliteLog`] is the embedded default. Both
//! pass one conformance suite (`tests/conformance.rs`).
//!
//! What every log promises:
//! * An append is all or nothing, durable when it returns, and refused with [`LogError::Conflict`] when the stream has
//!   moved on since the caller looked. Two owners of one run therefore cannot both go on.
//! * Sequence numbers of a stream count from 1 without gaps.
//! * Each event is sealed with a checksum over itself and the seal before it. What was changed, cut or torn on disk is
//!   found when it is read and reported as [`LogError::Corrupt`], never handed out.
//! * A blob is stored once however often it is put, and verified against its name when it is read.
//!
//! Calls are synchronous and short; an async caller wraps them.

mod blob;
pub mod chain;
mod durability;
mod error;
mod event;
pub mod group;
mod log;
mod memory;
mod segment;
mod sqlite;
mod stream;

pub use blob::{BadBlobId, BlobId};
pub use chain::{BadChainHead, ChainHead};
pub use durability::Durability;
pub use error::LogError;
pub use event::{NewEvent, StoredEvent};
pub use log::{Append, EncodedAppend, EventLog, Extent, LARGEST_BLOB_IN_MEMORY};
pub use memory::MemoryLog;
pub use segment::{CutStream, CutTail, SEGMENT_FORMAT, SegmentLog, SegmentOptions};
pub use sqlite::{FORMAT_VERSION, SqliteLog, SqliteOptions};
pub use stream::{BadStreamId, StreamId};
