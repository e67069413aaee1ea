//! Events go in, what people and scripts are told comes out.

use serde_json::Value;
use smallhands_task_graph::Limit;

use super::*;
use crate::assignment::{FailureGroup, FoundPatch};
use crate::progress::{PatchView, TestCounts};

const COUNTS: TestCounts = TestCounts { passed: 7, failed: 2, skipped: 1 };

fn view() -> PatchView {
    PatchView { file: "a.py".into(), line: 3, kind: "k".into(), summary: "< → <=".into() }
}

fn patch(complete: bool) -> FoundPatch {
    FoundPatch { view: view(), diff: "b3-1".into(), fixed: vec![], complete, rank: 1 }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|index| format!("t{index}")).collect()
}

fn observed(failing: usize) -> Delivery {
    let group = FailureGroup { tests: names(failing), functions: vec![], specialist: "repair-python".into() };
    Delivery::Observed {
        observation: "b3-0".into(),
        counts: COUNTS,
        failing: names(failing),
        flaky: vec![],
        mode: "warm-unittest".into(),
        groups: vec![group],
        hung: false,
    }
}

fn integrated(merged: Option<FoundPatch>) -> Delivery {
    Delivery::Integrated {
        onto: "t0".into(),
        head: "t1".into(),
        merged,
        fixed: names(2),
        rejected: names(3),
        alternatives: vec![],
    }
}

fn verified(green: bool) -> Delivery {
    Delivery::Verified {
        at: "t1".into(),
        green,
        counts: COUNTS,
        failing: vec![],
        broken: vec![],
        evidence: "b3-2".into(),
        warnings: vec![],
    }
}

#[test]
fn deliveries_in_one_line() {
    let searched = Delivery::Searched {
        found: vec![patch(true), patch(false), patch(false)],
        validated: 40,
        candidates: 90,
        ended: "exhausted".into(),
    };
    let changed =
        Delivery::Changed { found: None, note: "exit code 1".into(), cost_usd_micros: 3, log: None };
    let cases = [
        (observed(2), "7 passed, 2 failed (warm-unittest); 1 suspected causes"),
        (searched, "1 patches pass (2 partial), 40 of 90 candidates validated, exhausted"),
        (changed, "exit code 1"),
        (integrated(Some(patch(true))), "merged a.py:3, 2 tests pass since then"),
        (integrated(None), "nothing merged, 3 rejected"),
        (verified(true), "green: 7 passed, 2 failed"),
        (verified(false), "red: 7 passed, 2 failed"),
    ];
    for (delivery, expected) in cases {
        assert_eq!(describe(&delivery), expected);
    }
}

fn attempt() -> AttemptId {
    AttemptId::new("work".into(), 1)
}

/// What is told about an attempt's end, of a task that the state knows.
fn told_of(result: AttemptResult, then: TaskStep) -> Vec<Progress> {
    let mut state = RunState::default();
    for event in [
        RunEvent::RunSubmitted {
            spec: Value::Null,
            limits: smallhands_task_graph::RunLimits::default(),
            at_ms: 0,
        },
        RunEvent::PlanAdopted {
            add: vec![Task::new("work", "tester", "look")],
            drop: vec![],
            reason: String::new(),
            seen: None,
        },
    ] {
        state = smallhands_task_graph::evolve(state, &event);
    }
    of_event(&RunEvent::AttemptFinished { attempt: attempt(), result, then, at_ms: 1 }, &state)
}

#[test]
fn endings_name_the_outcome_and_the_reason() {
    let done = || AttemptResult::Done { output: verified(true).to_value() };
    let gave_up = || AttemptResult::GaveUp { reason: "no way".into(), output: Value::Null };
    let limit = || AttemptResult::LimitReached { which: Limit::Time };
    let lost = || AttemptResult::Lost { reason: "disk full".into() };
    let cases = [
        (done(), TaskStep::Succeed, "done", "green: 7 passed, 2 failed", TaskPhase::Done),
        (gave_up(), TaskStep::GiveUp, "gave_up", "no way", TaskPhase::Failed),
        (limit(), TaskStep::Fail, "limit_reached", "time limit reached", TaskPhase::Failed),
        (lost(), TaskStep::Retry, "lost", "disk full", TaskPhase::Waiting),
        (lost(), TaskStep::Drop, "lost", "disk full", TaskPhase::Dropped),
    ];
    for (result, then, outcome, note, phase) in cases {
        let expected = [
            Progress::AttemptFinished {
                attempt: "work#1".into(),
                outcome: outcome.into(),
                note: note.into(),
            },
            Progress::TaskChanged { task: "work".into(), phase, note: note.into() },
        ];
        assert_eq!(told_of(result, then), expected);
    }
}

