//! Dying at a chosen event, for the tests of what a crash leaves behind. Only in builds with the feature `failpoints`.

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use smallhands_event_log::{BlobId, EventLog, LogError, NewEvent, StoredEvent, StreamId};

/// When this process ends itself as `kill -9` would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failpoint {
    /// Just before the event with this number of a run's stream would become durable: what led to it has been done.
    Before(u64),
    /// As soon as it is durable: nothing that follows from it has been done.
    After(u64),
}

impl std::str::FromStr for Failpoint {
    type Err = String;

    /// `before:12` or `after:12`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wanted = || format!("`{text}` is no failpoint; write before:N or after:N");
        let (when, number) = text.split_once(':').ok_or_else(wanted)?;
        let number = number.parse().map_err(|_| wanted())?;
        match when {
            "before" => Ok(Self::Before(number)),
            "after" => Ok(Self::After(number)),
            _ => Err(wanted()),
        }
    }
}

/// A log whose process dies at a failpoint.
pub(crate) struct DyingLog<L> {
    inner: L,
    at: Failpoint,
}

impl<L> DyingLog<L> {
    pub(crate) fn new(inner: L, at: Failpoint) -> Self {
        Self { inner, at }
    }
}

fn die() {
    let _ = kill(Pid::this(), Signal::SIGKILL);
}

impl<L: EventLog> EventLog for DyingLog<L> {
    fn append(
        &self,
        stream: &StreamId,
        expected_seq: u64,
        at_ms: i64,
        events: &[NewEvent],
    ) -> Result<u64, LogError> {
        let is_run = stream.as_str().starts_with("run/");
        let last = expected_seq + events.len() as u64;
        if is_run && matches!(self.at, Failpoint::Before(number) if last >= number) {
            die();
        }
        let appended = self.inner.append(stream, expected_seq, at_ms, events)?;
        if is_run && matches!(self.at, Failpoint::After(number) if appended >= number) {
            die();
        }
        Ok(appended)
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        self.inner.read(stream, after)
    }

    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError> {
        self.inner.streams(prefix)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        self.inner.put_blob(bytes)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError> {
        self.inner.get_blob(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failpoints_are_written_as_words() {
        assert_eq!("before:3".parse(), Ok(Failpoint::Before(3)));
        assert_eq!("after:12".parse(), Ok(Failpoint::After(12)));
        for text in ["", "after", "after:x", "during:3"] {
            assert!(text.parse::<Failpoint>().unwrap_err().contains("before:N"), "{text}");
        }
    }
}
