//! What is done with an end that a crash has torn: kept aside, reported, cut.

use std::fmt;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::frame::{FRAME_HEADER, Found, Frames, begins_like_a_frame};
use super::record::{Events, Record, records, take_beginning};
use crate::{LogError, StreamId};

/// The report on an end that was cut. Nothing in it was ever acknowledged under [`crate::Durability::Full`], unless the
/// disk changed what it had confirmed; under [`crate::Durability::Relaxed`] it is what the machine's crash took.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutTail {
    /// The file that was cut.
    pub segment: PathBuf,
    /// Where, in bytes.
    pub offset: u64,
    /// How many bytes were cut, the zeros of reserved room not counted.
    pub length: u64,
    /// How it was noticed.
    pub reason: String,
    /// Where the bytes are kept. This report lies beside them, with the ending `.json`.
    pub kept: PathBuf,
    /// The streams named in what was cut, as far as that can be read.
    pub streams: Vec<CutStream>,
}

/// What a cut end held of one stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CutStream {
    /// The stream.
    pub stream: StreamId,
    /// Its last event that is intact; it goes on from here. 0: it has none.
    pub last_good: u64,
    /// The last event of it that the cut bytes name.
    pub cut_up_to: u64,
}

impl fmt::Display for CutTail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { segment, offset, length, reason, kept, streams } = self;
        write!(
            f,
            "the end of the log was torn: {length} bytes from byte {offset} of {} were cut ({reason}) and kept in {}",
            segment.display(),
            kept.display()
        )?;
        for CutStream { stream, last_good, cut_up_to } in streams {
            write!(
                f,
                "; stream `{stream}` ends at event {last_good}, cut: {} to {cut_up_to}",
                last_good + 1
            )?;
        }
        Ok(())
    }
}

/// The bytes from where the last good frame ends to the end of the file.
pub(super) struct Tail<'a> {
    pub path: &'a Path,
    pub frames: &'a Frames,
    pub offset: u64,
    pub bytes: &'a [u8],
    pub reason: &'a str,
}

impl Tail<'_> {
    /// Whether nothing but reserved room is left.
    pub fn is_unwritten(&self) -> bool {
        self.bytes.iter().all(|byte| *byte == 0)
    }

    /// An error if the disk had confirmed what is broken: then this is damage and no torn write.
    pub fn require_unconfirmed(&self) -> Result<(), LogError> {
        match self.later_frames().find(|(_, confirmed)| *confirmed > self.offset) {
            None => Ok(()),
            Some((later, _)) => {
                let detail = format!(
                    "at byte {}: {}, but at byte {later} there are events that were written after it; \
                     events before byte {} are intact",
                    self.offset, self.reason, self.offset
                );
                Err(LogError::CorruptFile { path: self.path.to_owned(), detail })
            }
        }
    }

    /// Whole frames behind the broken one: where, and what the disk had confirmed when each was written.
    fn later_frames(&self) -> impl Iterator<Item = (u64, u64)> {
        let room = self.offset + self.bytes.len() as u64;
        (8..self.bytes.len()).step_by(8).filter_map(move |at| {
            let (bytes, offset) = (&self.bytes[at..], self.offset + at as u64);
            if !begins_like_a_frame(bytes) {
                return None;
            }
            match self.frames.look(bytes, offset, room) {
                Found::Frame { confirmed, .. } => Some((offset, confirmed)),
                _ => None,
            }
        })
    }

    /// Keeps the bytes in `folder`, durable, together with the report.
    pub fn keep(&self, folder: &Path, last_good: impl Fn(&StreamId) -> u64) -> Result<CutTail, LogError> {
        let length = self.bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let bytes = &self.bytes[..length];
        let segment = self.path.file_stem().unwrap_or_default().to_string_lossy();
        let hash = blake3::hash(bytes).to_hex();
        let kept = folder.join(format!("{segment}-{}-{}.bin", self.offset, &hash[..16]));
        let report = CutTail {
            segment: self.path.to_owned(),
            offset: self.offset,
            length: length as u64,
            reason: self.reason.to_owned(),
            kept: kept.clone(),
            streams: self.streams(last_good),
        };
        let text = serde_json::to_string_pretty(&report).unwrap_or_else(|_| report.to_string());
        let save = || {
            fs::create_dir_all(folder)?;
            write_durably(&kept, bytes)?;
            write_durably(&kept.with_extension("json"), text.as_bytes())?;
            File::open(folder)?.sync_all()
        };
        save().map_err(|error| LogError::from_io(&error, &kept))?;
        Ok(report)
    }

    /// What can be read of the streams concerned: in the broken frame, its beginning; behind it, whole frames.
    fn streams(&self, last_good: impl Fn(&StreamId) -> u64) -> Vec<CutStream> {
        let mut found: Vec<CutStream> = Vec::new();
        let mut note = |events: &Events<'_>| {
            let Ok(stream) = StreamId::new(events.stream) else { return };
            let last = events.first_seq.saturating_add(u64::from(events.count)).saturating_sub(1);
            match found.iter_mut().find(|known| known.stream == stream) {
                Some(known) => known.cut_up_to = known.cut_up_to.max(last),
                None => found.push(CutStream { last_good: last_good(&stream), stream, cut_up_to: last }),
            }
        };
        let begins = std::iter::once(0).chain(self.later_frames().map(|(at, _)| (at - self.offset) as usize));
        for at in begins {
            let Some(body) = self.bytes.get(at + FRAME_HEADER..) else { continue };
            for (begin, _, record) in records(body) {
                match record {
                    Some(Record::Events(events)) => note(&events),
                    None => take_beginning(&body[begin..]).iter().for_each(&mut note),
                    _ => {}
                }
            }
        }
        found
    }
}

fn write_durably(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = super::owners_only().create(true).truncate(true).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}
