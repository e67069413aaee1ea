//! Observing a check that can only be run as a whole.

use std::sync::Arc;

use smallhands_checks::{TestReport, flaky};
use smallhands_shell_runtime::Runtime;

use super::Observation;
use crate::cancel::CancelToken;
use crate::repair::trials::{Halt, interruptible};
use crate::repair::{AttemptObserver, RepairError};
use crate::validation::{CheckRun, CheckSpec, run_check};

/// Runs the command, and once more when it fails: a test that passes then is flaky.
pub(super) async fn observe(
    runtime: Arc<dyn Runtime>,
    check: &CheckSpec,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<Observation, RepairError> {
    observer.activity(&format!("running `{}`", check.command), 0);
    let first = run(&runtime, check, &cancel).await?;
    let mut notes = remarks(&first, check);
    let mut runs = vec![first.report];
    if runs.iter().any(TestReport::has_failures) && !first.timed_out {
        observer.activity("running it again to see whether the failures are stable", 0);
        let second = run(&runtime, check, &cancel).await?;
        if !second.timed_out {
            runs.push(second.report);
        }
    }
    let flaky: Vec<_> = flaky(&runs).into_iter().collect();
    let mut report = runs.swap_remove(0);
    for test in &flaky {
        let passed =
            runs.iter().filter_map(|run| run.tests.get(test)).find(|result| !result.outcome.is_failure());
        if let Some(passed) = passed {
            report.tests.insert(test.clone(), passed.clone());
        }
    }
    notes.append(&mut report.notes.clone());
    Ok(Observation { report, flaky, mode: "command".into(), notes, ..Observation::default() }.summarised())
}

async fn run(
    runtime: &Arc<dyn Runtime>,
    check: &CheckSpec,
    cancel: &CancelToken,
) -> Result<CheckRun, RepairError> {
    match interruptible(cancel, None, run_check(runtime.clone(), check)).await {
        Ok(run) => Ok(run?),
        Err(Halt::Failed(error)) => Err(error),
        Err(Halt::Ended(_)) => Err(RepairError::Cancelled),
    }
}

fn remarks(run: &CheckRun, check: &CheckSpec) -> Vec<String> {
    match run.timed_out {
        true => vec![format!(
            "`{}` did not end within {} s; give it more time or a narrower command",
            check.command,
            check.timeout.as_secs()
        )],
        false => Vec::new(),
    }
}
