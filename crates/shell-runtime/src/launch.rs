//! Starting a child process: in a session of its own, marked, limited, with exactly the environment it should have.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command as TokioCommand};

use crate::error::RuntimeError;
use crate::limits::PreparedLimits;
use crate::processes::{Hunt, LEASE_VARIABLE, ORIGIN_VARIABLE, Survivors, uptime_ticks};
use crate::protocol::{CommandLine, Usage};

/// The standard signals. Whoever started this process (`nohup`, a shell's background job, an interpreter) may have made
/// it ignore some; children start with the defaults.
const STANDARD_SIGNALS: std::ops::Range<i32> = 1..32;

/// What all children of one runtime share.
#[derive(Debug)]
pub(crate) struct Launcher {
    root: PathBuf,
    env: BTreeMap<String, String>,
    limits: PreparedLimits,
    lease: String,
    since: u64,
    next_origin: AtomicU64,
    closed: AtomicBool,
    living: Living,
}

/// The sessions, named by their leaders, that somebody still holds.
type Living = Arc<Mutex<HashSet<i32>>>;

fn lock(living: &Living) -> MutexGuard<'_, HashSet<i32>> {
    living.lock().unwrap_or_else(PoisonError::into_inner)
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
        let since = uptime_ticks();
        let lease = env.get(LEASE_VARIABLE).cloned().unwrap_or_else(|| own_lease(since));
        Self {
            root,
            env,
            limits,
            lease,
            since,
            next_origin: AtomicU64::new(1),
            closed: AtomicBool::new(false),
            living: Living::default(),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn env(&self) -> &BTreeMap<String, String> {
        &self.env
    }

    /// Refuses new children from now on and kills everything this runtime started.
    pub(crate) async fn shut_down(&self) -> Result<(), RuntimeError> {
        self.close();
        kill(self.everything()).await
    }

    /// The same for callers outside of async code; blocks for milliseconds as a rule.
    pub(crate) fn shut_down_now(&self) -> Result<(), RuntimeError> {
        self.close();
        self.everything().kill().map_err(RuntimeError::from)
    }

    fn everything(&self) -> Hunt {
        let living: Vec<i32> = lock(&self.living).iter().copied().collect();
        Hunt::since(self.since).in_sessions(living).marked(LEASE_VARIABLE, self.lease.clone())
    }

    fn close(&self) {
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(crate) fn check_open(&self) -> Result<(), RuntimeError> {
        if self.closed.load(Ordering::SeqCst) { Err(RuntimeError::Closed) } else { Ok(()) }
    }

    /// The command, ready for its standard streams, and the mark its processes will carry.
    pub(crate) fn prepare(&self, launch: &Launch<'_>) -> Result<Prepared, RuntimeError> {
        self.check_open()?;
        let (program, arguments) = words(&launch.line)?;
        let cwd = self.directory(launch.cwd)?;
        let origin = format!("{}.{}", self.lease, self.next_origin.fetch_add(1, Ordering::Relaxed));
        let mut command = Command::new(&program);
        command.args(arguments).current_dir(&cwd).env_clear();
        if !launch.clear_env {
            command.envs(&self.env);
        }
        command.envs(launch.env.into_iter().flatten());
        command.env(LEASE_VARIABLE, &self.lease).env(ORIGIN_VARIABLE, &origin);
        self.before_exec(&mut command);
        Ok(Prepared { command, program, origin, cwd, living: Arc::clone(&self.living) })
    }

    fn before_exec(&self, command: &mut Command) {
        let limits = self.limits;
        // SAFETY: the closure runs between fork and exec and only makes async-signal-safe system calls.
        unsafe {
            command.pre_exec(move || {
                begin_afresh()?;
                limits.apply()
            });
        }
    }

    fn directory(&self, wanted: Option<&Path>) -> Result<PathBuf, RuntimeError> {
        let path = wanted.map_or_else(|| self.root.clone(), |wanted| self.root.join(wanted));
        if path.is_dir() { Ok(path) } else { Err(RuntimeError::WorkingDirectory { path }) }
    }
}

/// Cuts what a child would inherit from this process: its session, ignored signals, open files. Runs after fork.
fn begin_afresh() -> io::Result<()> {
    // SAFETY: setsid has no preconditions.
    if unsafe { libc::setsid() } < 0 {
        return Err(io::Error::last_os_error());
    }
    for signal in STANDARD_SIGNALS {
        // SAFETY: setting a default handler is async-signal-safe; the two signals that refuse it keep theirs anyway.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    // SAFETY: the call only marks descriptors; kernels before 5.11 refuse it, and then only foreign descriptors leak.
    unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, libc::CLOSE_RANGE_CLOEXEC) };
    Ok(())
}

