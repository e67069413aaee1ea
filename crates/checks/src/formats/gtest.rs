//! The console output of GoogleTest binaries. Ids are `Suite.Test`.

use crate::frames::Dialect;
use crate::report::{Outcome, TestReport, TestResult};

use super::Transcript;

/// Reads standard output.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut report = TestReport::default();
    let mut running: Option<(&str, Vec<&str>)> = None;
    for line in transcript.stdout.lines() {
        let Some((tag, rest)) = line.strip_prefix('[').and_then(|rest| rest.split_once("] ")) else {
            running.iter_mut().for_each(|(_, lines)| lines.push(line));
            continue;
        };
        let outcome = match tag.trim() {
            "RUN" => {
                running = Some((rest.trim(), Vec::new()));
                continue;
            }
            "OK" => Outcome::Passed,
            "FAILED" => Outcome::Failed,
            "SKIPPED" => Outcome::Skipped,
            _ => continue,
        };
        // The list of failures at the end names tests that have ended already.
        let Some((name, lines)) = running.take() else { continue };
        let milliseconds =
            rest.rsplit_once(" (").and_then(|(_, time)| time.strip_suffix(" ms)")?.parse().ok());
        report.record(name, result(outcome, &lines, transcript).with_duration(milliseconds));
    }
    if let Some((name, lines)) = running {
        report.record(name, result(transcript.unfinished(), &lines, transcript));
    }
    report
}

fn result(outcome: Outcome, lines: &[&str], transcript: &Transcript<'_>) -> TestResult {
    if outcome == Outcome::Passed {
        return TestResult::new(outcome);
    }
    let text = lines.join("\n");
    TestResult::new(outcome).with_message(&text).with_frames(Dialect::Native.frames(&text, &transcript.place))
}
