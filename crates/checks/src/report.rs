//! The result of a check: one outcome per test, with what is needed to locate a fault.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::frames::{Frame, resolve};

/// The longest message a [`TestResult`] keeps, in bytes.
pub const MESSAGE_LIMIT: usize = 2048;

/// The deepest stack a [`TestResult`] keeps; the innermost frames survive.
const FRAME_LIMIT: usize = 32;

/// The framework's own name of a test: a pytest node id, `module.Class.test`, `crate::module::test`, ...
///
/// A *container* id names something that holds tests and could not even be loaded: a test file, a class, a crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TestId(pub String);

impl TestId {
    /// What stands between a container and its members.
    pub(crate) const SEPARATORS: [&str; 3] = ["::", ".", " > "];

    /// Names a test.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether `self` names the container (file, module, class, suite) that holds `member`.
    pub fn contains(&self, member: &TestId) -> bool {
        let Some(rest) = member.0.strip_prefix(&self.0) else { return false };
        !self.0.is_empty() && Self::SEPARATORS.iter().any(|separator| rest.starts_with(separator))
    }
}

impl fmt::Display for TestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for TestId {
    fn from(id: &str) -> Self {
        Self(id.to_owned())
    }
}

impl From<String> for TestId {
    fn from(id: String) -> Self {
        Self(id)
    }
}

/// How a test ended, from best to worst: where one id is reported twice, the greater outcome counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Not run on purpose.
    Skipped,
    /// Ran and held.
    Passed,
    /// An expectation did not hold.
    Failed,
    /// Could not be carried out: an error outside the expectation, in set-up, collection or compilation.
    Errored,
    /// Did not end in time.
    TimedOut,
    /// Its process died.
    Crashed,
}

impl Outcome {
    /// Whether this outcome makes a check red.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Errored | Self::TimedOut | Self::Crashed)
    }
}

/// What is known about one test after a run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TestResult {
    /// How it ended.
    pub outcome: Outcome,
    /// How long it took, in milliseconds, where the output says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_ms: Option<f64>,
    /// Why it failed or was skipped, at most [`MESSAGE_LIMIT`] bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Where it failed, innermost last; only frames inside the repository.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frames: Vec<Frame>,
}

impl TestResult {
    /// A result of which only the outcome is known.
    pub fn new(outcome: Outcome) -> Self {
        Self { outcome, duration_ms: None, message: None, frames: Vec::new() }
    }

    /// Adds a duration in milliseconds; values that are no duration are ignored.
    pub fn with_duration(mut self, milliseconds: Option<f64>) -> Self {
        self.duration_ms = milliseconds.filter(|value| value.is_finite() && *value >= 0.0);
        self
    }

    /// Adds a message, trimmed and cut to [`MESSAGE_LIMIT`]; blank text adds nothing.
    pub fn with_message(mut self, text: &str) -> Self {
        let text = text.trim();
        if !text.is_empty() {
            self.message = Some(bounded(text, MESSAGE_LIMIT));
        }
        self
    }

    /// Adds stack frames, innermost last; a very deep stack keeps its innermost part.
    pub fn with_frames(mut self, frames: Vec<Frame>) -> Self {
        let surplus = frames.len().saturating_sub(FRAME_LIMIT);
        self.frames = frames.into_iter().skip(surplus).collect();
        self
    }

    /// The union of two accounts of one test: the worse outcome, and each detail from whichever knows it.
    fn combined(self, other: Self) -> Self {
        let (worse, milder) = if other.outcome > self.outcome { (other, self) } else { (self, other) };
        let comparable = worse.outcome.is_failure() == milder.outcome.is_failure();
        let (spare_message, spare_frames) =
            if comparable { (milder.message, milder.frames) } else { (None, Vec::new()) };
        Self {
            outcome: worse.outcome,
            duration_ms: worse.duration_ms.or(milder.duration_ms),
            message: worse.message.or(spare_message),
            frames: if worse.frames.is_empty() { spare_frames } else { worse.frames },
        }
    }
}

/// How many tests ended which way; errored, timed out and crashed tests count as failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCounts {
    /// Tests that passed.
    pub passed: usize,
    /// Tests that failed in any way.
    pub failed: usize,
    /// Tests that were skipped.
    pub skipped: usize,
}

impl TestCounts {
    /// All tests counted.
    pub fn total(&self) -> usize {
        self.passed + self.failed + self.skipped
    }

