//! Sets reports side by side: what a change fixed and broke, and which tests cannot decide.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::report::{Outcome, TestId, TestReport, TestResult};

/// What became of the tests between two runs of the same check; every list is in id order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Failed before, pass now.
    pub fixed: Vec<TestId>,
    /// Did not fail before, fail now.
    pub broken: Vec<TestId>,
    /// Failed before and now.
    pub still_failing: Vec<TestId>,
    /// Seen before and not now (or now skipped instead of failing): nothing may be concluded from their silence.
    pub missing: Vec<TestId>,
    /// Fail now and were not seen before, for example because their file could not be loaded.
    pub newly_failing: Vec<TestId>,
}

impl Comparison {
    /// Whether something was fixed, and nothing was broken or lost.
    pub fn is_improvement(&self) -> bool {
        !self.fixed.is_empty()
            && self.broken.is_empty()
            && self.missing.is_empty()
            && self.newly_failing.is_empty()
    }
}

/// Compares two runs of the same check, before and after a change.
///
/// A test that terse output no longer names counts as passing only when both runs ran equally many tests and skipped
/// equally many. A container that could not be loaded counts as fixed once tests inside it are seen, and a test once
/// its container is said to pass.
pub fn compare(before: &TestReport, after: &TestReport) -> Comparison {
    let runs = Runs { before, after, same_size: same_size(before, after) };
    let mut comparison = Comparison::default();
    for (id, old) in &before.tests {
        if let Some(list) = runs.list_for(&mut comparison, id, old) {
            list.push(id.clone());
        }
    }
    // Terse output names failures only, so an unnamed test that passed is what a newly named one was.
    let passed_unnamed = before.unlisted.passed > 0 && runs.same_size;
    for (id, _) in
        after.tests.iter().filter(|(id, new)| new.outcome.is_failure() && !before.tests.contains_key(id))
    {
        let list = if passed_unnamed { &mut comparison.broken } else { &mut comparison.newly_failing };
        list.push(id.clone());
    }
    comparison
}

/// The two runs being compared.
struct Runs<'r> {
    before: &'r TestReport,
    after: &'r TestReport,
    same_size: bool,
}

impl Runs<'_> {
    /// The list of `comparison` that a test seen before belongs to, if any.
    fn list_for<'c>(
        &self,
        comparison: &'c mut Comparison,
        id: &TestId,
        old: &TestResult,
    ) -> Option<&'c mut Vec<TestId>> {
        let failed = old.outcome.is_failure();
        match self.after.tests.get(id).map(|new| new.outcome) {
            Some(now) if now.is_failure() && failed => Some(&mut comparison.still_failing),
            Some(now) if now.is_failure() => Some(&mut comparison.broken),
            Some(Outcome::Skipped) if old.outcome != Outcome::Skipped => Some(&mut comparison.missing),
            Some(_) if failed => Some(&mut comparison.fixed),
            Some(_) => None,
            None if self.passes_unseen(id) => failed.then_some(&mut comparison.fixed),
            None => Some(&mut comparison.missing),
        }
    }

    /// Whether a test that `after` does not name can be said to pass.
    fn passes_unseen(&self, id: &TestId) -> bool {
        let among_unnamed = self.after.unlisted.passed > 0 && self.same_size;
        among_unnamed || self.members_seen(id) || self.container_passes(id) || self.whole_check_passes()
    }

    /// Whether `after` has tests inside `id`, which before could not be loaded.
    fn members_seen(&self, id: &TestId) -> bool {
        TestId::SEPARATORS.iter().any(|separator| {
            let prefix = format!("{id}{separator}");
            let mut members = self.after.tests.range(TestId(prefix.clone())..);
            members.next().is_some_and(|(member, _)| member.as_str().starts_with(&prefix))
        })
    }

    /// Whether `after` says that what holds `id` passes: a terse `ok package`.
    fn container_passes(&self, id: &TestId) -> bool {
        let text = id.as_str();
        let ends = TestId::SEPARATORS.iter().flat_map(|separator| text.match_indices(separator));
        let mut containers = ends.filter_map(|(at, _)| self.after.tests.get(&TestId::from(&text[..at])));
        containers.any(|result| result.outcome == Outcome::Passed)
    }

    /// Whether a check that before could not even start is green now.
    fn whole_check_passes(&self) -> bool {
        let only_whole_check = self.before.tests.len() == 1 && self.before.unlisted.total() == 0;
        only_whole_check
            && self.after.tests.len() > 1
            && !self.after.has_failures()
            && !self.after.passing().is_empty()
    }
}

fn same_size(before: &TestReport, after: &TestReport) -> bool {
    let (old, new) = (before.counts(), after.counts());
    old.total() == new.total() && old.skipped == new.skipped
}

