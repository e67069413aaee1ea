//! A validator whose tests are a function of the edits: what the repair tests run against instead of an interpreter.
#![allow(dead_code)] // each test binary uses its own part
#![allow(clippy::unwrap_used)] // the helpers of tests may panic

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use smallhands_agent::repair::{AttemptObserver, OpenValidator, Plausible, SearchTask, Space};
use smallhands_agent::validation::{
    CheckRun, CheckSpec, Ended, RunOutcome, RunRequest, StopRule, TestLimits, ValidationError, Validator,
};
use smallhands_checks::{Framework, Outcome, TestId, TestReport, TestResult};
use smallhands_repair::{Candidate, Edit, EditKind, EnumerationLimits, Suspicion};

/// What a test does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fate {
    Pass,
    Fail,
    /// Passes after this much processor time.
    Needs(Duration),
    /// Runs for ever, but is stopped by the limits.
    Loop,
    /// Takes the validator with it.
    Kill,
    /// The validator never answers.
    Hang,
}

/// The edits as the texts they insert, and the test.
pub type World = dyn Fn(&[&str], &str) -> Fate + Send + Sync;

/// One call of a validator.
#[derive(Debug, Clone)]
pub struct Call {
    pub edits: Vec<String>,
    pub tests: Vec<String>,
    pub ran: usize,
    pub limits: TestLimits,
    pub trace: bool,
}

/// Where scripted validators come from, and what they were asked.
pub struct Script {
    pub tests: Vec<TestId>,
    pub kind: &'static str,
    pub broken: TestReport,
    pub world: Box<World>,
    /// What a plain run says.
    pub again: CheckRun,
    pub calls: Arc<Mutex<Vec<Call>>>,
    pub opened: AtomicUsize,
}

impl Script {
    pub fn new(tests: &[&str], world: impl Fn(&[&str], &str) -> Fate + Send + Sync + 'static) -> Script {
        Script {
            tests: ids(tests),
            kind: "scripted",
            broken: TestReport::default(),
            world: Box::new(world),
            again: CheckRun {
                report: TestReport::default(),
                exit_code: Some(1),
                timed_out: false,
                wall: Duration::ZERO,
                output_tail: String::new(),
            },
            calls: Arc::default(),
            opened: AtomicUsize::new(0),
        }
    }

    pub fn shared(self) -> Arc<Scripted> {
        Arc::new(Scripted(Arc::new(self)))
    }
}

/// The factory handed to the code under test.
pub struct Scripted(pub Arc<Script>);

impl Scripted {
    /// Every call made with edits, that is, without the baseline.
    pub fn trials(&self) -> Vec<Call> {
        self.calls().into_iter().filter(|call| !call.edits.is_empty()).collect()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.0.calls.lock().unwrap().clone()
    }

    /// Ranks tried, in order, with repetitions.
    pub fn ranks(&self) -> Vec<u64> {
        self.trials().iter().map(|call| call.edits[0].parse().unwrap()).collect()
    }

    pub fn opened(&self) -> usize {
        self.0.opened.load(Ordering::SeqCst)
    }
}

#[async_trait]
impl OpenValidator for Scripted {
    async fn open(&self, _only: &[TestId]) -> Result<Box<dyn Validator>, ValidationError> {
        self.0.opened.fetch_add(1, Ordering::SeqCst);
        Ok(Box::new(ScriptedValidator(self.0.clone())))
    }

    async fn run_check(&self) -> Result<CheckRun, ValidationError> {
        Ok(self.0.again.clone())
    }
}

struct ScriptedValidator(Arc<Script>);

