//! What Maven's surefire and failsafe plugins print: failed tests with their stacks, and totals per module.
//!
//! Passing tests are only counted on the console; the JUnit files name them.

use crate::frames::Dialect;
use crate::report::{Outcome, TestCounts, TestReport};

use super::Transcript;
use super::failure::explained;

/// Reads standard output, where Maven prints everything.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    transcript.stdout.lines().for_each(|line| reading.line(line, transcript));
    reading.finish(transcript)
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    explaining: Option<(Heading, Vec<&'t str>)>,
    totals: TestCounts,
}

/// The line over a failure's stack.
struct Heading {
    id: String,
    outcome: Outcome,
    duration_ms: Option<f64>,
}

/// `[ERROR] com.acme.CartTest.lines -- Time elapsed: 0.01 s <<< FAILURE!`, or in the older form
/// `lines(com.acme.CartTest)  Time elapsed: 0.01 sec  <<< ERROR!`.
fn heading(line: &str) -> Option<Heading> {
    let (front, mark) = line.split_once(" <<< ")?;
    let outcome = match mark.trim_end().split('!').next()? {
        "FAILURE" => Outcome::Failed,
        "ERROR" => Outcome::Errored,
        _ => return None,
    };
    let (name, time) = front.split_once("Time elapsed: ")?;
    let name = name.trim_start_matches("[ERROR]").trim_end_matches([' ', '-']).trim();
    if name.starts_with("Tests run:") || name.is_empty() {
        return None;
    }
    let duration_ms =
        time.split(' ').next().and_then(|seconds| seconds.parse::<f64>().ok()).map(|value| value * 1000.0);
    Some(Heading { id: qualified(name), outcome, duration_ms })
}

/// `lines(com.acme.CartTest)` in the order of the newer form; brackets of parameter types stay.
fn qualified(name: &str) -> String {
    match name.strip_suffix(')').and_then(|name| name.split_once('(')) {
        Some((method, class)) if class.contains('.') && !method.contains('.') => format!("{class}.{method}"),
        _ => name.strip_suffix("()").unwrap_or(name).to_owned(),
    }
}

/// `[ERROR] Tests run: 6, Failures: 3, Errors: 1, Skipped: 1`, the sum of a module; lines with a time are of one class.
fn totals(line: &str) -> Option<TestCounts> {
    let text = line.trim_start_matches(|c: char| c != 'T');
    if !text.starts_with("Tests run: ") || text.contains("Time elapsed") {
        return None;
    }
    let of = |name: &str| -> Option<usize> {
        let rest = text.split_once(name)?.1;
        rest.split(',').next()?.trim().parse().ok()
    };
    let (ran, failed, skipped) = (of("Tests run: ")?, of("Failures: ")? + of("Errors: ")?, of("Skipped: ")?);
    Some(TestCounts { passed: ran.saturating_sub(failed + skipped), failed, skipped })
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        if let Some(heading) = heading(line) {
            self.record(transcript);
            self.explaining = Some((heading, Vec::new()));
        } else if line.starts_with("[INFO]") || line.starts_with("[ERROR]") || line.starts_with("[WARNING]") {
            self.record(transcript);
            if let Some(counts) = totals(line) {
                self.totals.passed += counts.passed;
                self.totals.failed += counts.failed;
                self.totals.skipped += counts.skipped;
            }
        } else if let Some((_, lines)) = &mut self.explaining {
            lines.push(line);
        }
    }

    fn record(&mut self, transcript: &Transcript<'_>) {
        let Some((heading, lines)) = self.explaining.take() else { return };
        let text = lines.join("\n");
        let is_stack = |line: &&&str| !line.trim_start().starts_with("at ");
        let message = lines.iter().take_while(is_stack).copied().collect::<Vec<_>>().join("\n");
        let result = explained(heading.outcome, &message, &text, Dialect::Jvm, &transcript.place);
        self.report.record(heading.id, result.with_duration(heading.duration_ms));
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        self.record(transcript);
        self.report.unlisted = self.totals.minus(&self.report.counts());
        self.report
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_name_a_test_in_either_form() {
        for (line, expected) in [
            (
                "[ERROR] com.acme.CartTest.lines -- Time elapsed: 0.01 s <<< FAILURE!",
                Some("com.acme.CartTest.lines"),
            ),
            (
                "[ERROR] lines(com.acme.CartTest)  Time elapsed: 0.01 s  <<< ERROR!",
                Some("com.acme.CartTest.lines"),
            ),
            (
                "[ERROR] com.acme.CartTest.each(int)[2] -- Time elapsed: 0 s <<< FAILURE!",
                Some("com.acme.CartTest.each(int)[2]"),
            ),
            (
                "[ERROR] com.acme.CartTest.plain() -- Time elapsed: 0 s <<< FAILURE!",
                Some("com.acme.CartTest.plain"),
            ),
            (
                "[ERROR] Tests run: 6, Failures: 2, Time elapsed: 0.061 s <<< FAILURE! -- in com.acme.CartTest",
                None,
            ),
            ("[ERROR] There are test failures.", None),
        ] {
            assert_eq!(heading(line).map(|heading| heading.id).as_deref(), expected, "{line}");
        }
    }

    #[test]
    fn totals_are_those_of_a_module() {
        let counts = |passed, failed, skipped| Some(TestCounts { passed, failed, skipped });
        for (line, expected) in [
            ("[ERROR] Tests run: 6, Failures: 2, Errors: 1, Skipped: 1", counts(2, 3, 1)),
            ("[WARNING] Tests run: 6, Failures: 0, Errors: 0, Skipped: 1", counts(5, 0, 1)),
            ("Tests run: 1, Failures: 0, Errors: 0, Skipped: 0", counts(1, 0, 0)),
            ("[INFO] Tests run: 6, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s", None),
            ("[INFO] Tests run: many", None),
        ] {
            assert_eq!(totals(line), expected, "{line}");
        }
    }
}
