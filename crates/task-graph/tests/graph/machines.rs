//! The state machines against their tables: every transition is taken by a real event, every other one is refused.

use std::collections::BTreeSet;

use crate::support::{Run, bytes, done, drop_tasks, gave_up, lost, task};
use serde_json::Value;
use smallhands_task_graph::transitions::{ATTEMPT, AttemptStep, CONSEQUENCE, RUN, RunStep, TASK};
use smallhands_task_graph::{
    AttemptId, AttemptPhase, AttemptResult, Command, Limit, RunEvent, RunLimits, RunPhase, RunState,
    TaskPhase, TaskStep, evolve, try_evolve,
};

const RUN_PHASES: [RunPhase; 4] =
    [RunPhase::Unsubmitted, RunPhase::Planning, RunPhase::Running, RunPhase::Finished];
const RUN_STEPS: [RunStep; 5] =
    [RunStep::Submit, RunStep::Adopt, RunStep::Work, RunStep::Halt, RunStep::Finish];
const TASK_PHASES: [TaskPhase; 7] = [
    TaskPhase::Waiting,
    TaskPhase::Running,
    TaskPhase::Stopping,
    TaskPhase::Done,
    TaskPhase::GaveUp,
    TaskPhase::Failed,
    TaskPhase::Dropped,
];
const TASK_STEPS: [TaskStep; 7] = [
    TaskStep::Start,
    TaskStep::Succeed,
    TaskStep::GiveUp,
    TaskStep::Fail,
    TaskStep::Retry,
    TaskStep::Stop,
    TaskStep::Drop,
];
const ATTEMPT_PHASES: [AttemptPhase; 7] = [
    AttemptPhase::Running,
    AttemptPhase::Stopping,
    AttemptPhase::Done,
    AttemptPhase::GaveUp,
    AttemptPhase::LimitReached,
    AttemptPhase::Lost,
    AttemptPhase::Stopped,
];
const ATTEMPT_STEPS: [AttemptStep; 5] = [
    AttemptStep::Succeed,
    AttemptStep::GiveUp,
    AttemptStep::ReachLimit,
    AttemptStep::Lose,
    AttemptStep::Stop,
];

fn time_out() -> AttemptResult {
    AttemptResult::LimitReached { which: Limit::Time }
}

fn first_attempt() -> AttemptId {
    "a#1".parse().unwrap()
}

fn ended(result: AttemptResult, then: TaskStep) -> RunEvent {
    RunEvent::AttemptFinished { attempt: first_attempt(), result, then, at_ms: 9 }
}

#[test]
fn no_table_says_two_things_about_one_step() {
    assert_eq!(RUN.iter().map(|(from, by, _)| (from, by)).collect::<BTreeSet<_>>().len(), RUN.len());
    assert_eq!(TASK.iter().map(|(from, by, _)| (from, by)).collect::<BTreeSet<_>>().len(), TASK.len());
    assert_eq!(ATTEMPT.iter().map(|(from, by, _)| (from, by)).collect::<BTreeSet<_>>().len(), ATTEMPT.len());
    assert_eq!(CONSEQUENCE.iter().collect::<BTreeSet<_>>().len(), CONSEQUENCE.len());
}

#[test]
fn phases_are_final_exactly_when_no_step_leaves_them() {
    for phase in TASK_PHASES {
        assert_eq!(phase.is_settled(), TASK.iter().all(|(from, _, _)| *from != phase), "{phase:?}");
    }
    for phase in ATTEMPT_PHASES {
        assert_eq!(phase.is_over(), ATTEMPT.iter().all(|(from, _, _)| *from != phase), "{phase:?}");
        let consequences = CONSEQUENCE.iter().filter(|(from, _)| *from == phase).count();
        assert_eq!(phase.is_over(), consequences > 0, "{phase:?}");
    }
}

fn run_in(phase: RunPhase) -> RunState {
    let mut run = Run::default();
    if phase >= RunPhase::Planning {
        run = Run::with_agents(1);
    }
    if phase >= RunPhase::Running {
        run.must(&Command::AdoptPlan(Default::default()));
    }
    if phase == RunPhase::Finished {
        run.must(&Command::Finish { verdict: Value::Null, summary: Value::Null });
    }
    assert_eq!(run.state.phase, phase);
    run.state
}

