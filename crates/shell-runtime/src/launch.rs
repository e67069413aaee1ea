//! Starting a child process: in a session of its own, marked, limited, with exactly the environment it should have.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;

use crate::error::RuntimeError;
use crate::limits::PreparedLimits;
use crate::processes::reaper::{Leash, Leashes, Nursery, Order, Refusal, Step};
use crate::processes::{Hunt, LEASE_VARIABLE, ORIGIN_VARIABLE, uptime_ticks};
use crate::protocol::CommandLine;

pub(crate) use crate::processes::reaper::{Exit, Started, Tree};

/// How many commands may be starting at a time. The nursery starts one after the other, so that more would only fill
/// its queue, and block threads of the async runtime when that is full.
const MOST_STARTING: usize = 16;

/// What all children of one runtime share.
#[derive(Debug)]
pub(crate) struct Launcher {
    root: PathBuf,
    env: BTreeMap<String, String>,
    limits: PreparedLimits,
    lease: String,
    next_origin: AtomicU64,
    closed: AtomicBool,
    leashes: Arc<Leashes>,
    nursery: Mutex<Option<Nursery>>,
    /// One permit for each command that may be starting.
    starting: Semaphore,
}

/// What one child has of its own.
#[derive(Debug, Default)]
pub(crate) struct Launch<'a> {
    pub(crate) line: CommandLine,
    pub(crate) cwd: Option<&'a Path>,
    pub(crate) env: Option<&'a BTreeMap<String, String>>,
    pub(crate) clear_env: bool,
}

