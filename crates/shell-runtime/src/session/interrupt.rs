//! Stopping what a session runs: politely first, then for certain, and the shell lives on.

use std::time::Duration;

use super::expect::Expectations;
use super::living::{Session, deadline};
use super::screen::Phase;
use crate::error::RuntimeError;
use crate::processes::snapshot;
use crate::protocol::{BashInterruptAction, Observation};

/// How often the foreground is killed before the shell itself is: a loop may start another program each time.
const KILL_ROUNDS: u32 = 10;

/// Shortest time that each step gets.
const STEP: Duration = Duration::from_millis(100);

/// How long the shell may take to confirm that it listens again, and how often it is asked.
const CONFIRMATION: (Duration, u32) = (Duration::from_millis(500), 10);

impl Session {
    /// Sends SIGINT to the foreground, then kills it, at last kills the shell. It overtakes a call that waits for the
    /// command; that call gets the output then, otherwise this answer has it.
    pub(super) async fn interrupt(&self, action: &BashInterruptAction) -> Result<Observation, RuntimeError> {
        let expected = Expectations::new(&action.expect)?;
        let _settled = self.settled.lock().await;
        let running = matches!(self.screen.lock().phase, Phase::Running(_));
        if !running {
            return self.stopped(String::new());
        }
        let pattern = self.escalate(action, &expected).await?;
        if pattern.is_empty() && !self.has_ended() && !self.synchronise(CONFIRMATION.0, CONFIRMATION.1).await
        {
            return Err(RuntimeError::InterruptFailed { session: self.name.clone() });
        }
        self.stopped(pattern)
    }

    /// Answers with the pattern that appeared, if any did.
    async fn escalate(
        &self,
        action: &BashInterruptAction,
        expected: &Expectations,
    ) -> Result<String, RuntimeError> {
        let step = action.timeout.max(STEP);
        for _ in 0..action.n_retry.max(1) {
            self.signal_foreground(libc::SIGINT);
            if let Some(pattern) = self.quiet(step, expected).await {
                return Ok(pattern);
            }
        }
        for _ in 0..KILL_ROUNDS {
            self.kill_foreground().await;
            if let Some(pattern) = self.quiet(step, expected).await {
                return Ok(pattern);
            }
            self.signal_foreground(libc::SIGINT);
        }
        self.end().await?;
        Ok(String::new())
    }

    fn signal_foreground(&self, signal: i32) {
        if let Some(group) = self.pty.foreground() {
            // SAFETY: kill has no memory preconditions; the group holds this session's terminal.
            unsafe { libc::kill(-group, signal) };
        }
    }

    /// Kills what runs in the foreground, the shell excepted: a command substitution shares the shell's group.
    async fn kill_foreground(&self) {
        let (Some(group), shell) = (self.pty.foreground(), self.pid) else { return };
        let killing = tokio::task::spawn_blocking(move || {
            for process in
                snapshot().into_iter().filter(|process| process.group == group && process.pid != shell)
            {
                // SAFETY: kill has no memory preconditions; the process was just seen in the foreground group.
                unsafe { libc::kill(process.pid, libc::SIGKILL) };
            }
        });
        if let Err(error) = killing.await {
            tracing::debug!(%error, "the foreground was not killed");
        }
    }

    /// Waits for the end of the command without taking its output. Empty text means that it ended.
    async fn quiet(&self, limit: Duration, expected: &Expectations) -> Option<String> {
        let deadline = deadline(limit);
        let mut changed = self.screen.watch();
        let probe = self.probe();
        loop {
            if let Some(outcome) = self.quiet_now(probe, expected) {
                return Some(outcome);
            }
            if !matches!(tokio::time::timeout_at(deadline, changed.changed()).await, Ok(Ok(()))) {
                return None;
            }
        }
    }

    /// A shell that answers the probe and has not reported the command never got it: the signal came while it was
    /// taking the order, and that was lost.
    fn quiet_now(&self, probe: u64, expected: &Expectations) -> Option<String> {
        let mut state = self.screen.lock();
        if matches!(state.phase, Phase::Running(_)) && state.reported >= probe {
            state.enter(Phase::Idle);
            state.last.status = 128 + libc::SIGINT;
        }
        match state.phase {
            Phase::Running(_) => expected.appears_in(&state.output),
            Phase::Idle | Phase::Ended(_) => Some(String::new()),
        }
    }

    /// The answer: the output goes to the call that waits for the command, if there is one.
    fn stopped(&self, expect_string: String) -> Result<Observation, RuntimeError> {
        let Ok(_nobody_waits) = self.turn.try_lock() else {
            return Ok(Observation { exit_code: Some(0), expect_string, ..Observation::default() });
        };
        let (output, truncated) = self.take_output();
        if let Phase::Ended(status) = self.screen.lock().phase {
            return Err(RuntimeError::ShellExited { session: self.name.clone(), output, status });
        }
        let output = output.trim().to_owned();
        Ok(Observation { output, exit_code: Some(0), expect_string, truncated, ..Observation::default() })
    }
}
