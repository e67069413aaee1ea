//! Recorded output of real test runners, and what it must be read as.
//!
//! `tests/fixtures/<format>/<name>.txt` is what went to standard output, `<name>.stderr.txt` to standard error,
//! `<name>.xml` a JUnit file; `<name>.expected` is the report, one line per test. Run with `UPDATE_EXPECTED=1` to
//! write the expected files anew, and read the difference before committing it.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use smallhands_checks::{CheckOutput, Outcome, TestReport, TestResult, parse};

/// The end of a recorded run.
enum End {
    Exit(i32),
    Timeout,
    Signal,
}
use End::*;

/// Every recorded run: its files, the command, and how it ended.
const RUNS: &[(&str, &str, End)] = &[
    ("pytest/verbose", "python3 -m pytest -v", Exit(1)),
    ("pytest/very_verbose", "python3 -m pytest -vv", Exit(1)),
    ("pytest/quiet", "pytest -q", Exit(1)),
    ("pytest/plain", "tox", Exit(1)),
    ("pytest/short_tracebacks", "pytest -vv --tb=short", Exit(1)),
    ("pytest/native_tracebacks", "pytest -q --tb=native", Exit(1)),
    ("pytest/summary_of_all", "pytest -rA -q --tb=line", Exit(1)),
    ("pytest/collection_errors", "pytest", Exit(2)),
    ("pytest/hang", "pytest -v", Timeout),
    ("pytest/hang_terse", "pytest", Timeout),
    ("unittest/verbose", "python3 -m unittest -v", Exit(1)),
    ("unittest/verbose_python38", "python3 -m unittest -v", Exit(1)),
    ("unittest/verbose_python313", "python3 -m unittest -v", Exit(1)),
    ("unittest/dots", "python3 -m unittest", Exit(1)),
    ("unittest/hang", "python3 -m unittest discover -v", Timeout),
    ("unittest/crash", "python3 -m unittest discover -v", Exit(134)),
    ("unittest/nothing", "python3 -m unittest discover", Exit(0)),
    ("tap/node", "node --test", Exit(1)),
    ("tap/npm", "npm test", Exit(1)),
    ("tap/hang", "node --test", Timeout),
    ("node_spec/node20", "node --test --test-reporter=spec", Exit(1)),
    ("cargo_test/streams", "cargo test --no-fail-fast", Exit(101)),
    ("cargo_test/merged", "cargo test --no-fail-fast 2>&1", Exit(101)),
    ("cargo_test/backtrace", "cargo test --lib", Exit(101)),
    ("cargo_test/quiet", "cargo test -q", Exit(101)),
    ("cargo_test/hang", "cargo test -- --test-threads=1", Timeout),
    ("cargo_test/abort", "cargo test -- --test-threads=1", Exit(101)),
    ("cargo_test/compile_error", "cargo test", Exit(101)),
    ("nextest/run", "cargo nextest run --no-fail-fast", Exit(100)),
    ("nextest/timeout_and_abort", "cargo nextest run --no-fail-fast", Exit(100)),
    ("nextest/compile_error", "cargo nextest run", Exit(101)),
    ("jest/verbose", "npx jest --verbose", Exit(1)),
    ("jest/terse", "npm test", Exit(1)),
    ("mocha/spec", "npx mocha", Exit(4)),
    ("vitest/default", "npx vitest run", Exit(1)),
    ("vitest/verbose", "npm test", Exit(1)),
    ("junit/pytest", "pytest -q --junitxml=report.xml", Exit(1)),
    ("junit/node", "node --test --test-reporter=junit", Exit(1)),
    ("junit/nextest", "cargo nextest run", Exit(100)),
    ("junit/vitest", "npx vitest run", Exit(1)),
    ("junit/jest", "npx jest --reporters=jest-junit", Exit(1)),
    ("junit/surefire", "mvn -q test", Exit(1)),
    ("junit/gradle", "./gradlew test", Exit(1)),
    ("junit/gtest", "make test", Exit(2)),
    ("junit/cut", "pytest --junitxml=report.xml", Signal),
    ("go_text/verbose", "go test -v ./...", Exit(1)),
    ("go_text/terse", "go test ./...", Exit(1)),
    ("go_text/timeout", "go test -v -timeout 1s ./...", Exit(1)),
    ("go_json/run", "go test -json ./...", Exit(1)),
    ("surefire/run", "mvn -B test", Exit(1)),
    ("surefire/compile_error", "mvn -B test", Exit(1)),
    ("gradle/run", "gradle test", Exit(1)),
    ("ctest/run", "ctest --output-on-failure", Exit(8)),
    ("ctest/hang", "make test", Timeout),
    ("gtest/run", "./run-tests", Exit(139)),
    ("tap/prove", "prove -v", Exit(1)),
    ("tap/subtests", "./run-tests", Exit(1)),
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

fn read(name: &str, ending: &str) -> Option<String> {
    std::fs::read_to_string(folder().join(format!("{name}{ending}"))).ok()
}

fn report(name: &str, command: &str, end: &End) -> TestReport {
    let (stdout, stderr) = (read(name, ".txt"), read(name, ".stderr.txt"));
    let junit: Vec<String> = read(name, ".xml").into_iter().collect();
    assert!(stdout.is_some() || stderr.is_some() || !junit.is_empty(), "no fixture for {name}");
    parse(&CheckOutput {
        command,
        exit_code: if let Exit(code) = end { Some(*code) } else { None },
        timed_out: matches!(end, Timeout),
        stdout: &stdout.unwrap_or_default(),
        stderr: &stderr.unwrap_or_default(),
        junit: &junit,
        root: Some("/home/dev/shop"),
    })
}

fn shown(report: &TestReport) -> String {
    let mut text = String::new();
    for (id, result) in &report.tests {
        writeln!(text, "{:<9} {id}", outcome(result.outcome)).unwrap();
        write_details(&mut text, result);
    }
    if report.unlisted.total() > 0 {
        let counts = report.unlisted;
        writeln!(
            text,
            "unlisted  {} passed, {} failed, {} skipped",
            counts.passed, counts.failed, counts.skipped
        )
        .unwrap();
    }
    for note in &report.notes {
        writeln!(text, "note      {note}").unwrap();
    }
    text
}

fn outcome(outcome: Outcome) -> String {
    format!("{outcome:?}").to_lowercase()
}

fn write_details(text: &mut String, result: &TestResult) {
    if let Some(message) = &result.message {
        let shown: Vec<&str> = message.lines().filter(|line| !line.trim().is_empty()).take(2).collect();
        writeln!(text, "          | {}", shown.join(" / ").chars().take(150).collect::<String>()).unwrap();
    }
    for frame in &result.frames {
        let function = frame.function.as_deref().unwrap_or("?");
        writeln!(text, "          @ {}:{} {function}", frame.file, frame.line).unwrap();
    }
}

#[test]
fn recorded_output_is_read_as_expected() {
    let update = std::env::var_os("UPDATE_EXPECTED").is_some();
    let mut wrong = String::new();
    for (name, command, end) in RUNS {
        let found = shown(&report(name, command, end));
        if update {
            std::fs::write(folder().join(format!("{name}.expected")), &found).unwrap();
        } else if read(name, ".expected").as_deref() != Some(found.as_str()) {
            writeln!(wrong, "== {name}\n{found}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "these are read differently now:\n{wrong}");
}
