//! The task that moves what a session's shell writes, reports and becomes onto its screen. It always runs, so
//! background jobs never block on a full terminal.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use tokio::net::unix::pipe;

use super::pty::{Pause, Pty};
use super::screen::{Message, Report, Screen};
use super::shell::Entries;
use crate::launch::Started;

/// Most bytes collected between a report and its answer. The kernel holds less, so all that was written before the
/// report is among them, and a background job that never stops writing cannot hold the answer up.
const DRAIN_LIMIT: usize = 512 << 10;

/// Bytes after which reports are looked at again.
const TURN: usize = 256 << 10;

/// How often the shell may enter its loop anew for one order. A driver that a command has broken would do so for ever.
const MOST_IDLE_ENTRIES: u32 = 100;

/// One session's pump.
pub(super) struct Pump {
    screen: Arc<Screen>,
    pty: Arc<Pty>,
    reports: pipe::Receiver,
    entries: Entries,
    started: Started,
    /// The beginning of a message whose end has not come yet.
    record: Vec<u8>,
    /// The shell said that the next report is made with an ERR trap set.
    error_trap: bool,
    /// Number of the order that was reported last, and how often in a row.
    last_seq: u64,
    idle_entries: u32,
}

impl Pump {
    pub(super) fn new(
        screen: Arc<Screen>,
        pty: Arc<Pty>,
        reports: pipe::Receiver,
        entries: Entries,
        started: Started,
    ) -> Self {
        let record = Vec::new();
        Self {
            screen,
            pty,
            reports,
            entries,
            started,
            record,
            error_trap: false,
            last_seq: 0,
            idle_entries: 0,
        }
    }

    /// Runs until the shell ends.
    pub(super) async fn run(mut self) {
        let (mut terminal_open, mut reports_open) = (true, true);
        loop {
            tokio::select! {
                pause = self.pty.read(TURN, |bytes| self.screen.printed(bytes)), if terminal_open => {
                    terminal_open = pause != Pause::Closed;
                }
                ready = self.reports.readable(), if reports_open => {
                    reports_open = ready.is_ok() && self.read_reports();
                }
                exit = self.started.wait() => {
                    self.drain();
                    self.screen.ended(exit.map_or(-1, |exit| status_number(exit.status)));
                    return;
                }
            }
        }
    }

    /// Whether more may come: not after the shell became another program or when it is ending.
    fn read_reports(&mut self) -> bool {
        let mut buffer = [0; 512];
        match self.reports.try_read(&mut buffer) {
            Ok(0) => return false,
            Ok(count) => self.take_reports(&buffer[..count]),
            Err(error) => return error.kind() == std::io::ErrorKind::WouldBlock,
        }
        true
    }

    fn take_reports(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if byte != 0 {
                self.record.push(byte);
                continue;
            }
            let record = std::mem::take(&mut self.record);
            match Message::parse(&record) {
                Some(Message::Report(report)) => self.deliver(report),
                Some(Message::ErrorTrap) => self.error_trap = true,
                Some(Message::Note(note)) => self.screen.noted(&note),
                None if record.is_empty() => {}
                None => tracing::warn!(?record, "the shell's report is not understood"),
            }
        }
    }

    fn deliver(&mut self, mut report: Report) {
        report.error_trap = std::mem::take(&mut self.error_trap);
        self.idle_entries = if report.seq == self.last_seq { self.idle_entries + 1 } else { 0 };
        self.last_seq = report.seq;
        if report.entered && self.idle_entries < MOST_IDLE_ENTRIES {
            self.entries.refill();
        }
        self.drain();
        self.screen.reported(report);
    }

    /// Collects what was written before now.
    fn drain(&self) {
        self.pty.read_now(DRAIN_LIMIT, |bytes| self.screen.printed(bytes));
    }
}

/// Exit status as shells give it: 128 + the number of the signal that ended the process.
fn status_number(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}