    fn add(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::Skipped => self.skipped += 1,
            _ => self.failed += 1,
        }
    }

    /// What remains of `self` when the tests counted in `other` are taken out.
    pub(crate) fn minus(&self, other: &TestCounts) -> TestCounts {
        TestCounts {
            passed: self.passed.saturating_sub(other.passed),
            failed: self.failed.saturating_sub(other.failed),
            skipped: self.skipped.saturating_sub(other.skipped),
        }
    }

    fn is_zero(&self) -> bool {
        self.total() == 0
    }
}

/// All that one run of a check said about its tests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TestReport {
    /// The tests seen one by one.
    pub tests: BTreeMap<TestId, TestResult>,
    /// Tests the output counts without naming them, as terse reporters do with those that passed.
    #[serde(default, skip_serializing_if = "TestCounts::is_zero")]
    pub unlisted: TestCounts,
    /// Remarks for a reader: what the output left open.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

impl TestReport {
    /// Adds one account of a test; a second account of the same id keeps the worse outcome.
    pub fn record(&mut self, id: impl Into<TestId>, result: TestResult) {
        let id = id.into();
        let result = match self.tests.remove(&id) {
            Some(known) => known.combined(result),
            None => result,
        };
        self.tests.insert(id, result);
    }

    /// Adds everything `other` knows: another check of the same tree, or another account of the same run.
    pub fn merge(&mut self, other: TestReport) {
        for (id, result) in other.tests {
            self.record(id, result);
        }
        self.unlisted.passed += other.unlisted.passed;
        self.unlisted.failed += other.unlisted.failed;
        self.unlisted.skipped += other.unlisted.skipped;
        for note in other.notes {
            self.note(note);
        }
    }

