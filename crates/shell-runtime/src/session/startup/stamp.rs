//! Noticing that a file changed, without reading it.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A file, or its absence, as it was at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Stamp {
    path: PathBuf,
    seen: Option<Identity>,
    /// It changed so late that a further change might leave the same time: it never holds.
    fresh: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Identity {
    device: u64,
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Identity {
    fn of(path: &Path) -> Option<Self> {
        let metadata = path.metadata().ok()?;
        Some(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        })
    }
}

impl Stamp {
    /// The file as it is now; it must not have changed since `began`.
    pub(super) fn of(path: &Path, began: SystemTime) -> Self {
        let seen = Identity::of(path);
        let began = began.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let limit = (i64::try_from(began.as_secs()).unwrap_or(i64::MAX), i64::from(began.subsec_nanos()));
        let fresh = seen.as_ref().is_some_and(|seen| seen.changed >= limit);
        Self { path: path.to_owned(), seen, fresh }
    }

    /// Whether nothing has happened to the file since.
    pub(super) fn holds(&self) -> bool {
        !self.fresh && Identity::of(&self.path) == self.seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn any_change_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let later = || SystemTime::now() + Duration::from_secs(60);
        let absent = Stamp::of(&path, later());
        assert!(absent.holds());
        std::fs::write(&path, "one").unwrap();
        assert!(!absent.holds());
        let present = Stamp::of(&path, later());
        assert!(present.holds());
        std::fs::write(&path, "three").unwrap();
        assert!(!present.holds());
        let replaced = Stamp::of(&path, later());
        std::fs::remove_file(&path).unwrap();
        assert!(!replaced.holds());
    }

    #[test]
    fn a_file_that_changed_meanwhile_is_not_trusted() {
        let folder = tempfile::tempdir().unwrap();
        let began = SystemTime::now() - Duration::from_secs(60);
        assert!(!Stamp::of(folder.path(), began).holds());
    }
}
