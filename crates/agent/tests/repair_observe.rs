//! Observing scripted tests: what is believed, what is flaky, and what the slow ones cost.
#![allow(clippy::unwrap_used)] // the helpers of tests may panic

mod repair_support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use repair_support::{Fate, Heard, Script, Scripted, check, ids};
use smallhands_agent::cancel::CancelToken;
use smallhands_agent::repair::{Observation, RepairError, observe_with};
use smallhands_agent::validation::CheckSpec;
use smallhands_checks::{Outcome, TestReport, TestResult};

async fn observe(script: &std::sync::Arc<Scripted>, check: &CheckSpec, jobs: usize) -> Observation {
    let heard = Heard::default();
    observe_with(script.clone(), check, jobs, CancelToken::new(), &heard).await.unwrap()
}

fn outcomes(observation: &Observation) -> BTreeMap<&str, Outcome> {
    observation.report.tests.iter().map(|(test, result)| (test.0.as_str(), result.outcome)).collect()
}

/// How often each test was run, and with which limit at last.
fn runs(script: &Scripted, test: &str) -> Vec<Duration> {
    let calls = script.calls();
    calls.iter().filter(|call| call.tests.iter().any(|t| t == test)).map(|call| call.limits.cpu).collect()
}

#[tokio::test(start_paused = true)]
async fn failures_are_confirmed_without_tracing_and_passes_are_traced_once() {
    let script =
        Script::new(&["a", "b"], |_, test| if test == "b" { Fate::Fail } else { Fate::Pass }).shared();
    let observation = observe(&script, &check(), 1).await;
    assert_eq!(outcomes(&observation), [("a", Outcome::Passed), ("b", Outcome::Failed)].into());
    assert_eq!(observation.coverage.len(), 2);
    assert_eq!((observation.mode.as_str(), observation.slowest_pass), ("scripted", Duration::from_millis(1)));
    let calls = script.calls();
    assert_eq!((calls[0].tests.len(), calls[0].trace), (2, true));
    assert_eq!((calls[1].tests.as_slice(), calls[1].trace), (&["b".to_owned()][..], false));
    assert_eq!(calls.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_fails_once_and_then_passes_is_flaky() {
    let first = AtomicUsize::new(0);
    let world = move |_: &[&str], test: &str| match test {
        "a" if first.fetch_add(1, Ordering::SeqCst) == 0 => Fate::Fail,
        _ => Fate::Pass,
    };
    let script = Script::new(&["a", "b"], world).shared();
    let observation = observe(&script, &check(), 1).await;
    assert_eq!(observation.flaky, ids(&["a"]));
    assert_eq!(outcomes(&observation)["a"], Outcome::Passed);
    assert!(observation.notes[0].contains("flaky"), "{:?}", observation.notes);
}

#[tokio::test(start_paused = true)]
async fn of_a_parametrised_test_that_hangs_only_one_gets_more_time() {
    let world = |_: &[&str], test: &str| match test {
        "m::f[1]" | "m::f[2]" | "m::f[3]" => Fate::Loop,
        "m::slow[1]" | "m::slow[2]" => Fate::Needs(Duration::from_secs(3)),
        _ => Fate::Pass,
    };
    let tests = ["m::f[1]", "m::f[2]", "m::f[3]", "m::g", "m::slow[1]", "m::slow[2]"];
    let script = Script::new(&tests, world).shared();
    let observation = observe(&script, &check(), 1).await;
    let outcomes = outcomes(&observation);
    for test in ["m::f[1]", "m::f[2]", "m::f[3]"] {
        assert_eq!(outcomes[test], Outcome::TimedOut);
    }
    for test in ["m::g", "m::slow[1]", "m::slow[2]"] {
        assert_eq!(outcomes[test], Outcome::Passed);
    }
    let (one, four) = (Duration::from_secs(1), Duration::from_secs(4));
    assert_eq!(runs(&script, "m::f[1]"), [one, four]);
    assert_eq!(runs(&script, "m::f[2]"), [one]);
    assert_eq!(runs(&script, "m::slow[2]"), [one, four]);
    assert_eq!(observation.slowest_pass, Duration::from_secs(3));
    assert!(observation.notes[0].contains("3 test(s) did not end within 4 s"), "{:?}", observation.notes);
}

#[tokio::test(start_paused = true)]
async fn a_given_time_per_test_is_kept() {
    let script = Script::new(&["a"], |_, _| Fate::Needs(Duration::from_secs(3))).shared();
    let two = CheckSpec { test_timeout: Some(Duration::from_secs(2)), ..check() };
    assert_eq!(outcomes(&observe(&script, &two, 1).await)["a"], Outcome::TimedOut);
    assert_eq!(runs(&script, "a"), [Duration::from_secs(2)]);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_kills_its_process_is_found_and_costs_its_neighbours_nothing() {
    let names: Vec<String> = (0..20).map(|n| format!("t{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let script = Script::new(&names, |_, test| if test == "t03" { Fate::Kill } else { Fate::Pass }).shared();
    let observation = observe(&script, &check(), 1).await;
    assert_eq!(observation.report.counts().passed, 19);
    assert_eq!(outcomes(&observation)["t03"], Outcome::Crashed);
    assert!(observation.notes.iter().any(|note| note.contains("started again")), "{:?}", observation.notes);
}

#[tokio::test(start_paused = true)]
async fn the_tests_are_shared_between_interpreters() {
    let names: Vec<String> = (0..100).map(|n| format!("t{n:02}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let script = Script::new(&names, |_, _| Fate::Pass).shared();
    let observation = observe(&script, &check(), 3).await;
    assert_eq!((observation.report.counts().passed, script.opened()), (100, 3));
    let few = Script::new(&["a", "b"], |_, _| Fate::Pass).shared();
    observe(&few, &check(), 8).await;
    assert_eq!(few.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_collected_fails() {
    let mut script = Script::new(&["a"], |_, _| Fate::Pass);
    script.broken.record("tests/test_b.py", TestResult::new(Outcome::Errored).with_message("ImportError"));
    let observation = observe(&script.shared(), &check(), 1).await;
    assert_eq!(observation.report.failing(), ids(&["tests/test_b.py"]));
}

/// A check that can only be run as a whole, on which `a` and `b` fail at first; then the given tests pass.
async fn observe_whole(passing: &[&str], exit_code: i32) -> (Observation, usize) {
    let world = |_: &[&str], test: &str| if test == "c" { Fate::Pass } else { Fate::Fail };
    let mut script = Script { kind: "command", ..Script::new(&["a", "b", "c"], world) };
    script.again.exit_code = Some(exit_code);
    for test in ["a", "b", "c"] {
        let outcome = if passing.contains(&test) { Outcome::Passed } else { Outcome::Failed };
        script.again.report.record(test, TestResult::new(outcome));
    }
    let script = script.shared();
    let observation = observe(&script, &check(), 4).await;
    (observation, script.calls().len())
}

#[tokio::test(start_paused = true)]
async fn a_check_that_runs_as_a_whole_is_run_once_more_when_it_fails() {
    let (observation, calls) = observe_whole(&["b", "c"], 1).await;
    assert_eq!((observation.mode.as_str(), calls), ("command", 1));
    assert_eq!(observation.report.failing(), ids(&["a"]));
    assert_eq!(observation.flaky, ids(&["b"]));
    assert!(observation.coverage.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_check_that_is_green_the_second_time_has_only_flaky_failures() {
    let (observation, _) = observe_whole(&["c"], 0).await;
    assert_eq!(observation.report.failing(), []);
    assert_eq!(observation.flaky, ids(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn cancelling_ends_the_observation() {
    let cancel = CancelToken::new();
    let trigger = cancel.clone();
    let world = move |_: &[&str], _: &str| {
        trigger.cancel();
        Fate::Hang
    };
    let script = Script::new(&["a"], world).shared();
    let heard = Heard::default();
    let error = observe_with(script, &check(), 1, cancel, &heard).await.unwrap_err();
    assert!(matches!(error, RepairError::Cancelled), "{error}");
}

#[test]
fn an_observation_survives_being_stored() {
    let mut report = TestReport::default();
    report.record("a", TestResult::new(Outcome::Failed).with_message("x"));
    let observation =
        Observation { report, flaky: ids(&["b"]), mode: "command".into(), ..Observation::default() };
    let json = serde_json::to_string(&observation).unwrap();
    assert_eq!(serde_json::from_str::<Observation>(&json).unwrap(), observation);
}