/// The tests that both passed and failed in runs of the same tree.
pub fn flaky(runs: &[TestReport]) -> BTreeSet<TestId> {
    let outcomes = |wanted: fn(Outcome) -> bool| -> BTreeSet<&TestId> {
        let tests = runs.iter().flat_map(|run| &run.tests);
        tests.filter(|(_, result)| wanted(result.outcome)).map(|(id, _)| id).collect()
    };
    let passed = outcomes(|outcome| outcome == Outcome::Passed);
    let failed = outcomes(Outcome::is_failure);
    passed.intersection(&failed).map(|id| (*id).clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::TestCounts;

    /// `"a=pass b=fail c=skip +3"`: named tests, then unnamed passes.
    fn report(text: &str) -> TestReport {
        let mut report = TestReport::default();
        for word in text.split_whitespace() {
            if let Some(passed) = word.strip_prefix('+') {
                report.unlisted = TestCounts { passed: passed.parse().unwrap(), ..TestCounts::default() };
                continue;
            }
            let (id, outcome) = word.split_once('=').unwrap();
            let outcome = match outcome {
                "pass" => Outcome::Passed,
                "skip" => Outcome::Skipped,
                _ => Outcome::Failed,
            };
            report.record(id, TestResult::new(outcome));
        }
        report
    }

    fn shown(comparison: &Comparison) -> String {
        let lists = [
            ("fixed", &comparison.fixed),
            ("broken", &comparison.broken),
            ("still", &comparison.still_failing),
            ("missing", &comparison.missing),
            ("new", &comparison.newly_failing),
        ];
        let ids = |list: &[TestId]| list.iter().map(TestId::as_str).collect::<Vec<_>>().join(",");
        let shown = lists.iter().filter(|(_, list)| !list.is_empty());
        shown.map(|(name, list)| format!("{name}:{}", ids(list))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn every_transition_has_its_list() {
        for (before, after, expected) in [
            ("a=fail", "a=pass", "fixed:a"),
            ("a=pass", "a=fail", "broken:a"),
            ("a=skip", "a=fail", "broken:a"),
            ("a=fail", "a=fail", "still:a"),
            ("a=pass b=fail", "a=pass", "missing:b"),
            ("a=pass b=pass", "b=pass", "missing:a"),
            ("a=fail", "a=skip", "missing:a"),
            ("a=pass", "a=skip", "missing:a"),
            ("a=skip", "a=pass", ""),
            ("a=pass", "a=pass b=fail", "new:b"),
            ("a=pass", "a=pass b=pass", ""),
            ("", "", ""),
        ] {
            assert_eq!(shown(&compare(&report(before), &report(after))), expected, "{before} -> {after}");
        }
    }

    #[test]
    fn terse_output_counts_as_passing_only_when_the_numbers_agree() {
        for (before, after, expected) in [
            ("a=fail +4", "+5", "fixed:a"),
            ("a=fail +4", "+4", "missing:a"),
            ("a=fail +4", "b=fail +4", "fixed:a broken:b"),
            ("a=fail b=fail +3", "a=fail +4", "fixed:b still:a"),
        ] {
            assert_eq!(shown(&compare(&report(before), &report(after))), expected, "{before} -> {after}");
        }
    }

    #[test]
    fn a_container_is_fixed_once_its_tests_are_seen() {
        let before = report("t/test_a.py=fail t/test_b.py::y=pass");
        let after = report("t/test_a.py::x=pass t/test_a.py::z=fail t/test_b.py::y=pass");
        assert_eq!(shown(&compare(&before, &after)), "fixed:t/test_a.py new:t/test_a.py::z");
    }

    #[test]
    fn a_test_passes_with_its_container() {
        let before = report("shop.TestA=fail shop.TestB=pass shop/cart.TestC=fail");
        assert_eq!(
            shown(&compare(&before, &report("shop=pass"))),
            "fixed:shop.TestA missing:shop/cart.TestC"
        );
    }

    #[test]
    fn a_check_that_could_not_start_is_fixed_once_its_tests_pass() {
        let green = report("t::x=pass t::y=pass");
        assert_eq!(shown(&compare(&report("make=fail"), &green)), "fixed:make");
        assert_eq!(
            shown(&compare(&report("make=fail"), &report("t::x=pass t::y=fail"))),
            "missing:make new:t::y"
        );
    }

    #[test]
    fn improvement_means_fixed_and_nothing_lost() {
        let improves = |before: &str, after: &str| compare(&report(before), &report(after)).is_improvement();
        assert!(improves("a=fail b=fail", "a=pass b=fail"));
        assert!(!improves("a=fail b=pass", "a=pass b=fail"));
        assert!(!improves("a=fail b=pass", "a=pass"));
        assert!(!improves("a=fail", "a=fail"));
    }

    #[test]
    fn flaky_tests_both_pass_and_fail() {
        let runs = ["a=pass b=fail c=pass", "a=fail b=fail c=pass", "a=pass b=skip"].map(report);
        assert_eq!(flaky(&runs).into_iter().map(|id| id.0).collect::<Vec<_>>(), ["a"]);
        assert!(flaky(&[]).is_empty());
    }
}
