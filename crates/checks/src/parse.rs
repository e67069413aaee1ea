//! From the output of a check to a report of its tests.

use crate::formats;
use crate::report::TestReport;

/// What one run of a check left behind.
#[derive(Clone, Copy, Debug, Default)]
pub struct CheckOutput<'a> {
    /// The command as it was given to the shell.
    pub command: &'a str,
    /// The exit status; nothing where a signal ended it.
    pub exit_code: Option<i32>,
    /// Whether it was stopped because its time was up.
    pub timed_out: bool,
    /// Standard output, possibly cut.
    pub stdout: &'a str,
    /// Standard error, possibly cut.
    pub stderr: &'a str,
    /// The contents of the JUnit XML files this run wrote.
    pub junit: &'a [String],
    /// The absolute path of the repository as the check saw it, so that absolute paths in stack traces can be made
    /// relative; without it such frames are dropped.
    pub root: Option<&'a str>,
}

/// Reads every format of test output that it recognises in `output`.
///
/// Never fails: a check whose tests cannot be seen one by one becomes one test named after the command. A red check
/// always has at least one failing test, and a check that ran nothing is not counted as passed.
pub fn parse(output: &CheckOutput<'_>) -> TestReport {
    formats::exit_status(output)
}
