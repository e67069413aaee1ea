//! The task that moves what a session's shell writes, reports and becomes onto its screen. It always runs, so
//! background jobs never block on a full terminal.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;

use super::pty::{Bytes, Pty};
use super::screen::{Report, Screen};
use super::shell::Entries;
use crate::launch::Started;

/// Most bytes collected between a report and its answer. The kernel holds less, so all that was written before the
/// report is among them, and a background job that never stops writing cannot hold the answer up.
const DRAIN_LIMIT: usize = 512 << 10;

/// How often the shell may enter its loop anew for one order. A driver that a command has broken would do so for ever.
const MOST_IDLE_ENTRIES: u32 = 100;

/// One session's pump.
pub(super) struct Pump {
    screen: Arc<Screen>,
    pty: Arc<Pty>,
    reports: pipe::Receiver,
    entries: Entries,
    started: Started,
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
        Self { screen, pty, reports, entries, started, last_seq: 0, idle_entries: 0 }
    }

    /// Runs until the shell ends.
    pub(super) async fn run(mut self) {
        let mut record = Vec::new();
        let mut buffer = [0; 4096];
        let (mut terminal_open, mut reports_open) = (true, true);
        loop {
            tokio::select! {
                bytes = self.pty.read(), if terminal_open => match bytes {
                    Bytes::Some(bytes) => self.screen.printed(&bytes),
                    Bytes::NoneNow | Bytes::Closed => terminal_open = false,
                },
                read = self.reports.read(&mut buffer), if reports_open => match read {
                    Ok(count) if count > 0 => self.take_reports(&mut record, &buffer[..count]),
                    // The shell became another program, or is ending.
                    _ => reports_open = false,
                },
                exit = self.started.wait() => {
                    self.drain();
                    self.screen.ended(exit.map_or(-1, |exit| status_number(exit.status)));
                    return;
                }
            }
        }
    }

    fn take_reports(&mut self, record: &mut Vec<u8>, bytes: &[u8]) {
        for &byte in bytes {
            if byte != 0 {
                record.push(byte);
                continue;
            }
            match Report::parse(record) {
                Some(report) => self.deliver(report),
                None => tracing::warn!(?record, "the shell's report is not understood"),
            }
            record.clear();
        }
    }

    fn deliver(&mut self, report: Report) {
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
        let mut collected = 0;
        while collected < DRAIN_LIMIT
            && let Bytes::Some(bytes) = self.pty.read_now()
        {
            collected += bytes.len();
            self.screen.printed(&bytes);
        }
    }
}

/// Exit status as shells give it: 128 + the number of the signal that ended the process.
fn status_number(status: ExitStatus) -> i32 {
    status.code().or_else(|| status.signal().map(|signal| 128 + signal)).unwrap_or(-1)
}
