//! What is known of a session at one moment: its phase, what it printed, the last report of its shell. Filled by the
//! pump, awaited by those who ask.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use super::backlog::{Backlog, Taken};
use super::history::History;

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

/// What the shell says between commands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Report(Report),
    /// ERR or DEBUG are trapped; this stands in front of a report.
    Trap,
    /// What bash says of a job that an interrupt killed.
    Note(Vec<u8>),
}

/// The shell's account of a finished order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) seq: u64,
    pub(super) status: i32,
    /// The shell entered its loop anew, so it needs another line that does so.
    pub(super) entered: bool,
    /// The text was run, at least in part; otherwise bash could not parse it.
    pub(super) ran: bool,
    /// The shell's option letters, as `$-` has them.
    pub(super) flags: String,
    /// ERR or DEBUG are trapped.
    pub(super) is_trapped: bool,
    pub(super) cwd: PathBuf,
}

impl Message {
    /// Reads one message without the NULs around it.
    pub(super) fn parse(record: &[u8]) -> Option<Self> {
        if let Some(note) = record.strip_prefix(b"note ") {
            return Some(Self::Note(note.to_vec()));
        }
        // What a DEBUG trap prints may stand around it.
        let is_trap = || record.windows(8).any(|window| window == b"trap -- ");
        Report::parse(record).map(Self::Report).or_else(|| is_trap().then_some(Self::Trap))
    }
}

impl Report {
    fn parse(record: &[u8]) -> Option<Self> {
        use std::os::unix::ffi::OsStringExt;
        let mut fields = record.splitn(6, |&byte| byte == b' ');
        let mut text = || std::str::from_utf8(fields.next()?).ok();
        let (seq, status) = (text()?.parse().ok()?, text()?.parse().ok()?);
        let (entered, ran, flags) = (text()? == "1", text()? == "1", text()?.to_owned());
        let cwd = std::ffi::OsString::from_vec(fields.next()?.to_vec()).into();
        Some(Self { seq, status, entered, ran, flags, is_trapped: false, cwd })
    }

    /// The shell ends when a command fails, so also when a text cannot be parsed.
    pub(super) fn is_fragile(&self) -> bool {
        self.flags.contains('e')
    }

    /// Commands are printed as they run.
    pub(super) fn is_traced(&self) -> bool {
        self.flags.contains('x')
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
    pub(super) output: Backlog,
    /// What was printed lately, answered or not.
    pub(super) history: History,
    /// When something was printed last.
    pub(super) printed_at: Instant,
    /// Up to where answers have given out what was printed.
    pub(super) answered: u64,
    /// Where the output of the running command, or of the last one, begins.
    pub(super) began: u64,
    /// Report of the last command.
    pub(super) last: Report,
    /// Number of the last report of any order, synchronisation included.
    pub(super) reported: u64,
    /// Notices of killed jobs, for the next answer.
    pub(super) notes: Vec<u8>,
}

impl State {
    /// Changes the phase; a command is known only while it runs.
    pub(super) fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.since = Instant::now();
        self.command = None;
    }

    /// Takes the output for an answer.
    pub(super) fn take_output(&mut self, limit: usize) -> Taken {
        self.answered = self.history.end();
        self.output.take(limit)
    }
}

/// The state and the bell that rings when it changes.
#[derive(Debug)]
pub(super) struct Screen {
    state: Mutex<State>,
    changed: watch::Sender<()>,
    /// How many look at the output while it grows; for the others the bell does not ring each time.
    readers: AtomicUsize,
}

impl Screen {
    /// A session whose shell is starting.
    pub(super) fn new(output_limit: usize) -> Self {
        let now = Instant::now();
        let state = State {
            phase: Phase::Running(0),
            since: now,
            command: None,
            output: Backlog::new(output_limit),
            history: History::default(),
            printed_at: now,
            answered: 0,
            began: 0,
            last: Report::default(),
            reported: 0,
            notes: Vec::new(),
        };
        Self { state: Mutex::new(state), changed: watch::Sender::new(()), readers: AtomicUsize::new(0) }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hears of changes of the phase.
    pub(super) fn watch(&self) -> watch::Receiver<()> {
        self.changed.subscribe()
    }

    /// Makes the bell ring for output, too, for as long as the guard lives.
    pub(super) fn reading(self: &Arc<Self>) -> Reading {
        self.readers.fetch_add(1, Ordering::SeqCst);
        Reading(Arc::clone(self))
    }

    /// The shell was given an order. Notices stand in front of what it prints.
    pub(super) fn started(&self, seq: u64, command: String) {
        let mut state = self.lock();
        state.enter(Phase::Running(seq));
        state.command = Some(command);
        state.began = state.answered;
        let notes = std::mem::take(&mut state.notes);
        state.output.push(&notes);
    }

    pub(super) fn printed(&self, bytes: &[u8]) {
        let mut state = self.lock();
        state.output.push(bytes);
        state.history.push(bytes);
        state.printed_at = Instant::now();
        drop(state);
        if self.readers.load(Ordering::SeqCst) > 0 {
            self.changed.send_replace(());
        }
    }

    /// Numbers only grow; one that stands behind is not the driver's.
    pub(super) fn reported(&self, report: Report) {
        let mut state = self.lock();
        if report.seq < state.reported {
            return;
        }
        state.reported = report.seq;
        if state.phase == Phase::Running(report.seq) {
            state.enter(Phase::Idle);
            state.last = report;
        }
        drop(state);
        self.changed.send_replace(());
    }

    /// Keeps a notice for the next answer.
    pub(super) fn noted(&self, note: &[u8]) {
        let mut state = self.lock();
        state.notes.extend_from_slice(note);
        state.notes.push(b'\n');
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

/// Somebody who looks at the output while it grows.
#[derive(Debug)]
pub(super) struct Reading(Arc<Screen>);

impl Drop for Reading {
    fn drop(&mut self) {
        self.0.readers.fetch_sub(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_are_read_with_any_directory() {
        let report = |seq, status, [entered, ran]: [bool; 2], flags: &str, cwd: &str| {
            let (flags, cwd) = (flags.to_owned(), cwd.into());
            Some(Message::Report(Report { seq, status, entered, ran, flags, is_trapped: false, cwd }))
        };
        let cases: [(&[u8], Option<Message>); 8] = [
            (b"3 0 0 1 himBs /tmp", report(3, 0, [false, true], "himBs", "/tmp")),
            (b"4 130 1 0 ex /a b\nc", report(4, 130, [true, false], "ex", "/a b\nc")),
            (b"5 1 0 1 i ", report(5, 1, [false, true], "i", "")),
            (b"dbg\ntrap -- 'echo 1 2 3' ERR\ndbg\n", Some(Message::Trap)),
            (b"note [1]+  Killed  x", Some(Message::Note(b"[1]+  Killed  x".to_vec()))),
            (b"", None),
            (b"x 0 0 0 i /", None),
            (b"1 0 0 0 i", None),
        ];
        for (record, expected) in cases {
            assert_eq!(Message::parse(record), expected, "{record:?}");
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

    #[test]
    fn output_rings_only_for_those_who_read_it() {
        let screen = Arc::new(Screen::new(100));
        let changed = screen.watch();
        screen.printed(b"a");
        assert!(!changed.has_changed().unwrap());
        let reading = screen.reading();
        screen.printed(b"b");
        assert!(changed.has_changed().unwrap());
        drop(reading);
        assert_eq!(screen.lock().take_output(100).bytes, b"ab");
        assert_eq!(screen.lock().answered, 2);
    }
}
