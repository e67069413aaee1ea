//! What follows from failures of each class: another try or none, when, and what is kept.

use crate::support::{Run, lost, task};
use serde_json::json;
use smallhands_task_graph::{
    AttemptId, Backoff, Command, Effect, Failure, FailureClass, PlanError, RetryPolicy, RunEvent, Task,
    TaskPhase, TaskStep, effects, next_wake_ms, startable_at,
};

const BACKOFF: Backoff = Backoff { initial_ms: 100, factor: 3.0, max_ms: 500, jitter: 0.0 };

fn run_of(retry: RetryPolicy, max_attempts: u32) -> Run {
    Run::with_plan(2, vec![Task { retry, max_attempts, ..task("a", &[]) }, task("b", &["a"])])
}

fn fail(run: &mut Run, failure: Failure, at_ms: i64) -> Vec<RunEvent> {
    let attempt = run.state.active_attempts().remove(0);
    run.must(&Command::FailAttempt { attempt, failure, at_ms })
}

fn then(events: &[RunEvent]) -> TaskStep {
    match events.first() {
        Some(RunEvent::AttemptFailed { then, .. }) => *then,
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_class_has_its_consequence() {
    use FailureClass::*;
    let never = RetryPolicy { on_lost: false, ..RetryPolicy::default() };
    let always =
        RetryPolicy { on_gave_up: true, on_limit: true, on_check_failed: true, ..RetryPolicy::default() };
    for (class, finally) in [
        (Infrastructure, TaskStep::Fail),
        (PoisonedSandbox, TaskStep::Fail),
        (Limit, TaskStep::Fail),
        (GaveUp, TaskStep::GiveUp),
        (CheckFailed, TaskStep::GiveUp),
    ] {
        for (policy, attempts, expected) in
            [(never, 3, finally), (always, 3, TaskStep::Retry), (always, 1, finally)]
        {
            let mut run = run_of(policy, attempts);
            run.start(1);
            let events = fail(&mut run, Failure::new(class, "why"), 2);
            assert_eq!(then(&events), expected, "{class:?} {policy:?}");
            let falls = events.iter().any(|event| matches!(event, RunEvent::TaskUnreachable { .. }));
            assert_eq!(falls, expected != TaskStep::Retry);
            assert_eq!(run.state.attempt(&AttemptId::new("a".into(), 1)).unwrap().failure, Some(class));
            run.assert_replays();
        }
    }
}

#[test]
fn partial_results_and_reasons_are_kept() {
    let mut run = run_of(RetryPolicy::default(), 1);
    run.start(1);
    let failure = Failure { output: json!({ "half": 1 }), ..Failure::new(FailureClass::CheckFailed, "red") };
    fail(&mut run, failure, 2);
    let a = run.state.task(&"a".into()).unwrap();
    assert_eq!((a.output(), a.note.as_deref()), (Some(&json!({ "half": 1 })), Some("red")));
}

#[test]
fn waits_grow_and_nothing_starts_before_its_time() {
    let mut run = run_of(RetryPolicy { backoff: Some(BACKOFF), ..RetryPolicy::default() }, 9);
    let mut now = 0;
    for wait in [100, 300, 500, 500] {
        assert_eq!(run.start(now).len(), 1);
        fail(&mut run, Failure::new(FailureClass::Infrastructure, "429"), now);
        assert_eq!(next_wake_ms(&run.state, run.state.last_at_ms), Some(now + wait));
        assert_eq!(startable_at(&run.state, now + wait - 1), []);
        assert_eq!(run.start(now + wait - 1), []);
        assert_eq!(effects(&run.state), [], "nobody needs to plan: time will tell");
        assert_eq!(startable_at(&run.state, now + wait), ["a".into()]);
        run.assert_replays();
        now += wait;
    }
    run.start(now);
    assert_eq!(
        (next_wake_ms(&run.state, run.state.last_at_ms), run.state.tasks[&"a".into()].not_before_ms),
        (None, None)
    );
}

#[test]
fn plain_ends_of_attempts_wait_as_well() {
    let mut run = run_of(RetryPolicy { backoff: Some(BACKOFF), ..RetryPolicy::default() }, 9);
    let attempt = run.start(1).remove(0);
    let events = run.end(&attempt, lost(), 2);
    assert_eq!(events[1..], [RunEvent::TaskDelayed { task: "a".into(), not_before_ms: 102 }]);
}

#[test]
fn who_was_told_to_stay_away_stays_away() {
    let mut run = run_of(RetryPolicy::default(), 3);
    run.start(1);
    let told = Failure { retry_after_ms: Some(7_000), ..Failure::new(FailureClass::Infrastructure, "429") };
    fail(&mut run, told, 10);
    assert_eq!(next_wake_ms(&run.state, run.state.last_at_ms), Some(7_010));
}

#[test]
fn chance_depends_on_run_task_and_attempt_and_on_nothing_else() {
    let wait = |spec: &str, name: &str| {
        let mut run = Run::default();
        let limits = smallhands_task_graph::RunLimits::default();
        run.must(&Command::Submit { spec: json!(spec), limits, at_ms: 5 });
        let backoff = Some(Backoff { initial_ms: 100_000, max_ms: 100_000, jitter: 1.0, ..BACKOFF });
        let retry = RetryPolicy { backoff, ..RetryPolicy::default() };
        let add = vec![Task { retry, max_attempts: 2, ..task(name, &[]) }];
        run.must(&Command::AdoptPlan(smallhands_task_graph::Plan { tasks: add }.into()));
        run.start(6);
        fail(&mut run, Failure::new(FailureClass::Infrastructure, "x"), 7);
        next_wake_ms(&run.state, run.state.last_at_ms)
    };
    assert_eq!(wait("one", "a"), wait("one", "a"));
    assert_ne!(wait("one", "a"), wait("other", "a"));
    assert_ne!(wait("one", "a"), wait("one", "b"));
}

#[test]
fn a_task_that_kills_its_workers_is_left_alone() {
    let mut run = run_of(RetryPolicy { quarantine_after: Some(2), ..RetryPolicy::default() }, 9);
    let kill =
        || Failure { killed_worker: true, ..Failure::new(FailureClass::Infrastructure, "worker gone") };
    run.start(1);
    assert_eq!(then(&fail(&mut run, kill(), 2)), TaskStep::Retry);
    run.start(3);
    assert_eq!(
        then(&fail(&mut run, Failure::new(FailureClass::Infrastructure, "other"), 4)),
        TaskStep::Retry
    );
    run.start(5);
    let events = fail(&mut run, kill(), 6);
    assert!(matches!(events[0], RunEvent::AttemptFailed { then: TaskStep::Fail, quarantined: true, .. }));
    let a = &run.state.tasks[&"a".into()];
    assert_eq!((a.phase, a.kills), (TaskPhase::Failed, 2));
    assert_eq!(a.note.as_deref(), Some("in quarantine, because it killed 2 workers: worker gone"));
    run.assert_replays();
}

#[test]
fn a_task_that_is_being_dropped_is_dropped_however_it_failed() {
    let mut run = run_of(
        RetryPolicy { quarantine_after: Some(1), backoff: Some(BACKOFF), ..RetryPolicy::default() },
        9,
    );
    run.start(1);
    run.must(&crate::support::drop_tasks(&["a"]));
    assert!(matches!(effects(&run.state)[0], Effect::StopAttempt { .. }));
    let kill = Failure { killed_worker: true, ..Failure::new(FailureClass::Limit, "gone") };
    let events = fail(&mut run, kill, 2);
    assert!(matches!(events[0], RunEvent::AttemptFailed { then: TaskStep::Drop, quarantined: false, .. }));
}

#[test]
fn waits_that_make_no_sense_are_refused() {
    for backoff in [
        Backoff { factor: 0.5, ..BACKOFF },
        Backoff { factor: f64::NAN, ..BACKOFF },
        Backoff { jitter: 1.5, ..BACKOFF },
        Backoff { max_ms: 1, ..BACKOFF },
    ] {
        let retry = RetryPolicy { backoff: Some(backoff), ..RetryPolicy::default() };
        let plan = smallhands_task_graph::Plan { tasks: vec![Task { retry, ..task("a", &[]) }] };
        assert!(matches!(plan.validate(), Err(PlanError::BadBackoff { .. })), "{backoff:?}");
    }
}
