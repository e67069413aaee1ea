//! The `spec` reporter of mocha: an indented list in which failures are numbered, then their explanations.

use std::collections::BTreeMap;

use crate::frames::Dialect;
use crate::report::{Outcome, TestReport, TestResult};

use super::Transcript;
use super::failure::explained;
use super::outline::{Outline, indent, split_duration};

/// Reads standard output.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    if !transcript.stdout.lines().any(is_totals) {
        return TestReport::default();
    }
    let mut reading = Reading::default();
    transcript.stdout.lines().for_each(|line| reading.line(line));
    reading.finish(transcript)
}

/// `  1 passing (29ms)`
fn is_totals(line: &str) -> bool {
    let Some((number, what)) = line.trim_start().split_once(' ') else { return false };
    line.starts_with("  ")
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && what.starts_with("passing (")
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    outline: Outline,
    /// Failures by number: id, and the lines that explain it.
    failures: BTreeMap<usize, (String, Vec<&'t str>)>,
    listed_all: bool,
    explaining: Option<usize>,
}

/// `2) throws`
fn numbered(text: &str) -> Option<(usize, &str)> {
    let (number, name) = text.split_once(") ")?;
    Some((number.parse().ok()?, name))
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str) {
        let depth = indent(line);
        let text = line[depth..].trim_end();
        if is_totals(line) {
            self.listed_all = true;
        } else if !self.listed_all {
            self.list_line(depth, text);
        } else if let Some((number, _)) = numbered(text).filter(|_| depth == 2) {
            self.explaining = Some(number);
        } else if let Some((_, lines)) = self.explaining.and_then(|number| self.failures.get_mut(&number)) {
            lines.push(line);
        }
    }

    fn list_line(&mut self, depth: usize, text: &str) {
        if depth < 2 || text.is_empty() {
            return;
        }
        let passed =
            text.strip_prefix("✔ ").or_else(|| text.strip_prefix("✓ ")).or_else(|| text.strip_prefix("√ "));
        if let Some(name) = passed {
            self.outline.close_to(depth);
            let (name, duration) = split_duration(name);
            let id = self.outline.id(depth, name);
            self.report.record(id, TestResult::new(Outcome::Passed).with_duration(duration));
        } else if let Some(name) = text.strip_prefix("- ") {
            self.outline.close_to(depth);
            self.report.record(self.outline.id(depth, name), TestResult::new(Outcome::Skipped));
        } else if let Some((number, name)) = numbered(text) {
            self.outline.close_to(depth);
            self.failures.insert(number, (self.outline.id(depth, name), Vec::new()));
        } else {
            self.outline.open(depth, text);
        }
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        for (id, lines) in self.failures.into_values() {
            // The title, spread over lines by group, ends with a colon.
            let title = lines.iter().position(|line| line.ends_with(':')).map_or(0, |at| at + 1);
            let said = &lines[title..];
            let is_stack = |line: &&&str| !line.trim_start().starts_with("at ");
            let message: Vec<&str> = said.iter().take_while(is_stack).map(|line| line.trim()).collect();
            let outcome = if id.contains("\" hook") { Outcome::Errored } else { Outcome::Failed };
            let (message, text) = (message.join("\n"), said.join("\n"));
            self.report.record(
                id,
                explained(outcome, message.trim(), &text, Dialect::JavaScript, &transcript.place),
            );
        }
        self.report
    }
}
