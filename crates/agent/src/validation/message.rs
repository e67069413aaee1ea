//! The words of the line to a warm server: JSON, one message per line. The other side is `python/smallhands_hook/server.py`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use smallhands_checks::{Frame, Outcome, TestId, TestReport, TestResult};
use smallhands_repair::Edit;

/// The version of these messages that this side speaks.
pub(super) const PROTOCOL: u32 = 1;

/// A request to run tests.
#[derive(Debug, Serialize)]
pub(super) struct Run<'a> {
    pub(super) id: u64,
    pub(super) edits: &'a [Edit],
    pub(super) tests: &'a [TestId],
    /// Seconds.
    pub(super) cpu: f64,
    /// Seconds.
    pub(super) wall: f64,
    pub(super) memory: u64,
    pub(super) stop_first: bool,
    pub(super) trace: bool,
}

/// What a server says.
#[derive(Debug, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Event {
    /// The tests are collected.
    Ready(Greeting),
    /// A request was answered.
    Ran(Answer),
    /// The command ended.
    Exit {
        /// Its exit status.
        code: i32,
    },
}

/// The first message.
#[derive(Debug, Deserialize)]
pub(super) struct Greeting {
    pub(super) protocol: u32,
    pub(super) kind: String,
    pub(super) python: String,
    pub(super) tests: Vec<TestId>,
    pub(super) collection_errors: BTreeMap<TestId, Account>,
    /// Seconds.
    pub(super) collected_in: f64,
    /// Packages of the copy that were imported from another place, with that place.
    #[serde(default)]
    pub(super) elsewhere: Vec<(String, String)>,
}

/// The answer to a [`Run`].
#[derive(Debug, Deserialize)]
pub(super) struct Answer {
    pub(super) id: u64,
    pub(super) ended: End,
    #[serde(default)]
    pub(super) results: Vec<NamedAccount>,
    #[serde(default)]
    pub(super) lines: Vec<(TestId, BTreeMap<String, Vec<u32>>)>,
    /// 2: swapped into the warm process; 1: imported afresh.
    #[serde(default)]
    pub(super) level: Option<u8>,
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// Milliseconds that the server itself took.
    #[serde(default)]
    pub(super) spent: f64,
}

/// How the server says a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum End {
    Completed,
    TimedOut,
    Crashed,
    Invalid,
    Duplicate,
    /// The plain command has to answer.
    Unsupported,
}

/// A result as it is sent: outcome, milliseconds, message, frames.
#[derive(Debug, Deserialize)]
pub(super) struct Account(Outcome, Option<f64>, Option<String>, Vec<SentFrame>);

/// The same with the test's name in front.
#[derive(Debug, Deserialize)]
pub(super) struct NamedAccount(TestId, Outcome, Option<f64>, Option<String>, Vec<SentFrame>);

/// A frame as it is sent: file, line, function.
#[derive(Debug, Deserialize)]
pub(super) struct SentFrame(pub(super) String, pub(super) u32, pub(super) Option<String>);

impl From<SentFrame> for Frame {
    fn from(SentFrame(file, line, function): SentFrame) -> Self {
        Self { file, line, function }
    }
}

impl From<Account> for TestResult {
    fn from(Account(outcome, duration, message, frames): Account) -> Self {
        result(outcome, duration, message.as_deref(), frames)
    }
}

/// Puts the parts of a result together.
pub(super) fn result(
    outcome: Outcome,
    duration: Option<f64>,
    message: Option<&str>,
    frames: Vec<SentFrame>,
) -> TestResult {
    TestResult::new(outcome)
        .with_duration(duration)
        .with_message(message.unwrap_or(""))
        .with_frames(frames.into_iter().map(Frame::from).collect())
}

/// All results as a report.
pub(super) fn report(results: Vec<NamedAccount>) -> TestReport {
    let mut report = TestReport::default();
    for NamedAccount(id, outcome, duration, message, frames) in results {
        report.record(id, result(outcome, duration, message.as_deref(), frames));
    }
    report
}

/// The lines of each test; they are sent as first and last of each unbroken range.
pub(super) fn coverage(
    sent: Vec<(TestId, BTreeMap<String, Vec<u32>>)>,
) -> BTreeMap<TestId, BTreeMap<String, BTreeSet<u32>>> {
    let lines = |ranges: Vec<u32>| -> BTreeSet<u32> {
        ranges.as_chunks::<2>().0.iter().flat_map(|[first, last]| *first..=*last).collect()
    };
    let files =
        |files: BTreeMap<String, Vec<u32>>| files.into_iter().map(|(file, ranges)| (file, lines(ranges)));
    sent.into_iter().map(|(test, sent)| (test, files(sent).collect())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_greeting_is_understood() {
        let line = r#"{"event":"ready","protocol":1,"kind":"warm-pytest","python":"3.11.7","tests":["a::b"],
            "collection_errors":{"t.py":["errored",null,"ImportError: x",[["t.py",3,null]]]},"collected_in":0.1}"#;
        let Event::Ready(greeting) = serde_json::from_str(line).unwrap() else { panic!("not ready") };
        assert_eq!((greeting.protocol, greeting.tests), (PROTOCOL, vec![TestId::new("a::b")]));
        let error: TestResult = greeting.collection_errors.into_values().next().unwrap().into();
        assert_eq!((error.outcome, error.frames[0].line), (Outcome::Errored, 3));
    }

    #[test]
    fn an_answer_is_understood() {
        let line = r#"{"event":"ran","id":7,"ended":"timed_out","spent":3.5,"level":2,
            "results":[["a","passed",0.5,null,[]],["b","timed_out",null,"late",[["m.py",7,"loop"]]]],
            "lines":[["a",{"m.py":[1,3,9,9]}]]}"#;
        let Event::Ran(answer) = serde_json::from_str(line).unwrap() else { panic!("no answer") };
        assert_eq!((answer.id, answer.ended, answer.level), (7, End::TimedOut, Some(2)));
        let lines = coverage(answer.lines);
        assert_eq!(lines[&TestId::new("a")]["m.py"], BTreeSet::from([1, 2, 3, 9]));
        let report = report(answer.results);
        assert_eq!(report.failing(), [TestId::new("b")]);
    }
}
