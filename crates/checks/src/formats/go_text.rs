//! The console output of `go test`, with `-v` or without.
//!
//! Tests are printed before the line that names their package, so they wait for it. Ids are `package.TestName/sub`; a
//! package that only says `ok` or does not build is one test called like the package.

use std::collections::BTreeMap;

use crate::frames::Dialect;
use crate::report::{Outcome, TestReport, TestResult};

use super::Transcript;
use super::outline::drop_groups_after;

/// Reads both streams: results go to standard output, compiler errors to standard error.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let mut reading = Reading::default();
    for text in [&transcript.stderr, &transcript.stdout] {
        text.lines().for_each(|line| reading.line(line, transcript));
        reading.end_stream(transcript);
    }
    drop_parents(&mut reading.report);
    reading.report
}

#[derive(Default)]
struct Reading<'t> {
    report: TestReport,
    /// Tests of the package being read.
    tests: BTreeMap<&'t str, Account<'t>>,
    /// The test that the lines being read belong to.
    current: Option<&'t str>,
    /// Lines that belong to no test: panics, build output.
    loose: Vec<&'t str>,
    /// Compiler errors by package, from lines after `# package`.
    builds: BTreeMap<&'t str, Vec<&'t str>>,
    building: Option<&'t str>,
}

#[derive(Default)]
struct Account<'t> {
    outcome: Option<Outcome>,
    seconds: Option<f64>,
    lines: Vec<&'t str>,
}

/// The line that ends a package.
struct PackageLine<'t> {
    outcome: Outcome,
    package: &'t str,
    rest: &'t str,
}

/// `ok shop/cart 0.003s`, `FAIL shop/cart [build failed]`, `? shop [no test files]`, with tabs between.
fn package_line(line: &str) -> Option<PackageLine<'_>> {
    let (word, rest) = line.split_once('\t')?;
    let outcome = match word.trim_end() {
        "ok" => Outcome::Passed,
        "FAIL" => Outcome::Failed,
        "?" | "---" => Outcome::Skipped,
        _ => return None,
    };
    let (package, rest) = rest.split_once(['\t', ' ']).unwrap_or((rest, ""));
    Some(PackageLine { outcome, package, rest })
}

/// `    --- FAIL: TestTotal/two (0.00s)`
fn result_line(line: &str) -> Option<(Outcome, &str, Option<f64>)> {
    let rest = line.trim_start().strip_prefix("--- ")?;
    let (word, rest) = rest.split_once(": ")?;
    let outcome = match word {
        "PASS" => Outcome::Passed,
        "FAIL" => Outcome::Failed,
        "SKIP" => Outcome::Skipped,
        _ => return None,
    };
    let (name, time) = rest.rsplit_once(" (").unwrap_or((rest, ""));
    Some((outcome, name, time.trim_end_matches("s)").parse().ok()))
}

impl<'t> Reading<'t> {
    fn line(&mut self, line: &'t str, transcript: &Transcript<'_>) {
        if let Some(name) = line.strip_prefix("=== RUN ").or_else(|| line.strip_prefix("=== CONT ")) {
            self.turn_to(name.trim());
        } else if let Some(name) = line.strip_prefix("=== NAME ").or_else(|| line.strip_prefix("=== PAUSE "))
        {
            self.turn_to(name.trim());
        } else if let Some((outcome, name, seconds)) = result_line(line) {
            let account = self.turn_to(name);
            account.outcome = Some(outcome);
            account.seconds = seconds;
        } else if let Some(package) = package_line(line) {
            self.close(package, transcript);
        } else if let Some(package) = line.strip_prefix("# ") {
            self.building = package.split(' ').next();
        } else if let Some(package) = self.building.filter(|_| !line.is_empty() && !line.starts_with("===")) {
            self.builds.entry(package).or_default().push(line);
        } else if !matches!(line, "PASS" | "FAIL") {
            match self.current.and_then(|name| self.tests.get_mut(name)) {
                Some(account) => account.lines.push(line),
                None => self.loose.push(line),
            }
        }
    }

