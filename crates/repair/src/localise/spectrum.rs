//! Spectrum-based localisation: which lines the failing tests run and the passing ones do not.
//!
//! The formula is Ochiai's (Abreu et al., "An evaluation of similarity coefficients for software fault
//! localization", 2006): `failed(line) / sqrt(all_failed * (failed(line) + passed(line)))`.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::Suspicion;

/// Lines run, by file (repository-relative path; lines from 1).
pub type CoveredLines = BTreeMap<String, BTreeSet<u32>>;

/// What one test ran and how it ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestCoverage {
    /// Whether the test failed.
    pub failed: bool,
    /// The lines it ran.
    pub lines: CoveredLines,
}

/// Line coverage of several tests, some of which failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spectrum {
    /// One entry per test that was run with line recording.
    pub tests: Vec<TestCoverage>,
}

/// How often a line was run.
#[derive(Clone, Copy, Default)]
struct Runs {
    failed: u32,
    passed: u32,
}

/// Scores every line that a failing test ran; the most suspicious lines come near 1.
pub fn ochiai(spectrum: &Spectrum) -> Suspicion {
    let all_failed = spectrum.tests.iter().filter(|test| test.failed).count();
    let mut suspicion = Suspicion::default();
    for (file, lines) in count_runs(spectrum) {
        for (line, runs) in lines {
            suspicion.raise(file, line, coefficient(runs, all_failed));
        }
    }
    suspicion
}

fn count_runs(spectrum: &Spectrum) -> BTreeMap<&str, BTreeMap<u32, Runs>> {
    let mut counts: BTreeMap<&str, BTreeMap<u32, Runs>> = BTreeMap::new();
    for test in &spectrum.tests {
        for (file, lines) in &test.lines {
            let of_file = counts.entry(file).or_default();
            for line in lines {
                let runs = of_file.entry(*line).or_default();
                if test.failed {
                    runs.failed += 1;
                } else {
                    runs.passed += 1;
                }
            }
        }
    }
    counts
}

fn coefficient(runs: Runs, all_failed: usize) -> f64 {
    let failed = f64::from(runs.failed);
    let total = all_failed as f64 * f64::from(runs.failed + runs.passed);
    if failed == 0.0 || total == 0.0 { 0.0 } else { failed / total.sqrt() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(failed: bool, lines: &[u32]) -> TestCoverage {
        TestCoverage { failed, lines: [("a.py".to_owned(), lines.iter().copied().collect())].into() }
    }

    fn scores(tests: Vec<TestCoverage>) -> Vec<(u32, f64)> {
        let suspicion = ochiai(&Spectrum { tests });
        let rounded = |score: f64| (score * 1000.0).round() / 1000.0;
        suspicion.0.get("a.py").into_iter().flatten().map(|(line, score)| (*line, rounded(*score))).collect()
    }

    #[test]
    fn lines_only_the_failing_test_runs_are_certain() {
        let tests = vec![test(true, &[1, 2]), test(false, &[1, 3])];
        assert_eq!(scores(tests), [(1, 0.707), (2, 1.0)]);
    }

    #[test]
    fn one_of_two_failures_counts_less() {
        let tests = vec![test(true, &[1, 2]), test(true, &[1]), test(false, &[4])];
        assert_eq!(scores(tests), [(1, 1.0), (2, 0.707)]);
    }

    #[test]
    fn nothing_failed_means_nothing_is_suspicious() {
        assert_eq!(scores(vec![test(false, &[1, 2])]), []);
        assert_eq!(scores(vec![]), []);
    }
}
