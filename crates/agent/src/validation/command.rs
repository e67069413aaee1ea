//! The validator that runs the plain command: edits are written to the disk of the copy, the command is run, the files are
//! put back.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use smallhands_checks::{Outcome, TestId, TestReport, TestResult, itemised};
use smallhands_repair::Edit;
use smallhands_shell_runtime::Runtime;
use tokio::time::Instant;

use super::check::{CheckRun, Plain};
use super::error::ValidationError;
use super::hook::Hook;
use super::narrow::narrowed;
use super::placed::Originals;
use super::request::{CheckSpec, Ended, RunOutcome, RunRequest, Validator};

/// A candidate may take this many times as long as the code as it is.
const PATIENCE: u32 = 4;

/// Plain runs of one check with candidate edits.
pub(super) struct PlainRuns {
    runtime: Arc<dyn Runtime>,
    check: CheckSpec,
    hook: Option<Hook>,
    /// How long the whole command took on the code as it is.
    usual: Option<Duration>,
    tried: BTreeMap<Vec<(String, Vec<u8>)>, Vec<Edit>>,
}

impl PlainRuns {
    pub(super) fn new(runtime: Arc<dyn Runtime>, check: CheckSpec) -> Self {
        Self { runtime, check, hook: None, usual: None, tried: BTreeMap::new() }
    }

    /// Answers a request. The files are as before afterwards, also when it is cancelled (see [`Originals`]).
    pub(super) async fn run(
        &mut self,
        request: &RunRequest<'_>,
        originals: &mut Originals,
    ) -> Result<RunOutcome, ValidationError> {
        let began = Instant::now();
        originals.restore().await?;
        originals.remember(request.edits).await?;
        let edited = originals.edited(request.edits);
        if !request.edits.is_empty()
            && (originals.unchanged_by(&edited) || self.tried_before(&edited, request.edits))
        {
            return Ok(RunOutcome::without_run(Ended::Duplicate, began.elapsed()));
        }
        originals.mark(request.edits);
        let run = match originals.place(&edited).await {
            Ok(()) => self.run_tests(request).await,
            Err(error) => Err(error),
        };
        originals.restore().await?;
        let run = run?;
        Ok(RunOutcome {
            ended: if run.timed_out { Ended::TimedOut } else { how_it_ended(&run.report) },
            report: only_asked_for(run, request.tests, &self.check.command),
            coverage: BTreeMap::new(),
            spent: began.elapsed(),
        })
    }

    /// Whether other edits gave the very same files.
    fn tried_before(&mut self, edited: &BTreeMap<String, Vec<u8>>, edits: &[Edit]) -> bool {
        let key = edited.iter().map(|(file, data)| (file.clone(), data.clone())).collect();
        self.tried.entry(key).or_insert_with(|| edits.to_vec()) != edits
    }

    /// The fewest tests that can be had: a narrower command first, the whole one where that does not run all that was asked.
    async fn run_tests(&mut self, request: &RunRequest<'_>) -> Result<CheckRun, ValidationError> {
        let command = itemised(&self.check.command);
        if let Some(narrower) = narrowed(&command, self.check.framework, request.tests) {
            let run = self.plain(&narrower, &[]).await?;
            if run.timed_out || request.tests.iter().all(|test| run.report.tests.contains_key(test)) {
                return Ok(run);
            }
        }
        self.plain(&command, request.tests).await
    }

    async fn plain(&mut self, command: &str, only: &[TestId]) -> Result<CheckRun, ValidationError> {
        let timeout = self.usual.map_or(self.check.timeout, |usual| {
            (usual * PATIENCE + Duration::from_secs(10)).min(self.check.timeout)
        });
        if self.hook.is_none() {
            self.hook = Some(Hook::install(Arc::clone(&self.runtime)).await?);
        }
        let Some(hook) = &self.hook else { return Err(ValidationError::NoHook { output: String::new() }) };
        let plain = Plain { runtime: &self.runtime, hook, framework: self.check.framework };
        plain.run(command, timeout, only).await
    }

    pub(super) async fn close(self) {
        if let Some(hook) = self.hook {
            hook.remove().await;
        }
    }
}

/// The worst that happened to a test.
fn how_it_ended(report: &TestReport) -> Ended {
    let any = |outcome| report.tests.values().any(|result| result.outcome == outcome);
    if any(Outcome::TimedOut) {
        Ended::TimedOut
    } else if any(Outcome::Crashed) {
        Ended::Crashed
    } else {
        Ended::Completed
    }
}

