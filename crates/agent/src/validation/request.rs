//! What a validator is asked, and what it answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use async_trait::async_trait;
use smallhands_checks::{Framework, TestId, TestReport};
use smallhands_repair::Edit;

use super::error::ValidationError;

/// A command that must hold, and how long it may take.
#[derive(Clone, Debug, PartialEq)]
pub struct CheckSpec {
    /// The command as the user gave it, for `/bin/sh -c` in the root of the repository.
    pub command: String,
    /// What it starts; see [`smallhands_checks::classify`].
    pub framework: Framework,
    /// The longest the whole command may take.
    pub timeout: Duration,
    /// The longest one test may take; without it, [`TestLimits::adaptive`] chooses from what was observed.
    pub test_timeout: Option<Duration>,
}

/// What one test may use before it counts as hanging or crashed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TestLimits {
    /// Processor time of the test's process.
    pub cpu: Duration,
    /// Time on the clock. A run of n tests also takes at most n times this, beside what importing takes.
    pub wall: Duration,
    /// Address space beyond what the test program already has, in bytes; 0 for no limit of its own.
    pub memory_bytes: u64,
}

/// Factor between the slowest test seen and the limit for all of them.
const PATIENCE: u32 = 10;
const SHORTEST_CPU: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(300);
const MEMORY: u64 = 1 << 30;

impl TestLimits {
    /// Limits for tests of which `slowest` is the longest time a passing one took; `fixed` is the user's own limit.
    ///
    /// Ten times the slowest, at least half a second of processor time: most candidates that hang, hang for ever, so the
    /// limit is what they cost.
    pub fn adaptive(fixed: Option<Duration>, slowest: Option<Duration>) -> Self {
        let cpu = fixed
            .unwrap_or_else(|| (slowest.unwrap_or(SHORTEST_CPU) * PATIENCE).clamp(SHORTEST_CPU, LONGEST));
        Self { cpu, wall: fixed.unwrap_or(cpu * 3 + Duration::from_secs(1)), memory_bytes: MEMORY }
    }

    /// The same, from a report of the tests as they are.
    pub fn observed(fixed: Option<Duration>, report: &TestReport) -> Self {
        let passing = report.tests.values().filter(|result| !result.outcome.is_failure());
        let slowest = passing
            .filter_map(|result| result.duration_ms)
            .fold(None, |most: Option<f64>, each| Some(most.map_or(each, |most| most.max(each))));
        let slowest =
            slowest.and_then(|milliseconds| Duration::try_from_secs_f64(milliseconds / 1000.0).ok());
        Self::adaptive(fixed, slowest)
    }
}

/// When a run ends before its last test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopRule {
    /// Never: all tests are run.
    Never,
    /// After the first test that does not pass.
    FirstFailure,
}

/// One question.
#[derive(Clone, Copy, Debug)]
pub struct RunRequest<'a> {
    /// The candidate: edits of the files as they were when the validator was opened; empty for the code as it is.
    pub edits: &'a [Edit],
    /// The tests to run, in this order. The id of a file that could not be collected asks for all tests in it.
    pub tests: &'a [TestId],
    /// What each test may use.
    pub limits: TestLimits,
    /// When to stop early.
    pub stop: StopRule,
    /// Whether to record which lines each test runs.
    pub trace: bool,
}

/// How a run came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Every test that was reached came to an end by itself.
    Completed,
    /// A test was stopped because its time was up.
    TimedOut,
    /// A process ended before its tests did: a signal, an exit, memory.
    Crashed,
    /// The edited code does not compile; nothing was run.
    Invalid,
    /// The edited code does the same as the original, or as a different candidate that was run before; nothing was run.
    Duplicate,
}

/// The answer.
#[derive(Clone, Debug)]
pub struct RunOutcome {
    /// How the run ended.
    pub ended: Ended,
    /// The results of the tests that were reached, also of those reached before a time-out.
    pub report: TestReport,
    /// The lines of the repository's files that each test ran; empty unless asked for.
    pub coverage: BTreeMap<TestId, BTreeMap<String, BTreeSet<u32>>>,
    /// How long it took, waiting included.
    pub spent: Duration,
}

