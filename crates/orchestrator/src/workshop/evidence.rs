//! From an observation to what a search needs: suspicious lines, files to edit, tests to keep green.

use std::collections::{BTreeMap, BTreeSet};

use smallhands_agent::repair::Observation;
use smallhands_checks::{TestId, is_test_path};
use smallhands_repair::{Spectrum, StackFrame, Suspicion, TestCoverage, from_evidence, language_of};
use smallhands_shell_runtime::Runtime;

/// Suspicion left to source files when neither coverage nor a stack trace points anywhere.
const FAINT: f64 = 0.05;
/// Source files looked at in one observation.
const MAX_SOURCES: usize = 500;
/// Larger files are generated or data, and not worth parsing.
const MAX_SOURCE_BYTES: usize = 1 << 20;

/// Whether a file may be edited by the repair search: source code in a known language that is not a test.
#[must_use]
pub fn is_editable(path: &str) -> bool {
    language_of(path).is_some() && !is_test_path(path)
}

/// Suspicious lines for a group of failing tests: by coverage where there is some, and by stack traces.
#[must_use]
pub fn suspicion(observation: &Observation, failing: &[TestId], sources: &[(String, String)]) -> Suspicion {
    let group: BTreeSet<&TestId> = failing.iter().collect();
    let passing = observation.report.passing();
    let tests = passing
        .iter()
        .map(|test| (test, false))
        .chain(group.iter().map(|test| (*test, true)))
        .filter_map(|(test, failed)| {
            observation.coverage.get(test).map(|lines| TestCoverage { failed, lines: lines.clone() })
        })
        .collect();
    let stacks: Vec<Vec<StackFrame>> = group.iter().map(|test| stack(observation, test)).collect();
    from_evidence(&Spectrum { tests }, &stacks, sources).without(&|path| !is_editable(path))
}

/// Where nothing points anywhere, every line of every source file is faintly suspicious.
#[must_use]
pub fn faint_suspicion(sources: &[(String, String)]) -> Suspicion {
    let mut all = Suspicion::uniform(sources);
    for lines in all.0.values_mut() {
        lines.values_mut().for_each(|score| *score = FAINT);
    }
    all
}

/// The stack trace of a failing test, innermost frame last; empty when there is none.
#[must_use]
pub fn stack(observation: &Observation, test: &TestId) -> Vec<StackFrame> {
    let frames =
        observation.report.tests.get(test).map(|result| result.frames.as_slice()).unwrap_or_default();
    frames.iter().map(|frame| StackFrame { file: frame.file.clone(), line: frame.line }).collect()
}

/// Passing tests that run the given files, those that run most of the suspicious lines first; where there is no coverage,
/// all passing tests.
#[must_use]
pub fn guards(observation: &Observation, files: &[String], suspicion: &Suspicion) -> Vec<TestId> {
    let passing = observation.report.passing();
    if observation.coverage.is_empty() {
        return passing;
    }
    let mut ranked: Vec<(f64, TestId)> = passing
        .into_iter()
        .filter_map(|test| {
            let lines = observation.coverage.get(&test)?;
            files.iter().any(|file| lines.contains_key(file)).then(|| (weight(lines, suspicion), test))
        })
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
    ranked.into_iter().map(|(_, test)| test).collect()
}

fn weight(lines: &BTreeMap<String, BTreeSet<u32>>, suspicion: &Suspicion) -> f64 {
    lines.iter().flat_map(|(file, lines)| lines.iter().map(move |line| suspicion.line(file, *line))).sum()
}

/// Tests, of any outcome, that run the given files; where there is no coverage, all tests.
#[must_use]
pub fn touched_by(observation: &Observation, files: &[String]) -> Vec<TestId> {
    if observation.coverage.is_empty() {
        return observation.report.tests.keys().cloned().collect();
    }
    observation
        .coverage
        .iter()
        .filter(|(_, lines)| files.iter().any(|file| lines.contains_key(file)))
        .map(|(test, _)| test.clone())
        .collect()
}

/// Source files that tests were seen to run or to fail in.
#[must_use]
pub fn observed_files(observation: &Observation) -> Vec<String> {
    let covered = observation.coverage.values().flat_map(BTreeMap::keys);
    let traced =
        observation.report.tests.values().flat_map(|result| result.frames.iter().map(|frame| &frame.file));
    let files: BTreeSet<&String> = covered.chain(traced).collect();
    files.into_iter().cloned().collect()
}

