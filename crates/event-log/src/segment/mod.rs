//! The embedded default: a folder of append-only segment files that several processes may use at once.
//!
//! Appends that wait at the same time become one frame: one write, one confirmation of the disk. Frames carry checksums, so
//! an end that a crash has torn is found, reported ([`CutTail`]), kept aside and cut when the log is opened; damage
//! anywhere else is an error that names the place. `frame.rs` and `record.rs` define the format.
//!
//! ```text
//! 00000001.seg …    events, and blobs of up to 256 KiB
//! blobs/ab/b3-ab…   larger blobs
//! cut/              torn ends, and the reports on them
//! lock
//! ```

mod blob_files;
mod flusher;
mod frame;
mod index;
mod lock;
mod medium;
mod record;
mod store;
mod tail;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::io::{Cursor, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::chain::{NO_SEAL, Seal};
use crate::group::GroupCommit;
use crate::{Append, BlobId, ChainHead, Durability, EventLog, LogError, StoredEvent, StreamId};
use blob_files::BlobFiles;
pub use frame::SEGMENT_FORMAT;
use index::{Part, Place};
use medium::Mount;
use record::{Record, take_record};
use store::{Entry, Segment, Store};
pub use tail::{CutStream, CutTail};

/// How to open a [`SegmentLog`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentOptions {
    /// What survives what.
    pub durability: Durability,
    /// Under [`Durability::Relaxed`]: how long after a write the disk is asked to confirm it, at the latest.
    pub flush_interval: Duration,
    /// How long to wait for other processes before [`LogError::Busy`].
    pub busy_timeout: Duration,
    /// The size in bytes at which a segment ends and the next begins. One append is never split.
    pub segment_size: u64,
    /// The size in bytes of all segments together beyond which nothing is appended; then [`LogError::DiskFull`].
    pub size_limit: Option<u64>,
}

impl Default for SegmentOptions {
    fn default() -> Self {
        Self {
            durability: Durability::Full,
            flush_interval: Duration::from_millis(5),
            busy_timeout: Duration::from_secs(10),
            segment_size: 64 << 20,
            size_limit: None,
        }
    }
}

/// An event log in a folder of segments. Threads may share one value; processes open the same folder.
#[derive(Debug)]
pub struct SegmentLog {
    folder: PathBuf,
    store: Mutex<Store>,
    group: GroupCommit<Entry, Result<u64, LogError>>,
    blobs: BlobFiles,
}

/// The most appends of one frame, unless one caller brings more.
const GROUP: usize = 1024;
/// The largest blob that lies between the events, bytes: stored with one write, before any event that names it.
const INLINE: usize = 256 * 1024;
/// Neighbours that are read at once when a stream is read, bytes.
const READ_AHEAD: u64 = 256 * 1024;

impl SegmentLog {
    /// Opens the log, creating it if the folder does not exist.
    ///
    /// # Errors
    /// [`LogError::CorruptFile`] for damage that is no torn end, [`LogError::NewerFormat`], and what the system reports.
    pub fn open(folder: &Path) -> Result<Self, LogError> {
        Self::open_with(folder, SegmentOptions::default())
    }

    /// The same with options.
    ///
    /// # Errors
    /// See [`SegmentLog::open`].
    pub fn open_with(folder: &Path, options: SegmentOptions) -> Result<Self, LogError> {
        Self::open_on(folder, options, Mount::new(|file| Arc::new(file)))
    }

    /// The same on something else than plain files.
    fn open_on(folder: &Path, options: SegmentOptions, mount: Mount) -> Result<Self, LogError> {
        Ok(Self {
            folder: folder.to_owned(),
            store: Mutex::new(Store::open(folder, options, mount)?),
            group: GroupCommit::new(GROUP),
            blobs: BlobFiles::new(folder.join("blobs")),
        })
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// What a thread that panicked may have left half done is in memory only and found by the next look at the file.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn submit(&self, entries: Vec<Entry>) -> Vec<Result<u64, LogError>> {
        let count = entries.len();
        let results = self.group.submit(entries, |group| self.store().write(&group));
        results.unwrap_or_else(|| vec![Err(LogError::Abandoned); count])
    }

