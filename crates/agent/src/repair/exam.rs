//! How one candidate is judged, in as few validator calls as possible.
//!
//! Almost every candidate is wrong, so the first call asks as little as possible: a few *representatives* of the failing
//! tests. When none of them passes, that was all. Otherwise the rest of the failing tests is asked, then the guards, which
//! stop at the first one that breaks.

use std::collections::BTreeSet;

use smallhands_checks::{Outcome, TestId, TestReport};
use smallhands_repair::Edit;

use super::trials::{Halt, Trials};
use crate::validation::{Ended, RunOutcome, RunRequest, StopRule, TestLimits};

/// The questions, in order.
#[derive(Debug)]
pub(super) struct Exam {
    /// The group's failing tests; the representatives come first.
    pub(super) failing: Vec<TestId>,
    /// How many of them are representatives.
    pub(super) representatives: usize,
    /// Tests that must stay green, most relevant first.
    pub(super) guards: Vec<TestId>,
    /// Limits for a first look.
    pub(super) brief: Allowance,
    /// Limits for candidates that ran out of the first ones.
    pub(super) patient: Allowance,
    /// Given where every call runs the whole check, so that everything is asked at once.
    pub(super) whole: Option<WholeCheck>,
    /// Remarks for people.
    pub(super) notes: Vec<String>,
}

/// A check that can only be run as a whole.
#[derive(Debug)]
pub(super) struct WholeCheck {
    /// Stands for the check where its tests cannot be seen.
    pub(super) command: TestId,
    /// How many tests it counts.
    pub(super) tests: usize,
}

/// Limits of one test while a candidate is judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowance {
    /// For tests that are to be repaired.
    pub(super) failing: TestLimits,
    /// For tests that pass as it is.
    pub(super) guards: TestLimits,
}

/// How much time a candidate gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// The first look.
    Brief,
    /// The second one.
    Patient,
}

/// What a candidate is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// It repairs nothing, or breaks something.
    Wrong,
    /// It ran out of time or took the validator with it; a second look may tell.
    Unsettled,
    /// It makes tests of the group pass and breaks no guard.
    Repairs(Repaired),
}

/// What a candidate repairs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repaired {
    /// The tests of the group that pass, in id order.
    pub(super) tests: Vec<TestId>,
    /// Whether that is all of them, and no test fails that one of them had kept from being loaded.
    pub(super) complete: bool,
}

/// The outcomes of some tests.
#[derive(Default)]
struct Answers {
    passed: BTreeSet<TestId>,
    out_of_time: bool,
    /// A test fails that only came to light because its file can be loaded now.
    uncovers_failure: bool,
}

impl Exam {
    /// Judges the edits together. `worthwhile` is asked before the guards are run whether anyone would want a patch that
    /// repairs just these tests.
    pub(super) async fn judge(
        &self,
        trials: &mut Trials,
        edits: &[Edit],
        patience: Patience,
        worthwhile: &(dyn Fn(&Repaired) -> bool + Sync),
    ) -> Result<Judgement, Halt> {
        if let Some(whole) = &self.whole {
            return self.judge_at_once(trials, edits, whole).await;
        }
        let limits = self.limits(patience);
        let Some(answers) = self.ask_failing(trials, edits, limits.failing).await? else {
            return Ok(Judgement::Unsettled);
        };
        if answers.out_of_time && patience == Patience::Brief {
            return self.look_again(trials, edits, answers.passed.is_empty(), worthwhile).await;
        }
        let repaired = self.repaired(answers);
        if repaired.tests.is_empty() || !worthwhile(&repaired) {
            return Ok(Judgement::Wrong);
        }
        let mut guarded = self.ask_guards(trials, edits, limits.guards).await?;
        if guarded == Guarded::OutOfTime && patience == Patience::Brief {
            // Few candidates come this far; they are worth the time at once.
            guarded = self.ask_guards(trials, edits, self.patient.guards).await?;
        }
        Ok(guarded.judge(repaired))
    }

    /// A candidate ran out of its brief time. Where no test passes it probably loops, and waits for the second look. Where one
    /// passes that failed before, it may well be right and slow: it gets the time at once, until the first test that fails.
    async fn look_again(
        &self,
        trials: &mut Trials,
        edits: &[Edit],
        hopeless: bool,
        worthwhile: &(dyn Fn(&Repaired) -> bool + Sync),
    ) -> Result<Judgement, Halt> {
        if hopeless {
            return Ok(Judgement::Unsettled);
        }
        let (tests, limits) = (&self.failing, self.patient.failing);
        let request = RunRequest { edits, tests, limits, stop: StopRule::FirstFailure, trace: false };
        let Some(outcome) = trials.run(request).await? else { return Ok(Judgement::Unsettled) };
        let repaired = self.repaired(Answers::of(&outcome, tests));
        if !repaired.complete || !worthwhile(&repaired) {
            return Ok(Judgement::Unsettled);
        }
        Ok(self.ask_guards(trials, edits, self.patient.guards).await?.judge(repaired))
    }

