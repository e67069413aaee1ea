//! One session: its shell, its screen, how it starts and ends. How a command runs in it is in `turn`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as TurnLock;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::Surroundings;
use super::backlog::Taken;
use super::patience::Patience;
use super::pty::Pty;
use super::pump::Pump;
use super::screen::{Phase, Screen};
use super::shell::{self, Entries, Orders, Way};
use super::startup::{Startup, Steps};
use super::text::{decode, without_escapes};
use super::turn::Wake;
use crate::error::{RuntimeError, shortened};
use crate::launch::Tree;
use crate::local::MAX_WAIT;
use crate::protocol::{CreateSession, SessionInfo};

/// A session whose shell was started.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) pid: i32,
    pub(super) screen: Arc<Screen>,
    pub(super) pty: Arc<Pty>,
    pub(super) around: Surroundings,
    pub(super) orders: Orders,
    pub(super) entries: Arc<Entries>,
    next_seq: AtomicU64,
    tree: Mutex<Option<Tree>>,
    pump: AbortHandle,
    /// Held by the call that runs a command: calls for one session take turns.
    pub(super) turn: TurnLock<()>,
    /// Held by an interrupt until the shell is known to listen again; no command starts meanwhile.
    pub(super) settled: TurnLock<()>,
}

impl Session {
    /// Starts the shell, sources the start-up files and the request's, and answers with what all that printed.
    pub(super) async fn start(
        around: Surroundings,
        startup: &Startup,
        name: &str,
        request: &CreateSession,
    ) -> Result<(Self, String), RuntimeError> {
        let patience = Patience::plain(request.startup_timeout, around.settings.output_limit);
        let startup_files = around.settings.startup_files;
        let launching = tokio::time::timeout_at(patience.deadline, Self::launch(around, name));
        let session = launching.await.unwrap_or_else(|_| {
            let reason = "the shell could not be started in time".to_owned();
            Err(RuntimeError::SessionStart { session: name.to_owned(), reason })
        })?;
        let usual = startup_files.then(|| startup.remembered().unwrap_or_else(Steps::reading));
        match session.set_up(&patience, usual, &request.startup_source).await {
            Ok(output) => Ok((session, output)),
            Err(error) => {
                session.end().await?;
                Err(error)
            }
        }
    }

    async fn set_up(
        &self,
        patience: &Patience,
        usual: Option<Steps>,
        asked: &[String],
    ) -> Result<String, RuntimeError> {
        let mut output = self.started(patience, "the shell to get ready").await?;
        if let Some(sourcing) = sourcing(usual.as_ref(), asked) {
            self.order(&sourcing)?;
            output.push_str(&usual.map(|usual| without_escapes(usual.output)).unwrap_or_default());
            output.push_str(&self.started(patience, "its start-up files").await?);
        }
        Ok(output)
    }

    /// Starts a shell; it is not ready yet.
    pub(super) async fn launch(around: Surroundings, name: &str) -> Result<Self, RuntimeError> {
        let shell = shell::start(&around.launcher).await?;
        let screen = Arc::new(Screen::new(around.settings.output_limit));
        let (seen, pty) = (Arc::clone(&screen), Arc::clone(&shell.pty));
        let (pid, entries) = (shell.started.pid, shell.entries);
        let pump = Pump::new(seen, pty, shell.reports, Arc::clone(&entries), shell.started);
        Ok(Self {
            name: name.to_owned(),
            pid,
            screen,
            pty: shell.pty,
            around,
            orders: shell.orders,
            entries,
            next_seq: AtomicU64::new(unguessable()),
            tree: Mutex::new(Some(shell.tree)),
            pump: tokio::spawn(pump.run()).abort_handle(),
            turn: TurnLock::new(()),
            settled: TurnLock::new(()),
        })
    }

    async fn started(&self, patience: &Patience, what: &str) -> Result<String, RuntimeError> {
        let failed = |reason: String| RuntimeError::SessionStart { session: self.name.clone(), reason };
        match self.wait(patience, None).await {
            Wake::Ended { status, seen } => {
                Err(failed(format!("the shell ended with status {status}; it printed: {}", seen.text())))
            }
            Wake::Late(seen) => Err(failed(format!("{what} took too long; it printed: {}", seen.text()))),
            Wake::Done { seen, .. } | Wake::Matched { seen, .. } | Wake::Silent(seen) | Wake::Input(seen) => {
                Ok(seen.text())
            }
        }
    }

    /// What the session is and does now.
    pub(super) fn info(&self) -> SessionInfo {
        let state = self.screen.lock();
        SessionInfo {
            name: self.name.clone(),
            pid: self.pid,
            state: state.phase.name().to_owned(),
            command: state.command.clone(),
            seconds: state.since.elapsed().as_secs_f64(),
            cwd: Some(state.last.cwd.clone()).filter(|cwd| !cwd.as_os_str().is_empty()),
            last_exit_code: Some(state.last.status),
            output_offset: state.history.end(),
        }
    }

    pub(super) fn busy(&self) -> RuntimeError {
        RuntimeError::SessionBusy { session: self.name.clone() }
    }

