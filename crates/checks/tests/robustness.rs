//! Whatever a check prints, reading it ends, does not panic, and never turns a red check green.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::path::{Path, PathBuf};

use proptest::prelude::*;
use smallhands_checks::{CheckOutput, Framework, MESSAGE_LIMIT, TestReport, classify, compare, parse};

/// One command per framework, and one that says nothing.
const COMMANDS: [&str; 11] = [
    "pytest -v",
    "python3 -m unittest -v",
    "cargo test",
    "cargo nextest run",
    "npm test",
    "node --test",
    "go test ./...",
    "mvn test",
    "gradle test",
    "ctest",
    "./check.sh",
];

fn read(command: &str, exit_code: Option<i32>, timed_out: bool, text: &str) -> TestReport {
    let junit = [text.to_owned()];
    let junit = if text.trim_start().starts_with('<') { &junit[..] } else { &[] };
    let output = CheckOutput {
        command,
        exit_code,
        timed_out,
        stdout: text,
        stderr: text,
        junit,
        root: Some("/home/dev/shop"),
    };
    parse(&output)
}

/// What holds for every report.
fn assert_sound(report: &TestReport, exit_code: Option<i32>, timed_out: bool) {
    assert!(report.counts().total() > 0, "a check is at least one test");
    if exit_code != Some(0) || timed_out {
        assert!(!report.failing().is_empty(), "a red check names a failure");
    }
    for result in report.tests.values() {
        assert!(result.message.as_ref().is_none_or(|message| message.len() <= MESSAGE_LIMIT));
        for frame in &result.frames {
            assert!(!frame.file.starts_with('/') && !frame.file.is_empty(), "{frame:?}");
        }
    }
    let json = serde_json::to_string(report).unwrap();
    assert!(serde_json::from_str::<TestReport>(&json).is_ok());
    let same = compare(report, report);
    assert!(
        same.fixed.is_empty()
            && same.broken.is_empty()
            && same.missing.is_empty()
            && same.newly_failing.is_empty()
    );
}

fn fixtures() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let folders = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let files =
        folders.flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let wanted = files.filter(|path| path.extension().is_some_and(|end| end == "txt" || end == "xml"));
    let mut found: Vec<_> =
        wanted.map(|path| (path.clone(), std::fs::read_to_string(path).unwrap())).collect();
    found.sort();
    found
}

#[test]
fn colours_and_line_ends_make_no_difference() {
    for (path, text) in
        fixtures().into_iter().filter(|(path, _)| path.extension().is_some_and(|end| end == "txt"))
    {
        let coloured: String = text.lines().map(|line| format!("\u{1b}[1;31m{line}\u{1b}[0m\r\n")).collect();
        for command in COMMANDS {
            let (plain, dressed) =
                (read(command, Some(1), false, &text), read(command, Some(1), false, &coloured));
            assert_eq!(plain, dressed, "{} {command}", path.display());
        }
    }
}

#[test]
fn output_cut_anywhere_is_read() {
    for (path, text) in fixtures() {
        let command =
            path.parent().and_then(|folder| folder.file_name()).unwrap().to_string_lossy().into_owned();
        for at in (0..text.len()).step_by(1 + text.len() / 16).filter(|at| text.is_char_boundary(*at)) {
            for (exit_code, timed_out) in [(Some(1), false), (None, false), (Some(0), true)] {
                assert_sound(&read(&command, exit_code, timed_out, &text[..at]), exit_code, timed_out);
                assert_sound(&read(&command, exit_code, timed_out, &text[at..]), exit_code, timed_out);
            }
        }
    }
}

/// Megabytes in forms that make careless readers slow; a reader that is not linear does not come back.
#[test]
fn huge_output_is_read() {
    let size = 3_000_000;
    let numbered = |line: &dyn Fn(usize) -> String| -> String {
        let sample = line(100_000).len() + 1;
        (0..size / sample).map(|number| line(number) + "\n").collect()
    };
    let failures = format!(
        "=== FAILURES ===\n{}=== short test summary info ===\n{}",
        numbered(&|n| format!("___ test_{n} ___\nE   assert {n}")),
        numbered(&|n| format!("FAILED a.py::test_{n} - assert {n}"))
    );
    for (command, text) in [
        ("pytest", failures),
        ("python3 -m unittest -v", numbered(&|n| format!("test_{n} (t.T) ... "))),
        (
            "node --test --test-reporter=spec",
            format!("▶ x\n{}", numbered(&|n| format!("  ✖ test {n} (1ms)"))),
        ),
        ("./check.sh", "x > ".repeat(size / 4)),
        ("npm test", format!("TAP version 13\nok 1 - {}", "a > ".repeat(size / 4))),
        ("go test", numbered(&|n| format!("--- FAIL: Test{n}/a/b (0.00s)"))),
        (
            "junit",
            format!("<testsuites>{}", numbered(&|n| format!("<testcase name='t{n}'><failure/></testcase>"))),
        ),
    ] {
        let junit = if command == "junit" { &[text.clone()][..] } else { &[] };
        let output =
            CheckOutput { command, exit_code: Some(1), stdout: &text, junit, ..CheckOutput::default() };
        assert_sound(&parse(&output), Some(1), false);
    }
}

/// Lines of all recorded runs.
fn recorded_lines() -> Vec<String> {
    fixtures().into_iter().flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read(text in "\\PC{0,400}", command in 0..COMMANDS.len(), code in 0..3i32) {
        assert_sound(&read(COMMANDS[command], Some(code), false, &text), Some(code), false);
    }

    #[test]
    fn any_bytes_are_read(bytes in proptest::collection::vec(any::<u8>(), 0..600), command in 0..COMMANDS.len()) {
        let text = String::from_utf8_lossy(&bytes);
        assert_sound(&read(COMMANDS[command], None, false, &text), None, false);
    }

    #[test]
    fn any_command_line_is_understood(command in "[a-z'\"\\\\ &|;=$()<>-]{0,60}") {
        let _: Framework = classify(&command);
        let itemised = smallhands_checks::itemised(&command);
        prop_assert_eq!(smallhands_checks::itemised(&itemised), itemised.clone(), "asking twice changes nothing");
    }
}

#[test]
fn shuffled_lines_of_real_runs_are_read() {
    let lines = recorded_lines();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 128,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let picks = (proptest::collection::vec(0..lines.len(), 0..120), 0..COMMANDS.len(), any::<bool>());
    let result = runner.run(&picks, |(picks, command, timed_out)| {
        let text: String = picks.iter().map(|at| format!("{}\n", lines[*at])).collect();
        assert_sound(&read(COMMANDS[command], Some(1), timed_out, &text), Some(1), timed_out);
        Ok(())
    });
    result.unwrap();
}