    /// Adds a remark once.
    pub(crate) fn note(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The ids of the tests that failed, errored, timed out or crashed, in id order.
    pub fn failing(&self) -> Vec<TestId> {
        self.ids(Outcome::is_failure)
    }

    /// The ids of the tests that passed, in id order.
    pub fn passing(&self) -> Vec<TestId> {
        self.ids(|outcome| outcome == Outcome::Passed)
    }

    fn ids(&self, wanted: impl Fn(Outcome) -> bool) -> Vec<TestId> {
        let chosen = self.tests.iter().filter(|(_, result)| wanted(result.outcome));
        chosen.map(|(id, _)| id.clone()).collect()
    }

    /// Counts all tests, named or not.
    pub fn counts(&self) -> TestCounts {
        let mut counts = self.unlisted;
        for result in self.tests.values() {
            counts.add(result.outcome);
        }
        counts
    }

    /// Whether any test failed, named or not.
    pub fn has_failures(&self) -> bool {
        self.counts().failed > 0
    }

    /// Replaces the partial paths some traces give (`com/acme/Cart.java`, `cart_test.go`) by the one repository path
    /// that ends in them; ambiguous or unknown ones stay as they are. `paths` are all files of the repository.
    pub fn resolve_paths(&mut self, paths: &[String]) {
        let index = resolve::PathIndex::new(paths);
        for frame in self.tests.values_mut().flat_map(|result| &mut result.frames) {
            if let Some(path) = index.find(&frame.file) {
                frame.file = path.to_owned();
            }
        }
    }
}

/// The head of `text` within `limit` bytes, cut between characters and marked as cut.
fn bounded(text: &str, limit: usize) -> String {
    const MARK: &str = " [...]";
    if text.len() <= limit {
        return text.to_owned();
    }
    let mut end = limit - MARK.len();
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}{MARK}", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(tests: &[(&str, Outcome)]) -> TestReport {
        let mut report = TestReport::default();
        for (id, outcome) in tests {
            report.record(*id, TestResult::new(*outcome));
        }
        report
    }

    #[test]
    fn lists_and_counts_by_outcome() {
        use Outcome::*;
        let all = [Passed, Failed, Errored, Skipped, TimedOut, Crashed];
        let ids = ["a", "b", "c", "d", "e", "f"];
        let report = report(&ids.into_iter().zip(all).collect::<Vec<_>>());
        let failing: Vec<String> = report.failing().into_iter().map(|id| id.0).collect();
        assert_eq!(failing, ["b", "c", "e", "f"]);
        assert_eq!(report.passing(), [TestId::from("a")]);
        assert_eq!(report.counts(), TestCounts { passed: 1, failed: 4, skipped: 1 });
        assert!(report.has_failures());
    }

    #[test]
    fn a_second_account_keeps_the_worse_outcome_and_every_detail() {
        use Outcome::*;
        for (first, second, kept) in [
            (Passed, Failed, Failed),
            (Failed, Passed, Failed),
            (Skipped, Passed, Passed),
            (Failed, Crashed, Crashed),
            (Errored, TimedOut, TimedOut),
        ] {
            let mut report = report(&[("t", first)]);
            report.record("t", TestResult::new(second).with_duration(Some(2.0)));
            let result = &report.tests[&TestId::from("t")];
            assert_eq!((result.outcome, result.duration_ms), (kept, Some(2.0)), "{first:?} then {second:?}");
        }
    }

    #[test]
    fn the_message_of_a_pass_never_explains_a_failure() {
        let mut report = TestReport::default();
        report.record("t", TestResult::new(Outcome::Passed).with_message("all good"));
        report.record("t", TestResult::new(Outcome::Failed));
        assert_eq!(report.tests[&TestId::from("t")].message, None);
    }

    #[test]
    fn merging_adds_tests_counts_and_notes_once() {
        let mut left = report(&[("a", Outcome::Passed)]);
        left.unlisted.passed = 2;
        left.note("cut off");
        let mut right = report(&[("a", Outcome::Failed), ("b", Outcome::Passed)]);
        right.note("cut off");
        left.merge(right);
        assert_eq!(left.counts(), TestCounts { passed: 3, failed: 1, skipped: 0 });
        assert_eq!(left.notes, ["cut off"]);
    }

    #[test]
    fn messages_are_bounded_between_characters() {
        let result = TestResult::new(Outcome::Failed).with_message(&"ü".repeat(5000));
        let message = result.message.unwrap();
        assert!(message.len() <= MESSAGE_LIMIT && message.ends_with("[...]"));
        assert_eq!(TestResult::new(Outcome::Failed).with_message(" \n").message, None);
    }

    #[test]
    fn deep_stacks_keep_their_innermost_frames() {
        let frames = (0..100).map(|line| Frame { file: "a.py".into(), line, function: None }).collect();
        let kept = TestResult::new(Outcome::Failed).with_frames(frames).frames;
        assert_eq!((kept.len(), kept[FRAME_LIMIT - 1].line), (FRAME_LIMIT, 99));
    }

    #[test]
    fn partial_paths_become_those_of_the_repository() {
        let frame = |file: &str| Frame { file: file.into(), line: 3, function: None };
        let frames =
            vec![frame("com/acme/Cart.java"), frame("src/a.py"), frame("twice.go"), frame("elsewhere.js")];
        let mut report = TestReport::default();
        report.record("t", TestResult::new(Outcome::Failed).with_frames(frames));
        let paths =
            ["src/main/java/com/acme/Cart.java", "src/a.py", "a/twice.go", "b/twice.go"].map(String::from);
        report.resolve_paths(&paths);
        let files: Vec<&str> =
            report.tests[&"t".into()].frames.iter().map(|frame| frame.file.as_str()).collect();
        assert_eq!(files, ["src/main/java/com/acme/Cart.java", "src/a.py", "twice.go", "elsewhere.js"]);
    }

    #[test]
    fn containers_hold_their_members() {
        for (container, member, expected) in [
            ("tests/test_a.py", "tests/test_a.py::test_x", true),
            ("tests.test_a", "tests.test_a.Case.test_x", true),
            ("example.com/shop", "example.com/shop.TestAdd/two", true),
            ("suite", "suite > case", true),
            ("tests/test_a.py", "tests/test_a.py", false),
            ("example.com/shop", "example.com/shop/cart.TestAdd", false),
            ("tests.test_a", "tests.test_ab.Case", false),
            ("", ".x", false),
        ] {
            assert_eq!(TestId::from(container).contains(&member.into()), expected, "{container} {member}");
        }
    }

    #[test]
    fn serialises_ids_as_plain_keys_and_outcomes_in_snake_case() {
        let report = report(&[("a::b", Outcome::TimedOut)]);
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(json, r#"{"tests":{"a::b":{"outcome":"timed_out"}}}"#);
        assert_eq!(serde_json::from_str::<TestReport>(&json).unwrap(), report);
    }
}
