//! The segments of a log and the index over them: opening, following what other processes write, and writing.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::flusher::Flusher;
use super::frame::{FILE_HEADER, FRAME_HEADER, Found, Frames, LARGEST_BODY, Salt, file_header, open_header};
use super::index::{Continues, Index};
use super::lock::FolderLock;
use super::medium::{Medium, Mount};
use super::record::{put_blob, put_events, put_full};
use super::tail::{CutTail, Tail};
use super::{SegmentOptions, owners_only};
use crate::chain::Seal;
use crate::{BlobId, Durability, EncodedAppend, LogError, StreamId};

/// What a caller wants written.
#[derive(Debug)]
pub(super) enum Entry {
    Events(EncodedAppend),
    Blob { id: BlobId, hash: [u8; 32], bytes: Vec<u8> },
}

/// One file.
#[derive(Debug, Clone)]
pub(super) struct Segment {
    pub number: u32,
    pub path: PathBuf,
    pub medium: Arc<dyn Medium>,
    frames: Frames,
}

#[derive(Debug)]
pub(super) struct Store {
    folder: PathBuf,
    options: SegmentOptions,
    mount: Mount,
    lock: Arc<FolderLock>,
    flusher: Option<Flusher>,
    pub segments: Vec<Segment>,
    pub index: Index,
    pub cuts: Vec<CutTail>,
    /// Where the next frame of the last segment begins.
    end: u64,
    /// Up to where the disk has confirmed the last segment.
    confirmed: u64,
    /// Whether the last segment takes no more.
    is_full: bool,
    /// Why nothing can be written any more through this value.
    broken: Option<LogError>,
}

/// Where scanning came to an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Unwritten,
    Broken(&'static str),
}

/// How much is read at once.
const WINDOW: usize = 1 << 20;
/// How much room is reserved at least and at most when a segment grows.
const RESERVE: (u64, u64) = (64 << 10, 1 << 20);

impl Store {
    pub fn open(folder: &Path, options: SegmentOptions, mount: Mount) -> Result<Self, LogError> {
        let failed = |error: std::io::Error| LogError::from_io(&error, folder);
        make_folder(folder).map_err(failed)?;
        let lock = Arc::new(FolderLock::open(folder, options.busy_timeout)?);
        let is_relaxed = options.durability == Durability::Relaxed;
        let flusher =
            is_relaxed.then(|| Flusher::start(options.flush_interval)).transpose().map_err(failed)?;
        let mut store = Self {
            folder: folder.to_owned(),
            options,
            mount,
            lock: Arc::clone(&lock),
            flusher,
            segments: Vec::new(),
            index: Index::default(),
            cuts: Vec::new(),
            end: 0,
            confirmed: 0,
            is_full: false,
            broken: None,
        };
        let _held = lock.exclusive()?;
        match store.open_segment(1)? {
            Some(first) => store.begin(first),
            None if store.segment_path(2).exists() => {
                let detail = "the first segment is missing".to_owned();
                return Err(LogError::CorruptFile { path: store.segment_path(1), detail });
            }
            None => store.create_segment(1)?,
        }
        let stop = store.scan()?;
        store.cut_tail(stop)?;
        store.flush()?;
        Ok(store)
    }

    /// Takes up what other processes have written since, for a reader.
    pub fn follow(&mut self) -> Result<(), LogError> {
        if self.is_current()? {
            return Ok(());
        }
        let lock = Arc::clone(&self.lock);
        let _held = lock.shared()?;
        self.catch_up().map(|_| ())
    }

    /// Writes the entries as one frame, and says for each what became of it.
    pub fn write(&mut self, entries: &[Entry]) -> Vec<Result<u64, LogError>> {
        let mut results = Vec::new();
        match self.try_write(entries, &mut results) {
            Ok(()) => results,
            Err(error) => {
                results.resize(entries.len(), Err(error.clone()));
                // A refusal stands; what would have been written was not.
                for result in results.iter_mut().filter(|result| result.is_ok()) {
                    *result = Err(error.clone());
                }
                results
            }
        }
    }

    /// Has the disk confirm everything.
    pub fn flush(&mut self) -> Result<(), LogError> {
        let segment = self.last()?;
        segment.medium.sync().map_err(|error| LogError::from_io(&error, &segment.path))?;
        self.confirmed = self.end;
        Ok(())
    }

