//! Whose a sandbox is. The lease lies in the sandbox's directory, so that whoever starts next can tell what a crash
//! left behind from what a living process still uses.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use smallhands_shell_runtime::processes::start_time;

use crate::error::SandboxError;

/// The lease's file in a sandbox's directory.
const FILE: &str = "lease.json";

/// How the name of a directory begins that is still being made, or already being removed.
const UNFINISHED: &str = ".unfinished-";

/// How old something that does not tell its owner must be before it counts as abandoned.
const GRACE: Duration = Duration::from_secs(10 * 60);

/// A claim to a sandbox.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lease {
    pub(super) id: String,
    /// The run or attempt.
    owner: String,
    process: Holder,
    created_ms: u64,
    ttl_ms: u64,
}

/// A process, named so that no later one can be taken for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Holder {
    pid: i32,
    /// Clock ticks after boot.
    started: u64,
    boot: String,
    /// Process ids mean nothing in another namespace.
    pid_namespace: String,
}

impl Lease {
    /// A lease held by this process.
    pub(super) fn new(owner: &str, ttl: Duration) -> Self {
        let process = Holder::this_process();
        let created = now();
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            id: unique_id(&process, created),
            owner: owner.to_owned(),
            process,
            created_ms: milliseconds(created),
            ttl_ms: milliseconds(ttl),
        }
    }

    /// The name of the sandbox's directory while it is being made or removed. It tells the holder as well, because there is
    /// a moment at either end when the directory is there and the lease in it is not.
    pub(super) fn unfinished_name(&self) -> String {
        let Holder { pid, started, .. } = self.process;
        format!("{UNFINISHED}{}.{pid}.{started}.{}", self.id, self.process.place())
    }

    /// Time to live.
    pub(super) fn ttl(&self) -> Duration {
        Duration::from_millis(self.ttl_ms)
    }

    pub(super) fn write(&self, dir: &Path) -> Result<(), SandboxError> {
        let path = dir.join(FILE);
        let text = serde_json::to_vec_pretty(self).map_err(std::io::Error::from);
        text.and_then(|text| fs::write(&path, text)).map_err(SandboxError::io("write", &path))
    }

    fn is_abandoned(&self) -> bool {
        match self.process.is_alive() {
            Some(alive) => !alive,
            None => now() > Duration::from_millis(self.created_ms.saturating_add(self.ttl_ms)),
        }
    }
}

/// Whether what lies at `dir` belongs to no living process.
pub(super) fn is_abandoned(dir: &Path) -> bool {
    let lease = fs::read(dir.join(FILE)).ok().and_then(|text| serde_json::from_slice::<Lease>(&text).ok());
    match lease {
        Some(lease) => lease.is_abandoned(),
        None => is_left_by_the_dead(dir).unwrap_or_else(|| is_old(dir)),
    }
}

/// What the name of an unfinished directory says about its holder; `None` when it says nothing that is understood here.
fn is_left_by_the_dead(dir: &Path) -> Option<bool> {
    let mut parts = dir.file_name()?.to_str()?.strip_prefix(UNFINISHED)?.split('.').skip(1);
    let (pid, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    let here = Holder { pid, started, ..Holder::this_process() };
    (parts.next()? == here.place()).then(|| start_time(pid) != Some(started))
}

fn is_old(dir: &Path) -> bool {
    let modified = fs::symlink_metadata(dir).and_then(|metadata| metadata.modified());
    modified.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > GRACE))
}

impl Holder {
    fn this_process() -> Self {
        let pid = i32::try_from(std::process::id()).unwrap_or(0);
        Self { pid, started: start_time(pid).unwrap_or(0), boot: boot_id(), pid_namespace: pid_namespace() }
    }

    /// A short name for where the process id means something.
    fn place(&self) -> String {
        let named = format!("{}\n{}", self.boot, self.pid_namespace);
        blake3::hash(named.as_bytes()).to_hex().chars().take(8).collect()
    }

    /// `None` when that cannot be known from here.
    fn is_alive(&self) -> Option<bool> {
        if self.boot != boot_id() {
            return Some(false);
        }
        (self.pid_namespace == pid_namespace()).then(|| start_time(self.pid) == Some(self.started))
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

fn pid_namespace() -> String {
    fs::read_link("/proc/self/ns/pid").map(|link| link.to_string_lossy().into_owned()).unwrap_or_default()
}

fn now() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Short, because paths below it must stay short enough for sockets; unique among all processes and times.
fn unique_id(process: &Holder, created: Duration) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let named = format!("{process:?} {created:?} {number}");
    let hash = blake3::hash(named.as_bytes());
    hash.as_bytes().iter().take(12).map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    #[test]
    fn ids_are_unique_short_and_plain() {
        let ids: std::collections::HashSet<String> = (0..1000).map(|_| Lease::new("x", HOUR).id).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 12 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())));
    }

    #[test]
    fn only_the_leases_of_the_dead_are_abandoned() {
        let mine = Lease::new("run", HOUR);
        let with = |change: fn(&mut Lease)| {
            let mut lease = mine.clone();
            change(&mut lease);
            lease.is_abandoned()
        };
        assert!(!mine.is_abandoned());
        assert!(with(|lease| lease.process.pid = i32::MAX));
        assert!(with(|lease| lease.process.started += 1));
        assert!(with(|lease| lease.process.boot = "another".into()));
        assert!(!with(|lease| lease.process.pid_namespace = "another".into()));
        assert!(with(|lease| {
            lease.process.pid_namespace = "another".into();
            lease.created_ms = 0;
        }));
    }

    #[test]
    fn names_of_unfinished_directories_tell_whether_their_holder_lives() {
        let dir = tempfile::tempdir().unwrap();
        let mine = Lease::new("run", HOUR);
        let with = |change: fn(&mut Holder)| {
            let mut lease = mine.clone();
            change(&mut lease.process);
            let path = dir.path().join(lease.unfinished_name());
            fs::create_dir_all(&path).unwrap();
            is_abandoned(&path)
        };
        assert!(!with(|_| {}));
        assert!(with(|holder| holder.pid = i32::MAX));
        assert!(with(|holder| holder.started += 1));
        assert!(!with(|holder| {
            holder.pid = i32::MAX;
            holder.pid_namespace = "another".into();
        }));
        for strange in [".unfinished-x", ".unfinished-x.1", ".unfinished-x.a.b.c", "x.1.2.3"] {
            fs::create_dir_all(dir.path().join(strange)).unwrap();
            assert!(!is_abandoned(&dir.path().join(strange)), "{strange} is young");
        }
    }

    #[test]
    fn leases_are_read_back_and_damage_is_given_time() {
        let dir = tempfile::tempdir().unwrap();
        assert!(!is_abandoned(dir.path()));
        let mut lease = Lease::new("run", HOUR);
        lease.write(dir.path()).unwrap();
        assert!(!is_abandoned(dir.path()));
        lease.process.started += 1;
        lease.write(dir.path()).unwrap();
        assert!(is_abandoned(dir.path()));
        fs::write(dir.path().join(FILE), "{").unwrap();
        assert!(!is_abandoned(dir.path()));
        let long_ago = SystemTime::now() - 2 * GRACE;
        fs::File::open(dir.path()).unwrap().set_modified(long_ago).unwrap();
        assert!(is_abandoned(dir.path()));
    }
}
