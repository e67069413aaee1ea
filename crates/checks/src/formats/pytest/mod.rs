//! The console output of pytest, terse or verbose, with or without its sections.
//!
//! Tests are named in the progress lines of `-v`, in the short summary, or both. The sections `ERRORS` and `FAILURES`
//! say why, under titles that name a test without its file; they are matched to ids in the order of the summary.

mod blocks;
mod lines;

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::report::{Outcome, TestCounts, TestId, TestReport, TestResult};

use self::blocks::Block;
use super::Transcript;
use super::failure::says_timeout;

/// Where in the output a line stands.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Section {
    #[default]
    Progress,
    Errors,
    Failures,
    Summary,
    Other,
}

/// Reads standard output, where pytest prints everything.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    for line in transcript.stdout.lines() {
        reading.line(line);
    }
    reading.finish(transcript)
}

/// What has been understood so far.
#[derive(Default)]
struct Reading<'t> {
    section: Section,
    report: TestReport,
    /// A test whose verbose line has no outcome yet.
    started: Option<&'t str>,
    /// Failures in the order listed, to be matched with blocks: id and whether it is an error.
    listed: Vec<(&'t str, bool)>,
    seen: BTreeSet<(&'t str, bool)>,
    blocks: Vec<Block<'t>>,
    /// Whether lines belong to the last block.
    in_block: bool,
    /// The line of totals that ends a run.
    totals: Option<TestCounts>,
    hit_time_limit: bool,
    /// Whether tests that passed are named, as in progress lines and in a summary of all.
    names_passes: bool,
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str) {
        if let Some(section) = lines::section_title(line).and_then(section_of) {
            self.section = section;
            self.in_block = false;
            return;
        }
        if let Some(totals) = lines::totals(line) {
            self.totals = Some(totals);
            self.section = Section::Other;
            return;
        }
        self.hit_time_limit |= line.contains("+ Timeout +");
        match self.section {
            Section::Progress => self.progress(line),
            Section::Summary => self.summary(line),
            Section::Errors | Section::Failures => self.explanation(line),
            Section::Other => {}
        }
    }

    fn progress(&mut self, line: &'t str) {
        if let Some((id, outcome, reason)) = lines::verbose(line) {
            self.named(id, outcome, reason.unwrap_or_default());
        } else if let Some(id) = lines::started(line) {
            self.started = Some(id);
        } else if let (Some(id), Some(outcome)) = (self.started, lines::lone_status(line)) {
            self.named(id, outcome, "");
        }
    }

    fn named(&mut self, id: &'t str, outcome: Outcome, reason: &str) {
        self.started = None;
        self.names_passes = true;
        self.note_listed(id, outcome);
        self.report.record(id, TestResult::new(outcome).with_message(reason));
    }

    fn summary(&mut self, line: &'t str) {
        let Some((id, outcome, message)) = lines::summary(line) else { return };
        self.note_listed(id, outcome);
        self.names_passes |= outcome == Outcome::Passed;
        let outcome = if says_timeout(message) { Outcome::TimedOut } else { outcome };
        self.report.record(id, TestResult::new(outcome).with_message(message));
    }

    /// Both progress lines and the summary list failures in the order in which they are explained.
    fn note_listed(&mut self, id: &'t str, outcome: Outcome) {
        let entry = (id, outcome == Outcome::Errored);
        if outcome.is_failure() && self.seen.insert(entry) {
            self.listed.push(entry);
        }
    }

    fn explanation(&mut self, line: &'t str) {
        match blocks::title(line) {
            Some(title) => {
                self.blocks.push(Block::new(title, self.section == Section::Errors));
                self.in_block = true;
            }
            // With --tb=line there are no titles.
            None if !self.in_block => {}
            None => self.blocks.iter_mut().last().into_iter().for_each(|block| block.lines.push(line)),
        }
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        self.explain(transcript);
        if let (Some(id), None) = (self.started, self.totals) {
            let outcome = if self.hit_time_limit { Outcome::TimedOut } else { transcript.unfinished() };
            self.report.record(id, TestResult::new(outcome).with_message("started and did not finish"));
        }
        if let Some(totals) = self.totals {
            // Once passing tests are named, all are: then a difference comes from tests that are counted twice, as one
            // that passes and then fails in its tear-down is.
            let rest = totals.minus(&self.report.counts());
            let skipped_only = TestCounts { skipped: rest.skipped, ..TestCounts::default() };
            self.report.unlisted = if self.names_passes { skipped_only } else { rest };
        }
        self.report
    }

    /// Gives each failure the message and the frames of its block.
    fn explain(&mut self, transcript: &Transcript<'_>) {
        let mut waiting: BTreeMap<(String, bool), VecDeque<&str>> = BTreeMap::new();
        for (id, is_error) in &self.listed {
            waiting.entry((blocks::title_of(id), *is_error)).or_default().push_back(id);
        }
        for block in std::mem::take(&mut self.blocks) {
            let listed = waiting.get_mut(&(block.title.to_owned(), block.is_error));
            let id = match listed.and_then(VecDeque::pop_front) {
                Some(id) => TestId::from(id),
                None => block.own_id(transcript),
            };
            let outcome = if block.is_error { Outcome::Errored } else { Outcome::Failed };
            let explained = block.result(outcome, transcript);
            // The block knows more than the summary line, which is cut to the width of the terminal.
            self.report.tests.remove(&id).into_iter().for_each(|known| {
                let spare = TestResult { message: known.message, ..TestResult::new(known.outcome) };
                if explained.message.is_none() {
                    self.report.record(id.clone(), spare);
                }
            });
            self.report.record(id, explained);
        }
    }
}

fn section_of(title: &str) -> Option<Section> {
    match title {
        "test session starts" => Some(Section::Progress),
        "ERRORS" => Some(Section::Errors),
        "FAILURES" => Some(Section::Failures),
        "short test summary info" => Some(Section::Summary),
        "PASSES" | "XPASSES" | "XFAILURES" | "warnings summary" | "slowest durations" => Some(Section::Other),
        _ => None,
    }
}

/// The node ids in console output, by which ids in JUnit files are recognised.
pub(super) fn node_ids(report: &TestReport) -> BTreeSet<&str> {
    report.tests.keys().map(TestId::as_str).filter(|id| id.contains("::")).collect()
}
