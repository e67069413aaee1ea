//! Who owns a sandbox on disk. Written before the sandbox is used, removed last.
//!
//! A lease names its owner by process id *and* start time, because process ids are used again.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use smallhands_shell_runtime::processes;

use crate::error::SandboxError;

/// The file's name inside the sandbox's folder.
const FILE: &str = "lease.json";

/// An owner's claim on a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The sandbox.
    pub id: String,
    /// Run and attempt.
    pub owner: String,
    /// Process that made it.
    pub pid: i32,
    /// When that process started, in kernel ticks since boot.
    pub started: u64,
    /// When the lease runs out, seconds since the Unix epoch.
    pub expires: u64,
}

impl Lease {
    /// A lease of this process.
    #[must_use]
    pub fn of_this_process(id: &str, owner: &str, ttl: Duration) -> Self {
        let pid = i32::try_from(std::process::id()).unwrap_or(i32::MAX);
        Self {
            id: id.to_owned(),
            owner: owner.to_owned(),
            pid,
            started: processes::start_time(pid).unwrap_or(0),
            expires: now().saturating_add(ttl.as_secs()),
        }
    }

    /// Whether the process that made it is no more, or the time is over.
    #[must_use]
    pub fn is_void(&self) -> bool {
        processes::start_time(self.pid) != Some(self.started) || now() > self.expires
    }

    /// Writes the lease into a sandbox's folder.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), SandboxError> {
        let path = folder.join(FILE);
        let text = serde_json::to_vec(self).unwrap_or_default();
        std::fs::write(&path, text).map_err(|error| SandboxError::io("write", &path, error))
    }

    /// Reads the lease of a sandbox's folder; `None` when there is none that can be read.
    #[must_use]
    pub fn read(folder: &Path) -> Option<Self> {
        serde_json::from_slice(&std::fs::read(folder.join(FILE)).ok()?).ok()
    }
}

/// Folders directly below `root` whose lease is void or missing for longer than it takes to write one.
#[must_use]
pub fn abandoned(root: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    let folders = entries.flatten().filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    let mut abandoned: Vec<PathBuf> = folders.map(|entry| entry.path()).filter(|folder| is_abandoned(folder)).collect();
    abandoned.sort();
    abandoned
}

fn is_abandoned(folder: &Path) -> bool {
    match Lease::read(folder) {
        Some(lease) => lease.is_void(),
        None => age(folder).is_some_and(|age| age > Duration::from_secs(60)),
    }
}

fn age(folder: &Path) -> Option<Duration> {
    std::fs::metadata(folder).ok()?.modified().ok()?.elapsed().ok()
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(change: impl FnOnce(&mut Lease)) -> Lease {
        let mut lease = Lease::of_this_process("s1", "r1/t#1", Duration::from_secs(60));
        change(&mut lease);
        lease
    }

    #[test]
    fn a_lease_ends_with_its_owner_or_its_time() {
        assert!(!lease(|_| ()).is_void());
        assert!(lease(|lease| lease.pid = i32::MAX - 1).is_void(), "no such process");
        assert!(lease(|lease| lease.started += 1).is_void(), "the process id was used again");
        assert!(lease(|lease| lease.expires = now() - 2).is_void(), "its time is over");
    }

    #[test]
    fn only_abandoned_folders_are_named() {
        let root = tempfile::tempdir().unwrap();
        for (name, pid) in [("live", None), ("dead", Some(i32::MAX - 1))] {
            let folder = root.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            lease(|lease| lease.pid = pid.unwrap_or(lease.pid)).write(&folder).unwrap();
        }
        std::fs::create_dir(root.path().join("being-made")).unwrap();
        assert_eq!(abandoned(root.path()), [root.path().join("dead")]);
    }
}
