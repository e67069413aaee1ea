//! Observing a check that can only be run as a whole.

use smallhands_checks::{Outcome, TestId, TestReport, TestResult, flaky};

use super::Observation;
use crate::cancel::CancelToken;
use crate::repair::baseline::limits;
use crate::repair::trials::{Halt, OpenValidator, Trials, interruptible};
use crate::repair::{AttemptObserver, RepairError};
use crate::validation::{CheckRun, CheckSpec, Ended, RunRequest, StopRule};

/// Takes over the run that opened the validator, and runs the command once more when it failed: a test that passes then is
/// flaky.
pub(super) async fn observe(
    mut opened: Trials,
    validators: &dyn OpenValidator,
    check: &CheckSpec,
    cancel: &CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<Observation, Halt> {
    let validator = opened.validator().await?;
    let tests = validator.tests().to_vec();
    let mut notes: Vec<String> =
        validator.fallback().map(|reason| remark_on_speed(check, reason)).into_iter().collect();
    let request = RunRequest {
        edits: &[],
        tests: &tests,
        limits: limits(check.timeout),
        stop: StopRule::Never,
        trace: false,
    };
    let first = opened.run(request).await?;
    opened.close().await;
    let (mut report, ended) =
        first.map_or((TestReport::default(), Ended::Crashed), |run| (run.report, run.ended));
    notes.extend(report.notes.iter().cloned());
    if ended == Ended::TimedOut {
        notes.push(remark_on_time(check));
    }
    let mut flaky = Vec::new();
    if report.has_failures() && ended != Ended::TimedOut {
        observer.activity("running the check again to see whether its failures are stable", 0);
        let again = interruptible(cancel, None, validators.run_check()).await?.map_err(RepairError::from)?;
        flaky = settle(&mut report, &again);
    }
    Ok(Observation { report, flaky, mode: "command".into(), notes, ..Observation::default() }.summarised())
}

/// Finds the tests that both failed and passed, and counts them as passed.
fn settle(report: &mut TestReport, again: &CheckRun) -> Vec<TestId> {
    let unstable: Vec<TestId> = match again.exit_code {
        // Terse output names no test that passes.
        Some(0) => report.failing(),
        _ if again.timed_out => Vec::new(),
        _ => flaky(&[report.clone(), again.report.clone()]).into_iter().collect(),
    };
    for test in &unstable {
        let passed = again.report.tests.get(test).filter(|result| !result.outcome.is_failure()).cloned();
        report.tests.insert(test.clone(), passed.unwrap_or_else(|| TestResult::new(Outcome::Passed)));
    }
    unstable
}

fn remark_on_speed(check: &CheckSpec, reason: &str) -> String {
    format!("every candidate takes a full run of `{}`: {reason}", check.command)
}

fn remark_on_time(check: &CheckSpec) -> String {
    let seconds = check.timeout.as_secs();
    format!("`{}` did not end within {seconds} s; give it more time or a narrower command", check.command)
}
