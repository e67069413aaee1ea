//! The formats of test output, one per module.

use crate::parse::CheckOutput;
use crate::report::{Outcome, TestReport, TestResult};

pub(crate) fn exit_status(output: &CheckOutput<'_>) -> TestReport {
    let outcome = match output.exit_code {
        _ if output.timed_out => Outcome::TimedOut,
        Some(0) => Outcome::Passed,
        Some(_) => Outcome::Failed,
        None => Outcome::Crashed,
    };
    let mut report = TestReport::default();
    report.record(output.command, TestResult::new(outcome));
    report
}
