//! What the tests do to the code as it is: the facts that everything else in a repair is decided by.
//!
//! With a warm interpreter every test is run on its own and traced, first with a tight time limit, since most tests are quick
//! and those that are not are usually the ones with the fault. A plain command is run as it is, and once more when it fails.

mod command;
mod crew;
mod survey;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallhands_checks::{TestId, TestReport};
use smallhands_repair::CoveredLines;
use smallhands_shell_runtime::Runtime;

use super::trials::{Halt, OpenValidator, RuntimeValidators, Trials, runs_the_whole_check};
use super::{AttemptObserver, RepairError};
use crate::cancel::CancelToken;
use crate::validation::CheckSpec;

/// An interpreter more is only started for this many tests.
const TESTS_PER_MEMBER: usize = 24;

/// What a check says about the code as it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    /// The final outcome of every test: a test that failed once and then passed counts as passed, and is listed as flaky.
    pub report: TestReport,
    /// The lines each test ran, where they could be recorded.
    pub coverage: BTreeMap<TestId, CoveredLines>,
    /// Tests that both passed and failed; nothing can be concluded from them.
    pub flaky: Vec<TestId>,
    /// How the tests were run: the validator's kind.
    pub mode: String,
    /// Duration of the slowest test that passed.
    pub slowest_pass: Duration,
    /// Remarks for people.
    pub notes: Vec<String>,
}

/// Runs the whole check on the code as it is, with at most `jobs` interpreters side by side.
///
/// # Errors
/// When the tests cannot be run at all, or the work was cancelled.
pub async fn observe(
    runtime: Arc<dyn Runtime>,
    check: &CheckSpec,
    jobs: usize,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<Observation, RepairError> {
    let validators = Arc::new(RuntimeValidators { runtime, check: check.clone() });
    observe_with(validators, check, jobs, cancel, observer).await
}

/// [`observe()`] with validators that are given.
///
/// # Errors
/// As [`observe()`].
pub async fn observe_with(
    validators: Arc<dyn OpenValidator>,
    check: &CheckSpec,
    jobs: usize,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<Observation, RepairError> {
    observe_through(validators, check, jobs, cancel, observer).await.map_err(|halt| match halt {
        Halt::Failed(error) => error,
        Halt::Ended(_) => RepairError::Cancelled,
    })
}

async fn observe_through(
    validators: Arc<dyn OpenValidator>,
    check: &CheckSpec,
    jobs: usize,
    cancel: CancelToken,
    observer: &dyn AttemptObserver,
) -> Result<Observation, Halt> {
    observer.activity("collecting the tests", 0);
    let member = || Trials::new(validators.clone(), Vec::new(), None, cancel.clone());
    let mut first = member();
    let validator = first.validator().await?;
    if runs_the_whole_check(validator) {
        return command::observe(first, &*validators, check, &cancel, observer).await;
    }
    let more = jobs.max(1).min(1 + validator.tests().len() / TESTS_PER_MEMBER) - 1;
    let members = std::iter::once(first).chain((0..more).map(|_| member())).collect();
    survey::observe(members, check, observer).await
}

impl Observation {
    /// Fills in what follows from the report.
    fn summarised(mut self) -> Self {
        let passing = self.report.tests.values().filter(|result| !result.outcome.is_failure());
        let slowest = passing.filter_map(|result| result.duration_ms).fold(0.0, f64::max);
        self.slowest_pass = Duration::try_from_secs_f64(slowest / 1000.0).unwrap_or_default();
        if let Some(first) = self.flaky.first() {
            self.notes.push(format!(
                "{} flaky test(s), such as {first}: they failed once and passed once, and are left out of the repair",
                self.flaky.len()
            ));
        }
        self
    }
}