fn run_event(step: RunStep) -> RunEvent {
    match step {
        RunStep::Submit => {
            RunEvent::RunSubmitted { spec: Value::Null, limits: RunLimits::default(), at_ms: 0 }
        }
        RunStep::Adopt => {
            RunEvent::PlanAdopted { add: vec![], drop: vec![], reason: String::new(), seen: None }
        }
        RunStep::Work => RunEvent::RunResumed { deadline_at_ms: None, at_ms: 0 },
        RunStep::Halt => RunEvent::RunCancelled { reason: "x".into() },
        RunStep::Finish => RunEvent::RunFinished { verdict: Value::Null, summary: Value::Null },
    }
}

#[test]
fn a_run_follows_its_table_and_nothing_else() {
    let mut taken = 0;
    for from in RUN_PHASES {
        for step in RUN_STEPS {
            let before = run_in(from);
            let after = try_evolve(before.clone(), &run_event(step));
            assert_eq!(after.as_ref().ok().map(|state| state.phase), from.after(step), "{from:?} {step:?}");
            taken += usize::from(after.is_ok());
            if after.is_err() {
                assert_eq!(
                    bytes(&evolve(before.clone(), &run_event(step))),
                    bytes(&before),
                    "{from:?} {step:?}"
                );
            }
        }
    }
    assert_eq!(taken, RUN.len(), "every transition of the table was taken");
}

/// A run whose only task is in this phase.
fn task_in(phase: TaskPhase) -> RunState {
    let mut run = Run::with_plan(1, vec![task("a", &[])]);
    if phase != TaskPhase::Waiting {
        run.start(1);
    }
    match phase {
        TaskPhase::Waiting | TaskPhase::Running => {}
        TaskPhase::Done => drop(run.end(&first_attempt(), done(), 2)),
        TaskPhase::GaveUp => drop(run.end(&first_attempt(), gave_up(), 2)),
        TaskPhase::Failed => drop(run.end(&first_attempt(), time_out(), 2)),
        TaskPhase::Stopping | TaskPhase::Dropped => drop(run.must(&drop_tasks(&["a"]))),
    }
    if phase == TaskPhase::Dropped {
        run.end(&first_attempt(), lost(), 2);
    }
    assert_eq!(run.state.tasks[&"a".into()].phase, phase);
    run.state
}

/// The event by which a task takes this step. A task that waits is dropped by the plan or as unreachable; one that runs
/// is stopped by the plan, and dropped when its attempt ends.
fn task_event(from: TaskPhase, step: TaskStep) -> RunEvent {
    match step {
        TaskStep::Start => {
            let number = if from == TaskPhase::Waiting { 1 } else { 2 };
            RunEvent::AttemptStarted { attempt: AttemptId::new("a".into(), number), at_ms: 9 }
        }
        TaskStep::Succeed => ended(done(), step),
        TaskStep::GiveUp => ended(gave_up(), step),
        TaskStep::Fail => ended(time_out(), step),
        TaskStep::Retry => ended(gave_up(), step),
        TaskStep::Stop => RunEvent::PlanAdopted {
            add: vec![],
            drop: vec!["a".into()],
            reason: "not wanted".into(),
            seen: None,
        },
        TaskStep::Drop if from == TaskPhase::Waiting => {
            RunEvent::TaskUnreachable { task: "a".into(), because: "b".into() }
        }
        TaskStep::Drop => ended(gave_up(), step),
    }
}

#[test]
fn a_task_follows_its_table_and_nothing_else() {
    let mut taken = BTreeSet::new();
    for from in TASK_PHASES {
        for step in TASK_STEPS {
            if (from, step) == (TaskPhase::Waiting, TaskStep::Stop) {
                continue; // no event means that: a change of the plan drops a task that waits
            }
            let (before, event) = (task_in(from), task_event(from, step));
            let after = try_evolve(before.clone(), &event);
            let reached = after.as_ref().ok().map(|state| state.tasks[&"a".into()].phase);
            assert_eq!(reached, from.after(step), "{from:?} {step:?}");
            taken.extend(reached.map(|to| (from, step, to)));
            if after.is_err() {
                assert_eq!(bytes(&evolve(before.clone(), &event)), bytes(&before), "{from:?} {step:?}");
            }
        }
    }
    assert_eq!(taken, TASK.iter().copied().collect(), "every transition of the table was taken");
    assert_eq!(TaskPhase::Waiting.after(TaskStep::Stop), None);
}

