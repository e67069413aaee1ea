//! What is known of a session at one moment: its phase, what it printed, the last report of its shell. Filled by the
//! pump, awaited by those who ask.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::history::History;
use crate::capture::Capture;

/// What the shell is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// It runs the order with this number (0: its start).
    Running(u64),
    /// It waits for an order.
    Idle,
    /// It ended with this status.
    Ended(i32),
}

impl Phase {
    /// The word for it in listings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Running(0) => "starting",
            Self::Running(_) => "running",
            Self::Idle => "idle",
            Self::Ended(_) => "ended",
        }
    }
}

/// The shell's account of a finished order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) seq: u64,
    pub(super) status: i32,
    /// The shell entered its loop anew, so it needs another line that does so.
    pub(super) entered: bool,
    pub(super) cwd: PathBuf,
}

impl Report {
    /// Reads one report without its terminating NUL.
    pub(super) fn parse(record: &[u8]) -> Option<Self> {
        use std::os::unix::ffi::OsStringExt;
        let mut fields = record.splitn(4, |&byte| byte == b' ');
        let mut text = || std::str::from_utf8(fields.next()?).ok();
        let (seq, status, entered) = (text()?.parse().ok()?, text()?.parse().ok()?, text()? == "1");
        let cwd = std::ffi::OsString::from_vec(fields.next()?.to_vec()).into();
        Some(Self { seq, status, entered, cwd })
    }
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) phase: Phase,
    /// When the phase began.
    pub(super) since: Instant,
    /// What is running, shortened.
    pub(super) command: Option<String>,
    /// What was printed and not answered yet.
    pub(super) output: Capture,
    /// What was printed lately, answered or not.
    pub(super) history: History,
    /// Report of the last command.
    pub(super) last: Report,
    /// Number of the last report of any order, synchronisation included.
    pub(super) reported: u64,
}

impl State {
    /// Changes the phase; a command is known only while it runs.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
        self.command = None;
    }
}

/// The state and the bell that rings when it changes.
#[derive(Debug)]
pub(super) struct Screen {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

impl Screen {
    /// A session whose shell is starting.
    pub(super) fn new(output_limit: usize) -> Self {
        let state = State {
            phase: Phase::Running(0),
            since: Instant::now(),
            command: None,
            output: Capture::new(output_limit),
            history: History::default(),
            last: Report::default(),
            reported: 0,
        };
        Self { state: Mutex::new(state), changed: watch::Sender::new(()) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// The shell was given an order.
    pub(super) fn started(&self, seq: u64, command: String) {
        let mut state = self.lock();
        state.enter(Phase::Running(seq));
        state.command = Some(command);
    }

    pub(super) fn printed(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.output.push(bytes);
        state.history.push(bytes);
        drop(state);
        self.changed.send_replace(());
    }

    pub(super) fn reported(&self, report: Report) {
        let mut state = self.lock();
        state.reported = report.seq;
        if state.phase == Phase::Running(report.seq) {
            state.enter(Phase::Idle);
            state.last = report;
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// The first account of the end stays.
    pub(super) fn ended(&self, status: i32) {
        let mut state = self.lock();
        if !matches!(state.phase, Phase::Ended(_)) {
            state.enter(Phase::Ended(status));
        }
        drop(state);
        self.changed.send_replace(());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_with_any_directory() {
        let report = |seq, status, entered, cwd: &str| Some(Report { seq, status, entered, cwd: cwd.into() });
        let cases: [(&[u8], Option<Report>); 6] = [
            (b"3 0 0 /tmp", report(3, 0, false, "/tmp")),
            (b"4 130 1 /a b\nc", report(4, 130, true, "/a b\nc")),
            (b"5 1 0 ", report(5, 1, false, "")),
            (b"", None),
            (b"x 0 0 /", None),
            (b"1 0 0", None),
        ];
        for (record, expected) in cases {
            assert_eq!(Report::parse(record), expected, "{record:?}");
        }
    }

    #[test]
    fn only_the_running_orders_report_ends_it() {
        let screen = Screen::new(100);
        screen.lock().phase = Phase::Running(7);
        screen.reported(Report { seq: 6, ..Report::default() });
        assert_eq!(screen.lock().phase, Phase::Running(7));
        screen.reported(Report { seq: 7, status: 3, ..Report::default() });
        let state = screen.lock();
        assert_eq!((state.phase, state.last.status), (Phase::Idle, 3));
    }
}