    fn turn_to(&mut self, name: &'t str) -> &mut Account<'t> {
        self.current = Some(name);
        self.building = None;
        self.tests.entry(name).or_default()
    }

    /// Records the tests of a package, or the package where no test says how it ended.
    fn close(&mut self, line: PackageLine<'t>, transcript: &Transcript<'_>) {
        let tests = std::mem::take(&mut self.tests);
        let loose = std::mem::take(&mut self.loose);
        self.current = None;
        self.building = None;
        let explained = match line.outcome {
            Outcome::Failed => tests.values().any(|test| test.outcome.is_none_or(Outcome::is_failure)),
            Outcome::Skipped => true,
            _ => !tests.is_empty(),
        };
        for (name, account) in tests {
            self.report.record(format!("{}.{name}", line.package), account.result(transcript));
        }
        if !explained {
            let lines = self.builds.remove(line.package).unwrap_or(loose);
            let unbuilt = line.rest.contains("failed]");
            let outcome = if unbuilt { Outcome::Errored } else { line.outcome };
            let account = Account { outcome: Some(outcome), seconds: None, lines };
            self.report.record(line.package, account.result(transcript));
        }
    }

    /// Tests whose package never came to its end.
    fn end_stream(&mut self, transcript: &Transcript<'_>) {
        for (name, account) in std::mem::take(&mut self.tests) {
            // Without `=== RUN` or a package these may be some other tool's lines.
            if is_test_name(name) {
                self.report.record(name, account.result(transcript));
            }
        }
        self.current = None;
        self.building = None;
        self.loose.clear();
    }
}

fn is_test_name(name: &str) -> bool {
    ["Test", "Benchmark", "Example", "Fuzz"].iter().any(|start| name.starts_with(start))
}

impl Account<'_> {
    fn result(&self, transcript: &Transcript<'_>) -> TestResult {
        let text = self.lines.join("\n");
        let outcome = match self.outcome {
            Some(Outcome::Failed) | None => crash_outcome(&text).or(self.outcome),
            known => known,
        };
        let outcome = outcome.unwrap_or_else(|| transcript.unfinished());
        let result = TestResult::new(outcome).with_duration(self.seconds.map(|seconds| seconds * 1000.0));
        if outcome == Outcome::Passed {
            return result;
        }
        result.with_message(&message(&text)).with_frames(Dialect::Go.frames(&text, &transcript.place))
    }
}

/// How a test ended whose output shows that its process died.
pub(super) fn crash_outcome(output: &str) -> Option<Outcome> {
    if output.contains("panic: test timed out after") {
        Some(Outcome::TimedOut)
    } else if output.contains("panic: ") || output.contains("fatal error: ") {
        Some(Outcome::Crashed)
    } else {
        None
    }
}

/// What a test logged, without the runner's own lines and the goroutine stacks.
pub(super) fn message(output: &str) -> String {
    let spoken = output.split("\ngoroutine ").next().unwrap_or(output);
    let own = ["=== ", "--- ", "FAIL", "PASS", "exit status"];
    let kept = spoken.lines().filter(|line| !own.iter().any(|start| line.trim_start().starts_with(start)));
    kept.map(str::trim_end).collect::<Vec<_>>().join("\n")
}

/// Removes tests that fail only because a sub-test does. Slashes in the path of a package separate nothing.
pub(super) fn drop_parents(report: &mut TestReport) {
    let name_start = |id: &str| [".Test", ".Fuzz", ".Benchmark"].iter().find_map(|start| id.find(start));
    drop_groups_after(report, "/", |id| name_start(id).unwrap_or(id.len()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_end_tests_and_packages() {
        assert_eq!(
            result_line("    --- FAIL: TestA/b c (0.25s)"),
            Some((Outcome::Failed, "TestA/b c", Some(0.25)))
        );
        assert_eq!(result_line("--- SKIP: TestA (0.00s)"), Some((Outcome::Skipped, "TestA", Some(0.0))));
        assert_eq!(result_line("--- DONE: x"), None);
        for (line, expected) in [
            ("ok  \tx/shop\t0.1s", Some((Outcome::Passed, "x/shop"))),
            ("ok  \tx/shop\t(cached)", Some((Outcome::Passed, "x/shop"))),
            ("FAIL\tx/shop [build failed]", Some((Outcome::Failed, "x/shop"))),
            ("?   \tx/shop\t[no test files]", Some((Outcome::Skipped, "x/shop"))),
            ("FAIL", None),
            ("okay\tthen", None),
        ] {
            assert_eq!(package_line(line).map(|line| (line.outcome, line.package)), expected, "{line}");
        }
    }

    #[test]
    fn panics_end_the_process_and_time_limits_are_panics() {
        assert_eq!(crash_outcome("panic: boom\n"), Some(Outcome::Crashed));
        assert_eq!(
            crash_outcome("fatal error: all goroutines are asleep - deadlock!"),
            Some(Outcome::Crashed)
        );
        assert_eq!(crash_outcome("panic: test timed out after 1s"), Some(Outcome::TimedOut));
        assert_eq!(crash_outcome("x_test.go:3: no"), None);
    }

    #[test]
    fn messages_leave_out_the_runners_lines_and_the_stacks() {
        for (output, expected) in [
            ("=== RUN x\n    a_test.go:3: no\n--- FAIL: x\n", "    a_test.go:3: no"),
            ("panic: boom\n\ngoroutine 7 [running]:\nx", "panic: boom"),
            ("", ""),
        ] {
            assert_eq!(message(output), expected);
        }
    }
}
