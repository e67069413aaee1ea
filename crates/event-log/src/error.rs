//! What can go wrong with a log. Each message says what failed, on what, and what to do next.

use std::io;
use std::path::{Path, PathBuf};

use crate::{BlobId, StreamId};

/// Why a log could not do what was asked. Unless it says otherwise, nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// Somebody else has appended since the caller looked.
    #[error(
        "stream `{stream}` is at {actual}, not at {expected}: another process works on it; \
         read what is new and decide again"
    )]
    Conflict {
        /// The stream.
        stream: StreamId,
        /// What the caller expected.
        expected: u64,
        /// Where the stream is.
        actual: u64,
    },
    /// The file, its folder or the file system does not allow writing.
    #[error("the log {} cannot be written; check the permissions of the file and its folder, or choose another state folder", path.display())]
    ReadOnly {
        /// The file.
        path: PathBuf,
    },
    /// There is no room for more.
    #[error("there is no room left to write the log {}; free some space and resume the run: what was acknowledged is safe", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// Other processes kept the file locked for longer than the time to wait.
    #[error("the log {} is locked by another process; try again, and look for a process that hangs", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// An event is not what was written.
    #[error(
        "event {seq} of stream `{stream}` is damaged ({detail}); events before it are intact. \
         Restore the log from a copy, or begin a new run"
    )]
    Corrupt {
        /// The stream.
        stream: StreamId,
        /// The first event that cannot be trusted.
        seq: u64,
        /// What is wrong with it.
        detail: String,
    },
    /// A blob is not what was written.
    #[error("blob {id} is damaged ({detail}); restore the log from a copy, or produce the content again")]
    CorruptBlob {
        /// The blob.
        id: BlobId,
        /// What is wrong with it.
        detail: String,
    },
    /// The file is damaged as a whole, or is no log at all.
    #[error("{} is damaged or is not a log ({detail}); move it away to begin with an empty log, or restore it from a copy", path.display())]
    CorruptFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        detail: String,
    },
    /// The file was written by a newer program.
    #[error(
        "the log {} has format {found}, but formats up to {supported} can be read here; use a newer smallhands, \
         or another state folder", path.display()
    )]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// The format of the file.
        found: u32,
        /// The newest format that this program reads.
        supported: u32,
    },
    /// There is no blob of this name.
    #[error("there is no blob {id} in the log; it was never stored here, or the log was cut")]
    BlobMissing {
        /// The name.
        id: BlobId,
    },
    /// The blob is larger than this log can keep.
    #[error(
        "the blob is larger than {limit} bytes, the most that this log keeps; keep it as a file, or use the segment log"
    )]
    BlobTooLarge {
        /// The most, bytes.
        limit: u64,
    },
    /// What was to be stored as a blob could not be read.
    #[error("the content of a blob could not be read ({detail}); nothing was stored, try again")]
    BlobSource {
        /// What was reported.
        detail: String,
    },
    /// A stream does not pass through a head that was published earlier.
    #[error(
        "the past of stream `{stream}` was changed: at event {seq}, {detail}. Compare it with a copy from before, \
         and find out who could write the log"
    )]
    Tampered {
        /// The stream.
        stream: StreamId,
        /// The event of the published head.
        seq: u64,
        /// What differs.
        detail: String,
    },
    /// The thread that was writing for this caller died.
    #[error(
        "the thread that wrote for several callers ended in the middle, so it is not known whether the events were written; \
         read the stream to see where it is"
    )]
    Abandoned,
    /// Anything else that the operating system or the database reports.
    #[error("the log {} failed: {detail}; check the disk and the folder", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was reported.
        detail: String,
    },
}

impl LogError {
    /// What the operating system reports about `path`, in the caller's terms.
    pub fn from_io(error: &io::Error, path: &Path) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, detail: error.to_string() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_of_the_operating_system_become_what_a_caller_can_act_upon() {
        let path = Path::new("log.db");
        let read_only = LogError::ReadOnly { path: path.to_owned() };
        let full = LogError::DiskFull { path: path.to_owned() };
        let of = |kind: io::ErrorKind| LogError::from_io(&io::Error::from(kind), path);
        assert_eq!(of(io::ErrorKind::PermissionDenied), read_only);
        assert_eq!(of(io::ErrorKind::ReadOnlyFilesystem), read_only);
        assert_eq!(of(io::ErrorKind::StorageFull), full);
        assert_eq!(of(io::ErrorKind::QuotaExceeded), full);
        assert!(matches!(of(io::ErrorKind::NotFound), LogError::Io { .. }));
    }
}