    fn try_write(
        &mut self,
        entries: &[Entry],
        results: &mut Vec<Result<u64, LogError>>,
    ) -> Result<(), LogError> {
        self.require_sound()?;
        let lock = Arc::clone(&self.lock);
        let _held = lock.exclusive()?;
        if !self.is_current()? {
            if let stop @ Stop::Broken(_) = self.catch_up()? {
                // The writer died in the middle.
                self.cut_tail(stop)?;
            }
            if self.options.durability == Durability::Full {
                self.flush()?;
            }
        }
        let frame = self.plan(entries, results);
        if frame.len() == FRAME_HEADER { Ok(()) } else { self.commit(frame) }
    }

    fn require_sound(&mut self) -> Result<(), LogError> {
        let failure = self.flusher.as_ref().and_then(Flusher::failure);
        if let (Some(detail), Some(segment)) = (failure, self.segments.last()) {
            let detail =
                format!("the disk refused to confirm what was written: {detail}; open the log again");
            self.broken = Some(LogError::Io { path: segment.path.clone(), detail });
        }
        self.broken.clone().map_or(Ok(()), Err)
    }

    /// Decides what is to be written, and puts it down as the body of a frame.
    fn plan(&self, entries: &[Entry], results: &mut Vec<Result<u64, LogError>>) -> Vec<u8> {
        let mut heads: HashMap<&StreamId, (u64, Seal)> = HashMap::new();
        let mut frame = vec![0; FRAME_HEADER];
        for entry in entries {
            results.push(match entry {
                Entry::Blob { id, hash, bytes } => {
                    if !self.index.blobs.contains_key(id) {
                        put_blob(&mut frame, hash, bytes);
                    }
                    Ok(0)
                }
                Entry::Events(append) => {
                    let stream = &append.stream;
                    let head = *heads.entry(stream).or_insert_with(|| self.index.head(stream));
                    let (expected, actual) = (append.expected_seq, head.0);
                    if expected != actual {
                        Err(LogError::Conflict { stream: stream.clone(), expected, actual })
                    } else if append.events.is_empty() {
                        Ok(actual)
                    } else {
                        let seal = put_events(&mut frame, stream, head, append.at_ms, &append.events);
                        let last = actual + append.events.len() as u64;
                        heads.insert(stream, (last, seal));
                        Ok(last)
                    }
                }
            });
        }
        frame
    }

    fn commit(&mut self, mut frame: Vec<u8>) -> Result<(), LogError> {
        if frame.len() > LARGEST_BODY {
            let detail = format!("{} bytes are too much to append at once", frame.len());
            return Err(LogError::Io { path: self.folder.clone(), detail });
        }
        let is_over = self.end + frame.len() as u64 > self.options.segment_size;
        if self.is_full || (is_over && self.end > FILE_HEADER as u64) {
            self.turn_over()?;
        }
        self.write_frame(&mut frame, self.options.durability == Durability::Full)
    }

    /// Ends the last segment, confirmed by the disk, and begins the next.
    fn turn_over(&mut self) -> Result<(), LogError> {
        if !self.is_full {
            let mut frame = vec![0; FRAME_HEADER];
            put_full(&mut frame);
            self.write_frame(&mut frame, true)?;
        }
        let segment = self.last()?;
        let give_back = segment.medium.set_len(self.end).and_then(|()| segment.medium.sync());
        give_back.map_err(|error| LogError::from_io(&error, &segment.path))?;
        self.create_segment(self.last()?.number + 1)
    }

    /// Writes a frame at the end; on failure the end is where it was.
    fn write_frame(&mut self, frame: &mut Vec<u8>, confirm: bool) -> Result<(), LogError> {
        let segment = self.last()?.clone();
        if let Some(flusher) = &self.flusher {
            self.confirmed = self.confirmed.max(flusher.confirmed(segment.number));
        }
        segment.frames.close(frame, self.end, self.confirmed);
        let end = self.end + frame.len() as u64;
        let write = || {
            self.reserve(&segment, end)?;
            segment.medium.write_at(frame, self.end)?;
            if confirm { segment.medium.sync() } else { Ok(()) }
        };
        if let Err(error) = write() {
            return Err(self.take_back(&segment, &error));
        }
        self.take_up(&segment, self.end, &frame[FRAME_HEADER..])?;
        self.end = end;
        match &self.flusher {
            Some(flusher) if !confirm => flusher.written(segment.number, end, &segment.medium),
            _ => self.confirmed = end,
        }
        Ok(())
    }