fn own_lease(since: u64) -> String {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    format!("rt{:x}-{since:x}-{:x}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed))
}

fn words(line: &CommandLine) -> Result<(String, Vec<String>), RuntimeError> {
    let invalid = |reason: &str| RuntimeError::InvalidCommand { reason: reason.to_owned() };
    let words = match line {
        CommandLine::Shell(text) => vec!["/bin/sh".to_owned(), "-c".to_owned(), text.clone()],
        CommandLine::Argv(words) => words.clone(),
    };
    if words.iter().any(|word| word.contains('\0')) {
        return Err(invalid("it contains a null byte"));
    }
    let mut words = words.into_iter();
    let program = words.next().filter(|program| !program.is_empty());
    program.map(|program| (program, words.collect())).ok_or_else(|| invalid("it names no program"))
}

/// A command that only lacks its standard streams.
pub(crate) struct Prepared {
    pub(crate) command: Command,
    program: String,
    origin: String,
    cwd: PathBuf,
    living: Living,
}

impl Prepared {
    /// What is started, for messages.
    pub(crate) fn program(&self) -> &str {
        &self.program
    }

    /// Starts it. Dropping the tree kills it and everything that descends from it.
    pub(crate) fn spawn(self) -> Result<(Started, Tree), RuntimeError> {
        let since = uptime_ticks();
        let Self { command, program, origin, cwd, living } = self;
        let mut command = TokioCommand::from(command);
        let child = command.kill_on_drop(true).spawn().map_err(|source| refused(program, cwd, source))?;
        let leader = child.id().and_then(|pid| i32::try_from(pid).ok()).unwrap_or(i32::MAX);
        let hunt = Hunt::since(since).in_sessions([leader]).marked(ORIGIN_VARIABLE, origin);
        lock(&living).insert(leader);
        Ok((Started::new(leader, child), Tree { hunt: Some(hunt), leader, living }))
    }
}

fn refused(program: String, cwd: PathBuf, source: io::Error) -> RuntimeError {
    if cwd.is_dir() {
        RuntimeError::Spawn { program, source }
    } else {
        RuntimeError::WorkingDirectory { path: cwd }
    }
}

/// A command that was started, with this side of the streams that were asked for.
#[derive(Debug)]
pub(crate) struct Started {
    /// The command's own process id; it leads a session of its own.
    pub(crate) pid: i32,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    child: Child,
}

/// How a command ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exit {
    pub(crate) status: ExitStatus,
    /// What it and its descendants used; `None` when that is not known.
    pub(crate) usage: Option<Usage>,
}

impl Started {
    fn new(pid: i32, mut child: Child) -> Self {
        let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        Self { pid, stdin, stdout, stderr, child }
    }

    /// Waits for the command's own end. Cancelling loses nothing; later calls answer the same.
    pub(crate) async fn wait(&mut self) -> io::Result<Exit> {
        let status = self.child.wait().await?;
        Ok(Exit { status, usage: None })
    }

    /// Whether the command is not known to have ended.
    pub(crate) fn is_running(&self) -> bool {
        self.child.id().is_some()
    }
}

/// A child and all that descends from it. Killed on drop unless released.
#[derive(Debug)]
pub(crate) struct Tree {
    hunt: Option<Hunt>,
    leader: i32,
    living: Living,
}

impl Tree {
    /// Kills the tree off the async threads.
    pub(crate) async fn kill(mut self) -> Result<(), RuntimeError> {
        match self.hunt.take() {
            Some(hunt) => kill(hunt).await,
            None => Ok(()),
        }
    }

    /// Lets what is left of the tree live on, until the runtime is closed.
    pub(crate) fn release(mut self) {
        self.hunt = None;
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        if let Some(Err(Survivors(pids))) = self.hunt.take().map(|hunt| hunt.kill()) {
            tracing::warn!(?pids, "processes could not be killed");
        }
        lock(&self.living).remove(&self.leader);
    }
}

/// Runs a hunt off the async threads, because it reads all of `/proc`.
async fn kill(hunt: Hunt) -> Result<(), RuntimeError> {
    let killed = tokio::task::spawn_blocking(move || hunt.kill()).await;
    match killed {
        Ok(killed) => killed.map_err(RuntimeError::from),
        Err(_) => Err(RuntimeError::Io { what: "kill processes", source: io::ErrorKind::Interrupted.into() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_become_words() {
        let argv = |words: &[&str]| CommandLine::Argv(words.iter().map(|&word| word.to_owned()).collect());
        assert_eq!(
            words(&CommandLine::Shell("a b".into())).unwrap(),
            ("/bin/sh".into(), vec!["-c".into(), "a b".into()])
        );
        assert_eq!(words(&argv(&["ls", "-l"])).unwrap(), ("ls".into(), vec!["-l".into()]));
        for broken in [argv(&[]), argv(&[""]), argv(&["a\0b"]), CommandLine::Shell("x\0".into())] {
            assert!(matches!(words(&broken), Err(RuntimeError::InvalidCommand { .. })), "{broken:?}");
        }
    }
}