    /// The parts of a stream that hold events after `after`, where the stream ends, and the files they lie in.
    fn parts(&self, stream: &StreamId, after: u64) -> Result<Reading, LogError> {
        let mut store = self.store();
        store.follow()?;
        let parts = store.index.parts(stream, after).to_vec();
        Ok(Reading { parts, head: store.index.head(stream), segments: store.segments.clone() })
    }

    fn read_sealed(
        &self,
        stream: &StreamId,
        after: u64,
        last: u64,
    ) -> Result<(Vec<StoredEvent>, Seal), LogError> {
        let Reading { parts, head, segments } = self.parts(stream, after)?;
        let (mut events, mut seal, mut next) = (Vec::new(), None, None);
        let mut last_seal = if after == 0 { NO_SEAL } else { head.1 };
        let mut reader = PartReader { segments: &segments, window: Vec::new(), at: (0, 0) };
        for (index, part) in parts.iter().enumerate().take_while(|(_, part)| part.first_seq <= last) {
            let corrupt = |(seq, detail): (u64, String)| {
                let place = segments.get(part.place.segment as usize - 1).map_or(&self.folder, |s| &s.path);
                let detail = format!("{detail}; in {} at byte {}", place.display(), part.place.offset);
                LogError::Corrupt { stream: stream.clone(), seq, detail }
            };
            let broken = |detail: &str| corrupt((part.first_seq, detail.to_owned()));
            let bytes = reader.read(part.place, &parts[index..]).map_err(|detail| broken(&detail))?;
            let Some((_, Record::Events(found))) = take_record(bytes) else {
                return Err(broken("it cannot be understood"));
            };
            let continues = seal.is_none_or(|seal| seal == found.previous)
                && next.is_none_or(|next| next == found.first_seq)
                && found.first_seq == part.first_seq
                && (part.first_seq > 1 || found.previous == NO_SEAL);
            if found.stream != stream.as_str() || !continues {
                return Err(broken("another event lies in its place"));
            }
            let keep = |event: StoredEvent, its_seal: Seal| {
                if event.seq > after && event.seq <= last {
                    last_seal = its_seal;
                    events.push(event);
                }
                seal = Some(its_seal);
            };
            found.open(keep).map_err(corrupt)?;
            next = Some(found.first_seq + u64::from(found.count));
        }
        if last >= head.0 && seal.is_some_and(|seal| seal != head.1) {
            let detail = "the stream ends with another seal".to_owned();
            return Err(LogError::Corrupt { stream: stream.clone(), seq: head.0, detail });
        }
        Ok((events, last_seal))
    }

    /// The bytes of a blob that lies between the events.
    fn inline_blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, LogError> {
        let mut store = self.store();
        store.follow()?;
        let Some(place) = store.index.blobs.get(id).copied() else { return Ok(None) };
        let segments = store.segments.clone();
        drop(store);
        let corrupt = |detail: String| LogError::CorruptBlob { id: id.clone(), detail };
        let mut reader = PartReader { segments: &segments, window: Vec::new(), at: (0, 0) };
        let bytes = reader.read(place, &[]).map_err(corrupt)?;
        let Some((_, Record::Blob { bytes, .. })) = take_record(bytes) else {
            return Err(corrupt("its place holds something else".into()));
        };
        let actual = BlobId::of(bytes);
        if actual == *id { Ok(Some(bytes.to_vec())) } else { Err(corrupt(format!("it hashes to {actual}"))) }
    }

    fn put_inline(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        let hash = blake3::hash(bytes);
        let id = BlobId::from_hash(hash);
        let entry = Entry::Blob { id: id.clone(), hash: *hash.as_bytes(), bytes: bytes.to_vec() };
        self.submit(vec![entry]).pop().unwrap_or(Err(LogError::Abandoned))?;
        Ok(id)
    }
}

/// What reading a stream needs once the store is no longer held.
struct Reading {
    parts: Vec<Part>,
    head: (u64, Seal),
    segments: Vec<Segment>,
}

