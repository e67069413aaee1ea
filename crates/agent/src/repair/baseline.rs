//! What the tests of a search do before anything is changed: it decides what the exam asks, in which order and how long.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use smallhands_checks::{Outcome, TestId, TestResult};
use tokio::time::Instant;

use super::exam::{Allowance, Exam, WholeCheck};
use super::trials::{Halt, Trials, runs_the_whole_check};
use super::{RepairError, SearchTask};
use crate::validation::{RunRequest, StopRule, TestLimits, Validator};

/// How many failing tests a candidate is shown first.
const REPRESENTATIVES: usize = 3;
/// Guards run in one call before the clock is looked at.
const GUARDS_PER_CALL: usize = 64;
/// The share of the search's time that may go into running the guards beforehand.
const BASELINE_SHARE: u32 = 5;
/// Memory one test may use. Generous: it is there to stop a candidate that allocates without end.
const MEMORY_BYTES: u64 = 2 << 30;
/// The least processor time a test gets at first. Endless loops are common among wrong candidates, and each costs this much.
const BRIEFEST: Duration = Duration::from_millis(100);
/// The least processor time a test gets at the second look…
const PATIENT_LEAST: Duration = Duration::from_millis(1600);
/// …where none of the failing tests ended by itself: they may hang, or take long to fail.
const PATIENT_LEAST_UNKNOWN: Duration = Duration::from_secs(4);
/// The most a failing test gets at first, unless it takes longer to fail by itself.
const BRIEF_CAP: Duration = Duration::from_secs(1);
/// How much longer than the slowest passing test others may take.
const SLOWER: u32 = 5;
/// How much longer than before a failing test may take.
const SLOWER_FAILURE: u32 = 3;
/// How much more time a candidate gets at the second look.
const PATIENCE: u32 = 8;
/// Limit for the failing tests of the baseline. They were given their time when the check was observed; here it only matters
/// which of them fail quickly, and every endless one costs this much in each shard.
const GLANCE: Duration = Duration::from_millis(300);
/// Limit for the tests of the baseline that are known to end.
const UNHURRIED: Duration = Duration::from_secs(10);

/// Runs the failing tests and the guards as they are and makes the exam from it.
pub(super) async fn exam(trials: &mut Trials, task: &SearchTask) -> Result<Exam, Halt> {
    let validator = trials.validator().await?;
    if runs_the_whole_check(validator) {
        let known = known_tests(validator);
        return whole_check(trials, task, &known).await;
    }
    let known = known_tests(validator);
    let failing = reproduce(trials, task).await?;
    let guards: Vec<TestId> = task.guards.iter().filter(|guard| known.contains(guard)).cloned().collect();
    let passing = time_guards(trials, task, &guards).await?;
    let broken: BTreeSet<&TestId> =
        passing.iter().filter(|(_, r)| r.outcome != Outcome::Passed).map(|(t, _)| t).collect();
    let guards = guards.iter().filter(|guard| !broken.contains(guard)).cloned().collect();
    let pace = Pace::of(&failing, &passing, task.check.test_timeout);
    let (failing, representatives) = representatives_first(&failing);
    let notes = remark(&broken);
    Ok(Exam {
        failing,
        representatives,
        guards,
        brief: pace.brief(),
        patient: pace.patient(),
        whole: None,
        notes,
    })
}

fn known_tests(validator: &dyn Validator) -> BTreeSet<TestId> {
    validator.tests().iter().cloned().collect()
}

/// The exam of a validator that can only run the command as a whole. It has done so when it was opened.
async fn whole_check(trials: &mut Trials, task: &SearchTask, known: &BTreeSet<TestId>) -> Result<Exam, Halt> {
    let guards: Vec<TestId> = task.guards.iter().filter(|guard| known.contains(guard)).cloned().collect();
    let tests: Vec<TestId> = task.failing.iter().chain(&guards).cloned().collect();
    let limits = limits(task.check.timeout);
    let request = RunRequest { edits: &[], tests: &tests, limits, stop: StopRule::Never, trace: false };
    let report = trials.run(request).await?.map(|outcome| outcome.report).unwrap_or_default();
    let passes =
        |test: &TestId| report.tests.get(test).is_some_and(|result| result.outcome == Outcome::Passed);
    let failing: Vec<TestId> = task.failing.iter().filter(|test| !passes(test)).cloned().collect();
    if failing.is_empty() {
        return Err(RepairError::NotReproduced { tests: task.failing.clone() }.into());
    }
    let broken: BTreeSet<&TestId> = guards.iter().filter(|guard| !passes(guard)).collect();
    let allowance = Allowance { failing: limits, guards: limits };
    Ok(Exam {
        representatives: failing.len(),
        failing,
        guards: guards.iter().filter(|guard| passes(guard)).cloned().collect(),
        brief: allowance,
        patient: allowance,
        whole: Some(WholeCheck {
            command: task.check.command.as_str().into(),
            tests: report.counts().total(),
        }),
        notes: remark(&broken),
    })
}

