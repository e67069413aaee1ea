//! Observing a check test by test, with warm interpreters.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use smallhands_checks::{Outcome, TestId, TestReport};

use super::Observation;
use super::crew::{Batch, Crew, Manner};
use crate::repair::AttemptObserver;
use crate::repair::baseline::{function_of, limits};
use crate::repair::observer::Reporter;
use crate::repair::trials::{Halt, Trials};
use crate::validation::CheckSpec;

/// Processor time of a test at the first look.
const QUICK: Duration = Duration::from_secs(1);
/// The same for further tests of a parametrised test of which these many ran out of it: they will hardly do better, and what
/// they run is known by then.
const QUICKER: Duration = Duration::from_millis(200);
/// Tests of a parametrised test that get the full first look.
const SCOUTS: usize = 2;
/// The least it gets at the second look…
const SLOW: Duration = Duration::from_secs(4);
/// …or this many times what the slowest passing test took.
const SLOWER: f64 = 10.0;
/// Observes the check with these interpreters, of which the first one is started.
pub(super) async fn observe(
    mut members: Vec<Trials>,
    check: &CheckSpec,
    observer: &dyn AttemptObserver,
) -> Result<Observation, Halt> {
    let Some(first) = members.first_mut() else { return Ok(Observation::default()) };
    let validator = first.validator().await?;
    let (mode, tests) = (validator.kind().to_owned(), validator.tests().to_vec());
    let broken = validator.collection_errors().clone();
    let mut survey = Survey {
        crew: Crew::new(members),
        reporter: Reporter::new(observer),
        seen: Batch::default(),
        flaky: Vec::new(),
        notes: Vec::new(),
    };
    let surveyed = survey.through(&tests, check.test_timeout).await;
    let Survey { crew, seen, flaky, mut notes, .. } = survey;
    if let Some((times, last)) = crew.deaths() {
        notes.push(format!("the test process was started again {times} times, last because: {last}"));
    }
    crew.close().await;
    surveyed?;
    let mut report = TestReport { tests: seen.results, ..TestReport::default() };
    report.merge(broken);
    Ok(Observation { report, coverage: seen.coverage, flaky, mode, notes, ..Observation::default() }
        .summarised())
}

/// The survey under way.
struct Survey<'a> {
    crew: Crew,
    reporter: Reporter<'a>,
    seen: Batch,
    flaky: Vec<TestId>,
    notes: Vec<String>,
}

impl Survey<'_> {
    async fn through(&mut self, tests: &[TestId], test_timeout: Option<Duration>) -> Result<(), Halt> {
        let quick = Manner { limits: limits(test_timeout.unwrap_or(QUICK)), trace: true };
        self.first_look(tests, quick, test_timeout.is_none()).await?;
        let mut longest = quick;
        if test_timeout.is_none() {
            longest = Manner { limits: limits(self.slow_limit()), trace: false };
            self.second_look(longest).await?;
        }
        self.confirm_failures(Manner { trace: false, ..longest }).await?;
        self.remark_slow(longest);
        Ok(())
    }

    /// Runs tests and takes over what they did.
    async fn take(&mut self, tests: &[TestId], manner: Manner, doing: &str) -> Result<(), Halt> {
        let batch = self.run(tests, manner, doing).await?;
        self.seen.update(batch);
        Ok(())
    }

    async fn run(&mut self, tests: &[TestId], manner: Manner, doing: &str) -> Result<Batch, Halt> {
        if tests.is_empty() {
            return Ok(Batch::default());
        }
        let (reporter, total) = (&mut self.reporter, tests.len());
        let told = |done: usize| reporter.activity(0, || format!("{doing} {done} of {total}"));
        self.crew.run(tests, manner, told).await
    }

    fn slow_limit(&self) -> Duration {
        let passed = self.seen.results.values().filter(|result| result.outcome == Outcome::Passed);
        let slowest = passed.filter_map(|result| result.duration_ms).fold(0.0, f64::max);
        Duration::try_from_secs_f64(slowest * SLOWER / 1000.0).unwrap_or_default().max(SLOW)
    }

    /// Runs every test once, traced. Of a parametrised test a few go first; where none of those ends in time, the others get
    /// less of it.
    async fn first_look(&mut self, tests: &[TestId], quick: Manner, adaptive: bool) -> Result<(), Halt> {
        let mut sizes: BTreeMap<String, usize> = BTreeMap::new();
        let (scouts, others): (Vec<TestId>, Vec<TestId>) = tests.iter().cloned().partition(|test| {
            let size = sizes.entry(function_of(test).to_owned()).or_default();
            *size += 1;
            *size <= SCOUTS
        });
        self.take(&scouts, quick, "running test").await?;
        let stuck = self.out_of_time();
        let endless =
            |test: &TestId| stuck.iter().filter(|s| function_of(s) == function_of(test)).count() >= SCOUTS;
        let (doomed, rest): (Vec<TestId>, Vec<TestId>) =
            others.into_iter().partition(|test| adaptive && endless(test));
        self.take(&rest, quick, "running test").await?;
        self.take(&doomed, Manner { limits: limits(QUICKER), ..quick }, "running test").await
    }

    /// Tests that ran out of time get more of it; of a parametrised test only one, unless that one then ends.
    async fn second_look(&mut self, manner: Manner) -> Result<(), Halt> {
        let mut families: BTreeMap<String, Vec<TestId>> = BTreeMap::new();
        for test in self.out_of_time() {
            families.entry(function_of(&test).to_owned()).or_default().push(test);
        }
        let representatives: Vec<TestId> =
            families.values().filter_map(|family| family.first().cloned()).collect();
        self.take(&representatives, manner, "giving slow tests more time,").await?;
        let stuck: BTreeSet<TestId> = self.out_of_time().into_iter().collect();
        let ends = |family: &&Vec<TestId>| family.first().is_some_and(|first| !stuck.contains(first));
        let siblings: Vec<TestId> =
            families.values().filter(ends).flat_map(|family| family.iter().skip(1).cloned()).collect();
        self.take(&siblings, manner, "giving slow tests more time,").await
    }

    /// A failure is believed when it happens twice; the second time without tracing, which changes timing and is not part of
    /// the check. What is known of it from the first time is kept: tracing records where a process died.
    async fn confirm_failures(&mut self, manner: Manner) -> Result<(), Halt> {
        let failed = self.with_outcome(|o| o.is_failure() && o != Outcome::TimedOut);
        let mut again = self.run(&failed, manner, "confirming failure").await?;
        again.results.retain(|_, result| !result.outcome.is_failure());
        self.flaky = again.results.keys().cloned().collect();
        self.seen.update(again);
        Ok(())
    }

    fn remark_slow(&mut self, manner: Manner) {
        let stuck = self.out_of_time();
        if let Some(first) = stuck.first() {
            let limit = manner.limits.cpu.as_secs_f64();
            self.notes.push(format!(
                "{} test(s) did not end within {limit:.0} s of processor time, such as {first}; allow more time per test if they are meant to take longer",
                stuck.len()
            ));
        }
    }

    fn out_of_time(&self) -> Vec<TestId> {
        self.with_outcome(|outcome| outcome == Outcome::TimedOut)
    }

    fn with_outcome(&self, wanted: impl Fn(Outcome) -> bool) -> Vec<TestId> {
        let chosen = self.seen.results.iter().filter(|(_, result)| wanted(result.outcome));
        chosen.map(|(test, _)| test.clone()).collect()
    }
}
