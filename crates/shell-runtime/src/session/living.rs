//! One session: its shell, its screen, and how a command runs in it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Mutex as TurnLock;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::expect::Expectations;
use super::pty::Pty;
use super::pump::Pump;
use super::screen::{Phase, Screen};
use super::shell::{self, Orders};
use super::text::{decode, without_echo, without_escapes};
use super::{Settings, syntax};
use crate::error::{RuntimeError, shortened};
use crate::launch::{Launcher, Tree};
use crate::local::MAX_WAIT;
use crate::protocol::{BashAction, BashWaitAction, Check, CreateSession, Observation, SessionInfo};

/// A session whose shell was started.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) name: String,
    pub(super) pid: i32,
    pub(super) screen: Arc<Screen>,
    pub(super) pty: Arc<Pty>,
    launcher: Arc<Launcher>,
    settings: Settings,
    orders: Orders,
    next_seq: AtomicU64,
    tree: Mutex<Option<Tree>>,
    pump: AbortHandle,
    /// Held by the call that runs a command: calls for one session take turns.
    pub(super) turn: TurnLock<()>,
    /// Held by an interrupt until the shell is known to listen again; no command starts meanwhile.
    pub(super) settled: TurnLock<()>,
}

/// What ended a wait.
#[derive(Debug)]
pub(super) enum Wake {
    /// The command ended.
    Done { status: i32, cwd: PathBuf, output: Vec<u8>, truncated: bool },
    /// An expected pattern appeared; the command goes on.
    Matched { pattern: String, output: Vec<u8> },
    /// The shell ended.
    Ended { status: i32, output: Vec<u8> },
    /// Time was up.
    Late,
}

impl Session {
    /// Starts the shell, sources the request's files and answers with what all that printed.
    pub(super) async fn start(
        launcher: Arc<Launcher>,
        settings: Settings,
        name: &str,
        request: &CreateSession,
    ) -> Result<(Self, String), RuntimeError> {
        let deadline = deadline(request.startup_timeout);
        let session = Self::launch(launcher, settings, name).await?;
        let mut output = session.started(deadline, "the shell to get ready").await?;
        if !request.startup_source.is_empty() {
            session.order(&sourcing(&request.startup_source))?;
            output.push_str(&session.started(deadline, "its start-up files").await?);
        }
        Ok((session, output))
    }

    async fn launch(launcher: Arc<Launcher>, settings: Settings, name: &str) -> Result<Self, RuntimeError> {
        let shell = shell::start(&launcher).await?;
        let screen = Arc::new(Screen::new(settings.output_limit));
        let (seen, pty) = (Arc::clone(&screen), Arc::clone(&shell.pty));
        let pid = shell.started.pid;
        let pump = Pump::new(seen, pty, shell.reports, shell.entries, shell.started);
        Ok(Self {
            name: name.to_owned(),
            pid,
            screen,
            pty: shell.pty,
            launcher,
            settings,
            orders: shell.orders,
            next_seq: AtomicU64::new(1),
            tree: Mutex::new(Some(shell.tree)),
            pump: tokio::spawn(pump.run()).abort_handle(),
            turn: TurnLock::new(()),
            settled: TurnLock::new(()),
        })
    }

    async fn started(&self, deadline: Instant, what: &str) -> Result<String, RuntimeError> {
        let failed = |reason: String| RuntimeError::SessionStart { session: self.name.clone(), reason };
        match self.wait(deadline, &Expectations::none()).await {
            Wake::Done { output, .. } | Wake::Matched { output, .. } => Ok(readable(&output)),
            Wake::Ended { status, output } => Err(failed(format!(
                "the shell ended with status {status}; it printed: {}",
                readable(&output)
            ))),
            Wake::Late => Err(failed(format!("{what} took too long; it printed: {}", self.take_output().0))),
        }
    }

