//! Which failing tests seem to fail for the same reason.
//!
//! Every failing test is held against all passing ones: its prime suspect is the function with the line that
//! passing tests run least. Tests with the same prime suspect are one group. Then groups are folded: where
//! every test of a group runs the lines that all tests of another group fail in, the other group's suspect
//! explains both, as when a function fails its own tests and those of its callers. A helper that everything
//! calls is no suspect as long as passing tests call it, too.

use std::collections::{BTreeMap, BTreeSet};

use super::outline::{Outline, OutlinedFunction, RankedFunction};
use super::{CoveredLines, StackFrame};

/// Most suspects told per group.
const MAX_FUNCTIONS: usize = 12;
/// How much the innermost frame of a crash adds to its function.
const CRASH: f64 = 0.5;
/// Weight of a caller relative to what it called.
const DECAY: f64 = 0.7;

/// A test that fails, with what is known about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailingTest {
    /// The framework's own name for it.
    pub id: String,
    /// Lines it ran; empty where they were not recorded.
    pub lines: CoveredLines,
    /// Stack trace of the failure, innermost frame last; empty where there is none.
    pub stack: Vec<StackFrame>,
}

/// What grouping needs to know.
pub struct GroupingInput<'a> {
    /// The tests to group.
    pub failing: &'a [FailingTest],
    /// Lines run by each passing test.
    pub passing: &'a [CoveredLines],
    /// Path and text of the files that could be at fault.
    pub sources: &'a [(String, String)],
    /// Holds for test files, which are never suspects.
    pub is_test_path: &'a dyn Fn(&str) -> bool,
}

/// Failing tests that seem to share their cause.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Their ids, in the order given.
    pub tests: Vec<String>,
    /// Suspected functions, most suspicious first; empty for tests that left no trace.
    pub functions: Vec<RankedFunction>,
}

/// Groups failing tests by suspected cause: larger groups first, tests without any trace last.
pub fn group_failures(input: &GroupingInput<'_>) -> Vec<Group> {
    let outline = Outline::of(input.sources);
    let passed = count_passing(input);
    let suspects: Vec<Suspects<'_>> =
        input.failing.iter().map(|test| Suspects::of(test, input, &outline, &passed)).collect();
    let mut shared: BTreeMap<&OutlinedFunction, usize> = BTreeMap::new();
    for function in suspects.iter().flat_map(|suspects| suspects.scores.keys()) {
        *shared.entry(function).or_default() += 1;
    }
    let mut groups: BTreeMap<Option<&OutlinedFunction>, Vec<usize>> = BTreeMap::new();
    for (index, suspects) in suspects.iter().enumerate() {
        groups.entry(suspects.prime(&shared)).or_default().push(index);
    }
    let folded = fold(groups.into_iter().collect(), input.failing);
    let mut finished: Vec<Group> =
        folded.into_iter().map(|part| describe(part, input.failing, &suspects)).collect();
    finished.sort_by_key(|group| (group.functions.is_empty(), std::cmp::Reverse(group.tests.len())));
    finished
}

/// How many passing tests run each line.
fn count_passing<'a>(input: &GroupingInput<'a>) -> BTreeMap<(&'a str, u32), u32> {
    let mut counts = BTreeMap::new();
    for test in input.passing {
        for (file, lines) in test {
            for line in lines {
                *counts.entry((file.as_str(), *line)).or_insert(0) += 1;
            }
        }
    }
    counts
}

/// The functions one failing test puts under suspicion.
struct Suspects<'o> {
    scores: BTreeMap<&'o OutlinedFunction, f64>,
}