#[test]
fn an_observation_is_told_with_a_bounded_list_of_tests() {
    for (failing, shown) in [(0, 0), (3, 3), (NAMED_TESTS + 50, NAMED_TESTS)] {
        let output = observed(failing).to_value();
        let told = told_of(AttemptResult::Done { output }, TaskStep::Succeed);
        let Progress::TestsObserved { counts, failing } = &told[1] else { panic!("{told:?}") };
        assert_eq!((*counts, failing.len()), (COUNTS, shown));
    }
}

#[test]
fn only_a_merged_patch_is_told_as_merged() {
    let told =
        |delivery: Delivery| told_of(AttemptResult::Done { output: delivery.to_value() }, TaskStep::Succeed);
    let expected = Progress::PatchMerged { task: "work".into(), patch: view(), fixed: names(2) };
    assert_eq!(told(integrated(Some(patch(true))))[1], expected);
    assert_eq!(told(integrated(None)).len(), 2);
}

#[test]
fn an_output_of_another_version_is_told_without_a_note() {
    let output = serde_json::json!({"delivered": "a dance"});
    let told = told_of(AttemptResult::Done { output }, TaskStep::Succeed);
    let Progress::AttemptFinished { outcome, note, .. } = &told[0] else { panic!("{told:?}") };
    assert_eq!((outcome.as_str(), note.as_str()), ("done", ""));
}

#[test]
fn changes_of_the_plan_are_told_and_mere_confirmations_are_not() {
    let mut waiting = Task::new("b", "coder", "write it");
    waiting.after = vec![TaskId::new("a")];
    let adopted = |add: Vec<Task>, drop: Vec<TaskId>| RunEvent::PlanAdopted {
        add,
        drop,
        reason: "because".into(),
        seen: Some(1),
    };
    let state = RunState::default();
    assert_eq!(of_event(&adopted(vec![], vec![]), &state), []);
    let told = of_event(&adopted(vec![waiting], vec![TaskId::new("c")]), &state);
    let added =
        TaskView { id: "b".into(), role: "coder".into(), goal: "write it".into(), after: vec!["a".into()] };
    let expected =
        Progress::PlanChanged { reason: "because".into(), added: vec![added], dropped: vec!["c".into()] };
    assert_eq!(told, [expected]);
}

#[test]
fn beginnings_losses_and_dead_ends_are_told() {
    let state = RunState::default();
    let started = RunEvent::AttemptStarted { attempt: attempt(), at_ms: 1 };
    let running =
        Progress::TaskChanged { task: "work".into(), phase: TaskPhase::Running, note: String::new() };
    assert_eq!(of_event(&started, &state), [running]);

    let unreachable = RunEvent::TaskUnreachable { task: "b".into(), because: "a".into() };
    let [Progress::TaskChanged { phase: TaskPhase::Dropped, note, .. }] = &of_event(&unreachable, &state)[..]
    else {
        panic!("{:?}", of_event(&unreachable, &state))
    };
    assert_eq!(note, "a did not get done");

    let lost = RunEvent::AttemptLost {
        attempt: attempt(),
        reason: "its process died".into(),
        then: TaskStep::Retry,
        at_ms: 2,
    };
    let [Progress::AttemptFinished { outcome, .. }, Progress::TaskChanged { phase, .. }] =
        &of_event(&lost, &state)[..]
    else {
        panic!("{:?}", of_event(&lost, &state))
    };
    assert_eq!((outcome.as_str(), *phase), ("lost", TaskPhase::Waiting));
}

#[test]
fn every_step_of_a_task_has_a_phase_for_people() {
    let cases = [
        (TaskStep::Start, TaskPhase::Running),
        (TaskStep::Succeed, TaskPhase::Done),
        (TaskStep::GiveUp, TaskPhase::Failed),
        (TaskStep::Fail, TaskPhase::Failed),
        (TaskStep::Retry, TaskPhase::Waiting),
        (TaskStep::Stop, TaskPhase::Dropped),
        (TaskStep::Drop, TaskPhase::Dropped),
    ];
    for (step, expected) in cases {
        assert_eq!(phase_after(step), expected, "{step:?}");
    }
}