    /// Removes what a failed write may have left, so that the next one begins on clean ground.
    fn take_back(&mut self, segment: &Segment, error: &std::io::Error) -> LogError {
        let error = LogError::from_io(error, &segment.path);
        if let Err(worse) = segment.medium.set_len(self.end) {
            let detail =
                format!("{error}, and what it left could not be removed: {worse}; open the log again");
            self.broken = Some(LogError::Io { path: segment.path.clone(), detail });
        }
        error
    }

    /// Sees to it that the file goes to `end` at least. Room is filled with zeros ahead of time: confirming a write is then
    /// a matter of its data alone, without a new length of the file, and a full disk shows before an event is half written.
    fn reserve(&self, segment: &Segment, end: u64) -> std::io::Result<()> {
        let length = segment.medium.len()?;
        if end <= length {
            return Ok(());
        }
        let limit = self.options.size_limit.map(|limit| limit.saturating_sub(self.size_before(segment)));
        if limit.is_some_and(|limit| end > limit) {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        let generous = (length + (length / 2).clamp(RESERVE.0, RESERVE.1)).max(end).next_multiple_of(4096);
        let generous = limit.map_or(generous, |limit| generous.min(limit));
        let fill = |to: u64| fill_with_zeros(&*segment.medium, length, to);
        fill(generous).or_else(|_| {
            segment.medium.set_len(length)?;
            fill(end)
        })
    }

    fn size_before(&self, segment: &Segment) -> u64 {
        let earlier = self.segments.iter().filter(|other| other.number < segment.number);
        earlier.map(|other| other.medium.len().unwrap_or(0)).sum()
    }

    /// Whether nothing was written behind what is known. Cheap: it looks at a few bytes, and takes no lock.
    fn is_current(&self) -> Result<bool, LogError> {
        let segment = self.last()?;
        let failed = |error: std::io::Error| LogError::from_io(&error, &segment.path);
        let (mut header, length) = ([0; FRAME_HEADER], segment.medium.len().map_err(failed)?);
        segment.medium.read_at(&mut header, self.end).map_err(failed)?;
        let has_next = self.is_full && self.segment_path(segment.number + 1).exists();
        Ok(length >= self.end && header.iter().all(|byte| *byte == 0) && !has_next)
    }

    fn catch_up(&mut self) -> Result<Stop, LogError> {
        let segment = self.last()?;
        let length = segment.medium.len().map_err(|error| LogError::from_io(&error, &segment.path))?;
        if length < self.end {
            // Another process took back what it could not confirm. Begin anew.
            self.index = Index::default();
            let first = self.segments.drain(..).next();
            first.into_iter().for_each(|first| self.begin(first));
        }
        self.scan()
    }

    /// Takes up all frames from the end on, through all segments.
    fn scan(&mut self) -> Result<Stop, LogError> {
        loop {
            let stop = self.scan_segment()?;
            let number = self.last()?.number;
            let has_next = self.segment_path(number + 1).exists();
            match stop {
                Stop::Broken(reason) if has_next => return Err(self.damaged(reason)),
                Stop::Broken(_) => return Ok(stop),
                Stop::Unwritten if !has_next => return Ok(stop),
                Stop::Unwritten if !self.is_full => {
                    return Err(self.damaged("nothing is written here, though there is a later segment"));
                }
                Stop::Unwritten => {}
            }
            match self.open_segment(number + 1)? {
                Some(next) => self.begin(next),
                None => return Ok(stop),
            }
        }
    }

    fn scan_segment(&mut self) -> Result<Stop, LogError> {
        let segment = self.last()?.clone();
        let failed = |error: std::io::Error| LogError::from_io(&error, &segment.path);
        let room = segment.medium.len().map_err(failed)?;
        let (mut window, mut begin) = (Vec::new(), self.end);
        loop {
            let rest = window.get((self.end - begin) as usize..).unwrap_or_default();
            match segment.frames.look(rest, self.end, room) {
                Found::Nothing => return Ok(Stop::Unwritten),
                Found::Broken(reason) => return Ok(Stop::Broken(reason)),
                Found::More(length) => {
                    window = read(&*segment.medium, self.end, length.max(WINDOW)).map_err(failed)?;
                    begin = self.end;
                    if window.len() < length {
                        return Ok(Stop::Broken("the file became shorter while it was read"));
                    }
                }
                Found::Frame { length, confirmed } => {
                    self.take_up(&segment, self.end, &rest[FRAME_HEADER..length])?;
                    self.confirmed = self.confirmed.max(confirmed);
                    self.end += length as u64;
                }
            }
        }
    }

    fn take_up(&mut self, segment: &Segment, offset: u64, body: &[u8]) -> Result<(), LogError> {
        match self.index.take_up(segment.number, offset + FRAME_HEADER as u64, body) {
            Ok(continues) => {
                self.is_full = continues == Continues::InTheNextSegment;
                Ok(())
            }
            Err(reason) => Err(self.damaged(&reason)),
        }
    }

    /// Cuts a torn end off the last segment. To be called with the exclusive lock.
    fn cut_tail(&mut self, stop: Stop) -> Result<(), LogError> {
        let segment = self.last()?.clone();
        let failed = |error: std::io::Error| LogError::from_io(&error, &segment.path);
        let room = segment.medium.len().map_err(failed)?;
        let bytes =
            read(&*segment.medium, self.end, room.saturating_sub(self.end) as usize).map_err(failed)?;
        let reason = match stop {
            Stop::Broken(reason) => reason,
            Stop::Unwritten => "what begins here was never written, but what follows was",
        };
        let (path, frames) = (&segment.path, &segment.frames);
        let tail = Tail { path, frames, offset: self.end, bytes: &bytes, reason };
        if tail.is_unwritten() {
            return Ok(());
        }
        tail.require_unconfirmed()?;
        let report = tail.keep(&self.folder.join("cut"), |stream| self.index.head(stream).0)?;
        segment.medium.set_len(self.end).and_then(|()| segment.medium.sync()).map_err(failed)?;
        self.cuts.push(report);
        Ok(())
    }

    fn damaged(&self, reason: &str) -> LogError {
        let path = self.segments.last().map_or_else(|| self.folder.clone(), |segment| segment.path.clone());
        let detail = format!("at byte {}: {reason}; events before it are intact", self.end);
        LogError::CorruptFile { path, detail }
    }

    fn last(&self) -> Result<&Segment, LogError> {
        let detail = "there are no segments".to_owned();
        self.segments.last().ok_or_else(|| LogError::Io { path: self.folder.clone(), detail })
    }

    fn begin(&mut self, segment: Segment) {
        self.segments.push(segment);
        (self.end, self.confirmed, self.is_full) = (FILE_HEADER as u64, FILE_HEADER as u64, false);
    }

    fn segment_path(&self, number: u32) -> PathBuf {
        self.folder.join(format!("{number:08}.seg"))
    }

    fn open_segment(&self, number: u32) -> Result<Option<Segment>, LogError> {
        let path = self.segment_path(number);
        let file = match owners_only().read(true).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LogError::from_io(&error, &path)),
        };
        let medium = self.mount.medium(file);
        let header = read(&*medium, 0, FILE_HEADER).map_err(|error| LogError::from_io(&error, &path))?;
        let frames = open_header(&header, number, &path)?;
        Ok(Some(Segment { number, path, medium, frames }))
    }

    /// Makes a segment: under another name first, so that it is there whole or not at all.
    fn create_segment(&mut self, number: u32) -> Result<(), LogError> {
        let (path, unfinished) = (self.segment_path(number), self.folder.join("next-segment"));
        let make = || -> std::io::Result<(Arc<dyn Medium>, Salt)> {
            let file = owners_only().read(true).create(true).truncate(true).open(&unfinished)?;
            let (medium, salt) = (self.mount.medium(file), fresh_salt()?);
            medium.write_at(&file_header(number, &salt), 0)?;
            medium.sync()?;
            fs::rename(&unfinished, &path)?;
            File::open(&self.folder)?.sync_all()?;
            Ok((medium, salt))
        };
        let (medium, salt) = make().map_err(|error| LogError::from_io(&error, &path))?;
        self.begin(Segment { number, path, medium, frames: Frames::new(&salt) });
        Ok(())
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(builder.recursive(true), 0o700);
    builder.create(folder)
}

/// Not a secret from who can read the files, but nothing that an event could contain by intent.
fn fresh_salt() -> std::io::Result<Salt> {
    let mut salt = Salt::default();
    File::open("/dev/urandom")?.read_exact(&mut salt)?;
    Ok(salt)
}

fn fill_with_zeros(medium: &dyn Medium, from: u64, to: u64) -> std::io::Result<()> {
    let zeros = vec![0; (RESERVE.1.min(to - from)) as usize];
    let mut at = from;
    while at < to {
        let count = (to - at).min(zeros.len() as u64);
        medium.write_at(&zeros[..count as usize], at)?;
        at += count;
    }
    Ok(())
}

fn read(medium: &dyn Medium, offset: u64, length: usize) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let count = medium.read_at(&mut bytes, offset)?;
    bytes.truncate(count);
    Ok(bytes)
}
