//! The console output of Python's `unittest` (and of Django and nose2, which print alike), verbose or as dots.
//!
//! Ids are those that `python -m unittest` accepts: `module.Class.test`. Failures of sub-tests count for their test;
//! failures to load or set up a module or class are reported under its name.

mod lines;

use crate::frames::Dialect;
use crate::report::{Outcome, TestCounts, TestId, TestReport, TestResult};

use self::lines::Totals;
use super::Transcript;
use super::failure::{explained, python_exception};

/// Reads both streams; `unittest` prints to standard error, but many scripts redirect that.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    transcript.each_stream(|text| read_stream(text, transcript))
}

fn read_stream(text: &str, transcript: &Transcript<'_>) -> TestReport {
    let report = TestReport::default();
    let mut reading =
        Reading { transcript, report, open: None, unresolved: Vec::new(), totals: None, fixtures: 0 };
    let all: Vec<&str> = text.lines().collect();
    let mut at = 0;
    while at < all.len() {
        at = match lines::block_title(&all[at..]) {
            Some((outcome, title)) => reading.block(&all, at + 2, outcome, title),
            None => {
                reading.progress(all[at], all.get(at + 1).copied().unwrap_or_default());
                at + 1
            }
        };
    }
    reading.finish()
}

struct Reading<'t> {
    transcript: &'t Transcript<'t>,
    report: TestReport,
    /// The test that runs, as far as progress lines tell.
    open: Option<TestId>,
    /// Tests that made way for the next without an outcome of their own.
    unresolved: Vec<TestId>,
    totals: Option<Totals>,
    /// Failures of class and module fixtures, which are no tests that ran.
    fixtures: usize,
}

impl Reading<'_> {
    /// Reads one progress or summary line.
    fn progress(&mut self, line: &str, next: &str) {
        if let Some(count) = lines::ran(line) {
            self.totals = Some(Totals { ran: count, ..Totals::default() });
        } else if let Some(skipped) = self.totals.and_then(|_| lines::skipped_total(line)) {
            self.totals.iter_mut().for_each(|totals| totals.skipped = skipped);
        } else if let Some((ids, status)) = lines::test_line(line, next) {
            self.start(ids, status);
        } else if let Some(status) = lines::trailing_status(line)
            && let Some(id) = self.open.take()
        {
            self.record_status(id, status);
        }
    }

    fn start(&mut self, mut ids: Vec<TestId>, status: Option<(Outcome, &str)>) {
        let last = ids.pop();
        // A sub-test's line repeats the id of the test that is already open.
        if self.open != last {
            self.unresolved.extend(self.open.take());
        }
        self.unresolved.extend(ids);
        match (last, status) {
            (Some(id), Some(status)) => self.record_status(id, status),
            (last, _) => self.open = last,
        }
    }

    fn record_status(&mut self, id: TestId, (outcome, reason): (Outcome, &str)) {
        self.open = self.open.take().filter(|open| *open != id);
        self.report.record(id, TestResult::new(outcome).with_message(reason));
    }

    /// Reads the explanation whose text starts at `start`; returns where it ends.
    fn block(&mut self, all: &[&str], start: usize, outcome: Outcome, title: &str) -> usize {
        let length =
            all[start..].iter().enumerate().position(|(at, _)| lines::ends_block(&all[start + at..]));
        let end = length.map_or(all.len(), |length| start + length);
        let text = all[start..end].join("\n");
        let text = text.split_once(lines::RULE).map_or(text.as_str(), |(_, below)| below);
        let id = lines::test_id(title).unwrap_or_else(|| TestId::from(title));
        let result = match outcome {
            Outcome::Failed if text.trim().is_empty() => {
                TestResult::new(outcome).with_message("unexpected success")
            }
            _ => explained(outcome, python_exception(text), text, Dialect::Python, &self.transcript.place),
        };
        self.fixtures += usize::from(lines::is_fixture(title));
        self.report.record(id, result);
        end
    }

    fn finish(mut self) -> TestReport {
        let Some(totals) = self.totals else {
            if let Some(id) = self.open.take() {
                let outcome = self.transcript.unfinished();
                self.report.record(id, TestResult::new(outcome).with_message("started and did not finish"));
            }
            return self.report;
        };
        // The run ended and nothing was said against these: their `ok` was lost in what the tests printed.
        for id in self.unresolved.drain(..).chain(self.open.take()) {
            self.report.tests.entry(id).or_insert_with(|| TestResult::new(Outcome::Passed));
        }
        self.report.unlisted = unlisted(&self.report, totals, self.fixtures);
        self.report
    }
}

/// The tests counted but not named, as in a run that prints dots.
fn unlisted(report: &TestReport, totals: Totals, fixtures: usize) -> TestCounts {
    if report.tests.values().any(|result| result.outcome == Outcome::Passed) {
        return TestCounts::default();
    }
    let named = report.counts();
    let failed = named.failed.saturating_sub(fixtures);
    let skipped = totals.skipped.max(named.skipped);
    TestCounts {
        passed: totals.ran.saturating_sub(failed + skipped),
        failed: 0,
        skipped: skipped - named.skipped,
    }
}
