//! Random plans and random commands against what must always hold.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use smallhands_task_graph::{
    AttemptId, AttemptPhase, AttemptResult, Command, Effect, Limit, Needs, PlanChange, RetryPolicy, RunEvent,
    RunLimits, RunPhase, RunState, Task, TaskId, TaskPhase, decide, effects, evolve, replay, try_evolve,
};

use crate::support::{Run, bytes, done, gave_up, lost};

/// A task in the making: which earlier tasks it waits for, and its other properties.
#[derive(Debug, Clone)]
struct Sketch {
    after: Vec<Index>,
    task: Task,
}

fn any_sketch() -> impl Strategy<Value = Sketch> {
    let flags = any::<(bool, bool, bool)>();
    let name = |names: &'static [&'static str]| prop::sample::select(names).prop_map(str::to_owned);
    (
        prop::collection::vec(any::<Index>(), 0..4),
        prop::bool::weighted(0.3),
        flags,
        1u32..4,
        -1i64..3,
        0u64..20,
        prop::option::weighted(0.3, name(&["db", "git"])),
        prop::option::weighted(0.4, name(&["r", "s"])),
    )
        .prop_map(|(after, settled, flags, max_attempts, priority, weight_ms, exclusive, race)| Sketch {
            after,
            task: Task {
                needs: if settled { Needs::AllSettled } else { Needs::AllDone },
                retry: RetryPolicy {
                    on_lost: flags.0,
                    on_gave_up: flags.1,
                    on_limit: flags.2,
                    ..RetryPolicy::default()
                },
                max_attempts,
                priority,
                weight_ms,
                exclusive,
                race: race.map(Into::into),
                ..Task::new("unnamed", "worker", "work")
            },
        })
}

/// Names the sketched tasks and lets them wait for tasks that are there or named before.
fn tasks_of(sketches: &[Sketch], existing: &[TaskId]) -> Vec<Task> {
    let mut known = existing.to_vec();
    let mut tasks = Vec::new();
    for sketch in sketches {
        let id = TaskId::new(format!("t{:02}", known.len()));
        let after: BTreeSet<TaskId> = sketch
            .after
            .iter()
            .filter(|_| !known.is_empty())
            .map(|index| index.get(&known).clone())
            .collect();
        tasks.push(Task { id: id.clone(), after: after.into_iter().collect(), ..sketch.task.clone() });
        known.push(id);
    }
    tasks
}

/// Something that may happen. Not all of it is accepted.
#[derive(Debug, Clone)]
enum Move {
    Adopt { add: Vec<Sketch>, drop: Option<Index>, seen: Option<u64> },
    Start,
    Progress(Index, u32),
    End(Index, AttemptResult),
    Resume,
    Tick(i64),
    Cancel,
    Limit(Limit),
    Finish,
    LateNews(Index),
}

fn any_result() -> impl Strategy<Value = AttemptResult> {
    prop_oneof![
        4 => Just(done()),
        1 => Just(gave_up()),
        1 => Just(lost()),
        1 => Just(AttemptResult::LimitReached { which: Limit::Time }),
    ]
}

fn any_move() -> impl Strategy<Value = Move> {
    let add = prop::collection::vec(any_sketch(), 0..4);
    let drop = prop::option::weighted(0.3, any::<Index>());
    prop_oneof![
        40 => (add, drop, prop::option::weighted(0.3, 0u64..6))
            .prop_map(|(add, drop, seen)| Move::Adopt { add, drop, seen }),
        80 => Just(Move::Start),
        20 => (any::<Index>(), any::<u32>()).prop_map(|(index, note)| Move::Progress(index, note)),
        80 => (any::<Index>(), any_result()).prop_map(|(index, result)| Move::End(index, result)),
        10 => Just(Move::Resume),
        10 => (0i64..30).prop_map(Move::Tick),
        2 => Just(Move::Cancel),
        2 => prop::sample::select(vec![Limit::Attempts, Limit::Cost]).prop_map(Move::Limit),
        2 => Just(Move::Finish),
        10 => any::<Index>().prop_map(Move::LateNews),
    ]
}