fn remark(broken: &BTreeSet<&TestId>) -> Vec<String> {
    match broken.first() {
        None => Vec::new(),
        Some(first) => {
            vec![format!(
                "{} test(s) that passed before do not pass on their own and guard nothing, such as {first}",
                broken.len()
            )]
        }
    }
}

type Results = BTreeMap<TestId, TestResult>;

/// The failing tests that fail here as well.
async fn reproduce(trials: &mut Trials, task: &SearchTask) -> Result<Results, Halt> {
    let limits = limits(task.check.test_timeout.unwrap_or(GLANCE).min(UNHURRIED));
    let request =
        RunRequest { edits: &[], tests: &task.failing, limits, stop: StopRule::Never, trace: false };
    let mut results = match trials.run(request).await? {
        Some(outcome) => outcome.report.tests,
        None => Results::new(),
    };
    let crashed = || TestResult::new(Outcome::Crashed);
    let mut failing: Results = task
        .failing
        .iter()
        .map(|test| (test.clone(), results.remove(test).unwrap_or_else(crashed)))
        .collect();
    failing.retain(|_, result| result.outcome.is_failure());
    if failing.is_empty() {
        return Err(RepairError::NotReproduced { tests: task.failing.clone() }.into());
    }
    Ok(failing)
}

/// Results of as many guards as a share of the search's time allows; the most relevant ones first.
async fn time_guards(trials: &mut Trials, task: &SearchTask, guards: &[TestId]) -> Result<Results, Halt> {
    let until = Instant::now() + task.wall / BASELINE_SHARE;
    let limits = limits(task.check.test_timeout.unwrap_or(UNHURRIED));
    let mut results = Results::new();
    for tests in guards.chunks(GUARDS_PER_CALL) {
        if Instant::now() >= until {
            break;
        }
        let request = RunRequest { edits: &[], tests, limits, stop: StopRule::Never, trace: false };
        if let Some(outcome) = trials.run(request).await? {
            results.extend(outcome.report.tests.into_iter().filter(|(test, _)| tests.contains(test)));
        }
    }
    Ok(results)
}

/// Processor time `cpu`, and three times that by the clock, since other agents work beside this one.
pub(super) fn limits(cpu: Duration) -> TestLimits {
    TestLimits { cpu, wall: cpu * 3 + Duration::from_secs(1), memory_bytes: MEMORY_BYTES }
}

/// How long tests take here.
struct Pace {
    slowest_pass: Duration,
    slowest_failure: Duration,
    patient_least: Duration,
    ceiling: Option<Duration>,
}

impl Pace {
    fn of(failing: &Results, passing: &Results, ceiling: Option<Duration>) -> Self {
        let slowest = |results: &Results| {
            let ended = results.values().filter(|r| r.outcome != Outcome::TimedOut);
            ended.filter_map(duration_of).max().unwrap_or_default()
        };
        let unknown = failing.values().all(|result| result.outcome == Outcome::TimedOut);
        let patient_least = if unknown { PATIENT_LEAST_UNKNOWN } else { PATIENT_LEAST };
        Self { slowest_pass: slowest(passing), slowest_failure: slowest(failing), patient_least, ceiling }
    }

    fn brief(&self) -> Allowance {
        self.allowance(self.brief_failing(), self.usual())
    }

    fn patient(&self) -> Allowance {
        let longer = |brief: Duration| (brief * PATIENCE).max(self.usual()).max(self.patient_least);
        self.allowance(longer(self.brief_failing()), longer(self.usual()))
    }

    /// What any test of this check should do with.
    fn usual(&self) -> Duration {
        (self.slowest_pass * SLOWER).max(BRIEFEST)
    }

    fn brief_failing(&self) -> Duration {
        self.usual().min(BRIEF_CAP).max(self.slowest_failure * SLOWER_FAILURE)
    }

    fn allowance(&self, failing: Duration, guards: Duration) -> Allowance {
        let within = |cpu: Duration| limits(cpu.min(self.ceiling.unwrap_or(cpu)));
        Allowance { failing: within(failing), guards: within(guards) }
    }
}

fn duration_of(result: &TestResult) -> Option<Duration> {
    Duration::try_from_secs_f64(result.duration_ms? / 1000.0).ok()
}

