//! This side of reapers: what they told, and holding or killing the trees they keep.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::watch;

use super::record::{Record, SIZE, Step};
use crate::error::RuntimeError;
use crate::processes::{Hunt, Survivors};
use crate::protocol::Usage;

/// How long killing may take. Only processes stuck in the kernel, or a reaper that was tampered with, take longer
/// than milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a drop waits for it. A reaper goes on without being waited for.
const DROP_PATIENCE: Duration = Duration::from_millis(250);

/// How long starting a command may take on a machine that is out of breath.
const START_PATIENCE: Duration = Duration::from_secs(60);

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    /// What it and its descendants used; `None` when that is not known.
    pub(crate) usage: Option<Usage>,
}

/// Why a command could not be started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) step: Step,
    /// The system's number of the error.
    pub(crate) errno: i32,
}

/// What is known of a tree.
#[derive(Debug, Clone, Copy, Default)]
struct Fate {
    /// The process that was about to become the command. If nothing else is ever told, it did.
    born: Option<i32>,
    /// The command's process id, or why there is none.
    start: Option<Result<i32, Refusal>>,
    /// How the command ended.
    exit: Option<Exit>,
    /// The reaper said that nothing is left.
    empty: bool,
    /// The reaper is gone. If it did not say that nothing is left, somebody killed it.
    gone: bool,
}

/// The socket that holds a reaper.
#[derive(Debug)]
pub(crate) struct Leash {
    socket: AsyncFd<UnixStream>,
    unread: Mutex<Vec<u8>>,
    fate: watch::Sender<Fate>,
    leftovers: Hunt,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Leash {
    /// Must be called within an async runtime.
    pub(crate) fn new(socket: UnixStream, leftovers: Hunt) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // SAFETY: the stream owns its descriptor and is neither replaced nor closed before it is dropped.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE)? };
        Ok(Self { socket, unread: Mutex::default(), fate: watch::Sender::default(), leftovers })
    }

    /// Waits for the command's process id, or for why there is none.
    ///
    /// # Errors
    /// When the reaper was lost before there could be a command, or takes for ever.
    pub(crate) async fn start(&self) -> io::Result<Result<i32, Refusal>> {
        let mut fate = self.fate.subscribe();
        let told = fate.wait_for(|fate| fate.start.is_some() || fate.gone);
        let Ok(told) = tokio::time::timeout(START_PATIENCE, told).await else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        let start = told.ok().and_then(|fate| fate.start.or(fate.born.map(Ok)));
        start.ok_or_else(|| io::ErrorKind::ConnectionReset.into())
    }

    /// Takes in all reports until the reaper is gone.
    async fn follow(&self) {
        while !self.fate.borrow().gone {
            let Ok(mut ready) = self.socket.readable().await else { return };
            // Not being ready after all is what this waits through.
            let _ = ready.try_io(|_| self.absorb());
        }
    }

    /// Takes in the reports that have come.
    fn absorb(&self) -> io::Result<()> {
        let mut unread = lock(&self.unread);
        let mut chunk = [0; 4 * SIZE];
        loop {
            match self.socket.get_ref().read(&mut chunk) {
                Ok(count) if count > 0 => unread.extend_from_slice(&chunk[..count]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Err(error),
                _ => {
                    self.fate.send_modify(|fate| fate.gone = true);
                    return Ok(());
                }
            }
            while let Some((report, rest)) = unread.split_first_chunk::<SIZE>() {
                self.learn(Record::parse(report));
                *unread = rest.to_vec();
            }
        }
    }

    fn learn(&self, report: Option<Record>) {
        self.fate.send_modify(|fate| match report {
            Some(Record::Born(pid)) => fate.born = Some(pid),
            // What a process that could not become the command says comes first, and what its reaper says after it.
            Some(Record::Started(pid)) if fate.start.is_none() => fate.start = Some(Ok(pid)),
            Some(Record::Refused(step, errno)) => fate.start = Some(Err(Refusal { step, errno })),
            Some(Record::Ended(exit)) => fate.exit = Some(exit),
            Some(Record::Empty) => fate.empty = true,
            _ => {}
        });
    }

    /// Tells the reaper to kill its tree.
    fn order_end(&self) {
        // A reaper that does not listen any more has nothing left to kill.
        let _ = self.socket.get_ref().write(b"k");
    }

    async fn kill(&self, deadline: Instant) -> Result<(), RuntimeError> {
        self.order_end();
        let mut fate = self.fate.subscribe();
        let gone = fate.wait_for(|fate| fate.gone);
        let orderly =
            matches!(tokio::time::timeout_at(deadline.into(), gone).await, Ok(Ok(fate)) if fate.empty);
        if orderly { Ok(()) } else { hunt(self.hunt_for_leftovers()).await }
    }

    /// Finds what a reaper that was killed, or does not move, has left.
    fn hunt_for_leftovers(&self) -> Hunt {
        let born = self.fate.borrow().born;
        self.leftovers.clone().in_sessions(born)
    }

    /// The same without an async runtime.
    fn kill_now(&self, deadline: Instant) -> Result<(), RuntimeError> {
        self.end_until(deadline);
        if self.fate.borrow().empty { Ok(()) } else { Ok(self.hunt_for_leftovers().kill()?) }
    }

    /// Orders the end and waits for it.
    fn end_until(&self, deadline: Instant) {
        self.order_end();
        while !self.fate.borrow().gone && Instant::now() < deadline {
            wait_for_hang_up(self.socket.get_ref(), deadline);
            // Not being ready after all is no reason to wait longer than that.
            let _ = self.absorb();
        }
    }

    /// Whether the reaper is gone and did not say that nothing is left: somebody killed it.
    fn was_abandoned(&self) -> bool {
        let fate = self.fate.borrow();
        fate.gone && !fate.empty
    }
}

fn deadline() -> Instant {
    Instant::now() + PATIENCE
}

fn wait_for_hang_up(socket: &UnixStream, deadline: Instant) {
    let limit = deadline.saturating_duration_since(Instant::now()).as_millis();
    let mut watched = libc::pollfd { fd: socket.as_raw_fd(), events: 0, revents: 0 };
    // SAFETY: the place is valid; the bound is at most five seconds.
    unsafe { libc::poll(&raw mut watched, 1, i32::try_from(limit).unwrap_or(0).max(1)) };
}

/// Runs a hunt off the async threads, because it reads all of `/proc`.
async fn hunt(hunt: Hunt) -> Result<(), RuntimeError> {
    match tokio::task::spawn_blocking(move || hunt.kill()).await {
        Ok(killed) => killed.map_err(RuntimeError::from),
        Err(_) => Err(RuntimeError::Io { what: "kill processes", source: io::ErrorKind::Interrupted.into() }),
    }
}

/// All leashes of a runtime whose reapers live. Held here, a tree lives on when nobody else cares for it.
#[derive(Debug, Default)]
pub(crate) struct Leashes {
    held: Mutex<HashMap<u64, Arc<Leash>>>,
    next: AtomicU64,
}

impl Leashes {
    /// Holds a leash for as long as its reaper lives.
    pub(crate) fn hold(self: &Arc<Self>, leash: Leash) -> Arc<Leash> {
        let leash = Arc::new(leash);
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.held).insert(number, Arc::clone(&leash));
        let (followed, registry) = (Arc::clone(&leash), Arc::downgrade(self));
        tokio::spawn(async move {
            followed.follow().await;
            if followed.was_abandoned()
                && let Err(error) = hunt(followed.hunt_for_leftovers()).await
            {
                tracing::warn!(%error, "a reaper was killed and its processes stay");
            }
            if let Some(registry) = registry.upgrade() {
                lock(&registry.held).remove(&number);
            }
        });
        leash
    }