/// Reads records, neighbours at once.
struct PartReader<'a> {
    segments: &'a [Segment],
    window: Vec<u8>,
    /// Segment and offset of the window.
    at: (u32, u64),
}

impl PartReader<'_> {
    /// The bytes of the record at `place`; `next` are the parts that will be asked for, this one first.
    fn read(&mut self, place: Place, next: &[Part]) -> Result<&[u8], String> {
        let (end, window_end) =
            (place.offset + u64::from(place.length), self.at.1 + self.window.len() as u64);
        if self.at.0 != place.segment || place.offset < self.at.1 || end > window_end {
            let near = |part: &&Part| {
                part.place.segment == place.segment && part.place.offset < place.offset + READ_AHEAD
            };
            let ahead = next.iter().take_while(near).last().map_or(place, |part| part.place);
            let length = (ahead.offset + u64::from(ahead.length)).max(end) - place.offset;
            let segment = self.segments.get(place.segment as usize - 1).ok_or("its segment is missing")?;
            self.window.resize(length as usize, 0);
            let count = segment.medium.read_at(&mut self.window, place.offset).map_err(|e| e.to_string())?;
            self.window.truncate(count);
            self.at = (place.segment, place.offset);
        }
        let begin = (place.offset - self.at.1) as usize;
        self.window.get(begin..begin + place.length as usize).ok_or_else(|| "the file ends before it".into())
    }
}

impl EventLog for SegmentLog {
    fn append_many(&self, appends: &[Append<'_>]) -> Vec<Result<u64, LogError>> {
        self.submit(appends.iter().map(|append| Entry::Events(append.into())).collect())
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        Ok(self.read_sealed(stream, after, u64::MAX)?.0)
    }

    fn head_at(&self, stream: &StreamId, last: u64) -> Result<ChainHead, LogError> {
        let (events, seal) = self.read_sealed(stream, 0, last)?;
        Ok(ChainHead { stream: stream.clone(), seq: events.len() as u64, seal })
    }

    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError> {
        let mut store = self.store();
        store.follow()?;
        Ok(store.index.streams.keys().filter(|id| id.as_str().starts_with(prefix)).cloned().collect())
    }

    fn flush(&self) -> Result<(), LogError> {
        self.store().flush()
    }

    fn cuts(&self) -> Vec<CutTail> {
        self.store().cuts.clone()
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        if bytes.len() <= INLINE { self.put_inline(bytes) } else { self.blobs.put(&mut Cursor::new(bytes)) }
    }

    fn put_blob_from(&self, source: &mut dyn Read) -> Result<BlobId, LogError> {
        let mut beginning = Vec::new();
        let read = source.take(INLINE as u64 + 1).read_to_end(&mut beginning);
        read.map_err(|error| LogError::BlobSource { detail: error.to_string() })?;
        if beginning.len() <= INLINE {
            self.put_inline(&beginning)
        } else {
            self.blobs.put(&mut Cursor::new(beginning).chain(source))
        }
    }

    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError> {
        let mut bytes = Vec::new();
        match self.open_blob(id)?.read_to_end(&mut bytes) {
            Ok(_) => Ok(bytes),
            Err(error) => Err(LogError::CorruptBlob { id: id.clone(), detail: error.to_string() }),
        }
    }

    fn open_blob(&self, id: &BlobId) -> Result<Box<dyn Read + Send>, LogError> {
        if let Some(bytes) = self.inline_blob(id)? {
            return Ok(Box::new(Cursor::new(bytes)));
        }
        match self.blobs.open(id)? {
            Some(reader) => Ok(Box::new(reader)),
            None => Err(LogError::BlobMissing { id: id.clone() }),
        }
    }

    fn blobs(&self) -> Result<Vec<BlobId>, LogError> {
        let mut store = self.store();
        store.follow()?;
        let mut ids: Vec<BlobId> = store.index.blobs.keys().cloned().collect();
        drop(store);
        ids.extend(self.blobs.ids()?);
        ids.sort();
        ids.dedup();
        Ok(ids)
    }
}

/// Files of a log are for the eyes of their owner only.
fn owners_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).mode(0o600);
    options
}
