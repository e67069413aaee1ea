//! Stopping what a session runs: politely first, then for certain, and the shell lives on.

use std::time::Duration;

use super::expect::Expectations;
use super::living::{Seen, Session, deadline};
use super::patience::MOST_IN_PASSING;
use super::screen::Phase;
use crate::error::RuntimeError;
use crate::processes::{Process, snapshot};
use crate::protocol::{BashInterruptAction, Observation};

/// How often the foreground is killed before the shell itself is: a loop may start another program each time.
const KILL_ROUNDS: u32 = 10;

/// How many of these rounds may find nothing to kill but the shell.
const ROUNDS_ALONE: u32 = 2;

/// Most tries to be polite, whatever was asked for.
const MOST_RETRIES: u32 = 100;

/// Shortest time that each step gets, and the longest for what cannot be refused.
const STEP: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(1));

/// How long the shell may take to confirm that it listens again, and how often it is asked.
const CONFIRMATION: (Duration, u32) = (Duration::from_millis(500), 10);

/// How long the shell may take to notice that a job is dead, and how often that is looked at.
const BURIAL: (Duration, Duration) = (Duration::from_secs(1), Duration::from_millis(1));

/// What an interrupt brought about.
enum Outcome {
    /// The command is over.
    Over,
    /// A pattern appeared; the command goes on.
    Matched,
}

impl Session {
    /// Sends SIGINT to the foreground, then SIGTSTP and kills what that stopped, then kills the foreground, at last the
    /// shell. It overtakes a call that waits for the command; that call gets the output then, otherwise this answer
    /// has it.
    pub(super) async fn interrupt(&self, action: &BashInterruptAction) -> Result<Observation, RuntimeError> {
        let expected = Expectations::new(&action.expect)?;
        let _settled = self.settled.lock().await;
        let running = matches!(self.screen.lock().phase, Phase::Running(_));
        if !running {
            return self.stopped(&Expectations::none());
        }
        let mut suspended = Vec::new();
        if matches!(self.escalate(action, &expected, &mut suspended).await?, Outcome::Matched) {
            return self.stopped(&expected);
        }
        if !self.has_ended() && !self.synchronise(CONFIRMATION.0, CONFIRMATION.1).await && !self.has_ended() {
            return Err(RuntimeError::InterruptFailed { session: self.name.clone() });
        }
        for group in suspended {
            self.bury(group).await;
        }
        self.stopped(&Expectations::none())
    }

    /// Process groups that were suspended on the way are collected in `suspended`.
    async fn escalate(
        &self,
        action: &BashInterruptAction,
        expected: &Expectations,
        suspended: &mut Vec<i32>,
    ) -> Result<Outcome, RuntimeError> {
        let polite = action.timeout.max(STEP.0);
        let firm = action.timeout.clamp(STEP.0, STEP.1);
        self.awaken().await;
        for _ in 0..action.n_retry.clamp(1, MOST_RETRIES) {
            self.signal_foreground(libc::SIGINT);
            if let Some(outcome) = self.quiet(polite, expected).await {
                return Ok(outcome);
            }
            self.entries.refill();
        }
        let mut alone = 0;
        for _ in 0..KILL_ROUNDS {
            if let Some(outcome) = self.suspend_foreground(firm, expected, suspended).await {
                return Ok(outcome);
            }
            alone += u32::from(!self.kill_foreground().await);
            if alone > ROUNDS_ALONE {
                break;
            }
            if let Some(outcome) = self.quiet(firm, expected).await {
                return Ok(outcome);
            }
            self.signal_foreground(libc::SIGINT);
            self.entries.refill();
        }
        self.end().await?;
        Ok(Outcome::Over)
    }