/// The texts of those of `paths` that may be edited, as far as they can be read; at most [`MAX_SOURCES`].
pub async fn sources(runtime: &dyn Runtime, paths: Vec<String>) -> Vec<(String, String)> {
    let mut sources = Vec::new();
    for path in paths.into_iter().filter(|path| is_editable(path)).take(MAX_SOURCES) {
        let text = runtime.read_file(&path).await.ok().filter(|bytes| bytes.len() <= MAX_SOURCE_BYTES);
        if let Some(text) = text.and_then(|bytes| String::from_utf8(bytes).ok()) {
            sources.push((path, text));
        }
    }
    sources
}

/// Files that a git diff changes; binary, empty and moved ones are only named in its headers.
#[must_use]
pub fn files_of(diff: &str) -> Vec<String> {
    let named = diff.lines().filter_map(|line| {
        line.strip_prefix("+++ b/")
            .or_else(|| line.strip_prefix("--- a/"))
            .or_else(|| of_header(line))
            .or_else(|| line.strip_prefix("rename to "))
    });
    let files: BTreeSet<&str> = named.map(|path| path.split('\t').next().unwrap_or(path)).collect();
    files.into_iter().map(str::to_owned).collect()
}

/// The file of a header `diff --git a/PATH b/PATH`.
fn of_header(line: &str) -> Option<&str> {
    let both = line.strip_prefix("diff --git a/")?;
    let length = both.len().checked_sub(" b/".len())? / 2;
    let (path, rest) = both.split_at_checked(length)?;
    (rest.strip_prefix(" b/") == Some(path)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_checks::{Outcome, TestReport, TestResult};

    fn observation(tests: &[(&str, Outcome, &[u32])]) -> Observation {
        let mut report = TestReport::default();
        let mut coverage = BTreeMap::new();
        for (name, outcome, lines) in tests {
            report.record(*name, TestResult::new(*outcome));
            let lines = lines.iter().copied().collect();
            coverage.insert(TestId::new(*name), BTreeMap::from([("m.py".to_owned(), lines)]));
        }
        Observation { report, coverage, ..Observation::default() }
    }

    fn ids(names: &[&str]) -> Vec<TestId> {
        names.iter().map(|name| TestId::new(*name)).collect()
    }

    #[test]
    fn lines_of_the_failing_group_are_suspicious_and_other_failures_do_not_count() {
        let seen = observation(&[
            ("good", Outcome::Passed, &[1, 2]),
            ("bad", Outcome::Failed, &[1, 3]),
            ("other", Outcome::Failed, &[1, 9]),
        ]);
        let suspicion = suspicion(&seen, &ids(&["bad"]), &[]);
        assert_eq!(suspicion.line("m.py", 3), 1.0);
        assert_eq!(suspicion.line("m.py", 9), 0.0);
        assert!(suspicion.line("m.py", 1) < 1.0);
    }

    #[test]
    fn guards_are_the_passing_tests_that_run_the_suspects() {
        let mut seen = observation(&[
            ("near", Outcome::Passed, &[3, 4]),
            ("far", Outcome::Passed, &[1]),
            ("bad", Outcome::Failed, &[1, 3]),
        ]);
        seen.coverage
            .insert(TestId::new("far"), BTreeMap::from([("other.py".to_owned(), BTreeSet::from([1]))]));
        let suspicion = suspicion(&seen, &ids(&["bad"]), &[]);
        assert_eq!(guards(&seen, &["m.py".into()], &suspicion), ids(&["near"]));
        assert_eq!(touched_by(&seen, &["other.py".into()]), ids(&["far"]));
    }

    #[test]
    fn without_coverage_every_passing_test_is_a_guard() {
        let mut seen = observation(&[("a", Outcome::Passed, &[]), ("b", Outcome::Failed, &[])]);
        seen.coverage.clear();
        assert_eq!(guards(&seen, &["m.py".into()], &Suspicion::default()), ids(&["a"]));
        assert_eq!(touched_by(&seen, &["m.py".into()]), ids(&["a", "b"]));
    }

    #[test]
    fn tests_and_unknown_languages_are_not_edited() {
        for (path, editable) in [("a/b.py", true), ("tests/test_b.py", false), ("README.md", false)] {
            assert_eq!(is_editable(path), editable, "{path}");
        }
    }

    #[test]
    fn a_diff_names_its_files() {
        let diff =
            "--- a/x.py\n+++ b/x.py\n@@ -1 +1 @@\n-a\n+b\n--- /dev/null\n+++ b/new.py\n@@ -0,0 +1 @@\n+c\n";
        assert_eq!(files_of(diff), ["new.py", "x.py"]);
        let binary = "diff --git a/d/a b.gz b/d/a b.gz\nnew file mode 100644\nindex 0..1\nGIT binary patch\nliteral 3\nKcmZ\n";
        assert_eq!(files_of(binary), ["d/a b.gz"], "a file without lines");
        assert_eq!(files_of("diff --git a/x b/y\nrename from x\nrename to y\n"), ["y"]);
    }
}
