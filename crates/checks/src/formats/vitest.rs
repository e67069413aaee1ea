//! The console output of vitest. Ids are vitest's own: `file > group > test`.
//!
//! The default reporter lists names without their groups, so only the verbose list and the headings of failures name
//! tests; the others are counted.

use crate::frames::Dialect;
use crate::report::{Outcome, TestCounts, TestReport, TestResult};

use super::Transcript;
use super::failure::explained;
use super::outline::{NESTING, split_duration};

/// The marks of the verbose list.
const MARKS: [(&str, Outcome); 6] = [
    ("✓ ", Outcome::Passed),
    ("✔ ", Outcome::Passed),
    ("× ", Outcome::Failed),
    ("❌ ", Outcome::Failed),
    ("↓ ", Outcome::Skipped),
    ("□ ", Outcome::Skipped),
];

/// Reads both streams as one: the list goes to standard output, failures to standard error.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let texts = [&transcript.stdout, &transcript.stderr];
    let is_ours = |line: &str| line.starts_with(" RUN  v") || line.trim_start().starts_with("Test Files  ");
    if !texts.iter().any(|text| text.lines().any(is_ours)) {
        return TestReport::default();
    }
    let mut reading = Reading::default();
    for text in texts {
        text.lines().for_each(|line| reading.line(line, transcript));
        reading.record(transcript);
    }
    reading.finish()
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    /// Failures under one explanation: several headings may share it.
    headings: Vec<String>,
    lines: Vec<&'t str>,
    totals: Option<TestCounts>,
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        if let Some(heading) = line.strip_prefix(" FAIL ") {
            if !self.lines.is_empty() {
                self.record(transcript);
            }
            self.headings.push(heading_id(heading.trim()));
        } else if line.starts_with('⎯') {
            self.record(transcript);
        } else if let Some(counted) = line.trim_start().strip_prefix("Tests  ") {
            self.record(transcript);
            self.totals = Some(totals(counted));
        } else if !self.headings.is_empty() {
            self.lines.push(line);
        } else if let Some((name, outcome)) = listed(line) {
            let (id, duration) = split_duration(name);
            self.report.record(id, TestResult::new(outcome).with_duration(duration));
        }
    }

    fn record(&mut self, transcript: &Transcript<'_>) {
        let lines = std::mem::take(&mut self.lines);
        let text = lines.join("\n");
        let is_stack = |line: &&&str| !line.trim_start().starts_with("❯ ");
        let message = lines.iter().take_while(is_stack).copied().collect::<Vec<_>>().join("\n");
        for id in self.headings.drain(..) {
            let outcome = if id.contains(NESTING) { Outcome::Failed } else { Outcome::Errored };
            self.report
                .record(id, explained(outcome, &message, &text, Dialect::JavaScript, &transcript.place));
        }
    }

    fn finish(mut self) -> TestReport {
        if let Some(totals) = self.totals {
            let mut named = TestReport::default();
            let tests = self.report.tests.iter().filter(|(id, _)| id.as_str().contains(NESTING));
            named.tests.extend(tests.map(|(id, result)| (id.clone(), result.clone())));
            self.report.unlisted = totals.minus(&named.counts());
        }
        self.report
    }
}

/// A line of the verbose list: ` ✓ file > group > test 2ms`.
fn listed(line: &str) -> Option<(&str, Outcome)> {
    let text = line.trim();
    let (name, outcome) =
        MARKS.iter().find_map(|(mark, outcome)| Some((text.strip_prefix(mark)?, *outcome)))?;
    name.contains(NESTING).then_some((name, outcome))
}

/// `file > group > test`, or `file [ file ]` for one that could not be loaded; a project's name may stand in front.
fn heading_id(heading: &str) -> String {
    let heading =
        heading.strip_prefix('|').and_then(|rest| rest.split_once("| ")).map_or(heading, |(_, rest)| rest);
    let file = heading.split_once(" [ ").map_or(heading, |(file, _)| file);
    file.trim().to_owned()
}

/// `3 failed | 2 passed | 1 skipped | 1 todo (7)`
fn totals(text: &str) -> TestCounts {
    let mut totals = TestCounts::default();
    for part in text.split('|') {
        let mut words = part.split_whitespace();
        let number = words.next().and_then(|word| word.parse().ok()).unwrap_or(0);
        match words.next() {
            Some("passed") => totals.passed += number,
            Some("failed") => totals.failed += number,
            Some("skipped" | "todo") => totals.skipped += number,
            _ => {}
        }
    }
    totals
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_are_ids() {
        for (heading, expected) in [
            ("src/a.test.ts > group > two", "src/a.test.ts > group > two"),
            ("|web| src/a.test.ts > two", "src/a.test.ts > two"),
            ("src/load.test.ts [ src/load.test.ts ]", "src/load.test.ts"),
        ] {
            assert_eq!(heading_id(heading), expected);
        }
    }

    #[test]
    fn only_whole_names_of_the_list_count() {
        assert_eq!(listed(" ✓ a.test.ts > one 2ms"), Some(("a.test.ts > one 2ms", Outcome::Passed)));
        assert_eq!(listed(" × a.test.ts > one"), Some(("a.test.ts > one", Outcome::Failed)));
        assert_eq!(listed("     ✓ one 2ms"), None);
        assert_eq!(listed(" ✓ a.test.ts (3 tests) 5ms"), None);
    }

    #[test]
    fn totals_count_every_kind() {
        let expected = TestCounts { passed: 2, failed: 3, skipped: 2 };
        assert_eq!(totals("3 failed | 2 passed | 1 skipped | 1 todo (7)"), expected);
    }
}