    fn next_seq(&self) -> u64 {
        self.next_seq.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a command to the idle shell. Notices of what an interrupt killed come in front of its output.
    pub(super) fn order(&self, command: &str) -> Result<(), RuntimeError> {
        self.order_by(Way::Evaluated, command)
    }

    /// The same in a certain way.
    pub(super) fn order_by(&self, way: Way, command: &str) -> Result<(), RuntimeError> {
        let seq = self.next_seq();
        self.pty.make_transparent().map_err(RuntimeError::io("prepare the session's terminal"))?;
        self.screen.started(seq, shortened(command));
        let sent = self.orders.run(seq, command, way);
        // A shell that died just now cannot be written to; the wait will see its end.
        sent.or_else(|error| if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
            .map_err(RuntimeError::io("hand the command to the shell"))
    }

    /// Asks the shell to report when it has done everything ordered before, and answers with the report's number.
    pub(super) fn probe(&self) -> u64 {
        let seq = self.next_seq();
        if let Err(error) = self.orders.synchronise(seq) {
            tracing::debug!(%error, session = self.name, "the shell takes no more orders");
        }
        seq
    }

    /// Makes sure that the shell listens; used after signals, which may have cost it an order.
    pub(super) async fn synchronise(&self, patience: Duration, tries: u32) -> bool {
        for _ in 0..tries {
            let probe = self.probe();
            if self.answered(probe, patience).await {
                return !self.has_ended();
            }
        }
        false
    }

    /// Asks the shell what it says of the job that is a process group; it becomes part of the next answer.
    pub(super) async fn ask_for_note(&self, group: i32, patience: Duration) {
        let seq = self.next_seq();
        let asked = self.orders.note(seq, group);
        if asked.is_err() || !self.answered(seq, patience).await {
            tracing::debug!(session = self.name, group, "nothing is known of the job");
        }
    }

    /// Waits for the report with a number, or the end of the shell.
    async fn answered(&self, seq: u64, patience: Duration) -> bool {
        let mut changed = self.screen.watch();
        let answered = async {
            while self.screen.lock().reported < seq && !self.has_ended() {
                if changed.changed().await.is_err() {
                    return;
                }
            }
        };
        tokio::time::timeout(patience, answered).await.is_ok()
    }

    pub(super) fn ended_error(&self, status: i32, output: String) -> RuntimeError {
        RuntimeError::ShellExited { session: self.name.clone(), output, status }
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(self.screen.lock().phase, Phase::Ended(_))
    }

    fn take_tree(&self) -> Option<Tree> {
        self.tree.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Kills the shell and everything it started. Whoever waits for a command hears of the end, not of what dying
    /// processes still report.
    pub(super) async fn end(&self) -> Result<(), RuntimeError> {
        let is_running = matches!(self.screen.lock().phase, Phase::Running(_));
        self.screen.ended(128 + libc::SIGKILL);
        if is_running {
            self.hang_up().await;
        }
        match self.take_tree() {
            Some(tree) => tree.kill().await,
            None => Ok(()),
        }
    }

    /// Leaves the killing to the caller.
    pub(super) fn abandon(&self) {
        if let Some(tree) = self.take_tree() {
            tree.release();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Output that an answer gives out, and how much the terminal had shown until then.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) taken: Taken,
    pub(super) offset: u64,
}

impl Seen {
    /// The output as text, without terminal control sequences.
    pub(super) fn text(self) -> String {
        without_escapes(decode(self.taken.bytes))
    }
}

/// The command that does what start-up files do, the usual ones and those asked for. What they say of history is undone.
fn sourcing(usual: Option<&Steps>, files: &[String]) -> Option<String> {
    let usual = usual.map(|usual| usual.commands.clone());
    let asked = files.iter().map(|file| format!("source {}\n", quoted(file)));
    let all: String = usual.into_iter().chain(asked).collect();
    (!all.is_empty()).then(|| format!("{all}set +o history +H; unset HISTFILE"))
}

/// A path as one word of shell; a leading `~/` still means the home directory.
fn quoted(path: &str) -> String {
    let (home, rest) = path.strip_prefix("~/").map_or(("", path), |rest| ("~/", rest));
    format!("{home}'{}'", rest.replace('\'', r"'\''"))
}

/// The first number of a session's orders. A command that writes to every descriptor it finds cannot forge a report.
fn unguessable() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(()) >> 1 | 1 << 32
}

pub(super) fn deadline(limit: Duration) -> Instant {
    Instant::now() + limit.min(MAX_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_one_word() {
        let cases =
            [("/a b", "'/a b'"), ("~/.bashrc", "~/'.bashrc'"), ("it's", r"'it'\''s'"), ("$(x)", "'$(x)'")];
        for (path, expected) in cases {
            assert_eq!(quoted(path), expected);
        }
    }

    #[test]
    fn nothing_to_source_is_no_command() {
        assert_eq!(sourcing(None, &[]), None);
        assert!(sourcing(Some(&Steps::reading()), &[]).unwrap().contains("source ~/.bashrc\n"));
        assert!(sourcing(None, &["x".to_owned()]).unwrap().starts_with("source 'x'\nset +o history"));
    }
}
