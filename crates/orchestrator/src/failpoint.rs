//! Failing at a chosen event, for the tests of what a crash or a full disk leaves behind. Only in builds with the feature
//! `failpoints`.

use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use smallhands_event_log::{Append, BlobId, CutTail, EventLog, LogError, StoredEvent, StreamId};

/// Where this process fails. Events are numbered as in their run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// It ends itself, as `kill -9` would, just before the event becomes durable: what led to it has been done.
    Before(u64),
    /// It ends itself as soon as the event is durable: nothing that follows from it has been done.
    After(u64),
    /// There is no room for the event, nor for anything after it.
    Full(u64),
}

impl std::str::FromStr for Failpoint {
    type Err = String;

    /// `before:12`, `after:12` or `full:12`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is no failpoint; write before:N, after:N or full:N");
        let (when, number) = text.split_once(':').ok_or_else(wanted)?;
        let number = number.parse().map_err(|_| wanted())?;
        match when {
            "before" => Ok(Self::Before(number)),
            "after" => Ok(Self::After(number)),
            "full" => Ok(Self::Full(number)),
            _ => Err(wanted()),
        }
    }
}

/// A log that fails at a failpoint. Appends of one group become durable one after the other, so that a process can also die
/// between them: a log promises no more than that.
pub(crate) struct FailingLog {
    inner: Arc<dyn EventLog>,
    path: PathBuf,
    at: Failpoint,
    is_full: AtomicBool,
}

impl FailingLog {
    pub(crate) fn new(inner: Arc<dyn EventLog>, path: PathBuf, at: Failpoint) -> Self {
        Self { inner, path, at, is_full: AtomicBool::new(false) }
    }

    fn require_room(&self) -> Result<(), LogError> {
        match self.is_full.load(Ordering::Relaxed) {
            true => Err(LogError::DiskFull { path: self.path.clone() }),
            false => Ok(()),
        }
    }

    fn append_one(&self, append: &Append<'_>) -> Result<u64, LogError> {
        let is_run = append.stream.as_str().starts_with("run/");
        let last = append.expected_seq + append.events.len() as u64;
        let reaches = |number| is_run && last >= number;
        match self.at {
            Failpoint::Before(number) if reaches(number) => die(),
            Failpoint::Full(number) if reaches(number) => self.is_full.store(true, Ordering::Relaxed),
            _ => {}
        }
        self.require_room()?;
        let appended = self.inner.append(append.stream, append.expected_seq, append.at_ms, append.events)?;
        if matches!(self.at, Failpoint::After(number) if reaches(number)) {
            die();
        }
        Ok(appended)
    }
}

fn die() {
    let _ = kill(Pid::this(), Signal::SIGKILL);
}

impl EventLog for FailingLog {
    fn append_many(&self, appends: &[Append<'_>]) -> Vec<Result<u64, LogError>> {
        appends.iter().map(|append| self.append_one(append)).collect()
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        self.inner.read(stream, after)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError> {
        self.inner.streams(prefix)
    }

    fn flush(&self) -> Result<(), LogError> {
        self.inner.flush()
    }

    fn cuts(&self) -> Vec<CutTail> {
        self.inner.cuts()
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        self.require_room()?;
        self.inner.put_blob(bytes)
    }

    fn put_blob_from(&self, source: &mut dyn Read) -> Result<BlobId, LogError> {
        self.require_room()?;
        self.inner.put_blob_from(source)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError> {
        self.inner.get_blob(id)
    }

    fn open_blob(&self, id: &BlobId) -> Result<Box<dyn Read + Send>, LogError> {
        self.inner.open_blob(id)
    }

    fn blobs(&self) -> Result<Vec<BlobId>, LogError> {
        self.inner.blobs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_event_log::{MemoryLog, NewEvent};

    #[test]
    fn failpoints_are_written_as_words() {
        assert_eq!("before:3".parse(), Ok(Failpoint::Before(3)));
        assert_eq!("after:12".parse(), Ok(Failpoint::After(12)));
        assert_eq!("full:7".parse(), Ok(Failpoint::Full(7)));
        for text in ["", "after", "after:x", "during:3"] {
            assert!(text.parse::<Failpoint>().unwrap_err().contains("before:N"), "{text}");
        }
    }

    #[test]
    fn a_full_disk_takes_nothing_more() {
        let inner: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let log = FailingLog::new(inner, "log".into(), Failpoint::Full(2));
        let stream = StreamId::new("run/r1".to_owned()).unwrap();
        let event = NewEvent { kind: "x".into(), version: 1, payload: serde_json::json!(null) };
        let full = LogError::DiskFull { path: "log".into() };
        assert_eq!(log.append(&stream, 0, 0, std::slice::from_ref(&event)), Ok(1));
        assert!(log.put_blob(b"x").is_ok());
        assert_eq!(log.append(&stream, 1, 0, &[event]), Err(full.clone()));
        assert_eq!(log.put_blob(b"y"), Err(full));
        assert_eq!(log.read(&stream, 0).unwrap().len(), 1);
    }
}
