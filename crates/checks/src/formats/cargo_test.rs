//! The console output of `cargo test`: several test binaries and documentation tests, one after the other.
//!
//! libtest names a test within its binary only. Which binary runs is announced on standard error, so announcements are
//! matched with the `running N tests` lines of standard output by their order.

use std::collections::{BTreeMap, VecDeque};

use crate::frames::Dialect;
use crate::report::{Outcome, TestCounts, TestReport, TestResult};

use super::Transcript;
use super::failure::{explained, rust_panic};
use super::rust_build::build_failures;

/// Reads both streams together.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut announced: VecDeque<String> = transcript.stderr.lines().filter_map(announcement).collect();
    let suites = |text: &str| text.lines().filter(|line| suite_start(line)).count();
    if announced.len() != suites(&transcript.stdout)
        && !transcript.stdout.lines().any(|line| announcement(line).is_some())
    {
        // Some binary has a harness of its own; guessing would give tests the wrong names.
        announced.clear();
    }
    let mut report = Reading::new(transcript, announced).read(&transcript.stdout);
    // Redirected into one stream, the tests are there too.
    report.merge(Reading::new(transcript, VecDeque::new()).read(&transcript.stderr));
    for text in [&transcript.stdout, &transcript.stderr] {
        report.merge(build_failures(text, &transcript.place, |package| package.replace('-', "_")));
    }
    report
}

/// The name of the binary that `Running unittests src/lib.rs (target/debug/deps/shop-0123456789abcdef)` announces.
fn announcement(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(documented) = line.strip_prefix("Doc-tests ") {
        return Some(documented.trim().to_owned());
    }
    let running = line.strip_prefix("Running ")?;
    let path = running
        .rsplit_once(" (")
        .map_or(running, |(_, path)| path)
        .trim_end_matches(')')
        .trim_end_matches('`');
    let file = path.rsplit(['/', '\\']).next()?;
    let (name, hash) = file.rsplit_once('-')?;
    hash.trim_end_matches(".exe").chars().all(|c| c.is_ascii_hexdigit()).then(|| name.to_owned())
}

/// `running 3 tests`
fn suite_start(line: &str) -> bool {
    line.strip_prefix("running ").and_then(|rest| rest.split_once(' ')).is_some_and(|(count, what)| {
        count.bytes().all(|byte| byte.is_ascii_digit()) && what.starts_with("test")
    })
}

/// The tests of one binary, as far as read.
#[derive(Default)]
struct Suite<'t> {
    binary: Option<String>,
    open: bool,
    tests: BTreeMap<&'t str, TestResult>,
    /// A test whose line has no outcome yet.
    started: Option<&'t str>,
    /// Output of failed tests, by test.
    explanations: Vec<(&'t str, Vec<&'t str>)>,
    explaining: bool,
}

struct Reading<'t> {
    transcript: &'t Transcript<'t>,
    announced: VecDeque<String>,
    report: TestReport,
    suite: Suite<'t>,
}

impl<'t> Reading<'t> {
    fn new(transcript: &'t Transcript<'t>, announced: VecDeque<String>) -> Self {
        Self { transcript, announced, report: TestReport::default(), suite: Suite::default() }
    }

    fn read(mut self, text: &'t str) -> TestReport {
        for line in text.lines() {
            self.line(line);
        }
        self.close(None);
        self.report
    }

    fn line(&mut self, line: &'t str) {
        if suite_start(line) {
            self.close(None);
            let binary = self.announced.pop_front();
            self.suite = Suite { binary, open: true, ..Suite::default() };
        } else if let Some(binary) = announcement(line) {
            self.close(None);
            self.announced = VecDeque::from([binary]);
        } else if let Some(totals) = line.strip_prefix("test result: ") {
            self.close(Some(totals_of(totals)));
        } else if self.suite.open {
            self.suite.line(line);
        }
    }