/// The command of a move in this state; `None` where there is nothing to move.
fn command(state: &RunState, step: &Move, at_ms: i64) -> Option<Command> {
    let ids: Vec<TaskId> = state.tasks.keys().cloned().collect();
    let active = state.active_attempts();
    let pick = |index: &Index| (!active.is_empty()).then(|| index.get(&active).clone());
    Some(match step {
        Move::Adopt { add, drop, seen } => Command::AdoptPlan(PlanChange {
            add: tasks_of(add, &ids),
            drop: drop.iter().filter(|_| !ids.is_empty()).map(|index| index.get(&ids).clone()).collect(),
            reason: "random".into(),
            seen: *seen,
        }),
        Move::Start => Command::StartReady { at_ms },
        Move::Progress(index, note) => {
            Command::AttemptProgress { attempt: pick(index)?, note: json!({ "rank": note }) }
        }
        Move::End(index, result) => {
            Command::FinishAttempt { attempt: pick(index)?, result: result.clone(), at_ms }
        }
        Move::Resume => Command::Resume { at_ms },
        Move::Tick(_) => Command::Tick { at_ms },
        Move::Cancel => Command::Cancel { reason: "random".into() },
        Move::Limit(which) => Command::LimitReached { which: which.clone() },
        Move::Finish => Command::Finish { verdict: json!("random"), summary: Value::Null },
        Move::LateNews(index) if !ids.is_empty() => {
            let attempt = AttemptId::new(index.get(&ids).clone(), 1);
            Command::FinishAttempt { attempt, result: done(), at_ms }
        }
        Move::LateNews(_) => return None,
    })
}

fn any_limits() -> impl Strategy<Value = RunLimits> {
    (1u32..5, prop::option::weighted(0.2, 1i64..200), prop::option::weighted(0.3, 1u32..15))
        .prop_map(|(agents, deadline_at_ms, max_attempts)| RunLimits { agents, deadline_at_ms, max_attempts })
}

fn phase(state: &RunState, id: &TaskId) -> TaskPhase {
    state.tasks[id].phase
}

/// What an attempt that starts must find.
fn assert_may_start(before: &RunState, id: &TaskId) {
    let task = &before.tasks[id].task;
    assert!(before.halt.is_none(), "{id} starts in a run that is ending");
    for dependency in &task.after {
        let reached = phase(before, dependency);
        match task.needs {
            Needs::AllDone => assert_eq!(reached, TaskPhase::Done, "{id} starts before {dependency}"),
            Needs::AllSettled => assert!(reached.is_settled(), "{id} starts before {dependency}"),
        }
    }
}

/// What holds in every state that a prefix of a log leads to.
fn assert_sound(state: &RunState) {
    let active: Vec<_> = state.tasks.values().filter(|task| task.phase.is_active()).collect();
    assert!(active.len() <= state.limits.agents as usize, "more attempts than agents");
    let locks: Vec<&str> = active.iter().filter_map(|task| task.task.exclusive.as_deref()).collect();
    assert_eq!(locks.iter().collect::<BTreeSet<_>>().len(), locks.len(), "a lock is held twice");
    let settled: BTreeSet<&TaskId> = state.settled.iter().collect();
    assert_eq!(settled.len(), state.settled.len(), "a task settles twice");
    let settled_now = state.tasks.values().filter(|task| task.phase.is_settled()).map(|task| &task.task.id);
    assert_eq!(settled, settled_now.collect());
    assert!(state.planned_through <= state.settled.len() as u64);
    assert!(state.limits.max_attempts.is_none_or(|most| state.attempts_charged <= most));
    for task in state.tasks.values() {
        assert!(task.charged <= task.task.max_attempts, "{} is tried too often", task.task.id);
        let open = task.attempts.iter().filter(|attempt| !attempt.phase.is_over()).count();
        assert_eq!(open, usize::from(task.phase.is_active()), "{}", task.task.id);
        assert!(task.attempts.iter().rev().skip(1).all(|attempt| attempt.phase.is_over()));
        let last = task.attempts.last().map(|attempt| attempt.phase);
        assert_eq!(task.phase == TaskPhase::Stopping, last == Some(AttemptPhase::Stopping));
    }
    assert_serialises(state);
}

fn assert_serialises(state: &RunState) {
    let again: RunState = serde_json::from_str(&bytes(state)).unwrap();
    assert_eq!(bytes(&again), bytes(state));
}

/// Unless it is finished, a run has something running, something to start, or something for the planner to look at.
fn assert_lives(state: &RunState) {
    let due = effects(state);
    let at_ms = state.last_at_ms;
    let moves = match state.phase {
        RunPhase::Unsubmitted => true,
        RunPhase::Finished => due == [Effect::Finished],
        _ => !due.is_empty() || !decide(state, &Command::StartReady { at_ms }).unwrap().is_empty(),
    };
    assert!(moves, "the run is stuck: {state:#?}");
    let keys: BTreeSet<String> = due.iter().map(Effect::key).collect();
    assert_eq!(keys.len(), due.len(), "two effects have one key");
}