/// The part of a report that answers a request. A test that is missing takes the result of the check as a whole, if that
/// failed: a program that does not compile runs none of its tests.
fn only_asked_for(run: CheckRun, tests: &[TestId], command: &str) -> TestReport {
    let mut report = run.report;
    let red = run.timed_out || run.exit_code != Some(0);
    let whole = report.tests.get(&TestId::new(command)).filter(|result| result.outcome.is_failure()).cloned();
    let excuse = whole.or_else(|| {
        red.then(|| report.tests.values().find(|result| result.outcome.is_failure()).cloned())?
    });
    let wanted: Vec<(TestId, TestResult)> = tests
        .iter()
        .filter_map(|test| {
            let found = report.tests.get(test).cloned();
            let missing = || {
                excuse
                    .clone()
                    .map(|result| TestResult { outcome: Outcome::Errored.max(result.outcome), ..result })
            };
            Some((test.clone(), found.or_else(missing)?))
        })
        .collect();
    report.tests = wanted.into_iter().collect();
    report
}

/// See the module.
pub(super) struct CommandValidator {
    runs: PlainRuns,
    originals: Originals,
    as_it_is: CheckRun,
    tests: Vec<TestId>,
    no_errors: TestReport,
    fallback: Option<String>,
}

impl CommandValidator {
    /// Runs the command once as it is, to learn its tests.
    pub(super) async fn open(
        runtime: Arc<dyn Runtime>,
        check: &CheckSpec,
        only: &[TestId],
        fallback: Option<String>,
    ) -> Result<Self, ValidationError> {
        let mut runs = PlainRuns::new(Arc::clone(&runtime), check.clone());
        let as_it_is = runs.plain(&itemised(&check.command), only).await?;
        runs.usual = (!as_it_is.timed_out).then_some(as_it_is.wall);
        Ok(Self {
            runs,
            originals: Originals::new(runtime),
            tests: as_it_is.report.tests.keys().cloned().collect(),
            as_it_is,
            no_errors: TestReport::default(),
            fallback,
        })
    }

    /// The run that opened the validator answers the first question about the code as it is.
    fn known(&self, request: &RunRequest<'_>) -> Option<RunOutcome> {
        let listed = |test| self.as_it_is.report.tests.contains_key(test);
        (request.edits.is_empty() && request.tests.iter().all(listed)).then(|| RunOutcome {
            ended: if self.as_it_is.timed_out {
                Ended::TimedOut
            } else {
                how_it_ended(&self.as_it_is.report)
            },
            report: only_asked_for(self.as_it_is.clone(), request.tests, &self.runs.check.command),
            coverage: BTreeMap::new(),
            spent: Duration::ZERO,
        })
    }
}

#[async_trait]
impl Validator for CommandValidator {
    fn kind(&self) -> &'static str {
        "command"
    }

    fn tests(&self) -> &[TestId] {
        &self.tests
    }

    fn collection_errors(&self) -> &TestReport {
        &self.no_errors
    }

    fn fallback(&self) -> Option<&str> {
        self.fallback.as_deref()
    }

    async fn run(&mut self, request: RunRequest<'_>) -> Result<RunOutcome, ValidationError> {
        match self.known(&request) {
            Some(outcome) => Ok(outcome),
            None => self.runs.run(&request, &mut self.originals).await,
        }
    }

    async fn close(mut self: Box<Self>) {
        if let Err(error) = self.originals.restore().await {
            tracing::warn!(%error, "an edited file could not be put back");
        }
        self.runs.close().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(results: &[(&str, Outcome)], exit_code: i32) -> CheckRun {
        let mut report = TestReport::default();
        for (id, outcome) in results {
            report.record(*id, TestResult::new(*outcome));
        }
        CheckRun {
            report,
            exit_code: Some(exit_code),
            timed_out: false,
            wall: Duration::ZERO,
            output_tail: String::new(),
        }
    }

    #[test]
    fn missing_tests_share_the_fate_of_the_check() {
        let check = |found: &[(&str, Outcome)], code, expected: &[(&str, Outcome)]| {
            let report = only_asked_for(run(found, code), &["a".into(), "b".into()], "make");
            let outcomes: Vec<_> =
                report.tests.iter().map(|(id, result)| (id.as_str(), result.outcome)).collect();
            assert_eq!(outcomes, expected);
        };
        use Outcome::{Crashed, Errored, Failed, Passed};
        check(&[("a", Passed), ("b", Failed), ("c", Failed)], 1, &[("a", Passed), ("b", Failed)]);
        check(&[("make", Failed)], 2, &[("a", Errored), ("b", Errored)]);
        check(&[("a", Passed), ("make", Crashed)], 2, &[("a", Passed), ("b", Crashed)]);
        check(&[("a", Passed)], 0, &[("a", Passed)]);
    }

    #[test]
    fn the_worst_outcome_tells_how_a_run_ended() {
        use Outcome::{Crashed, Failed, TimedOut};
        for (outcome, expected) in
            [(Failed, Ended::Completed), (TimedOut, Ended::TimedOut), (Crashed, Ended::Crashed)]
        {
            assert_eq!(how_it_ended(&run(&[("a", outcome)], 1).report), expected);
        }
    }
}
