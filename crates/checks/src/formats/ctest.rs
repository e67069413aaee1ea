//! The console output of CTest, with or without `--output-on-failure`.

use std::collections::BTreeSet;

use crate::frames::any_dialect;
use crate::report::{Outcome, TestReport, TestResult};

use super::Transcript;
use super::failure::says_timeout;

/// Reads standard output.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    transcript.stdout.lines().for_each(|line| reading.line(line, transcript));
    reading.finish(transcript)
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    /// Tests that started and have no result yet.
    started: BTreeSet<&'t str>,
    /// The failed test whose output is being read.
    failed: Option<(ResultLine<'t>, Vec<&'t str>)>,
    ended: bool,
}

struct ResultLine<'t> {
    name: &'t str,
    outcome: Outcome,
    status: &'t str,
    seconds: Option<f64>,
}

/// `    Start 1: adds`
fn start_line(line: &str) -> Option<&str> {
    let (number, name) = line.trim_start().strip_prefix("Start ")?.split_once(": ")?;
    number.trim().bytes().all(|byte| byte.is_ascii_digit()).then(|| name.trim())
}

/// `1/3 Test #1: adds ............   Passed    0.01 sec`, `2/3 Test #2: x ...***Failed  0.02 sec`
fn result_line(line: &str) -> Option<ResultLine<'_>> {
    let (counter, rest) = line.trim_start().split_once(" Test ")?;
    if !counter.contains('/') {
        return None;
    }
    let (_, rest) = rest.trim_start().strip_prefix('#')?.split_once(": ")?;
    let (name, status) = rest.split_once(" .")?;
    let status = status.trim_start_matches(['.', ' ']);
    let outcome = match status.trim_start_matches('*') {
        text if text.starts_with("Passed") => Outcome::Passed,
        text if text.starts_with("Not Run (Disabled") || text.starts_with("Skipped") => Outcome::Skipped,
        text if text.starts_with("Not Run") => Outcome::Errored,
        text if text.starts_with("Timeout") => Outcome::TimedOut,
        text if text.starts_with("Exception") => Outcome::Crashed,
        text if text.starts_with("Failed") => Outcome::Failed,
        _ => return None,
    };
    let mut words = status.trim_end().trim_end_matches("sec").split_whitespace();
    Some(ResultLine {
        name: name.trim(),
        outcome,
        status,
        seconds: words.next_back().and_then(|word| word.parse().ok()),
    })
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        if let Some(name) = start_line(line) {
            self.record(transcript);
            self.started.insert(name);
        } else if let Some(result) = result_line(line) {
            self.record(transcript);
            self.started.remove(result.name);
            self.failed = Some((result, Vec::new()));
        } else if line.contains("% tests passed,") {
            self.record(transcript);
            self.ended = true;
        } else if let Some((_, lines)) = &mut self.failed {
            lines.push(line);
        }
    }

    fn record(&mut self, transcript: &Transcript<'_>) {
        let Some((line, output)) = self.failed.take() else { return };
        let result =
            TestResult::new(line.outcome).with_duration(line.seconds.map(|seconds| seconds * 1000.0));
        let text = output.join("\n");
        let result = match line.outcome {
            Outcome::Passed | Outcome::Skipped => result,
            Outcome::Failed if says_timeout(&text) => TestResult { outcome: Outcome::TimedOut, ..result },
            _ => {
                let said = if text.trim().is_empty() { line.status } else { &text };
                result.with_message(said).with_frames(any_dialect(&text, &transcript.place))
            }
        };
        self.report.record(line.name, result);
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        self.record(transcript);
        for name in self.started.iter().filter(|_| !self.ended) {
            let result = TestResult::new(transcript.unfinished()).with_message("started and did not finish");
            self.report.record(*name, result);
        }
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_have_a_name_an_outcome_and_a_time() {
        for (line, expected) in [
            ("1/6 Test #1: adds ........   Passed    0.01 sec", Some(("adds", Outcome::Passed, Some(0.01)))),
            (" 2/16 Test  #2: a.b ....***Failed    1.50 sec", Some(("a.b", Outcome::Failed, Some(1.5)))),
            ("3/6 Test #3: c ...***Exception: SegFault  0.10 sec", Some(("c", Outcome::Crashed, Some(0.1)))),
            ("4/6 Test #4: d ...***Timeout   1.00 sec", Some(("d", Outcome::TimedOut, Some(1.0)))),
            ("5/6 Test #5: e ...***Not Run (Disabled)   0.00 sec", Some(("e", Outcome::Skipped, Some(0.0)))),
            ("6/6 Test #6: f ...***Not Run   0.00 sec", Some(("f", Outcome::Errored, Some(0.0)))),
            ("6/6 Test #6: f ...***Unheard of   0.00 sec", None),
            ("the Test #6: f", None),
        ] {
            let found = result_line(line).map(|line| (line.name, line.outcome, line.seconds));
            assert_eq!(found, expected, "{line}");
        }
    }
}