    /// Runs a command, or types into the one that is running when it talks.
    pub(super) async fn run(&self, action: &BashAction) -> Result<Observation, RuntimeError> {
        let limit = action.timeout.unwrap_or(MAX_WAIT);
        let deadline = deadline(limit);
        let expected = Expectations::new(&action.expect)?;
        let talks = talks(action)?;
        if !talks {
            syntax::check(&self.launcher, &action.command).await?;
        }
        let Ok(_turn) = tokio::time::timeout_at(deadline, self.turn.lock()).await else {
            return Err(self.busy());
        };
        self.begin(action, talks, deadline).await?;
        let wake = self.wait(deadline, &expected).await;
        self.answer(action, talks, limit, wake)
    }

    /// Waits for the command that is running as if the caller had started it.
    pub(super) async fn join(&self, action: &BashWaitAction) -> Result<Observation, RuntimeError> {
        let limit = action.timeout.unwrap_or(MAX_WAIT);
        let deadline = deadline(limit);
        let expected = Expectations::new(&action.expect)?;
        let Ok(_turn) = tokio::time::timeout_at(deadline, self.turn.lock()).await else {
            return Err(self.busy());
        };
        let wake = self.wait(deadline, &expected).await;
        let joined = BashAction { check: action.check, ..BashAction::default() };
        self.answer(&joined, false, limit, wake)
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
            cwd: Some(state.last.cwd.clone()),
            last_exit_code: Some(state.last.status),
            output_offset: state.history.end(),
        }
    }

    async fn begin(&self, action: &BashAction, talks: bool, deadline: Instant) -> Result<(), RuntimeError> {
        let Ok(_settled) = tokio::time::timeout_at(deadline, self.settled.lock()).await else {
            return Err(self.busy());
        };
        let phase = self.screen.lock().phase;
        match phase {
            Phase::Running(_) if talks => self.type_in(action, deadline).await,
            Phase::Running(_) => Err(self.busy()),
            Phase::Idle => self.order(&action.command),
            // The wait that follows reports the end.
            Phase::Ended(_) => Ok(()),
        }
    }

    async fn type_in(&self, action: &BashAction, deadline: Instant) -> Result<(), RuntimeError> {
        let mut text = action.command.clone();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        match tokio::time::timeout_at(deadline, self.pty.write(text.as_bytes())).await {
            Ok(written) => written.map_err(RuntimeError::io("type into the session")),
            Err(_) => Err(self.busy()),
        }
    }

    fn busy(&self) -> RuntimeError {
        RuntimeError::SessionBusy { session: self.name.clone() }
    }

    /// Hands a command to the idle shell.
    fn order(&self, command: &str) -> Result<(), RuntimeError> {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        self.pty.make_transparent().map_err(RuntimeError::io("prepare the session's terminal"))?;
        self.screen.started(seq, shortened(command));
        let sent = self.orders.run(seq, command);
        // A shell that died just now cannot be written to; the wait will see its end.
        sent.or_else(|error| if error.kind() == std::io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
            .map_err(RuntimeError::io("hand the command to the shell"))
    }

    /// Asks the shell to report when it has done everything ordered before, and answers with the report's number.
    pub(super) fn probe(&self) -> u64 {
        let seq = self.next_seq.fetch_add(1, Ordering::Relaxed);
        if let Err(error) = self.orders.synchronise(seq) {
            tracing::debug!(%error, session = self.name, "the shell takes no more orders");
        }
        seq
    }

    /// Makes sure that the shell listens; used after signals, which may have cost it an order.
    pub(super) async fn synchronise(&self, patience: Duration, tries: u32) -> bool {
        for _ in 0..tries {
            let mut changed = self.screen.watch();
            let seq = self.probe();
            let answered = async {
                while self.screen.lock().reported < seq && !self.has_ended() {
                    if changed.changed().await.is_err() {
                        return;
                    }
                }
            };
            if tokio::time::timeout(patience, answered).await.is_ok() {
                return !self.has_ended();
            }
        }
        false
    }

    /// Waits until the command ends, a pattern appears, the shell ends or time is up.
    pub(super) async fn wait(&self, deadline: Instant, expected: &Expectations) -> Wake {
        let mut changed = self.screen.watch();
        loop {
            if let Some(wake) = self.look(expected) {
                return wake;
            }
            match tokio::time::timeout_at(deadline, changed.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return Wake::Late,
            }
        }
    }

    fn look(&self, expected: &Expectations) -> Option<Wake> {
        let mut state = self.screen.lock();
        if let Some(found) = expected.take_match(&mut state.output) {
            return Some(Wake::Matched { pattern: found.pattern, output: found.before });
        }
        match state.phase {
            Phase::Running(_) => None,
            Phase::Ended(status) => Some(Wake::Ended { status, output: state.output.take() }),
            Phase::Idle => Some(Wake::Done {
                status: state.last.status,
                cwd: state.last.cwd.clone(),
                truncated: state.output.truncated(),
                output: state.output.take(),
            }),
        }
    }

    /// What was printed and not answered yet, and whether some of it was left out.
    pub(super) fn take_output(&self) -> (String, bool) {
        let mut state = self.screen.lock();
        let truncated = state.output.truncated();
        (readable(&state.output.take()), truncated)
    }

    pub(super) fn ended_error(&self, status: i32, output: &[u8]) -> RuntimeError {
        RuntimeError::ShellExited { session: self.name.clone(), output: readable(output), status }
    }

    fn answer(
        &self,
        action: &BashAction,
        talks: bool,
        limit: Duration,
        wake: Wake,
    ) -> Result<Observation, RuntimeError> {
        let text = |bytes: &[u8]| {
            let text = readable(bytes);
            if talks { without_echo(&text, &action.command).to_owned() } else { text }
        };
        match wake {
            Wake::Ended { status, output } => Err(self.ended_error(status, &output)),
            Wake::Late => {
                let (output, truncated) = self.take_output();
                Err(RuntimeError::CommandTimeout {
                    command: shortened(&action.command),
                    limit,
                    output,
                    truncated,
                })
            }
            Wake::Matched { pattern, output } => Ok(Observation {
                output: text(&output),
                exit_code: talks.then_some(0),
                expect_string: pattern,
                ..Observation::default()
            }),
            Wake::Done { status, cwd, output, truncated } => {
                let exit_code = if talks { 0 } else { status };
                checked(
                    action,
                    exit_code,
                    Observation {
                        output: text(&output),
                        truncated,
                        cwd: Some(cwd),
                        ..Observation::default()
                    },
                )
            }
        }
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
        self.screen.ended(128 + libc::SIGKILL);
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

/// Whether the text is for a program that talks.
fn talks(action: &BashAction) -> Result<bool, RuntimeError> {
    match (action.is_interactive_command, action.is_interactive_quit) {
        (true, true) => Err(RuntimeError::InvalidCommand {
            reason: "is_interactive_command and is_interactive_quit exclude each other".to_owned(),
        }),
        (command, quit) => Ok(command || quit),
    }
}

fn checked(
    action: &BashAction,
    exit_code: i32,
    observation: Observation,
) -> Result<Observation, RuntimeError> {
    match action.check {
        Check::Ignore => Ok(observation),
        Check::Raise if exit_code != 0 => Err(RuntimeError::NonZeroExitCode {
            command: shortened(&action.command),
            exit_code,
            output: observation.output,
            error_msg: action.error_msg.clone(),
        }),
        Check::Raise | Check::Silent => Ok(Observation { exit_code: Some(exit_code), ..observation }),
    }
}

/// The command that sources start-up files and then takes away any prompt they set.
fn sourcing(files: &[String]) -> String {
    let sources: Vec<String> = files.iter().map(|file| format!("source {}\n", quoted(file))).collect();
    format!("{}PS1= PS2= PS0=; unset PROMPT_COMMAND", sources.concat())
}

/// A path as one word of shell; a leading `~/` still means the home directory.
fn quoted(path: &str) -> String {
    let (home, rest) = path.strip_prefix("~/").map_or(("", path), |rest| ("~/", rest));
    format!("{home}'{}'", rest.replace('\'', r"'\''"))
}

fn readable(output: &[u8]) -> String {
    without_escapes(&decode(output))
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
}