    fn limits(&self, patience: Patience) -> Allowance {
        match patience {
            Patience::Brief => self.brief,
            Patience::Patient => self.patient,
        }
    }

    /// Which failing tests pass now; the rest is only asked when a representative passes. `None`: the validator died.
    async fn ask_failing(
        &self,
        trials: &mut Trials,
        edits: &[Edit],
        limits: TestLimits,
    ) -> Result<Option<Answers>, Halt> {
        let (representatives, rest) = self.failing.split_at(self.representatives.min(self.failing.len()));
        let ask = |tests| RunRequest { edits, tests, limits, stop: StopRule::Never, trace: false };
        let Some(first) = trials.run(ask(representatives)).await? else { return Ok(None) };
        let mut answers = Answers::of(&first, representatives);
        if answers.passed.is_empty() || rest.is_empty() {
            return Ok(Some(answers));
        }
        let Some(second) = trials.run(ask(rest)).await? else { return Ok(None) };
        answers.add(Answers::of(&second, rest));
        Ok(Some(answers))
    }

    async fn ask_guards(
        &self,
        trials: &mut Trials,
        edits: &[Edit],
        limits: TestLimits,
    ) -> Result<Guarded, Halt> {
        if self.guards.is_empty() {
            return Ok(Guarded::Holds);
        }
        let tests = &self.guards;
        let request = RunRequest { edits, tests, limits, stop: StopRule::FirstFailure, trace: false };
        let Some(outcome) = trials.run(request).await? else { return Ok(Guarded::Unknown) };
        let answers = Answers::of(&outcome, tests);
        Ok(match answers.passed.len() == tests.len() {
            true => Guarded::Holds,
            false if answers.out_of_time => Guarded::OutOfTime,
            false => Guarded::Breaks,
        })
    }

    /// One call for everything, as a plain command answers it.
    async fn judge_at_once(
        &self,
        trials: &mut Trials,
        edits: &[Edit],
        whole: &WholeCheck,
    ) -> Result<Judgement, Halt> {
        let tests: Vec<TestId> = self.failing.iter().chain(&self.guards).cloned().collect();
        let limits = self.patient.failing;
        let request = RunRequest { edits, tests: &tests, limits, stop: StopRule::Never, trace: false };
        let Some(outcome) = trials.run(request).await? else { return Ok(Judgement::Unsettled) };
        let mut answers = Answers::of(&outcome, &tests);
        answers.passed.extend(tests.iter().filter(|test| whole.passes_unnamed(&outcome, test)).cloned());
        let holds = self.guards.iter().all(|guard| answers.passed.contains(guard));
        let repaired = self.repaired(answers);
        Ok(if repaired.tests.is_empty() || !holds { Judgement::Wrong } else { Judgement::Repairs(repaired) })
    }

    fn repaired(&self, answers: Answers) -> Repaired {
        let mut tests: Vec<TestId> =
            self.failing.iter().filter(|test| answers.passed.contains(test)).cloned().collect();
        tests.sort_unstable();
        Repaired { complete: tests.len() == self.failing.len() && !answers.uncovers_failure, tests }
    }
}

/// What the guards say.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guarded {
    Holds,
    Breaks,
    OutOfTime,
    Unknown,
}

impl Guarded {
    /// What becomes of a candidate that repairs something.
    fn judge(self, repaired: Repaired) -> Judgement {
        match self {
            Self::Holds => Judgement::Repairs(repaired),
            Self::Unknown => Judgement::Unsettled,
            Self::Breaks | Self::OutOfTime => Judgement::Wrong,
        }
    }
}

impl Answers {
    fn of(outcome: &RunOutcome, tests: &[TestId]) -> Self {
        if matches!(outcome.ended, Ended::Invalid | Ended::Duplicate) {
            return Self::default();
        }
        let passed = tests.iter().filter(|test| passes(&outcome.report, test)).cloned().collect();
        let slow =
            |test: &TestId| outcome.report.tests.get(test).is_some_and(|r| r.outcome == Outcome::TimedOut);
        let out_of_time = outcome.ended == Ended::TimedOut || tests.iter().any(slow);
        let hidden = |id: &TestId| tests.iter().any(|test| test.contains(id));
        let uncovers_failure = outcome.report.failing().iter().any(hidden);
        Self { passed, out_of_time, uncovers_failure }
    }