#[async_trait]
impl Validator for ScriptedValidator {
    fn kind(&self) -> &'static str {
        self.0.kind
    }
    fn tests(&self) -> &[TestId] {
        &self.0.tests
    }
    fn collection_errors(&self) -> &TestReport {
        &self.0.broken
    }
    async fn run(&mut self, request: RunRequest<'_>) -> Result<RunOutcome, ValidationError> {
        let texts: Vec<&str> = request.edits.iter().map(|edit| edit.text.as_str()).collect();
        let mut report = TestReport::default();
        let mut fate_of_call = Fate::Pass;
        for test in request.tests {
            let fate = (self.0.world)(&texts, &test.0);
            if matches!(fate, Fate::Kill | Fate::Hang) {
                fate_of_call = fate;
                break;
            }
            let (outcome, spent) = outcome(fate, request.limits.cpu);
            report.record(
                test.clone(),
                TestResult::new(outcome).with_duration(Some(spent.as_secs_f64() * 1e3)),
            );
            if outcome.is_failure() && request.stop == StopRule::FirstFailure {
                break;
            }
        }
        self.0.calls.lock().unwrap().push(Call {
            edits: texts.iter().map(|text| (*text).to_owned()).collect(),
            tests: request.tests.iter().map(|test| test.0.clone()).collect(),
            ran: report.tests.len(),
            limits: request.limits,
            trace: request.trace,
        });
        match fate_of_call {
            Fate::Kill => return Err(death()),
            Fate::Hang => std::future::pending::<()>().await,
            _ => {}
        }
        let coverage = if request.trace { covered(&report) } else { BTreeMap::new() };
        Ok(RunOutcome { ended: Ended::Completed, report, coverage, spent: Duration::from_millis(1) })
    }
    async fn close(self: Box<Self>) {}
}

fn outcome(fate: Fate, cpu: Duration) -> (Outcome, Duration) {
    let quick = Duration::from_millis(1);
    match fate {
        Fate::Pass => (Outcome::Passed, quick),
        Fate::Needs(time) if time <= cpu => (Outcome::Passed, time),
        Fate::Needs(_) | Fate::Loop => (Outcome::TimedOut, cpu),
        _ => (Outcome::Failed, quick),
    }
}

fn covered(report: &TestReport) -> BTreeMap<TestId, BTreeMap<String, BTreeSet<u32>>> {
    let line = || BTreeMap::from([("a.py".to_owned(), BTreeSet::from([1]))]);
    report.tests.keys().map(|test| (test.clone(), line())).collect()
}

/// A search space of `count` candidates; the candidate of rank `n` puts the text `n` at its own place.
pub fn space(count: u64) -> Space {
    let source = "x\n".repeat(usize::try_from(count).unwrap());
    let candidates = (0..count).map(|rank| candidate(rank, EditKind::ComparisonOperator)).collect();
    Space::new(vec![("a.py".into(), source)], candidates)
}

pub fn candidate(rank: u64, kind: EditKind) -> Candidate {
    let at = usize::try_from(rank).unwrap() * 2;
    Candidate {
        edit: Edit { file: "a.py".into(), start: at, end: at + 1, text: rank.to_string() },
        kind,
        tier: kind.tier(),
        line: u32::try_from(rank).unwrap() + 1,
        function: None,
        score: -(rank as f64),
    }
}

pub fn task(failing: &[&str], guards: &[&str]) -> SearchTask {
    SearchTask {
        check: check(),
        failing: ids(failing),
        guards: ids(guards),
        suspicion: Suspicion::default(),
        files: vec!["a.py".into()],
        shard: (0, 1),
        start_rank: 0,
        wall: Duration::from_secs(600),
        max_alternatives: 1000,
        limits: EnumerationLimits::default(),
    }
}

pub fn ids(names: &[&str]) -> Vec<TestId> {
    names.iter().map(|name| TestId::from(*name)).collect()
}

/// What an observer was told.
#[derive(Default)]
pub struct Heard {
    pub activity: Mutex<Vec<(String, u64)>>,
    pub checkpoints: Mutex<Vec<u64>>,
    pub plausible: Mutex<Vec<u64>>,
}

impl AttemptObserver for Heard {
    fn activity(&self, doing: &str, validations: u64) {
        self.activity.lock().unwrap().push((doing.to_owned(), validations));
    }
    fn checkpoint(&self, next_rank: u64) {
        self.checkpoints.lock().unwrap().push(next_rank);
    }
    fn plausible(&self, patch: &Plausible) {
        self.plausible.lock().unwrap().push(patch.rank);
    }
}

pub fn check() -> CheckSpec {
    CheckSpec {
        command: "python -m pytest".into(),
        framework: Framework::Pytest,
        timeout: Duration::from_secs(60),
        test_timeout: None,
    }
}

/// The error of a validator that is gone.
fn death() -> ValidationError {
    ValidationError::ServerLost { reason: "scripted".into() }
}
