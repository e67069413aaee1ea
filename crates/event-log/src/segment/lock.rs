//! The lock of a log's folder: one process writes at a time, and nobody reads the end while it is being written.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::LogError;

/// A lock file. The kernel gives the lock back when its holder dies.
#[derive(Debug)]
pub(super) struct FolderLock {
    file: File,
    path: PathBuf,
    patience: Duration,
}

/// Gives the lock back when dropped.
pub(super) struct Held<'a>(&'a File);

impl FolderLock {
    pub fn open(folder: &Path, patience: Duration) -> Result<Self, LogError> {
        let path = folder.join("lock");
        let file = super::owners_only().read(true).create(true).truncate(false).open(&path);
        let file = file.map_err(|error| LogError::from_io(&error, &path))?;
        Ok(Self { file, path: folder.to_owned(), patience })
    }

    /// For writing.
    pub fn exclusive(&self) -> Result<Held<'_>, LogError> {
        self.hold(File::try_lock)
    }

    /// For reading the end.
    pub fn shared(&self) -> Result<Held<'_>, LogError> {
        self.hold(File::try_lock_shared)
    }

    /// Asks again and again, because waiting in the kernel has no bound. A holder writes for well under a millisecond.
    fn hold(&self, ask: fn(&File) -> Result<(), TryLockError>) -> Result<Held<'_>, LogError> {
        const LONGEST_PAUSE: Duration = Duration::from_millis(2);
        let (mut pause, mut until) = (Duration::from_micros(20), None);
        loop {
            match ask(&self.file) {
                Ok(()) => return Ok(Held(&self.file)),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(LogError::from_io(&error, &self.path)),
            }
            let now = Instant::now();
            if now >= *until.get_or_insert(now + self.patience) {
                return Err(LogError::Busy { path: self.path.clone() });
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        // Fails only if the file were no file; the lock ends with the process at the latest.
        let _ = self.0.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_writer_or_many_readers() {
        let folder = tempfile::tempdir().unwrap();
        let open = || FolderLock::open(folder.path(), Duration::from_millis(5)).unwrap();
        let (one, other, third) = (open(), open(), open());
        let busy = Err(LogError::Busy { path: folder.path().to_owned() });
        {
            let _writing = one.exclusive().unwrap();
            assert_eq!(other.exclusive().map(|_| ()), busy);
            assert_eq!(other.shared().map(|_| ()), busy);
        }
        let _reading = other.shared().unwrap();
        assert!(third.shared().is_ok());
        assert_eq!(one.exclusive().map(|_| ()), busy);
    }
}
