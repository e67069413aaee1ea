//! The console output of `cargo nextest run`.
//!
//! Each test has a status line with its duration; the output of a failed one follows, indented. Retries repeat the
//! line, and the last account counts.

use std::collections::{BTreeMap, BTreeSet};

use crate::frames::Dialect;
use crate::report::{Outcome, TestCounts, TestReport, TestResult};

use super::Transcript;
use super::failure::rust_panic;
use super::rust_build::build_failures;

/// Reads both streams; nextest prints to standard error.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    transcript.each_stream(|text| read_stream(text, transcript))
}

fn read_stream(text: &str, transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    text.lines().for_each(|line| reading.line(line));
    if reading.tests.is_empty()
        && !text.contains("nextest")
        && !text.contains("--message-format json-render-diagnostics")
    {
        return TestReport::default();
    }
    let mut report = reading.finish(transcript);
    report.merge(build_failures(text, &transcript.place, str::to_owned));
    report
}

#[derive(Default)]
struct Reading<'t> {
    tests: BTreeMap<String, TestResult>,
    /// Tests reported as slow, with no final status yet.
    slow: BTreeSet<String>,
    /// Output of failed tests: id and lines.
    outputs: Vec<(String, Vec<&'t str>)>,
    /// Whether the lines being read are output of the last test in `outputs`.
    capturing: bool,
    totals: Option<TestCounts>,
}

/// One status line: `FAIL [   0.004s] (3/8) demo-shop tests::lines`.
struct StatusLine<'t> {
    word: &'t str,
    seconds: Option<f64>,
    id: String,
}

fn status_line(line: &str) -> Option<StatusLine<'_>> {
    let (word, rest) = line.split_once(" [")?;
    let (time, rest) = rest.split_once("] ")?;
    let seconds = time.trim_start_matches('>').trim().strip_suffix('s')?.parse().ok();
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('(').and_then(|rest| rest.split_once(") ")).map_or(rest, |(_, rest)| rest);
    let (binary, test) = rest.trim().split_once(' ')?;
    let word = word.trim();
    let is_word = !word.is_empty()
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || " +-/#".contains(c));
    is_word.then(|| StatusLine { word, seconds, id: format!("{binary}::{}", test.trim()) })
}

fn outcome(word: &str) -> Option<Outcome> {
    // `TRY 2 PASS`, `FLAKY 2/3`, `FAIL + LEAK`
    let word = word.strip_prefix("TRY ").and_then(|rest| rest.split_once(' ')).map_or(word, |(_, rest)| rest);
    let first = word.split([' ', '-']).next().unwrap_or(word);
    match first {
        "PASS" | "FLAKY" => Some(Outcome::Passed),
        "LEAK" if word.contains("FAIL") => Some(Outcome::Failed),
        "LEAK" => Some(Outcome::Passed),
        "FAIL" => Some(Outcome::Failed),
        "TIMEOUT" | "TMT" => Some(Outcome::TimedOut),
        "ABORT" | "XFAIL" => Some(Outcome::Crashed),
        _ if first.starts_with("SIG") => Some(Outcome::Crashed),
        _ => None,
    }
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str) {
        if let Some(status) = status_line(line) {
            self.status(status);
        } else if line.starts_with("────") || line.trim_start().starts_with("Summary [") {
            self.capturing = false;
            self.totals = summary(line).or(self.totals);
        } else if self.capturing {
            self.outputs.iter_mut().last().into_iter().for_each(|(_, lines)| lines.push(line.trim_start()));
        }
    }

    fn status(&mut self, status: StatusLine<'t>) {
        let Some(outcome) = outcome(status.word) else {
            if matches!(status.word, "SLOW" | "TERMINATING") {
                self.slow.insert(status.id);
            }
            return;
        };
        self.slow.remove(&status.id);
        let result = TestResult::new(outcome).with_duration(status.seconds.map(|seconds| seconds * 1000.0));
        self.tests.insert(status.id.clone(), result);
        // The summary names failures again, without output.
        self.capturing = outcome.is_failure() && self.totals.is_none();
        if self.capturing {
            self.outputs.push((status.id, Vec::new()));
        }
    }

    fn finish(self, transcript: &Transcript<'_>) -> TestReport {
        let mut report = TestReport::default();
        let mut details: BTreeMap<&str, String> = BTreeMap::new();
        for (id, lines) in &self.outputs {
            details.insert(id, lines.join("\n"));
        }
        for (id, result) in self.tests {
            let explained = match details.get(id.as_str()).filter(|_| result.outcome.is_failure()) {
                Some(text) => with_output(result, text, transcript),
                None => result,
            };
            report.record(id, explained);
        }
        if self.totals.is_none() {
            for id in self.slow {
                let result =
                    TestResult::new(transcript.unfinished()).with_message("started and did not finish");
                report.record(id, result);
            }
        }
        report.unlisted.skipped = self.totals.map_or(0, |totals| totals.skipped);
        report
    }
}