/// All failing tests, with a few that differ from each other in front: tests of other functions first, then tests that fail
/// at another place, the quickest of each. At most one of them may hang or crash, since each of those costs its whole time
/// with nearly every candidate.
fn representatives_first(failing: &Results) -> (Vec<TestId>, usize) {
    let mut order: Vec<(&TestId, &TestResult)> = failing.iter().collect();
    order.sort_by_key(|(test, result)| {
        (hangs(result), duration_of(result).unwrap_or_default(), (*test).clone())
    });
    let quick = order.iter().filter(|(_, result)| !hangs(result)).count();
    let eligible = &order[..quick.max(1).min(order.len())];
    let mut chosen: Vec<&TestId> = Vec::new();
    let (mut functions, mut places) = (BTreeSet::new(), BTreeSet::new());
    for (test, result) in eligible {
        if chosen.len() < REPRESENTATIVES && functions.insert(function_of(test)) {
            places.insert((function_of(test), place_of(result)));
            chosen.push(test);
        }
    }
    for (test, result) in eligible {
        if chosen.len() < REPRESENTATIVES && places.insert((function_of(test), place_of(result))) {
            chosen.push(test);
        }
    }
    let count = chosen.len();
    let rest = order.iter().map(|(test, _)| *test).filter(|test| !chosen.contains(test));
    (chosen.iter().copied().chain(rest).cloned().collect(), count)
}

fn hangs(result: &TestResult) -> bool {
    matches!(result.outcome, Outcome::TimedOut | Outcome::Crashed)
}

/// The test function a parametrised test belongs to: its id without `[…]`.
pub(super) fn function_of(test: &TestId) -> &str {
    let id = test.0.as_str();
    let name = id.find("::").unwrap_or(0);
    match id[name..].find('[') {
        Some(at) if id.ends_with(']') => &id[..name + at],
        _ => id,
    }
}

/// Where a test fails: its innermost frame and the first line of its message.
fn place_of(result: &TestResult) -> (Outcome, Option<(&str, u32)>, &str) {
    let frame = result.frames.last().map(|frame| (frame.file.as_str(), frame.line));
    let message = result.message.as_deref().and_then(|message| message.lines().next()).unwrap_or_default();
    (result.outcome, frame, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failing(tests: &[(&str, Outcome, f64, &str)]) -> Results {
        let result =
            |outcome, ms, message| TestResult::new(outcome).with_duration(Some(ms)).with_message(message);
        tests
            .iter()
            .map(|(id, outcome, ms, message)| ((*id).into(), result(*outcome, *ms, message)))
            .collect()
    }

    fn check(tests: &[(&str, Outcome, f64, &str)], expected: &[&str]) {
        let (order, count) = representatives_first(&failing(tests));
        let chosen: Vec<&str> = order[..count].iter().map(|test| test.0.as_str()).collect();
        assert_eq!(chosen, expected);
        assert_eq!(order.len(), tests.len());
    }

    #[test]
    fn representatives_are_quick_and_differ() {
        use Outcome::{Failed, TimedOut};
        check(
            &[
                ("m::f[1]", Failed, 9.0, "a"),
                ("m::f[2]", Failed, 1.0, "a"),
                ("m::g", Failed, 5.0, "a"),
                ("m::h", TimedOut, 1.0, ""),
            ],
            &["m::f[2]", "m::g"],
        );
        check(
            &[
                ("m::f[1]", Failed, 1.0, "KeyError"),
                ("m::f[2]", Failed, 2.0, "KeyError"),
                ("m::f[3]", Failed, 3.0, "assert"),
            ],
            &["m::f[1]", "m::f[3]"],
        );
        check(&[("m::f", TimedOut, 9.0, ""), ("m::g", TimedOut, 8.0, "")], &["m::g"]);
        check(&[], &[]);
    }

    #[test]
    fn parameters_are_no_part_of_a_function() {
        let check = |id: &str, function: &str| assert_eq!(function_of(&id.into()), function);
        check("t/test_a.py::test_x[a::b[1]]", "t/test_a.py::test_x");
        check("t/[odd]/test_a.py::test_x", "t/[odd]/test_a.py::test_x");
        check("module.Class.test", "module.Class.test");
        check("test_x[1]", "test_x");
    }

    #[test]
    fn limits_follow_what_tests_take_here() {
        let pace = |pass: u64, failure: u64, ceiling: Option<u64>| Pace {
            slowest_pass: Duration::from_millis(pass),
            slowest_failure: Duration::from_millis(failure),
            patient_least: PATIENT_LEAST,
            ceiling: ceiling.map(Duration::from_millis),
        };
        let shown =
            |allowance: Allowance| (allowance.failing.cpu.as_millis(), allowance.guards.cpu.as_millis());
        for (pace, brief, patient) in [
            (pace(1, 1, None), (100, 100), (1600, 1600)),
            (pace(100, 1, None), (500, 500), (4000, 4000)),
            (pace(2000, 1, None), (1000, 10_000), (10_000, 80_000)),
            (pace(1, 2000, None), (6000, 100), (48_000, 1600)),
            (pace(2000, 1, Some(3000)), (1000, 3000), (3000, 3000)),
            (pace(50, 1, None), (250, 250), (2000, 2000)),
        ] {
            assert_eq!((shown(pace.brief()), shown(pace.patient())), (brief, patient));
        }
    }
}
