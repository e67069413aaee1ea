//! The truth table of retry: how an attempt ended, what the task allows, what is left, and what follows.

use crate::support::{Run, done, gave_up, lost, task};
use smallhands_task_graph::{
    AttemptResult, Command, Limit, RetryPolicy, RunEvent, RunLimits, Task, TaskStep,
};

/// What the end of an attempt leads to, by the rules as a person would state them.
fn expected(result: &str, policy: RetryPolicy, remain: bool, halted: bool) -> TaskStep {
    match result {
        "done" => TaskStep::Succeed,
        "lost" if policy.on_lost && remain && !halted => TaskStep::Retry,
        "gave up" if policy.on_gave_up && remain && !halted => TaskStep::Retry,
        "limit" if policy.on_limit && remain && !halted => TaskStep::Retry,
        "gave up" => TaskStep::GiveUp,
        _ => TaskStep::Fail,
    }
}

fn result(name: &str) -> AttemptResult {
    match name {
        "done" => done(),
        "lost" => lost(),
        "gave up" => gave_up(),
        _ => AttemptResult::LimitReached { which: Limit::Steps },
    }
}

/// A run with one attempt of task `a` running; halted in the way that lets it end.
fn running(policy: RetryPolicy, remain: bool, halted: bool) -> Run {
    let a = Task { retry: policy, max_attempts: if remain { 2 } else { 1 }, ..task("a", &[]) };
    let mut run = Run::with_plan(1, vec![a]);
    run.start(1);
    if halted {
        run.must(&Command::LimitReached { which: Limit::Attempts });
    }
    run
}

fn then(events: &[RunEvent]) -> TaskStep {
    match events.first() {
        Some(RunEvent::AttemptFinished { then, .. } | RunEvent::AttemptLost { then, .. }) => *then,
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_combination() {
    let mut combinations = 0;
    for bits in 0..32u32 {
        let bit = |n: u32| bits & (1 << n) != 0;
        let policy =
            RetryPolicy { on_lost: bit(0), on_gave_up: bit(1), on_limit: bit(2), ..RetryPolicy::default() };
        let (remain, halted) = (bit(3), bit(4));
        for name in ["done", "lost", "gave up", "limit"] {
            let mut run = running(policy, remain, halted);
            let events = run.end(&"a#1".parse().unwrap(), result(name), 2);
            let case = format!("{name}, {policy:?}, attempts remain: {remain}, halted: {halted}");
            assert_eq!(then(&events), expected(name, policy, remain, halted), "{case}");
            run.assert_replays();
            combinations += 1;
        }
    }
    assert_eq!(combinations, 128);
}

#[test]
fn a_crash_is_retried_unless_the_task_or_the_run_forbids_it() {
    for (on_lost, remain, halted, expected) in [
        (true, true, false, TaskStep::Retry),
        (true, false, false, TaskStep::Retry), // a crash is not charged
        (false, true, false, TaskStep::Fail),
        (true, true, true, TaskStep::Fail),
    ] {
        let policy = RetryPolicy { on_lost, ..RetryPolicy::default() };
        let mut run = running(policy, remain, halted);
        let events = run.must(&Command::Resume { at_ms: 5 });
        assert_eq!(then(&events[1..]), expected, "on_lost {on_lost}, remain {remain}, halted {halted}");
    }
}

#[test]
fn crashes_are_charged_neither_to_the_task_nor_to_the_run() {
    let limits = RunLimits { agents: 1, max_attempts: Some(2), deadline_at_ms: None };
    let mut run = Run::default();
    run.must(&Command::Submit { spec: serde_json::Value::Null, limits, at_ms: 0 });
    let a = Task { max_attempts: 2, ..task("a", &[]) };
    run.must(&Command::AdoptPlan(smallhands_task_graph::Plan { tasks: vec![a] }.into()));
    for crash in 1..=5 {
        assert_eq!(run.start(1).len(), 1, "crash {crash}");
        run.must(&Command::Resume { at_ms: 2 });
    }
    assert_eq!((run.state.attempts_charged, run.state.attempts_left()), (0, Some(2)));
    for expected in [TaskStep::Retry, TaskStep::Fail] {
        let attempt = run.start(3).remove(0);
        assert_eq!(then(&run.end(&attempt, lost(), 4)), expected);
    }
    assert_eq!(run.state.tasks[&"a".into()].attempts.len(), 7);
    assert_eq!(run.state.attempts_left(), Some(0));
}