/// Adds what a failed test printed: the panic where there is one, or else what stands on its standard error.
fn with_output(result: TestResult, text: &str, transcript: &Transcript<'_>) -> TestResult {
    let spoken = match text.split_once("stderr ───") {
        Some((_, errors)) => errors,
        None => text.split_once("stdout ───").map_or(text, |(_, output)| output),
    };
    result
        .with_message(rust_panic(without_frame(spoken)))
        .with_frames(Dialect::Rust.frames(text, &transcript.place))
}

/// What the test itself printed, where libtest repeats it between its own lines.
fn without_frame(text: &str) -> &str {
    let own = text.split_once(" stdout ----\n").map_or(text, |(_, own)| own);
    own.split_once("\nfailures:").map_or(own, |(own, _)| own)
}

/// `Summary [   0.023s] 8 tests run: 3 passed, 5 failed, 1 skipped`; only the skipped ones are not named before.
fn summary(line: &str) -> Option<TestCounts> {
    let (_, counted) = line.trim_start().strip_prefix("Summary [")?.split_once("run: ")?;
    let skipped = counted.split(", ").find_map(|part| part.strip_suffix(" skipped")?.parse().ok());
    Some(TestCounts { skipped: skipped.unwrap_or(0), ..TestCounts::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn status_lines_have_a_word_a_time_and_a_test() {
        for (line, expected) in [
            (
                "        PASS [   0.004s] (1/8) demo-shop tests::empty",
                Some(("PASS", "demo-shop::tests::empty")),
            ),
            (
                "        FAIL [   0.004s] demo::buying deep::sells",
                Some(("FAIL", "demo::buying::deep::sells")),
            ),
            ("  TRY 2 PASS [   0.004s] demo a", Some(("TRY 2 PASS", "demo::a"))),
            ("        SLOW [> 60.000s] (─────) demo a", Some(("SLOW", "demo::a"))),
            ("     Summary [   0.023s] 8 tests run: 3 passed", None),
            ("    let x = [1.0s] y z", None),
            ("plain prose", None),
        ] {
            let found = status_line(line);
            assert_eq!(found.as_ref().map(|status| (status.word, status.id.as_str())), expected, "{line}");
        }
    }

    #[test]
    fn every_word_has_its_outcome() {
        for (word, expected) in [
            ("PASS", Some(Outcome::Passed)),
            ("FLAKY 2/3", Some(Outcome::Passed)),
            ("LEAK", Some(Outcome::Passed)),
            ("LEAK-FAIL", Some(Outcome::Failed)),
            ("FAIL", Some(Outcome::Failed)),
            ("FAIL + LEAK", Some(Outcome::Failed)),
            ("TRY 1 FAIL", Some(Outcome::Failed)),
            ("TIMEOUT", Some(Outcome::TimedOut)),
            ("SIGSEGV", Some(Outcome::Crashed)),
            ("ABORT", Some(Outcome::Crashed)),
            ("SLOW", None),
            ("TERMINATING", None),
        ] {
            assert_eq!(outcome(word), expected, "{word}");
        }
    }
}
