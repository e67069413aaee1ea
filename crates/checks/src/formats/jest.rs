//! The console output of jest, verbose or terse. Ids are `file > group > test`.

use crate::frames::Dialect;
use crate::report::{Outcome, TestCounts, TestReport, TestResult};

use super::Transcript;
use super::failure::explained;
use super::outline::{NESTING, Outline, indent, split_duration};

/// The marks of the verbose list.
const MARKS: [(&str, Outcome); 4] =
    [("✓ ", Outcome::Passed), ("✕ ", Outcome::Failed), ("○ ", Outcome::Skipped), ("✎ ", Outcome::Skipped)];

/// Reads both streams as one; jest prints to standard error.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    for text in [&transcript.stdout, &transcript.stderr] {
        text.lines().for_each(|line| reading.line(line, transcript));
    }
    reading.finish(transcript)
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    file: Option<&'t str>,
    outline: Outline,
    /// The failure being explained: its id, how it ended, and the lines about it.
    explaining: Option<(String, Outcome, Vec<&'t str>)>,
    totals: Option<TestCounts>,
}

/// `PASS src/cart.test.js (5.2 s)`
fn file_line(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("PASS ").or_else(|| line.strip_prefix("FAIL "))?;
    let path = rest.trim().split(" (").next()?;
    let is_script = path.rsplit_once('.').is_some_and(|(_, extension)| extension.contains(['j', 't']));
    (is_script && !path.contains(' ')).then_some(path)
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        if let Some(file) = file_line(line) {
            self.record(transcript);
            self.file = Some(file);
            self.outline = Outline::default();
        } else if let Some(counts) = line.strip_prefix("Tests: ") {
            self.record(transcript);
            self.totals = Some(totals(counts));
        } else if line.starts_with("Test Suites: ") {
            self.record(transcript);
            self.file = None;
        } else if let (Some(title), Some(file)) = (line.strip_prefix("  ● "), self.file) {
            self.record(transcript);
            self.explaining = explanation(file, title).map(|(id, outcome)| (id, outcome, Vec::new()));
        } else if let Some((_, _, lines)) = &mut self.explaining {
            lines.push(line);
        } else if let Some(file) = self.file {
            self.list_line(file, line);
        }
    }

    fn list_line(&mut self, file: &str, line: &str) {
        let depth = indent(line);
        let text = line[depth..].trim_end();
        let marked = MARKS.iter().find_map(|(mark, outcome)| Some((text.strip_prefix(mark)?, *outcome)));
        match marked {
            Some((name, outcome)) => {
                self.outline.close_to(depth);
                let (name, duration) = split_duration(name);
                let name =
                    name.strip_prefix("skipped ").or_else(|| name.strip_prefix("todo ")).unwrap_or(name);
                let id = format!("{file}{NESTING}{}", self.outline.id(depth, name));
                self.report.record(id, TestResult::new(outcome).with_duration(duration));
            }
            None if depth >= 2 && !text.is_empty() => self.outline.open(depth, text),
            None => {}
        }
    }

    fn record(&mut self, transcript: &Transcript<'_>) {
        let Some((id, outcome, lines)) = self.explaining.take() else { return };
        let text = lines.join("\n");
        let message = message(&lines);
        self.report.record(id, explained(outcome, &message, &text, Dialect::JavaScript, &transcript.place));
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        self.record(transcript);
        if let Some(totals) = self.totals {
            let is_test = |id: &str| id.contains(NESTING);
            let mut named = TestReport::default();
            named.tests.extend(
                self.report
                    .tests
                    .iter()
                    .filter(|(id, _)| is_test(id.as_str()))
                    .map(|(id, result)| (id.clone(), result.clone())),
            );
            self.report.unlisted = totals.minus(&named.counts());
        }
        self.report
    }
}

/// The id and the outcome that the title of an explanation stands for.
fn explanation(file: &str, title: &str) -> Option<(String, Outcome)> {
    match title {
        "Test suite failed to run" => Some((file.to_owned(), Outcome::Errored)),
        "Console" => None,
        _ => Some((format!("{file}{NESTING}{}", title.replace(" › ", NESTING)), Outcome::Failed)),
    }
}

/// The text before the source excerpt and the stack.
fn message(lines: &[&str]) -> String {
    let is_excerpt = |line: &str| {
        let text = line.trim_start().trim_start_matches("> ").trim_start();
        text.split_once(" |")
            .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    };
    let spoken = lines.iter().take_while(|line| !is_excerpt(line) && !line.trim_start().starts_with("at "));
    spoken.map(|line| line.strip_prefix("    ").unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// `3 failed, 1 skipped, 1 todo, 2 passed, 7 total`
fn totals(text: &str) -> TestCounts {
    let mut totals = TestCounts::default();
    for (number, what) in text.split(',').filter_map(|part| part.trim().split_once(' ')) {
        let number = number.parse().unwrap_or(0);
        match what {
            "passed" => totals.passed += number,
            "failed" => totals.failed += number,
            "skipped" | "todo" => totals.skipped += number,
            _ => {}
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_lines_end_in_a_script() {
        for (line, expected) in [
            ("PASS src/cart.test.js", Some("src/cart.test.js")),
            ("FAIL  packages/a/cart.spec.tsx (5.2 s)", Some("packages/a/cart.spec.tsx")),
            ("FAIL it does not work", None),
            ("PASS: all of it", None),
            ("FAIL README.md", None),
        ] {
            assert_eq!(file_line(line), expected, "{line}");
        }
    }

    #[test]
    fn messages_stop_before_excerpt_and_stack() {
        for (lines, expected) in [
            (vec!["    no", "", "      1 | code", "      at f"], "no\n"),
            (vec!["    a | b is text", "    > 4 | code"], "a | b is text"),
            (vec!["    no", "      at f (a.js:1:1)"], "no"),
            (vec![], ""),
        ] {
            assert_eq!(message(&lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn totals_count_every_kind() {
        let expected = TestCounts { passed: 2, failed: 3, skipped: 2 };
        assert_eq!(totals("       3 failed, 1 skipped, 1 todo, 2 passed, 7 total"), expected);
        assert_eq!(totals(" nothing"), TestCounts::default());
    }
}