    /// Ends the current suite; without totals its binary never came to its end.
    fn close(&mut self, totals: Option<TestCounts>) {
        let mut suite = std::mem::take(&mut self.suite);
        if !suite.open {
            return;
        }
        suite.explain(self.transcript);
        let binary = suite.binary.unwrap_or_default();
        let prefix = if binary.is_empty() { String::new() } else { format!("{binary}::") };
        if totals.is_none() {
            self.record_interrupted(&binary, &prefix, suite.started);
        }
        let mut named = TestReport::default();
        for (name, result) in suite.tests {
            named.record(format!("{prefix}{name}"), result);
        }
        if let Some(totals) = totals {
            named.unlisted = totals.minus(&named.counts());
        }
        self.report.merge(named);
    }

    fn record_interrupted(&mut self, binary: &str, prefix: &str, started: Option<&str>) {
        let result = TestResult::new(self.transcript.unfinished());
        match started {
            Some(name) => {
                let result = result.with_message("started and did not finish");
                self.report.record(format!("{prefix}{name}"), result);
            }
            None if !binary.is_empty() => {
                self.report.record(
                    binary,
                    result.with_message("the tests of this binary did not come to their end"),
                );
            }
            None => {}
        }
    }
}

impl<'t> Suite<'t> {
    fn line(&mut self, line: &'t str) {
        if let Some(name) = line.strip_prefix("---- ").and_then(|rest| rest.strip_suffix(" stdout ----")) {
            self.explanations.push((name, Vec::new()));
            self.explaining = true;
        } else if line == "failures:" {
            self.explaining = false;
        } else if self.explaining {
            self.explanations.iter_mut().last().into_iter().for_each(|(_, lines)| lines.push(line));
        } else if let Some(name) = line.strip_suffix(" --- FAILED") {
            self.tests.insert(name, TestResult::new(Outcome::Failed));
        } else if let Some((name, status)) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" ... "))
        {
            self.test_line(bare_name(name), status);
        } else if let Some(name) =
            line.strip_prefix("test ").and_then(|rest| rest.split_once(" has been running for"))
        {
            self.started = Some(name.0);
        } else if let (Some(name), Some(result)) = (self.started, outcome(line)) {
            self.tests.insert(name, result);
            self.started = None;
        }
    }

    fn test_line(&mut self, name: &'t str, status: &str) {
        match outcome(status) {
            Some(result) => {
                self.tests.insert(name, result);
                if self.started == Some(name) {
                    self.started = None;
                }
            }
            None => self.started = Some(name),
        }
    }

    /// Gives failed tests the message and frames of their output.
    fn explain(&mut self, transcript: &Transcript<'_>) {
        for (name, lines) in std::mem::take(&mut self.explanations) {
            let text = lines.join("\n");
            let result =
                explained(Outcome::Failed, rust_panic(&text), &text, Dialect::Rust, &transcript.place);
            self.tests.insert(name, result);
        }
    }
}

/// Names carry remarks that the filter of `cargo test` does not accept.
fn bare_name(name: &str) -> &str {
    [" - should panic", " - compile fail", " - compile"]
        .iter()
        .find_map(|end| name.strip_suffix(end))
        .unwrap_or(name)
}

fn outcome(status: &str) -> Option<TestResult> {
    let (word, rest) = status.split_once([' ', ',']).unwrap_or((status, ""));
    let result = match word {
        "ok" => TestResult::new(Outcome::Passed),
        "FAILED" => TestResult::new(Outcome::Failed),
        "ignored" => TestResult::new(Outcome::Skipped).with_message(rest),
        "bench:" => TestResult::new(Outcome::Passed),
        _ => return None,
    };
    let seconds = rest.trim().strip_prefix('<').and_then(|time| time.strip_suffix("s>"));
    Some(result.with_duration(seconds.and_then(|time| time.parse::<f64>().ok()).map(|time| time * 1000.0)))
}

/// `FAILED. 1 passed; 4 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s`
fn totals_of(text: &str) -> TestCounts {
    let mut totals = TestCounts::default();
    for part in text.split(['.', ';']).map(str::trim) {
        match part.split_once(' ').map(|(number, what)| (number.parse().unwrap_or(0), what)) {
            Some((number, "passed")) => totals.passed = number,
            Some((number, "failed")) => totals.failed = number,
            Some((number, "ignored")) => totals.skipped = number,
            _ => {}
        }
    }
    totals
}
