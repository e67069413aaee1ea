//! A command's turn in a session: handing it to the shell or typing it into what runs, waiting, answering.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::Instant;

use super::backlog::{Backlog, Taken};
use super::listening;
use super::living::{Seen, Session, deadline};
use super::patience::{Patience, Timetable};
use super::screen::{Phase, State};
use super::shell::{self, Way};
use super::syntax;
use super::text::without_echo;
use super::usage::Meter;
use crate::error::{RuntimeError, shortened};
use crate::protocol::{BashAction, BashWaitAction, Check, Observation, Usage};

/// How long a command waits for an earlier one that is still running.
const PREDECESSOR: Duration = Duration::from_secs(5);

/// What ended a wait.
#[derive(Debug)]
pub(super) enum Wake {
    /// The command ended; `ran` is false when bash could not parse it.
    Done { status: i32, ran: bool, cwd: PathBuf, seen: Seen },
    /// An expected pattern appeared; the command goes on.
    Matched { pattern: String, seen: Seen },
    /// The foreground waits for input.
    Input(Seen),
    /// The shell ended.
    Ended { status: i32, seen: Seen },
    /// There was no output for too long.
    Silent(Seen),
    /// Time was up.
    Late(Seen),
}

impl Wake {
    fn seen(&mut self) -> &mut Seen {
        match self {
            Self::Input(seen) | Self::Silent(seen) | Self::Late(seen) => seen,
            Self::Done { seen, .. } | Self::Matched { seen, .. } | Self::Ended { seen, .. } => seen,
        }
    }
}

/// What an answer needs to know of the call.
struct Asked<'a> {
    command: &'a str,
    talks: bool,
    check: Check,
    error_msg: &'a str,
}

impl Session {
    /// Runs a command, or types into the one that is running when it talks.
    pub(super) async fn run(&self, action: &BashAction) -> Result<Observation, RuntimeError> {
        let patience = Patience::for_command(action, self.around.settings.output_limit)?;
        let talks = talks(action)?;
        if !talks {
            syntax::possible(&action.command)?;
        }
        let Ok(_turn) = tokio::time::timeout_at(patience.deadline, self.turn.lock()).await else {
            return Err(self.busy());
        };
        let way = if talks { Way::Evaluated } else { self.way_in_time(&action.command, &patience).await? };
        let mut meter = action.usage.then(|| Meter::start(self.pid));
        self.begin(action, talks, way, &patience).await?;
        let wake = self.wait(&patience, meter.as_mut()).await;
        if !talks
            && let Wake::Done { ran: false, status, .. } = wake
            && status != 128 + libc::SIGINT
        {
            // Bash said so in the terminal's words; the answer has them in the checker's.
            syntax::explain(&self.around.launcher, &action.command).await?;
        }
        let (command, error_msg) = (action.command.as_str(), action.error_msg.as_str());
        let asked = Asked { command, talks, check: action.check, error_msg };
        self.answer(&asked, &patience, wake, meter.and_then(Meter::finish))
    }

    async fn way_in_time(&self, command: &str, patience: &Patience) -> Result<Way, RuntimeError> {
        let found = tokio::time::timeout_at(patience.deadline, self.way_for(command, patience)).await;
        found.unwrap_or_else(|_| {
            let (command, limit) = (shortened(command), patience.limit);
            Err(RuntimeError::CommandTimeout { command, limit, output: String::new(), truncated: false })
        })
    }

    /// How the command is to be run, once the shell is idle. It is checked in advance unless an error in its syntax shows
    /// without any effect when it is simply run.
    async fn way_for(&self, command: &str, patience: &Patience) -> Result<Way, RuntimeError> {
        self.outlast_predecessor(patience).await?;
        let (line, fragile) = {
            let state = self.screen.lock();
            (shell::better_as_line(command, &state.last), state.last.is_fragile())
        };
        if line || fragile || !syntax::is_parsed_at_once(command) {
            syntax::check(&self.around, command).await?;
        }
        let line = line && syntax::fits_into_a_group(&self.around, command).await;
        Ok(if line { Way::Line } else { Way::Evaluated })
    }

    /// Gives a command that nobody waits for any more a little time to end, as one that was just answered may need.
    async fn outlast_predecessor(&self, patience: &Patience) -> Result<(), RuntimeError> {
        let mut changed = self.screen.watch();
        let idle = async {
            while matches!(self.screen.lock().phase, Phase::Running(_)) && changed.changed().await.is_ok() {}
        };
        let limit = patience.deadline.min(deadline(PREDECESSOR));
        tokio::time::timeout_at(limit, idle).await.map_err(|_| self.busy())
    }