/// Takes a state over in a new process and brings it to its end: whatever runs succeeds, whatever must stop stops.
fn assert_can_be_brought_to_an_end(state: RunState) {
    if matches!(state.phase, RunPhase::Unsubmitted | RunPhase::Finished) {
        return;
    }
    let at_ms = state.last_at_ms;
    let mut run = Run { state, log: Vec::new() };
    run.must(&Command::Resume { at_ms });
    assert!(run.state.active_attempts().is_empty(), "what the last process ran is over");
    for _ in 0..1_000 {
        run.start(at_ms);
        let active = run.state.active_attempts();
        if active.is_empty() && run.state.count(TaskPhase::Waiting) == 0 {
            run.must(&Command::Finish { verdict: Value::Null, summary: Value::Null });
            return;
        }
        assert!(!active.is_empty(), "tasks wait for nothing: {:#?}", run.state);
        active.iter().for_each(|attempt| drop(run.end(attempt, done(), at_ms)));
    }
    panic!("the run does not end");
}

/// Follows the events one by one, as a process that dies after any of them would have left them.
fn follow(run: &mut Run, events: Vec<RunEvent>) {
    for event in events {
        let before = run.state.clone();
        if let RunEvent::AttemptStarted { attempt, .. } = &event {
            assert_may_start(&before, &attempt.task);
        }
        let encoded = event.encode();
        assert_eq!(RunEvent::decode(encoded.kind, encoded.version, &encoded.payload).unwrap(), event);
        run.state = try_evolve(before.clone(), &event).unwrap();
        assert_eq!(bytes(&evolve(before, &event)), bytes(&run.state));
        run.log.push(event);
        assert_sound(&run.state);
        assert_lives(&run.state);
        assert_can_be_brought_to_an_end(run.state.clone());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_run_stays_sound(limits in any_limits(), moves in prop::collection::vec(any_move(), 1..50)) {
        let mut run = Run::default();
        follow(&mut run, decide(&RunState::default(), &Command::Submit { spec: json!({ "n": 1 }), limits, at_ms: 0 }).unwrap());
        let mut at_ms = 0;
        for step in &moves {
            at_ms += if let Move::Tick(passed) = step { *passed } else { 1 };
            let Some(command) = command(&run.state, step, at_ms) else { continue };
            let Ok(events) = decide(&run.state, &command) else { continue };
            follow(&mut run, events);
            // A decision is complete: nothing that waits is out of reach once all its events are followed.
            let catching_up = decide(&run.state, &Command::StartReady { at_ms: run.state.last_at_ms });
            let unreachable = |event: &RunEvent| matches!(event, RunEvent::TaskUnreachable { .. });
            prop_assert!(!catching_up.is_ok_and(|events| events.iter().any(unreachable)));
        }
        run.assert_replays();
        for (length, _) in run.log.iter().enumerate().step_by(7) {
            let prefix = replay(&run.log[..length]).unwrap();
            prop_assert_eq!(bytes(&prefix), bytes(&replay(&run.log[..length]).unwrap()));
        }
    }

    #[test]
    fn a_run_whose_attempts_succeed_gets_everything_done(
        agents in 1u32..5,
        sketches in prop::collection::vec(any_sketch(), 1..25),
        order in prop::collection::vec(any::<Index>(), 200),
    ) {
        let tasks = tasks_of(&sketches, &[]);
        let mut run = Run::with_plan(agents, tasks.clone());
        for (ended, index) in order.iter().enumerate() {
            run.start(1);
            let active = run.state.active_attempts();
            if active.is_empty() {
                prop_assert_eq!(ended, tasks.len(), "each task took one attempt");
                break;
            }
            run.end(&index.get(&active).clone(), done(), 2);
        }
        prop_assert_eq!(run.state.count(TaskPhase::Done), tasks.len());
        run.assert_replays();
    }

    #[test]
    fn a_run_whose_attempts_end_anyhow_settles_everything(
        agents in 1u32..5,
        sketches in prop::collection::vec(any_sketch(), 1..20),
        results in prop::collection::vec(any_result(), 100),
    ) {
        let tasks = tasks_of(&sketches, &[]);
        let most: u32 = tasks.iter().map(|task| task.max_attempts).sum();
        let mut run = Run::with_plan(agents, tasks.clone());
        let mut results = results.iter().cycle();
        let mut ended = 0;
        loop {
            run.start(1);
            let Some(attempt) = run.state.active_attempts().into_iter().next() else { break };
            run.end(&attempt, results.next().unwrap().clone(), 2);
            ended += 1;
            prop_assert!(ended <= most, "more attempts than all tasks together allow");
        }
        prop_assert_eq!(run.state.settled.len(), tasks.len());
        run.assert_replays();
    }
}