impl<'o> Suspects<'o> {
    fn of(
        test: &FailingTest,
        input: &GroupingInput<'_>,
        outline: &'o Outline,
        passed: &BTreeMap<(&str, u32), u32>,
    ) -> Self {
        let mut scores: BTreeMap<&OutlinedFunction, f64> = BTreeMap::new();
        let mut weight = 1.0;
        for frame in test.stack.iter().rev().filter(|frame| !(input.is_test_path)(&frame.file)) {
            if let Some(unit) = outline.unit_at(&frame.file, frame.line) {
                let score = scores.entry(unit).or_default();
                *score = score.max(CRASH * weight);
                weight *= DECAY;
            }
        }
        let crashes = scores.clone();
        for (file, lines) in test.lines.iter().filter(|(file, _)| !(input.is_test_path)(file)) {
            for line in lines {
                let Some(unit) = outline.unit_at(file, *line) else { continue };
                let passing = passed.get(&(file.as_str(), *line)).copied().unwrap_or(0);
                // Ochiai with this test as the only failing one.
                let ochiai = 1.0 / f64::from(1 + passing).sqrt();
                let score = scores.entry(unit).or_default();
                *score = score.max(ochiai + crashes.get(unit).copied().unwrap_or(0.0));
            }
        }
        Self { scores }
    }

    /// The most suspicious function; of equal ones the one that most failing tests suspect.
    fn prime(&self, shared: &BTreeMap<&OutlinedFunction, usize>) -> Option<&'o OutlinedFunction> {
        let key =
            |function: &OutlinedFunction, score: f64| (score, shared.get(function).copied().unwrap_or(0));
        let best = self.scores.iter().min_by(|(a, x), (b, y)| {
            let ((x, a_shared), (y, b_shared)) = (key(a, **x), key(b, **y));
            y.total_cmp(&x).then(b_shared.cmp(&a_shared)).then_with(|| a.cmp(b))
        });
        best.map(|(function, _)| *function)
    }
}

type Part<'o> = (Option<&'o OutlinedFunction>, Vec<usize>);

/// Folds groups into those whose suspect explains them.
fn fold<'o>(mut parts: Vec<Part<'o>>, failing: &[FailingTest]) -> Vec<Part<'o>> {
    parts.sort_by_key(|(_, tests)| std::cmp::Reverse(tests.len()));
    let mut kept: Vec<Part<'o>> = Vec::new();
    while let Some(part) = parts.pop() {
        let explains = |other: &&mut Part<'o>| is_explained(&part, other, failing);
        match parts.iter_mut().rev().chain(kept.iter_mut()).find(explains) {
            Some(other) => other.1.extend(part.1),
            None => kept.push(part),
        }
    }
    for (_, tests) in &mut kept {
        tests.sort_unstable();
    }
    kept
}

/// Whether all tests of `part` run the lines in which all tests of `other` run its suspect.
fn is_explained(part: &Part<'_>, other: &Part<'_>, failing: &[FailingTest]) -> bool {
    let Some(suspect) = other.0 else { return false };
    let lines_of = |test: &usize| -> Option<BTreeSet<u32>> {
        let lines = failing.get(*test)?.lines.get(&suspect.file)?;
        Some(lines.range(suspect.start_line..=suspect.end_line).copied().collect())
    };
    let mut lines = other.1.iter().map(|test| lines_of(test).unwrap_or_default());
    let Some(first) = lines.next() else { return false };
    let common = lines.fold(first, |common, lines| common.intersection(&lines).copied().collect());
    let covers = |test: &usize| lines_of(test).is_some_and(|lines| lines.is_superset(&common));
    !common.is_empty() && part.0.is_some() && part.1.iter().all(covers)
}