    /// Waits for the command that is running as if the caller had started it.
    pub(super) async fn join(&self, action: &BashWaitAction) -> Result<Observation, RuntimeError> {
        let patience = Patience::for_joining(action, self.around.settings.output_limit)?;
        let command = self.screen.lock().command.clone().unwrap_or_default();
        let asked = Asked { command: &command, talks: false, check: action.check, error_msg: "" };
        let turn = tokio::time::timeout_at(patience.deadline, self.turn.lock()).await;
        let (from, answered) = {
            let state = self.screen.lock();
            (state.began, state.answered)
        };
        let mut wake = match turn {
            Ok(_) => self.wait(&patience, None).await,
            Err(_) => Wake::Late(Seen { offset: self.screen.lock().history.end(), ..Seen::default() }),
        };
        if answered > from || turn.is_err() {
            let seen = wake.seen();
            seen.taken = self.shown(from, seen.offset, patience.output_limit);
        }
        self.answer(&asked, &patience, wake, None)
    }

    /// What the terminal showed between two offsets, as far as it is kept: other calls were answered with it, and it is
    /// as much this one's.
    fn shown(&self, from: u64, to: u64, limit: usize) -> Taken {
        let most = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
        let (mut all, mut missed) = (Backlog::new(limit), 0);
        if let Some(chunk) = self.screen.lock().history.read(from, most) {
            missed = chunk.missed;
            all.push(&chunk.bytes);
        }
        let taken = all.take(limit);
        Taken { omitted: taken.omitted + missed, ..taken }
    }

    async fn begin(
        &self,
        action: &BashAction,
        talks: bool,
        way: Way,
        patience: &Patience,
    ) -> Result<(), RuntimeError> {
        let Ok(_settled) = tokio::time::timeout_at(patience.deadline, self.settled.lock()).await else {
            return Err(self.busy());
        };
        let phase = self.screen.lock().phase;
        match phase {
            Phase::Running(_) if talks => self.type_in(&action.command, patience).await,
            Phase::Running(_) => Err(self.busy()),
            Phase::Idle => {
                syntax::possible(&action.command)?;
                self.order_by(way, &action.command)
            }
            // The wait that follows reports the end.
            Phase::Ended(_) => Ok(()),
        }
    }

    async fn type_in(&self, command: &str, patience: &Patience) -> Result<(), RuntimeError> {
        let mut text = command.to_owned();
        if !text.ends_with('\n') {
            text.push('\n');
        }
        match tokio::time::timeout_at(patience.deadline, self.pty.write(text.as_bytes())).await {
            Ok(written) => written.map_err(RuntimeError::io("type into the session")),
            Err(_) => Err(self.busy()),
        }
    }

    /// Waits until the command ends, a pattern appears, input is wanted, the shell ends or patience does.
    pub(super) async fn wait(&self, patience: &Patience, mut meter: Option<&mut Meter>) -> Wake {
        let mut changed = self.screen.watch();
        let _reading = (!patience.expected.is_empty()).then(|| self.screen.reading());
        let mut times = Timetable::new(Instant::now());
        loop {
            let next = match self.look(patience, &mut times, meter.is_some()) {
                Looked::Over(wake) => return wake,
                Looked::Again(next) => next,
            };
            let now = Instant::now();
            if let Some(meter) = meter.as_deref_mut().filter(|_| times.sample_due(now)) {
                meter.sample().await;
                times.sampled(Instant::now());
            }
            if patience.until_input && self.input_is_wanted(&mut times).await {
                return Wake::Input(self.take(patience.output_limit));
            }
            if now >= patience.deadline {
                return Wake::Late(self.take(patience.limit_in_passing()));
            }
            // Both outcomes lead to another look.
            let _ = tokio::time::timeout_at(next, changed.changed()).await;
        }
    }