    /// Tells the shell and its foreground that their terminal goes away, and gives them a moment to put away what they
    /// hold: a version manager that is killed in a start-up file leaves a lock behind.
    pub(super) async fn hang_up(&self) {
        let group = self.pty.foreground().unwrap_or(self.pid);
        // The shell first, lest it go on with the next command.
        send(self.pid, libc::SIGHUP);
        send(-group, libc::SIGHUP);
        let end = tokio::time::Instant::now() + STEP.0;
        while tokio::time::Instant::now() < end && lives(group) {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn signal_foreground(&self, signal: i32) {
        if let Some(group) = self.pty.foreground() {
            send(-group, signal);
        }
    }

    /// Asks the foreground to suspend itself, as a user does to get a program that swallows interrupts out of the way.
    /// The shell's own group cannot be suspended.
    async fn suspend_foreground(
        &self,
        limit: Duration,
        expected: &Expectations,
        suspended: &mut Vec<i32>,
    ) -> Option<Outcome> {
        let group = self.pty.foreground().filter(|&group| group != self.pid)?;
        send(-group, libc::SIGTSTP);
        let outcome = self.quiet(limit.min(STEP.0), expected).await;
        let members = table_of(move |process| process.group == group && process.is_alive()).await;
        if members.iter().any(|process| process.state == 'T') {
            suspended.push(group);
        }
        outcome
    }

    /// Lets the shell go on if something stopped it.
    async fn awaken(&self) {
        let shell = self.pid;
        if !table_of(move |process| process.pid == shell && process.state == 'T').await.is_empty() {
            send(shell, libc::SIGCONT);
        }
    }

    /// Kills what runs in the foreground, the shell excepted: a command substitution shares the shell's group. Any other
    /// group dies at once, because its members may fork faster than a table of them is read. Whether there was anything.
    async fn kill_foreground(&self) -> bool {
        let (Some(group), shell) = (self.pty.foreground(), self.pid) else { return false };
        if group != shell {
            send(-group, libc::SIGKILL);
            return true;
        }
        let members = table_of(move |process| process.group == group && process.pid != shell).await;
        members.iter().for_each(|process| send(process.pid, libc::SIGKILL));
        !members.is_empty()
    }

    /// Kills a suspended job and has the shell say so in front of the next output, as it would have at its prompt.
    async fn bury(&self, group: i32) {
        send(-group, libc::SIGKILL);
        let buried = async {
            // SAFETY: kill has no memory preconditions; signal 0 only asks whether the group has members.
            while unsafe { libc::kill(-group, 0) } == 0 {
                tokio::time::sleep(BURIAL.1).await;
            }
        };
        if tokio::time::timeout(BURIAL.0, buried).await.is_ok() && !self.has_ended() {
            self.ask_for_note(group, CONFIRMATION.0).await;
        }
    }

    /// Waits for the end of the command without taking its output.
    async fn quiet(&self, limit: Duration, expected: &Expectations) -> Option<Outcome> {
        let deadline = deadline(limit);
        let mut changed = self.screen.watch();
        let _reading = (!expected.is_empty()).then(|| self.screen.reading());
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
    fn quiet_now(&self, probe: u64, expected: &Expectations) -> Option<Outcome> {
        let mut state = self.screen.lock();
        if matches!(state.phase, Phase::Running(_)) && state.reported >= probe {
            state.enter(Phase::Idle);
            state.last.status = 128 + libc::SIGINT;
            state.last.ran = true;
        }
        match state.phase {
            Phase::Running(_) => expected.find(&mut state.output).map(|_| Outcome::Matched),
            Phase::Idle | Phase::Ended(_) => Some(Outcome::Over),
        }
    }

    /// The answer: the output goes to the call that waits for the command, if there is one.
    fn stopped(&self, expected: &Expectations) -> Result<Observation, RuntimeError> {
        let nobody_waits = self.turn.try_lock();
        let mut state = self.screen.lock();
        if nobody_waits.is_err() {
            let expect_string =
                expected.find(&mut state.output).map(|(pattern, _)| pattern).unwrap_or_default();
            return Ok(Observation { exit_code: Some(0), expect_string, ..Observation::default() });
        }
        let limit = self.around.settings.output_limit.min(MOST_IN_PASSING);
        let (expect_string, taken) = expected
            .take_match(&mut state.output, limit)
            .unwrap_or_else(|| (String::new(), state.take_output(limit)));
        state.answered = state.history.end() - state.output.len() as u64;
        let seen = Seen { taken, offset: state.answered };
        if let Phase::Ended(status) = state.phase {
            drop(state);
            return Err(self.ended_error(status, seen.text()));
        }
        let (omitted_bytes, offset) = (seen.taken.omitted, seen.offset);
        let output = seen.text().trim().to_owned();
        let truncated = omitted_bytes > 0;
        let exit_code = Some(0);
        Ok(Observation {
            output,
            exit_code,
            expect_string,
            truncated,
            omitted_bytes,
            offset,
            ..Observation::default()
        })
    }
}

/// Whether a process group has members.
fn lives(group: i32) -> bool {
    // SAFETY: kill has no memory preconditions; signal 0 only asks.
    unsafe { libc::kill(-group, 0) == 0 }
}

fn send(target: i32, signal: i32) {
    // SAFETY: kill has no memory preconditions. A target that is gone meanwhile gives an error that means success.
    unsafe { libc::kill(target, signal) };
}

/// The processes that a condition holds for, read off the async threads.
async fn table_of(condition: impl Fn(&Process) -> bool + Send + 'static) -> Vec<Process> {
    let reading = tokio::task::spawn_blocking(move || snapshot().into_iter().filter(condition).collect());
    reading.await.unwrap_or_default()
}
