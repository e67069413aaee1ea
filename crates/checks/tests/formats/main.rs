//! Small pieces of output, each showing one habit of one test runner, and what they must be read as.
//!
//! Whole recorded runs are in `tests/fixtures`; here is what those happen not to contain.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

mod cargo;
mod go;
mod javascript;
mod junit;
mod jvm;
mod native;
mod outcome;
mod pytest;
mod tap;
mod unittest;

use smallhands_checks::{CheckOutput, TestReport, parse};

/// A run to be read: the command, how it ended, and what it printed.
struct Run<'a> {
    command: &'a str,
    exit_code: Option<i32>,
    timed_out: bool,
    stdout: &'a str,
    stderr: &'a str,
    junit: Vec<String>,
}

/// A run that ended with a status.
fn run<'a>(command: &'a str, exit_code: i32, stdout: &'a str) -> Run<'a> {
    Run { command, exit_code: Some(exit_code), timed_out: false, stdout, stderr: "", junit: Vec::new() }
}

impl<'a> Run<'a> {
    fn errors(mut self, stderr: &'a str) -> Self {
        self.stderr = stderr;
        self
    }

    fn junit(mut self, xml: &str) -> Self {
        self.junit.push(xml.to_owned());
        self
    }

    fn stopped(mut self) -> Self {
        (self.exit_code, self.timed_out) = (None, true);
        self
    }

    fn killed(mut self) -> Self {
        self.exit_code = None;
        self
    }

    fn report(&self) -> TestReport {
        parse(&CheckOutput {
            command: self.command,
            exit_code: self.exit_code,
            timed_out: self.timed_out,
            stdout: self.stdout,
            stderr: self.stderr,
            junit: &self.junit,
            root: Some("/w/repo"),
        })
    }
}

/// One line per test: outcome, id, the first line of the message, the frames.
fn shown(report: &TestReport) -> String {
    let mut lines = Vec::new();
    for (id, result) in &report.tests {
        let mut line = format!("{:?} {id}", result.outcome).to_string();
        if let Some(message) = &result.message {
            line += &format!(" | {}", message.lines().next().unwrap_or_default());
        }
        for frame in &result.frames {
            line += &format!(" @{}:{}", frame.file, frame.line);
        }
        lines.push(line);
    }
    let counts = report.unlisted;
    if counts.total() > 0 {
        lines.push(format!("unlisted {} {} {}", counts.passed, counts.failed, counts.skipped));
    }
    lines.extend(report.notes.iter().map(|note| format!("note {note}")));
    lines.join("\n")
}

/// Asserts that `run` is read as `expected`, given as indented lines.
#[track_caller]
fn check(run: Run<'_>, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let found = shown(&run.report());
    if std::env::var_os("SHOW_FOUND").is_some() {
        println!("@@{}\n{found}\n@@", std::panic::Location::caller().line());
        return;
    }
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "\n{found}\n");
}