    fn all(&self) -> Vec<Arc<Leash>> {
        lock(&self.held).values().cloned().collect()
    }

    /// Kills all trees.
    pub(crate) async fn kill(&self) -> Result<(), RuntimeError> {
        let leashes = self.all();
        leashes.iter().for_each(|leash| leash.order_end());
        let deadline = deadline();
        let mut outcome = Ok(());
        for leash in leashes {
            outcome = leash.kill(deadline).await.and(outcome);
        }
        outcome
    }

    /// The same without an async runtime.
    pub(crate) fn kill_now(&self) -> Result<(), RuntimeError> {
        let leashes: Vec<_> = lock(&self.held).drain().map(|(_, leash)| leash).collect();
        leashes.iter().for_each(|leash| leash.order_end());
        let deadline = deadline();
        let mut outcome = Ok(());
        for leash in leashes {
            outcome = leash.kill_now(deadline).and(outcome);
        }
        outcome
    }
}

/// A command that was started.
#[derive(Debug)]
pub(crate) struct Started {
    /// The command's own process id; it leads a session of its own.
    pub(crate) pid: i32,
    leash: Arc<Leash>,
}

impl Started {
    pub(crate) fn new(pid: i32, leash: Arc<Leash>) -> Self {
        Self { pid, leash }
    }

    /// Waits for the command's own end. Cancelling loses nothing; later calls answer the same. A command whose reaper
    /// was killed is killed by the kernel, and what it used stays unknown.
    pub(crate) async fn wait(&mut self) -> io::Result<Exit> {
        let mut fate = self.leash.fate.subscribe();
        let known = fate.wait_for(|fate| fate.exit.is_some() || fate.gone).await;
        let killed = Exit { status: ExitStatus::from_raw(libc::SIGKILL), usage: None };
        Ok(known.ok().and_then(|fate| fate.exit).unwrap_or(killed))
    }

    /// Whether the command is not known to have ended.
    pub(crate) fn is_running(&self) -> bool {
        let fate = self.leash.fate.borrow();
        fate.exit.is_none() && !fate.gone
    }
}

/// A command and all that descends from it. Killed on drop unless released.
#[derive(Debug)]
pub(crate) struct Tree {
    leash: Option<Arc<Leash>>,
}

impl Tree {
    pub(crate) fn new(leash: Arc<Leash>) -> Self {
        Self { leash: Some(leash) }
    }

    /// Kills the tree; nothing of it is left when this returns.
    ///
    /// # Errors
    /// [`RuntimeError::Survivors`].
    pub(crate) async fn kill(mut self) -> Result<(), RuntimeError> {
        match self.leash.take() {
            Some(leash) => leash.kill(deadline()).await,
            None => Ok(()),
        }
    }

    /// Lets what is left of the tree live on, until the runtime is closed.
    pub(crate) fn release(mut self) {
        self.leash = None;
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let Some(leash) = self.leash.take() else { return };
        leash.end_until(Instant::now() + DROP_PATIENCE);
        if leash.was_abandoned()
            && let Err(Survivors(pids)) = leash.hunt_for_leftovers().kill()
        {
            tracing::warn!(?pids, "a reaper was killed and its processes stay");
        }
    }
}