    fn look(&self, patience: &Patience, times: &mut Timetable, sampling: bool) -> Looked {
        let mut state = self.screen.lock();
        let (now, end, printed_at) = (Instant::now(), state.history.end(), state.printed_at.into());
        let running = matches!(state.phase, Phase::Running(_));
        let waiting = state.output.len();
        if !patience.expected.is_empty() && (!running || times.search_due(now, end, waiting, printed_at)) {
            if let Some((pattern, taken)) =
                patience.expected.take_match(&mut state.output, patience.output_limit)
            {
                state.answered = end - state.output.len() as u64;
                return Looked::Over(Wake::Matched { pattern, seen: Seen { taken, offset: state.answered } });
            }
            times.searched(end, now.elapsed());
        }
        match state.phase {
            Phase::Running(_) if times.silent_too_long(now, patience.silence, printed_at) => {
                Looked::Over(Wake::Silent(take(&mut state, patience.limit_in_passing())))
            }
            Phase::Running(_) => Looked::Again(times.next_look(patience, sampling, end, printed_at)),
            Phase::Ended(status) => {
                Looked::Over(Wake::Ended { status, seen: take(&mut state, patience.output_limit) })
            }
            Phase::Idle => {
                let seen = take(&mut state, patience.output_limit);
                Looked::Over(done(&state, seen))
            }
        }
    }

    /// Asks the process table, when it is time to, whether the foreground waits for input; output that came
    /// meanwhile says that it does not.
    async fn input_is_wanted(&self, times: &mut Timetable) -> bool {
        let quiet = || {
            let state = self.screen.lock();
            (matches!(state.phase, Phase::Running(_)), state.history.end(), Instant::from(state.printed_at))
        };
        let before = quiet();
        if !before.0 || !times.input_check_due(Instant::now(), before.2) {
            return false;
        }
        let (foreground, terminal) = (self.pty.foreground(), self.pty.number());
        let wanted = match (foreground, terminal) {
            (Some(group), Some(terminal)) => listening::waits_for_input(group, terminal).await,
            _ => false,
        };
        times.input_checked(Instant::now());
        wanted && self.pty.is_drained() && quiet() == before
    }

    /// What was printed and not answered yet.
    pub(super) fn take(&self, limit: usize) -> Seen {
        take(&mut self.screen.lock(), limit)
    }

    fn answer(
        &self,
        asked: &Asked<'_>,
        patience: &Patience,
        wake: Wake,
        usage: Option<Usage>,
    ) -> Result<Observation, RuntimeError> {
        let shown = |seen: Seen| {
            let (omitted_bytes, offset) = (seen.taken.omitted, seen.offset);
            let output = seen.text();
            let output = if asked.talks { without_echo(&output, asked.command).to_owned() } else { output };
            Observation {
                output,
                truncated: omitted_bytes > 0,
                omitted_bytes,
                offset,
                usage,
                ..Observation::default()
            }
        };
        let command = || shortened(asked.command);
        match wake {
            Wake::Ended { status, seen } => Err(self.ended_error(status, seen.text())),
            Wake::Late(seen) => {
                let (truncated, output) = (seen.taken.omitted > 0, seen.text());
                Err(RuntimeError::CommandTimeout {
                    command: command(),
                    limit: patience.limit,
                    output,
                    truncated,
                })
            }
            Wake::Silent(seen) => {
                let (truncated, output) = (seen.taken.omitted > 0, seen.text());
                let limit = patience.silence.unwrap_or(patience.limit);
                Err(RuntimeError::NoOutputTimeout { command: command(), limit, output, truncated })
            }
            Wake::Matched { pattern, seen } => {
                Ok(Observation { exit_code: asked.talks.then_some(0), expect_string: pattern, ..shown(seen) })
            }
            Wake::Input(seen) => Ok(Observation {
                exit_code: asked.talks.then_some(0),
                waiting_for_input: true,
                ..shown(seen)
            }),
            Wake::Done { status, cwd, seen, .. } => {
                let exit_code = if asked.talks { 0 } else { status };
                checked(asked, exit_code, Observation { cwd: Some(cwd), ..shown(seen) })
            }
        }
    }
}

/// What one look brought.
enum Looked {
    Over(Wake),
    /// When to look again at the latest.
    Again(Instant),
}

fn take(state: &mut State, limit: usize) -> Seen {
    Seen { taken: state.take_output(limit), offset: state.history.end() }
}

fn done(state: &State, seen: Seen) -> Wake {
    Wake::Done { status: state.last.status, ran: state.last.ran, cwd: state.last.cwd.clone(), seen }
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

fn checked(asked: &Asked<'_>, exit_code: i32, seen: Observation) -> Result<Observation, RuntimeError> {
    match asked.check {
        Check::Ignore => Ok(seen),
        Check::Raise if exit_code != 0 => Err(RuntimeError::NonZeroExitCode {
            command: shortened(asked.command),
            exit_code,
            output: seen.output,
            error_msg: asked.error_msg.to_owned(),
        }),
        Check::Raise | Check::Silent => Ok(Observation { exit_code: Some(exit_code), ..seen }),
    }
}
