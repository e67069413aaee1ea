//! From the output of a check to a report of its tests.
//!
//! JUnit files, where there are any, say which tests ran; the console adds what they leave out (a test that hung, a
//! file that could not be loaded). What remains unexplained is told by the exit status, so that a red check never
//! looks green.

use std::collections::BTreeSet;

use crate::command::{classify, working_folder};
use crate::formats::{self, Transcript};
use crate::frames::{Place, any_dialect};
use crate::report::{MESSAGE_LIMIT, Outcome, TestId, TestReport, TestResult};
use crate::terminal::{plain, tail, with_bounded_lines};

/// What one run of a check left behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOutput<'a> {
    /// The command as it was given to the shell.
    pub command: &'a str,
    /// The exit status; nothing where a signal ended it.
    pub exit_code: Option<i32>,
    /// Whether it was stopped because its time was up.
    pub timed_out: bool,
    /// Standard output, possibly cut.
    pub stdout: &'a str,
    /// Standard error, possibly cut.
    pub stderr: &'a str,
    /// The contents of the JUnit XML files this run wrote.
    pub junit: &'a [String],
    /// The absolute path of the repository as the check saw it, so that absolute paths in stack traces can be made
    /// relative; without it such frames are dropped.
    pub root: Option<&'a str>,
}

impl CheckOutput<'_> {
    /// How the check as a whole ended, where that was no decision of its own.
    fn interruption(&self) -> Option<Outcome> {
        match self.exit_code {
            _ if self.timed_out => Some(Outcome::TimedOut),
            None => Some(Outcome::Crashed),
            // A shell reports a child that died of a signal this way.
            Some(code) if (129..=192).contains(&code) => Some(Outcome::Crashed),
            Some(_) => None,
        }
    }
}

/// Reads every format of test output that it recognises in `output`.
///
/// Never fails: a check whose tests cannot be seen one by one becomes one test named after the command. A red check
/// always has at least one failing test, and a check that ran nothing is not counted as passed.
pub fn parse(output: &CheckOutput<'_>) -> TestReport {
    let transcript = Transcript {
        framework: classify(output.command),
        stdout: with_bounded_lines(plain(output.stdout)),
        stderr: with_bounded_lines(plain(output.stderr)),
        place: Place::new(output.root, &working_folder(output.command)),
        interruption: output.interruption(),
    };
    let console = formats::read_console(&transcript);
    let mut report = match output.junit {
        [] => console,
        files => combined(formats::read_junit(files, &transcript, &console), console),
    };
    conclude(&mut report, output, &transcript);
    report
}

/// The JUnit report, completed by what only the console knows.
fn combined(junit: TestReport, console: TestReport) -> TestReport {
    if junit.tests.is_empty() {
        return console;
    }
    let mut report = junit;
    let known: BTreeSet<String> = report.failing().iter().map(loose_name).collect();
    let is_known = |id: &TestId| {
        // A console may put the file in front of the name that a JUnit file gives.
        let name = loose_name(id);
        name.char_indices().any(|(at, _)| known.contains(&name[at..]))
    };
    for (id, result) in console.tests {
        let adds_detail = report.tests.contains_key(&id);
        let unknown_failure = result.outcome.is_failure() && !is_known(&id);
        if adds_detail || unknown_failure {
            report.record(id, result);
        }
    }
    console.notes.into_iter().for_each(|note| report.note(note));
    report
}

/// An id without its punctuation, equal for the different spellings that a console and a JUnit file may use.
fn loose_name(id: &TestId) -> String {
    let name = id.as_str().replace(".py::", ".");
    name.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// Adds one test for the check as a whole where its tests do not account for how it ended.
fn conclude(report: &mut TestReport, output: &CheckOutput<'_>, transcript: &Transcript<'_>) {
    let named_failure = report.tests.values().any(|result| result.outcome.is_failure());
    let green = output.exit_code == Some(0) && !output.timed_out;
    let result = match transcript.interruption {
        Some(outcome) => interrupted(report, outcome, output, transcript),
        None if named_failure => {
            if green {
                report.note("the check exited with status 0 although tests failed");
            }
            None
        }
        None => by_exit_status(report, green, output, transcript),
    };
    if let Some(result) = result {
        report.record(output.command, result);
    }
}

/// The check as a whole, where none of its tests says that it was interrupted.
fn interrupted(
    report: &TestReport,
    outcome: Outcome,
    output: &CheckOutput<'_>,
    transcript: &Transcript<'_>,
) -> Option<TestResult> {
    let told_by_a_test = report.tests.values().any(|result| result.outcome == outcome);
    // Some runners exit with the number of failures, which may look like a signal.
    let may_be_a_count = !output.timed_out && output.exit_code.is_some() && report.has_failures();
    let message = interruption_message(outcome);
    (!told_by_a_test && !may_be_a_count).then(|| whole_check(outcome, message, transcript))
}

/// The check as a whole, where no test is known to have failed.
fn by_exit_status(
    report: &TestReport,
    green: bool,
    output: &CheckOutput<'_>,
    transcript: &Transcript<'_>,
) -> Option<TestResult> {
    const NOTHING: &str = "the check ran no test";
    let ran = report.counts().total() > 0;
    let found_none = !ran && formats::ran_no_test(transcript);
    match (green, found_none) {
        (true, _) if ran => None,
        (true, true) => Some(TestResult::new(Outcome::Skipped).with_message(NOTHING)),
        (true, false) => Some(TestResult::new(Outcome::Passed)),
        (false, true) => Some(whole_check(Outcome::Errored, NOTHING.to_owned(), transcript)),
        (false, false) => Some(whole_check(Outcome::Failed, exit_message(output, ran), transcript)),
    }
}

fn interruption_message(outcome: Outcome) -> String {
    let what = if outcome == Outcome::TimedOut { "did not end in time" } else { "was killed by a signal" };
    format!("the check {what}")
}

fn exit_message(output: &CheckOutput<'_>, ran: bool) -> String {
    let code = output.exit_code.unwrap_or_default();
    let although = if ran { " although no test is known to have failed" } else { "" };
    format!("the check exited with status {code}{although}")
}

/// A result for the check as a whole: what happened, then the end of what it printed.
fn whole_check(outcome: Outcome, what: String, transcript: &Transcript<'_>) -> TestResult {
    let spoken = if transcript.stderr.trim().is_empty() { &transcript.stdout } else { &transcript.stderr };
    let last_words = tail(spoken, MESSAGE_LIMIT.saturating_sub(what.len() + 2));
    let mut frames = any_dialect(&transcript.stderr, &transcript.place);
    if frames.is_empty() {
        frames = any_dialect(&transcript.stdout, &transcript.place);
    }
    TestResult::new(outcome).with_message(&format!("{what}\n{last_words}")).with_frames(frames)
}
