//! The state directory: where runs, the event log and sandboxes live. The only file that knows its layout.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

pub use smallhands_event_log::Durability;
use smallhands_event_log::{CutTail, EventLog, open_state};
use smallhands_shell_runtime::processes::start_time;

use crate::request::RunError;

/// How long a lock may stay taken after its owner died: a child that the owner was just starting still holds it.
const LOCK_PATIENCE: Duration = Duration::from_secs(2);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Looks before a lock that is only asked about counts as taken.
const GLANCES: u32 = 10;

/// The state directory with its event log.
///
/// ```text
/// log/                events and blobs of all runs (state.db in a directory from before there were segments)
/// runs/<run>/         base/ (private git repository), result.patch, report.md, lock
/// sandboxes/<id>/     live sandboxes with their leases
/// ```
#[derive(Clone)]
pub struct StateDir {
    root: PathBuf,
    log: Arc<dyn EventLog>,
    /// How many of the log's cut ends have been told.
    told_cuts: Arc<AtomicUsize>,
}

impl fmt::Debug for StateDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateDir").field("root", &self.root).finish_non_exhaustive()
    }
}

impl StateDir {
    /// Creates the directory where it is missing, makes sure that it can be written, and opens its event log: once per
    /// process, clones share it.
    ///
    /// # Errors
    /// [`RunError::StateDir`] when it cannot be created or written; [`RunError::Log`] when the log is damaged, full or of a
    /// newer format.
    pub fn open(root: &Path, durability: Durability) -> Result<Self, RunError> {
        let refused = |source: std::io::Error| RunError::StateDir {
            path: root.to_path_buf(),
            reason: source.to_string(),
        };
        fs::create_dir_all(root.join("runs")).map_err(refused)?;
        fs::create_dir_all(root.join("sandboxes")).map_err(refused)?;
        let probe = root.join(format!(".probe-{}", std::process::id()));
        fs::write(&probe, b"probe").map_err(refused)?;
        fs::remove_file(&probe).map_err(refused)?;
        let root = root.canonicalize().map_err(refused)?;
        let log = open_state(&root, durability)?;
        Ok(Self { root, log, told_cuts: Arc::default() })
    }

    /// The directory itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The event log.
    #[must_use]
    pub fn log(&self) -> Arc<dyn EventLog> {
        self.log.clone()
    }

    /// The torn ends of the log that were cut since the last time; each is told once.
    #[must_use]
    pub fn new_cuts(&self) -> Vec<CutTail> {
        let cuts = self.log.cuts();
        let told = self.told_cuts.swap(cuts.len(), Ordering::Relaxed);
        cuts.into_iter().skip(told).collect()
    }

    /// The same directory, in a process that is to fail.
    #[cfg(feature = "failpoints")]
    #[must_use]
    pub fn failing_at(self, failpoint: Option<crate::failpoint::Failpoint>) -> Self {
        let Some(at) = failpoint else { return self };
        let log = Arc::new(crate::failpoint::FailingLog::new(self.log.clone(), self.root.join("log"), at));
        Self { log, ..self }
    }

    /// The folder of one run.
    #[must_use]
    pub fn run_folder(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(run)
    }

    /// Where the run's base repository is published.
    #[must_use]
    pub fn base(&self, run: &str) -> PathBuf {
        self.run_folder(run).join("base")
    }

    /// The result patch of a run.
    #[must_use]
    pub fn patch(&self, run: &str) -> PathBuf {
        self.run_folder(run).join("result.patch")
    }

    /// The report of a run.
    #[must_use]
    pub fn report(&self, run: &str) -> PathBuf {
        self.run_folder(run).join("report.md")
    }

    /// Takes the ownership of a run for as long as the returned lock lives; the kernel releases it when the process dies.
    ///
    /// # Errors
    /// [`RunError::RunIsLive`] when another process holds it.
    pub fn own(&self, run: &str) -> Result<RunLock, RunError> {
        let until = Instant::now() + LOCK_PATIENCE;
        loop {
            match self.try_own(run) {
                Err(RunError::RunIsLive(_)) if Instant::now() < until => std::thread::sleep(LOCK_PAUSE),
                result => return result,
            }
        }
    }

    /// Whether some process owns the run now.
    #[must_use]
    pub fn is_owned(&self, run: &str) -> bool {
        (0..GLANCES).all(|_| {
            let is_owned = matches!(self.try_own(run), Err(RunError::RunIsLive(_)));
            if is_owned {
                std::thread::sleep(LOCK_PAUSE);
            }
            is_owned
        })
    }

    fn try_own(&self, run: &str) -> Result<RunLock, RunError> {
        let path = self.run_folder(run).join("lock");
        let failed = |source| RunError::Io { what: "lock", path: path.clone(), source };
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)
                    .and_then(|()| file.write_all(Owner::this_process().to_text().as_bytes()))
                    .map_err(failed)?;
                Ok(RunLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                // A child that the dead owner was just starting still holds the file; the next try makes a new one.
                if Owner::read(&mut file).is_some_and(|owner| !owner.is_alive()) {
                    fs::remove_file(&path).map_err(failed)?;
                }
                Err(RunError::RunIsLive(run.to_owned()))
            }
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

/// Who took a lock: a process id and when that process started, since ids are used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Owner {
    pid: i32,
    started: u64,
}

impl Owner {
    fn this_process() -> Self {
        let pid = std::process::id().cast_signed();
        Self { pid, started: start_time(pid).unwrap_or(0) }
    }

    fn is_alive(self) -> bool {
        start_time(self.pid) == Some(self.started)
    }

    fn to_text(self) -> String {
        format!("{} {}\n", self.pid, self.started)
    }

    fn read(file: &mut File) -> Option<Self> {
        let mut text = String::new();
        file.read_to_string(&mut text).ok()?;
        let (pid, started) = text.trim_end().split_once(' ')?;
        Some(Self { pid: pid.parse().ok()?, started: started.parse().ok()? })
    }
}

/// The ownership of a run by this process.
#[derive(Debug)]
pub struct RunLock {
    _file: File,
}

/// Writes a file through a temporary sibling, so that a reader never sees half of it.
///
/// # Errors
/// [`RunError::Io`].
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), RunError> {
    let temporary = path.with_extension(format!("tmp{}", std::process::id()));
    let failed = |source| RunError::Io { what: "write", path: path.to_path_buf(), source };
    fs::write(&temporary, content).map_err(failed)?;
    fs::rename(&temporary, path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_one_owner() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), Durability::Full).unwrap();
        fs::create_dir_all(state.run_folder("r1")).unwrap();
        let first = state.own("r1").unwrap();
        assert!(matches!(state.own("r1"), Err(RunError::RunIsLive(run)) if run == "r1"));
        drop(first);
        assert!(state.own("r1").is_ok());
    }

    #[test]
    fn a_lock_that_only_a_child_of_a_dead_owner_holds_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), Durability::Full).unwrap();
        fs::create_dir_all(state.run_folder("r1")).unwrap();
        let left = state.own("r1").unwrap();
        fs::write(state.run_folder("r1").join("lock"), Owner { pid: i32::MAX - 1, started: 7 }.to_text())
            .unwrap();
        let taken = state.own("r1");
        assert!(taken.is_ok(), "{taken:?}");
        assert!(state.is_owned("r1"));
        drop(left);
        assert!(state.is_owned("r1"), "the old file no longer matters");
    }

    #[test]
    fn a_file_in_the_way_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state");
        fs::write(&path, "not a folder").unwrap();
        let message = StateDir::open(&path, Durability::Full).unwrap_err().to_string();
        assert!(message.contains("--state-dir"), "{message}");
    }
}
