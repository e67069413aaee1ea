//! The `spec` reporter of Node's test runner: an indented list of marks, then the failures once more.
//!
//! Older versions explain a failure where it happens, newer ones only at the end, without the enclosing groups; there
//! the explanations are matched to the failed tests by name, in order.

use std::collections::{HashMap, VecDeque};

use crate::frames::Dialect;
use crate::report::{Outcome, TestId, TestReport, TestResult};

use super::Transcript;
use super::failure::explained;
use super::outline::{NESTING, Outline, drop_groups, indent, split_duration};

/// The marks in front of names.
const MARKS: [(char, Option<Outcome>); 5] = [
    ('✔', Some(Outcome::Passed)),
    ('✖', Some(Outcome::Failed)),
    ('﹣', Some(Outcome::Skipped)),
    ('⚠', Some(Outcome::Skipped)),
    ('▶', None),
];

/// The heading of the second list of failures.
const FAILURES: &str = "✖ failing tests:";

/// Reads standard output.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let text = &transcript.stdout;
    let is_ours =
        text.lines().any(|line| line.starts_with("ℹ tests ") || line.starts_with('▶') || timed_mark(line));
    let is_other =
        text.lines().any(|line| line.trim_start().starts_with("Test Files ") || line.ends_with(" passing"));
    if !is_ours || is_other {
        return TestReport::default();
    }
    let mut reading = Reading::default();
    text.lines().for_each(|line| reading.line(line, transcript));
    reading.finish(transcript)
}

/// A mark at the start of a line, with a duration at its end.
fn timed_mark(line: &str) -> bool {
    mark(line).is_some_and(|(_, name)| line.ends_with("ms)") && split_duration(name).1.is_some())
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    outline: Outline,
    /// Failed tests in the order listed: id, name, result, and the lines that explain it.
    failed: Vec<Failure<'t>>,
    /// Which failure the lines being read explain.
    explaining: Option<usize>,
    in_second_list: bool,
    /// Failures that the second list has not mentioned yet, by name.
    unmentioned: HashMap<&'t str, VecDeque<usize>>,
    /// Where the next failure of the second list stands.
    location: Option<&'t str>,
}

struct Failure<'t> {
    id: String,
    duration: Option<f64>,
    /// How far its mark is indented; what explains it is indented further.
    depth: usize,
    lines: Vec<&'t str>,
    /// Where the test stands, as the second list says.
    location: Option<&'t str>,
}

fn mark(text: &str) -> Option<(Option<Outcome>, &str)> {
    let (_, outcome) = MARKS.iter().find(|(mark, _)| text.starts_with(*mark))?;
    let name = text.trim_start_matches(|c: char| !c.is_whitespace()).trim();
    Some((*outcome, name))
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        let depth = indent(line);
        if line == FAILURES {
            self.in_second_list = true;
            self.explaining = None;
        } else if let Some((outcome, name)) = mark(&line[depth..]) {
            match outcome {
                _ if self.in_second_list => self.explain_again(name),
                None => self.open(depth, name),
                Some(outcome) => self.mark(depth, outcome, name, transcript),
            }
        } else if line.starts_with("ℹ ") {
            self.explaining = None;
        } else if let Some(location) = line.strip_prefix("test at ") {
            self.explaining = None;
            self.location = Some(location);
        } else if let Some(failure) = self.explaining.and_then(|at| self.failed.get_mut(at)) {
            if depth > failure.depth || line.is_empty() {
                failure.lines.push(line);
            } else {
                self.explaining = None;
            }
        }
    }

    fn open(&mut self, depth: usize, name: &str) {
        self.outline.open(depth, split_duration(name).0);
        self.explaining = None;
    }

    fn mark(&mut self, depth: usize, outcome: Outcome, text: &'t str, transcript: &Transcript<'_>) {
        self.explaining = None;
        let (text, directive) = split_directive(text);
        let (name, duration) = split_duration(text);
        self.outline.close_to(depth);
        let shown = transcript.place.relative(name).filter(|_| name.starts_with('/'));
        let id = self.outline.id(depth, shown.as_deref().unwrap_or(name));
        let is_todo = directive.starts_with("TODO");
        match outcome {
            Outcome::Failed if is_todo => self.report.record(id, TestResult::new(Outcome::Skipped)),
            Outcome::Failed => {
                self.failed.push(Failure { id, duration, depth, lines: Vec::new(), location: None });
                let at = self.failed.len() - 1;
                self.unmentioned.entry(name).or_default().push_back(at);
                self.explaining = Some(at);
            }
            Outcome::Skipped => self.report.record(id, TestResult::new(outcome).with_message(directive)),
            _ => self.report.record(id, TestResult::new(outcome).with_duration(duration)),
        }
    }

    /// Turns to the first failure of this name that the second list has not mentioned yet.
    fn explain_again(&mut self, text: &str) {
        let name = split_duration(split_directive(text).0).0;
        let location = self.location.take();
        self.explaining = None;
        let Some(at) = self.unmentioned.get_mut(name).and_then(VecDeque::pop_front) else { return };
        let failure = &mut self.failed[at];
        failure.location = Some(location.unwrap_or_default());
        failure.depth = 0;
        self.explaining = failure.lines.is_empty().then_some(at);
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        for failure in self.failed {
            let location = failure.location.unwrap_or_default();
            let stack = failure.lines.join("\n");
            let text = if stack.contains("    at ") { stack } else { format!("at {location}") };
            let message = message(&failure.lines);
            let result = explained(Outcome::Failed, &message, &text, Dialect::JavaScript, &transcript.place);
            self.report.record(TestId(failure.id), result.with_duration(failure.duration));
        }
        drop_groups(&mut self.report, NESTING);
        self.report
    }
}

/// Splits a remark off a name: `later (0.1ms) # TODO`. A `#` in front of the duration belongs to the name.
fn split_directive(text: &str) -> (&str, &str) {
    match text.rsplit_once("ms) # ") {
        Some((front, directive)) => (&text[..front.len() + "ms)".len()], directive),
        None => (text, ""),
    }
}

/// The lines before the stack, without their common indentation.
fn message(lines: &[&str]) -> String {
    let depth = lines.first().map_or(0, |line| indent(line));
    let spoken = lines.iter().take_while(|line| !line.trim_start().starts_with("at "));
    let cut: Vec<&str> = spoken.map(|line| line.get(depth..).unwrap_or_default()).collect();
    cut.join("\n").trim().trim_matches('\'').to_owned()
}