fn attempt_in(phase: AttemptPhase) -> RunState {
    let mut run = Run::with_plan(1, vec![task("a", &[])]);
    run.start(1);
    match phase {
        AttemptPhase::Running => {}
        AttemptPhase::Done => drop(run.end(&first_attempt(), done(), 2)),
        AttemptPhase::GaveUp => drop(run.end(&first_attempt(), gave_up(), 2)),
        AttemptPhase::LimitReached => drop(run.end(&first_attempt(), time_out(), 2)),
        AttemptPhase::Lost => drop(run.end(&first_attempt(), lost(), 2)),
        AttemptPhase::Stopping | AttemptPhase::Stopped => drop(run.must(&drop_tasks(&["a"]))),
    }
    if phase == AttemptPhase::Stopped {
        run.end(&first_attempt(), lost(), 2);
    }
    assert_eq!(run.state.attempt(&first_attempt()).unwrap().phase, phase);
    run.state
}

fn attempt_event(from: AttemptPhase, step: AttemptStep) -> RunEvent {
    let then = |otherwise| if from == AttemptPhase::Stopping { TaskStep::Drop } else { otherwise };
    match step {
        AttemptStep::Succeed => ended(done(), then(TaskStep::Succeed)),
        AttemptStep::GiveUp => ended(gave_up(), then(TaskStep::GiveUp)),
        AttemptStep::ReachLimit => ended(time_out(), then(TaskStep::Fail)),
        AttemptStep::Lose => ended(lost(), then(TaskStep::Fail)),
        AttemptStep::Stop => task_event(TaskPhase::Running, TaskStep::Stop),
    }
}

#[test]
fn an_attempt_follows_its_table_and_nothing_else() {
    let mut taken = BTreeSet::new();
    for from in ATTEMPT_PHASES {
        for step in ATTEMPT_STEPS {
            let (before, event) = (attempt_in(from), attempt_event(from, step));
            let after = try_evolve(before.clone(), &event);
            let reached = after.as_ref().ok().map(|state| state.attempt(&first_attempt()).unwrap().phase);
            assert_eq!(reached, from.after(step), "{from:?} {step:?}");
            taken.extend(reached.map(|to| (from, step, to)));
            if after.is_err() {
                assert_eq!(bytes(&evolve(before.clone(), &event)), bytes(&before), "{from:?} {step:?}");
            }
        }
    }
    assert_eq!(taken, ATTEMPT.iter().copied().collect(), "every transition of the table was taken");
}

#[test]
fn the_end_of_an_attempt_has_the_consequences_of_the_table_and_no_other() {
    let results: [(AttemptResult, AttemptStep); 4] = [
        (done(), AttemptStep::Succeed),
        (gave_up(), AttemptStep::GiveUp),
        (time_out(), AttemptStep::ReachLimit),
        (lost(), AttemptStep::Lose),
    ];
    let mut taken = BTreeSet::new();
    for from in [TaskPhase::Running, TaskPhase::Stopping] {
        let attempt = if from == TaskPhase::Running { AttemptPhase::Running } else { AttemptPhase::Stopping };
        for (result, step) in &results {
            for then in TASK_STEPS {
                let end = attempt.after(*step).unwrap();
                let expected = end.allows(then) && from.after(then).is_some();
                let event = ended(result.clone(), then);
                assert_eq!(try_evolve(task_in(from), &event).is_ok(), expected, "{from:?} {end:?} {then:?}");
                taken.extend(expected.then_some((end, then)));
            }
        }
    }
    assert_eq!(taken, CONSEQUENCE.iter().copied().collect(), "every consequence of the table was taken");
}

#[test]
fn events_about_things_that_are_not_there_are_refused() {
    let waiting = task_in(TaskPhase::Waiting);
    let cases: Vec<(&str, RunEvent)> = vec![
        ("task `x` is unknown", RunEvent::TaskUnreachable { task: "x".into(), because: "a".into() }),
        (
            "attempt `a#1` is unknown",
            RunEvent::AttemptProgressed { attempt: first_attempt(), note: Value::Null },
        ),
        ("attempt `a#1` is unknown", ended(done(), TaskStep::Succeed)),
        ("after 0 attempts", RunEvent::AttemptStarted { attempt: "a#2".parse().unwrap(), at_ms: 0 }),
        (
            "exists already",
            RunEvent::PlanAdopted {
                add: vec![task("a", &[])],
                drop: vec![],
                reason: String::new(),
                seen: None,
            },
        ),
        (
            "task `x` is unknown",
            RunEvent::PlanAdopted { add: vec![], drop: vec!["x".into()], reason: String::new(), seen: None },
        ),
    ];
    for (words, event) in cases {
        let error = try_evolve(waiting.clone(), &event).unwrap_err();
        assert_eq!((error.number, error.kind), (3, event.kind()));
        assert!(error.to_string().contains(words), "{error}");
        assert_eq!(bytes(&evolve(waiting.clone(), &event)), bytes(&waiting));
    }
}