impl RunOutcome {
    /// An answer for which nothing was run.
    pub(super) fn without_run(ended: Ended, spent: Duration) -> Self {
        Self { ended, report: TestReport::default(), coverage: BTreeMap::new(), spent }
    }

    /// Whether all of `tests` were run and none failed.
    pub fn passes(&self, tests: &[TestId]) -> bool {
        let passed = |test| self.report.tests.get(test).is_some_and(|result| !result.outcome.is_failure());
        self.ended == Ended::Completed && !self.report.has_failures() && tests.iter().all(passed)
    }
}

/// Runs tests of one sandbox with candidate edits, one request at a time.
#[async_trait]
pub trait Validator: Send {
    /// `"warm-pytest"`, `"warm-unittest"` or `"command"`.
    fn kind(&self) -> &'static str;

    /// The tests that were found, in the order of the test program.
    fn tests(&self) -> &[TestId];

    /// The files in which no tests could be found because of errors, by the test program's name for them. The notes say
    /// what else is amiss, such as packages that are not imported from the copy.
    fn collection_errors(&self) -> &TestReport;

    /// Why the plain command is used where a warm process was hoped for.
    fn fallback(&self) -> Option<&str> {
        None
    }

    /// Answers one question. After a cancelled call the validator can be used again.
    ///
    /// # Errors
    /// [`ValidationError`] when the question could not be put; whatever the tested code does is an answer.
    async fn run(&mut self, request: RunRequest<'_>) -> Result<RunOutcome, ValidationError>;

    /// Ends all processes and leaves the files as they were found.
    async fn close(self: Box<Self>);
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_checks::{Outcome, TestResult};

    #[test]
    fn limits_follow_the_slowest_passing_test() {
        let check = |slowest: &[(Outcome, f64)], fixed: Option<u64>, cpu_ms: u64| {
            let mut report = TestReport::default();
            for (index, (outcome, duration)) in slowest.iter().enumerate() {
                report.record(format!("t{index}"), TestResult::new(*outcome).with_duration(Some(*duration)));
            }
            let limits = TestLimits::observed(fixed.map(Duration::from_millis), &report);
            assert_eq!(limits.cpu, Duration::from_millis(cpu_ms));
            assert!(limits.wall >= limits.cpu);
        };
        check(&[], None, 5_000);
        check(&[(Outcome::Passed, 1.0)], None, 500);
        check(&[(Outcome::Passed, 1.0), (Outcome::Passed, 200.0)], None, 2_000);
        check(&[(Outcome::Passed, 100.0), (Outcome::Failed, 9_000.0)], None, 1_000);
        check(&[(Outcome::Passed, 9e9)], None, 300_000);
        check(&[(Outcome::Passed, 1.0)], Some(7_000), 7_000);
    }

    #[test]
    fn a_run_passes_only_when_every_test_was_reached() {
        let outcome = |ended, results: &[(&str, Outcome)]| {
            let mut outcome = RunOutcome::without_run(ended, Duration::ZERO);
            for (id, result) in results {
                outcome.report.record(*id, TestResult::new(*result));
            }
            outcome
        };
        let (a, b) = (TestId::new("a"), TestId::new("b"));
        let both = [a.clone(), b];
        let good = outcome(Ended::Completed, &[("a", Outcome::Passed), ("b", Outcome::Skipped)]);
        assert!(good.passes(&both));
        assert!(!outcome(Ended::Completed, &[("a", Outcome::Passed)]).passes(&both));
        assert!(!outcome(Ended::TimedOut, &[("a", Outcome::Passed)]).passes(std::slice::from_ref(&a)));
        assert!(!outcome(Ended::Completed, &[("a", Outcome::Passed), ("x", Outcome::Failed)]).passes(&[a]));
    }
}