    fn add(&mut self, other: Self) {
        self.passed.extend(other.passed);
        self.out_of_time |= other.out_of_time;
        self.uncovers_failure |= other.uncovers_failure;
    }
}

impl WholeCheck {
    /// Whether a test passes that a run does not name. In a red run every missing test counts as failed, so the run is green;
    /// terse output then names none of its tests, and a check that was seen as one test is not named once its own tests are.
    fn passes_unnamed(&self, outcome: &RunOutcome, test: &TestId) -> bool {
        let green = outcome.ended == Ended::Completed && !outcome.report.has_failures();
        let nothing_lost = *test == self.command || outcome.report.counts().total() >= self.tests;
        green && nothing_lost && !outcome.report.tests.contains_key(test)
    }
}

/// Whether `test` passes by this report. A container that could not be loaded before passes when its tests are seen.
pub(super) fn passes(report: &TestReport, test: &TestId) -> bool {
    if let Some(result) = report.tests.get(test) {
        return result.outcome == Outcome::Passed;
    }
    report.tests.keys().any(|id| test.contains(id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_checks::TestResult;
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn answers(ended: Ended, tests: &[(&str, Outcome)], asked: &[&str]) -> Answers {
        let mut report = TestReport::default();
        for (id, outcome) in tests {
            report.record(*id, TestResult::new(*outcome));
        }
        let asked: Vec<TestId> = asked.iter().map(|id| TestId::from(*id)).collect();
        Answers::of(&RunOutcome { ended, report, coverage: BTreeMap::new(), spent: Duration::ZERO }, &asked)
    }

    fn passed(answers: &Answers) -> Vec<&str> {
        answers.passed.iter().map(|test| test.0.as_str()).collect()
    }

    #[test]
    fn only_what_was_asked_and_passed_counts() {
        use Outcome::*;
        let tests = [("a", Passed), ("b", Failed), ("c", Skipped), ("d", TimedOut), ("e", Passed)];
        let seen = answers(Ended::TimedOut, &tests, &["a", "b", "c", "d", "unseen"]);
        assert_eq!((passed(&seen), seen.out_of_time, seen.uncovers_failure), (vec!["a"], true, false));
    }

    #[test]
    fn an_edit_that_could_not_be_tried_repairs_nothing() {
        for ended in [Ended::Invalid, Ended::Duplicate] {
            assert_eq!(passed(&answers(ended, &[("a", Outcome::Passed)], &["a"])), [""; 0]);
        }
    }

    #[test]
    fn tests_that_a_green_run_does_not_name_pass_when_none_was_lost() {
        let whole = WholeCheck { command: "make test".into(), tests: 3 };
        let check = |ended, named: &[(&str, Outcome)], unlisted: usize, test: &str, expected: bool| {
            let mut report = TestReport::default();
            for (id, outcome) in named {
                report.record(*id, TestResult::new(*outcome));
            }
            report.unlisted.passed = unlisted;
            let outcome = RunOutcome { ended, report, coverage: BTreeMap::new(), spent: Duration::ZERO };
            assert_eq!(whole.passes_unnamed(&outcome, &test.into()), expected, "{outcome:?} {test}");
        };
        check(Ended::Completed, &[], 3, "a", true);
        check(Ended::Completed, &[], 2, "a", false);
        check(Ended::Completed, &[("b", Outcome::Failed)], 3, "a", false);
        check(Ended::Completed, &[("a", Outcome::Skipped)], 3, "a", false);
        check(Ended::TimedOut, &[], 3, "a", false);
        check(Ended::Completed, &[], 0, "make test", true);
        check(Ended::Duplicate, &[], 0, "make test", false);
    }

    #[test]
    fn a_file_that_can_be_loaded_again_passes_and_its_tests_are_looked_at() {
        use Outcome::*;
        let file = "tests/test_a.py";
        for (tests, loaded, uncovers) in [
            (vec![(file, Errored)], false, false),
            (vec![(file, Passed), ("tests/test_a.py::x", Passed)], true, false),
            (vec![(file, Passed), ("tests/test_a.py::x", Failed)], true, true),
            (vec![("tests/test_a.py::x", Passed), ("tests/test_a.py::y", Failed)], true, true),
            (vec![("tests/test_b.py::x", Failed)], false, false),
        ] {
            let seen = answers(Ended::Completed, &tests, &[file]);
            assert_eq!((!seen.passed.is_empty(), seen.uncovers_failure), (loaded, uncovers), "{tests:?}");
        }
    }
}
