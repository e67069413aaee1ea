//! The Test Anything Protocol, versions 12 to 14, with the sub-tests and diagnostics of Node's test runner.
//!
//! Format: <https://testanything.org/tap-version-14-specification.html>.

mod diagnostics;
mod lines;

use crate::frames::any_dialect;
use crate::report::{Outcome, TestId, TestReport, TestResult};

use self::diagnostics::Diagnostics;
use self::lines::Point;
use super::Transcript;
use super::failure::says_timeout;
use super::outline::{NESTING, Outline, drop_groups, indent};

/// Reads standard output, where TAP belongs.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    transcript.stdout.lines().for_each(|line| reading.line(line, transcript));
    reading.finish(transcript)
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    outline: Outline,
    /// A version line or a plan: without one, lines that begin with `ok` are prose.
    declared: bool,
    /// The last test point, whose diagnostics may follow.
    point: Option<(TestId, Point<'t>)>,
    /// The block of diagnostics being read: its indentation and lines.
    block: Option<(usize, Vec<&'t str>)>,
    /// What was printed since the last test point.
    comments: Vec<&'t str>,
    /// A sub-test that was announced and has no test point yet.
    announced: Option<TestId>,
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        let depth = indent(line);
        let text = line[depth..].trim_end();
        if let Some((block_depth, lines)) = &mut self.block {
            if text == "..." && depth <= *block_depth {
                self.record(transcript);
            } else {
                lines.push(line);
            }
        } else if text == "---" && self.point.as_ref().is_some_and(|(_, point)| depth > point.indent) {
            self.block = Some((depth, Vec::new()));
        } else if let Some(point) = Point::parse(depth, text) {
            self.record(transcript);
            self.open_point(point, transcript);
        } else if let Some(name) = text.strip_prefix("# Subtest: ") {
            self.record(transcript);
            let name = lines::unescaped(name);
            self.outline.open(depth, &name);
            self.announced = Some(TestId(self.outline.id(depth, &name)));
        } else if text.starts_with("TAP version ") || lines::is_plan(text) {
            self.declared = true;
        } else if let Some(reason) = text.strip_prefix("Bail out!") {
            self.report.note(format!("the tests were called off:{reason}"));
        } else if depth == 0 && text.starts_with('#') {
            self.comments.push(text.trim_start_matches('#'));
        }
    }

    fn open_point(&mut self, point: Point<'t>, transcript: &Transcript<'_>) {
        let name = point.name();
        // Node names a file that could not be run by its absolute path.
        let name = match name.starts_with('/') {
            true => transcript.place.relative(&name).unwrap_or(name),
            false => name,
        };
        self.outline.close_to(point.indent);
        let id = TestId(self.outline.id(point.indent, &name));
        self.announced = None;
        self.point = Some((id, point));
    }

    /// Adds the last test point, whose diagnostics are complete now.
    fn record(&mut self, transcript: &Transcript<'_>) {
        let block = self.block.take().map(|(_, lines)| lines).unwrap_or_default();
        let Some((id, point)) = self.point.take() else { return };
        let comments = std::mem::take(&mut self.comments);
        let diagnostics = Diagnostics::of(&block);
        let mut message = diagnostics.message().unwrap_or_default();
        let mut frames = diagnostics.frames(&transcript.place);
        if message == "test failed" && !comments.is_empty() {
            message = lines::unescaped(&comments.join("\n"));
            let found = any_dialect(&message, &transcript.place);
            frames = if found.is_empty() { frames } else { found };
        }
        let outcome = match point.outcome() {
            Outcome::Failed if says_timeout(&message) => Outcome::TimedOut,
            outcome => outcome,
        };
        let result = TestResult::new(outcome).with_duration(diagnostics.duration_ms());
        let result = match outcome {
            Outcome::Skipped => result.with_message(point.reason()),
            Outcome::Passed => result,
            _ => result.with_message(&message).with_frames(frames),
        };
        self.report.record(id, result);
    }

    fn finish(mut self, transcript: &Transcript<'_>) -> TestReport {
        self.record(transcript);
        if !self.declared {
            return TestReport::default();
        }
        if let (Some(id), Some(outcome)) = (self.announced.take(), transcript.interruption) {
            self.report.record(id, TestResult::new(outcome).with_message("started and did not finish"));
        }
        drop_groups(&mut self.report, NESTING);
        self.report
    }
}