impl Launcher {
    pub(crate) fn new(root: PathBuf, env: BTreeMap<String, String>, limits: PreparedLimits) -> Self {
        let lease = env.get(LEASE_VARIABLE).cloned().unwrap_or_else(|| own_lease(uptime_ticks()));
        Self {
            root,
            env,
            limits,
            lease,
            next_origin: AtomicU64::new(1),
            closed: AtomicBool::new(false),
            leashes: Arc::default(),
            nursery: Mutex::default(),
            starting: Semaphore::new(MOST_STARTING),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The home directory of children, if they have one.
    pub(crate) fn home(&self) -> Option<PathBuf> {
        self.env.get("HOME").map(PathBuf::from)
    }

    /// Refuses new children from now on and kills everything this runtime started.
    pub(crate) async fn shut_down(&self) -> Result<(), RuntimeError> {
        self.close();
        let killed = self.leashes.kill().await;
        let nursery = self.nursery().take();
        // Waiting for its end blocks; whether that was seen does not matter.
        let _ = tokio::task::spawn_blocking(move || drop(nursery)).await;
        killed
    }

    /// The same for callers outside of async code; blocks for milliseconds as a rule.
    pub(crate) fn shut_down_now(&self) -> Result<(), RuntimeError> {
        self.close();
        let killed = self.leashes.kill_now();
        *self.nursery() = None;
        killed
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    fn nursery(&self) -> MutexGuard<'_, Option<Nursery>> {
        self.nursery.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands an order to the nursery. A nursery that was killed is replaced.
    fn order(&self, leash: UnixStream, order: &Order) -> io::Result<()> {
        let mut nursery = self.nursery();
        if let Some(running) = &*nursery
            && running.send(&leash, order).is_ok()
        {
            return Ok(());
        }
        *nursery = None;
        let fresh = nursery.insert(Nursery::start(self.limits)?);
        fresh.send(&leash, order)
    }

    pub(crate) fn check_open(&self) -> Result<(), RuntimeError> {
        if self.closed.load(Ordering::SeqCst) { Err(RuntimeError::Closed) } else { Ok(()) }
    }

    /// The command, ready for its descriptors.
    pub(crate) fn prepare(&self, launch: &Launch<'_>) -> Result<Prepared<'_>, RuntimeError> {
        self.check_open()?;
        let arguments = words(&launch.line)?;
        let program = arguments.first().cloned().unwrap_or_default();
        let cwd = self.directory(launch.cwd)?.into_os_string();
        let origin = format!("{}.{}", self.lease, self.next_origin.fetch_add(1, Ordering::Relaxed));
        let arguments = arguments.into_iter().map(OsString::from).collect();
        let env = self.environment(launch, &origin);
        let order = Order { arguments, env, cwd, ..Order::default() };
        if order.has_null() {
            return Err(invalid("its environment or directory contains a null byte"));
        }
        Ok(Prepared { launcher: self, order, program, origin })
    }

    fn environment(&self, launch: &Launch<'_>, origin: &str) -> Vec<(OsString, OsString)> {
        let mut env: BTreeMap<&str, &str> = BTreeMap::new();
        let inherited = if launch.clear_env { None } else { Some(&self.env) };
        for (name, value) in inherited.into_iter().chain(launch.env).flatten() {
            env.insert(name, value);
        }
        env.insert(LEASE_VARIABLE, &self.lease);
        env.insert(ORIGIN_VARIABLE, origin);
        env.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn directory(&self, wanted: Option<&Path>) -> Result<PathBuf, RuntimeError> {
        let path = wanted.map_or_else(|| self.root.clone(), |wanted| self.root.join(wanted));
        if path.is_dir() { Ok(path) } else { Err(RuntimeError::WorkingDirectory { path }) }
    }
}

fn own_lease(since: u64) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("rt{:x}-{since:x}-{:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

fn invalid(reason: &str) -> RuntimeError {
    RuntimeError::InvalidCommand { reason: reason.to_owned() }
}

fn words(line: &CommandLine) -> Result<Vec<String>, RuntimeError> {
    let words = match line {
        CommandLine::Shell(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()],
        CommandLine::Argv(words) => words.clone(),
    };
    if words.iter().any(|word| word.contains('\0')) {
        return Err(invalid("it contains a null byte"));
    }
    if words.first().is_none_or(String::is_empty) {
        return Err(invalid("it names no program"));
    }
    Ok(words)
}

/// A command that only lacks its descriptors.
pub(crate) struct Prepared<'a> {
    launcher: &'a Launcher,
    order: Order,
    program: String,
    origin: String,
}

impl Prepared<'_> {
    /// What is started, for messages.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// Gives the command a descriptor under a number. Standard streams that are not given are empty.
    pub(crate) fn place(&mut self, descriptor: impl Into<OwnedFd>, number: RawFd) {
        self.order.placed.push((descriptor.into(), number));
    }

    /// Makes the descriptor with this number the command's controlling terminal.
    pub(crate) fn control_by(&mut self, number: RawFd) {
        self.order.terminal = Some(number);
    }

    /// Starts it. Dropping the tree kills it and everything that descends from it; so does dropping this call.
    pub(crate) async fn spawn(mut self) -> Result<(Started, Tree), RuntimeError> {
        let _permit = self.launcher.starting.acquire().await;
        self.fill_standard_streams().map_err(RuntimeError::io("open the command's empty streams"))?;
        match self.begin().await {
            Ok(started) => Ok(started),
            // The nursery was killed before it could do anything; the order brings it back.
            Err(Unstarted::Lost(error)) if error.kind() == io::ErrorKind::ConnectionReset => {
                self.begin().await.map_err(|unstarted| self.refused(unstarted))
            }
            Err(unstarted) => Err(self.refused(unstarted)),
        }
    }

    fn fill_standard_streams(&mut self) -> io::Result<()> {
        for number in 0..3 {
            if self.order.placed.iter().all(|&(_, taken)| taken != number) {
                let empty = File::options().read(true).write(true).open("/dev/null")?;
                self.place(empty, number);
            }
        }
        Ok(())
    }

    async fn begin(&self) -> Result<(Started, Tree), Unstarted> {
        let launcher = self.launcher;
        let leftovers = Hunt::since(uptime_ticks()).marked(ORIGIN_VARIABLE, self.origin.clone());
        let (ours, theirs) = UnixStream::pair().map_err(Unstarted::Here)?;
        let leash = Leash::new(ours, leftovers).map_err(Unstarted::Here)?;
        launcher.order(theirs, &self.order).map_err(Unstarted::Here)?;
        let leash = launcher.leashes.hold(leash);
        let tree = Tree::new(Arc::clone(&leash));
        if launcher.check_open().is_err() {
            return Err(Unstarted::Closed);
        }
        match leash.start().await {
            Ok(Ok(pid)) => Ok((Started::new(pid, leash), tree)),
            Ok(Err(refusal)) => Err(Unstarted::Refused(refusal)),
            Err(error) => Err(Unstarted::Lost(error)),
        }
    }

    fn refused(&self, unstarted: Unstarted) -> RuntimeError {
        let program = self.program.clone();
        match unstarted {
            Unstarted::Closed => RuntimeError::Closed,
            Unstarted::Refused(Refusal { step: Step::Directory, .. }) => {
                RuntimeError::WorkingDirectory { path: PathBuf::from(&self.order.cwd) }
            }
            Unstarted::Refused(refusal) => {
                RuntimeError::Spawn { program, source: io::Error::from_raw_os_error(refusal.errno) }
            }
            Unstarted::Here(source) | Unstarted::Lost(source) => RuntimeError::Spawn { program, source },
        }
    }
}

/// Why a command does not run.
enum Unstarted {
    /// The runtime was closed meanwhile.
    Closed,
    /// This process could not order it.
    Here(io::Error),
    /// Its own process failed before it became the command.
    Refused(Refusal),
    /// Nobody answered: the nursery or the reaper was killed.
    Lost(io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_become_words() {
        let argv = |words: &[&str]| CommandLine::Argv(words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(words(&CommandLine::Shell("a b".into())).unwrap(), ["/bin/sh", "-c", "a b"]);
        assert_eq!(words(&argv(&["ls", "-l"])).unwrap(), ["ls", "-l"]);
        for broken in [argv(&[]), argv(&[""]), argv(&["a\0b"]), CommandLine::Shell("x\0".into())] {
            assert!(matches!(words(&broken), Err(RuntimeError::InvalidCommand { .. })), "{broken:?}");
        }
    }
}
