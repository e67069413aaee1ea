//! What Gradle prints about tests: failed ones with the head of their stack, others where the build logs them, and
//! one line of totals. The JUnit files know more.

use crate::frames::{Dialect, Frame};
use crate::report::{Outcome, TestCounts, TestReport, TestResult};

use super::Transcript;
use super::failure::explained;
use super::outline::indent;

/// Words at the end of a test's line.
const STATUSES: [(&str, Outcome); 3] =
    [(" FAILED", Outcome::Failed), (" PASSED", Outcome::Passed), (" SKIPPED", Outcome::Skipped)];

/// Reads standard output.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let is_ours =
        |line: &str| line.starts_with("> Task ") || line.starts_with("BUILD ") || totals(line).is_some();
    if !transcript.stdout.lines().any(is_ours) {
        return TestReport::default();
    }
    let mut reading = Reading::default();
    transcript.stdout.lines().for_each(|line| reading.line(line, transcript));
    reading.finish(transcript)
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    explaining: Option<(String, Outcome, Vec<&'t str>)>,
    totals: Option<TestCounts>,
}

/// `com.acme.CartTest > lines() FAILED`
fn test_line(line: &str) -> Option<(String, Outcome)> {
    let (name, outcome) =
        STATUSES.iter().find_map(|(end, outcome)| Some((line.strip_suffix(end)?, *outcome)))?;
    let (class, test) = name.split_once(" > ")?;
    if class.contains(' ') || line.starts_with('>') {
        return None;
    }
    let test = test.replace(" > ", ".");
    Some((format!("{class}.{}", test.strip_suffix("()").unwrap_or(&test)), outcome))
}

/// `6 tests completed, 3 failed, 1 skipped`
fn totals(line: &str) -> Option<TestCounts> {
    let (completed, rest) = line.split_once(" test")?;
    let completed: usize = completed.parse().ok()?;
    let rest = rest.trim_start_matches('s').strip_prefix(" completed")?;
    let of =
        |what: &str| rest.split(", ").find_map(|part| part.strip_suffix(what)?.trim().parse::<usize>().ok());
    let (failed, skipped) = (of("failed").unwrap_or(0), of("skipped").unwrap_or(0));
    Some(TestCounts { passed: completed.saturating_sub(failed + skipped), failed, skipped })
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        if let Some((id, outcome)) = test_line(line) {
            self.record(transcript);
            self.explaining = Some((id, outcome, Vec::new()));
        } else if let Some(counts) = totals(line) {
            self.record(transcript);
            self.totals = Some(counts);
        } else if indent(line) == 0 && !line.is_empty() {
            self.record(transcript);
        } else if let Some((_, _, lines)) = &mut self.explaining {
            lines.push(line.trim_start());
        }
    }

    fn record(&mut self, transcript: &Transcript<'_>) {
        let Some((id, outcome, lines)) = self.explaining.take() else { return };
        let text = lines.join("\n");
        let message = lines.iter().find(|line| !line.is_empty()).copied().unwrap_or_default();
        let result = match outcome {
            Outcome::Failed => failed(message, &text, transcript),
            _ => TestResult::new(outcome),
        };
        self.report.record(id, result);
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        self.record(transcript);
        if let Some(totals) = self.totals {
            self.report.unlisted = totals.minus(&self.report.counts());
        }
        self.report
    }
}

fn failed(message: &str, text: &str, transcript: &Transcript<'_>) -> TestResult {
    let result = explained(Outcome::Failed, message, text, Dialect::Jvm, &transcript.place);
    if result.frames.is_empty() { result.with_frames(short_stack(text)) } else { result }
}

/// Gradle shortens stacks to `org.opentest4j.AssertionFailedError at CartTest.java:10`, which names no class; the file
/// can still be found by its name.
fn short_stack(text: &str) -> Vec<Frame> {
    let places = text.lines().filter_map(|line| line.rsplit_once(" at ")?.1.split_once(':'));
    let frames = places.filter_map(|(file, line)| {
        Some(Frame { file: file.to_owned(), line: line.trim().parse().ok()?, function: None })
    });
    frames.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_lines_have_a_class_and_a_test() {
        for (line, expected) in [
            ("com.acme.CartTest > lines() FAILED", Some(("com.acme.CartTest.lines", Outcome::Failed))),
            ("CartTest > Inner > deep() PASSED", Some(("CartTest.Inner.deep", Outcome::Passed))),
            ("CartTest > [1] 5 SKIPPED", Some(("CartTest.[1] 5", Outcome::Skipped))),
            ("> Task :test FAILED", None),
            ("a shell > redirection FAILED", None),
            ("BUILD FAILED", None),
        ] {
            let found = test_line(line);
            assert_eq!(found.as_ref().map(|(id, outcome)| (id.as_str(), *outcome)), expected, "{line}");
        }
    }

    #[test]
    fn totals_count_what_is_not_listed() {
        let counts = |passed, failed, skipped| Some(TestCounts { passed, failed, skipped });
        for (line, expected) in [
            ("6 tests completed, 3 failed, 1 skipped", counts(2, 3, 1)),
            ("1 test completed, 1 failed", counts(0, 1, 0)),
            ("all tests completed", None),
        ] {
            assert_eq!(totals(line), expected, "{line}");
        }
    }
}