fn describe(part: Part<'_>, failing: &[FailingTest], suspects: &[Suspects<'_>]) -> Group {
    let (prime, tests) = part;
    let mut sums: BTreeMap<&OutlinedFunction, f64> = BTreeMap::new();
    for test in &tests {
        for (function, score) in suspects.get(*test).iter().flat_map(|suspects| &suspects.scores) {
            *sums.entry(function).or_default() += score / tests.len() as f64;
        }
    }
    let mut ranked: Vec<_> = sums.into_iter().collect();
    ranked.sort_by(|(a, x), (b, y)| {
        let first = |function: &OutlinedFunction| Some(function) != prime;
        first(a).cmp(&first(b)).then(y.total_cmp(x)).then_with(|| a.cmp(b))
    });
    Group {
        tests: tests.iter().filter_map(|test| failing.get(*test)).map(|test| test.id.clone()).collect(),
        functions: ranked
            .into_iter()
            .take(MAX_FUNCTIONS)
            .map(|(f, score)| f.ranked(score.min(1.0)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "\
def helper(x):
    return x

def first(x):
    return helper(x) + 1

def second(x):
    return helper(x) - 1

def mean(xs):
    return sum(xs)

def variance(xs):
    return mean(xs)
";

    fn lines(covered: &[u32]) -> CoveredLines {
        [("a.py".to_owned(), covered.iter().copied().collect()), ("test_a.py".to_owned(), [1].into())].into()
    }

    fn failing(id: &str, covered: &[u32]) -> FailingTest {
        FailingTest { id: id.to_owned(), lines: lines(covered), stack: Vec::new() }
    }

    fn crashed(id: &str, stack: &[(&str, u32)]) -> FailingTest {
        let frame = |(file, line): &(&str, u32)| StackFrame { file: (*file).to_owned(), line: *line };
        FailingTest { id: id.to_owned(), stack: stack.iter().map(frame).collect(), ..FailingTest::default() }
    }

    fn check(tests: &[FailingTest], passing: &[CoveredLines], expected: &[(&[&str], &str)]) {
        let sources =
            vec![("a.py".to_owned(), SOURCE.to_owned()), ("test_a.py".to_owned(), "x = 1\n".to_owned())];
        let input = GroupingInput {
            failing: tests,
            passing,
            sources: &sources,
            is_test_path: &|path| path.starts_with("test_"),
        };
        let groups = group_failures(&input);
        let found: Vec<(Vec<&str>, &str)> = groups
            .iter()
            .map(|group| {
                let prime = group.functions.first().map_or("", |function| function.name.as_str());
                (group.tests.iter().map(String::as_str).collect(), prime)
            })
            .collect();
        let expected: Vec<(Vec<&str>, &str)> =
            expected.iter().map(|(ids, prime)| (ids.to_vec(), *prime)).collect();
        assert_eq!(found, expected);
        assert_eq!(groups, group_failures(&input), "grouping must be deterministic");
    }

    #[test]
    fn a_helper_that_passing_tests_run_parts_no_blame() {
        let tests = [failing("t1", &[2, 5]), failing("t2", &[2, 8]), failing("t3", &[2, 5])];
        check(&tests, &[lines(&[2])], &[(&["t1", "t3"], "first"), (&["t2"], "second")]);
    }

    #[test]
    fn without_passing_tests_the_common_function_is_blamed() {
        let tests = [failing("t1", &[2, 5]), failing("t2", &[2, 8])];
        check(&tests, &[], &[(&["t1", "t2"], "helper")]);
    }

    #[test]
    fn callers_of_a_function_that_fails_its_own_tests_are_folded_into_it() {
        let tests = [failing("mean", &[11]), failing("variance", &[11, 14])];
        check(&tests, &[lines(&[11])], &[(&["mean", "variance"], "mean")]);
    }

    #[test]
    fn import_errors_group_by_where_they_were_raised() {
        let tests = [
            crashed("t1", &[("test_a.py", 1), ("a.py", 3)]),
            crashed("t2", &[("test_a.py", 1), ("a.py", 3)]),
            crashed("t3", &[("test_a.py", 1)]),
            crashed("t4", &[]),
        ];
        check(&tests, &[], &[(&["t1", "t2"], "<module>"), (&["t3", "t4"], "")]);
    }

    #[test]
    fn a_crash_settles_between_equals() {
        let mut test = failing("t1", &[2, 5]);
        test.stack = vec![StackFrame { file: "a.py".into(), line: 5 }];
        check(&[test], &[], &[(&["t1"], "first")]);
    }

    #[test]
    fn nothing_to_group() {
        check(&[], &[], &[]);
    }
}
