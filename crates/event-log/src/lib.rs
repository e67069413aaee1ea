//! The only durable authority of a run: append-only streams of events, and blobs addressed by their content.
//!
//! [`EventLog`] is the port. [`SegmentLog`] is the embedded default, [`SqliteLog`] what older state folders have,
//! [`MemoryLog`] forgets at the end of the process; PostgreSQL is in a crate of its own. All pass one suite
//! (`tests/support/suite.rs`). `docs/durability.md` says what survives what, and how it was measured.
//!
//! What every log promises:
//! * An append is all or nothing, durable when it returns, and refused with [`LogError::Conflict`] when the stream has
//!   moved on since the caller looked. Two owners of one run therefore cannot both go on.
//! * Appends that wait at the same time, from several threads or in one [`EventLog::append_many`], share one confirmation
//!   of the disk.
//! * Sequence numbers of a stream count from 1 without gaps.
//! * Each event is sealed with a checksum over itself and the seal before it. What was changed, cut or torn on disk is
//!   found and reported, never handed out. A published [`ChainHead`] makes tampering evident.
//! * A blob is stored once however often it is put, and verified against its name when it is read. No event survives
//!   without the blobs that were stored before it.
//!
//! **When the disk is asked to confirm.** [`Durability::Full`]: before an append returns (`fdatasync`). An append that the
//! disk does not confirm is taken back and reported. [`Durability::Relaxed`]: the segment log asks in the background, at
//! most [`SegmentOptions::flush_interval`] after a write, and when it is closed; [`EventLog::flush`] asks at once. New
//! segments, large blobs and cut ends are confirmed always, together with the folder that holds them.
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
mod transfer;

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
pub use transfer::{copy, move_to_segments, open_state};
