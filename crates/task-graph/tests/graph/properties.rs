//! Random plans and random commands against what must always hold.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use smallhands_task_graph::{
    AttemptId, AttemptPhase, AttemptResult, Backoff, Capacity, Command, Effect, Failure, FailureClass, Limit,
    Lock, Needs, PlanChange, Resources, RetryPolicy, RunEvent, RunLimits, RunPhase, RunState, Task, TaskId,
    TaskPhase, critical_path_ms, decide, effects, effects_of, evolve, next_wake_ms, ready, replay,
    startable_at, try_evolve,
};

use crate::support::{Run, bytes, done, gave_up, lost};

/// A task in the making: which earlier tasks it waits for, and its other properties.
#[derive(Debug, Clone)]
struct Sketch {
    after: Vec<Index>,
    task: Task,
}

/// What a task asks for while it runs, and how long it waits between attempts.
fn any_demand() -> impl Strategy<Value = Task> {
    let lock = (prop::sample::select(vec!["l", "m"]), any::<bool>());
    let owns = prop::sample::select(vec!["src", "src/a.py", "src/*.py", "docs/**"]);
    let backoff = (1u64..20, 0.0..1.0).prop_map(|(initial_ms, jitter)| Backoff {
        initial_ms,
        factor: 2.0,
        max_ms: 50,
        jitter,
    });
    (
        prop::option::weighted(0.3, lock),
        prop::option::weighted(0.3, owns),
        prop::option::weighted(0.4, 0u64..1_500),
        prop::option::weighted(0.3, backoff),
        prop::option::weighted(0.2, 1u32..3),
        prop::option::weighted(0.1, 0u64..30),
    )
        .prop_map(|(lock, owns, cpu_milli, backoff, quarantine_after, rank_ms)| Task {
            locks: lock.into_iter().map(|(name, shared)| Lock { name: name.into(), shared }).collect(),
            owns: owns.into_iter().map(Into::into).collect(),
            resources: Resources { cpu_milli: cpu_milli.unwrap_or(0), ..Resources::default() },
            retry: RetryPolicy { backoff, quarantine_after, ..RetryPolicy::default() },
            rank_ms,
            ..Task::new("unnamed", "worker", "work")
        })
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
        any_demand(),
    )
        .prop_map(
            |(after, settled, flags, max_attempts, priority, weight_ms, exclusive, race, demand)| Sketch {
                after,
                task: Task {
                    needs: if settled { Needs::AllSettled } else { Needs::AllDone },
                    retry: RetryPolicy {
                        on_lost: flags.0,
                        on_gave_up: flags.1,
                        on_limit: flags.2,
                        ..demand.retry
                    },
                    max_attempts,
                    priority,
                    weight_ms,
                    exclusive,
                    race: race.map(Into::into),
                    ..demand
                },
            },
        )
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
    Fail(Index, Failure),
    Capacity(Option<u64>),
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

fn any_failure() -> impl Strategy<Value = Failure> {
    use FailureClass::*;
    let class = prop::sample::select(vec![Infrastructure, Limit, GaveUp, CheckFailed, PoisonedSandbox]);
    (class, prop::bool::weighted(0.3), prop::option::weighted(0.2, 1u64..30)).prop_map(
        |(class, killed_worker, retry_after_ms)| Failure {
            killed_worker,
            retry_after_ms,
            ..Failure::new(class, "by chance")
        },
    )
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
        40 => (any::<Index>(), any_failure()).prop_map(|(index, failure)| Move::Fail(index, failure)),
        10 => prop::option::of(0u64..2_000).prop_map(Move::Capacity),
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
        Move::Fail(index, failure) => {
            Command::FailAttempt { attempt: pick(index)?, failure: failure.clone(), at_ms }
        }
        Move::Capacity(cpu_milli) => Command::ChangeCapacity {
            capacity: cpu_milli.map(|cpu_milli| Capacity { cpu_milli, ..Capacity::default() }),
        },
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
fn assert_may_start(before: &RunState, id: &TaskId, at_ms: i64) {
    let task = &before.tasks[id].task;
    assert!(before.tasks[id].not_before_ms.is_none_or(|time| time <= at_ms), "{id} starts before its time");
    assert!(before.halt.is_none(), "{id} starts in a run that is ending");
    for dependency in &task.after {
        let reached = phase(before, dependency);
        match task.needs {
            Needs::AllDone => assert_eq!(reached, TaskPhase::Done, "{id} starts before {dependency}"),
            Needs::AllSettled => assert!(reached.is_settled(), "{id} starts before {dependency}"),
        }
    }
}

/// What two tasks that run at the same time must not have in common.
fn assert_compatible(one: &Task, other: &Task) {
    let locks = |task: &Task| -> Vec<Lock> {
        task.locks.iter().cloned().chain(task.exclusive.as_deref().map(Lock::exclusive)).collect()
    };
    for lock in locks(one) {
        let theirs = locks(other).into_iter().find(|theirs| theirs.name == lock.name);
        assert!(
            theirs.is_none_or(|theirs| theirs.shared && lock.shared),
            "{} and {}: lock",
            one.id,
            other.id
        );
    }
    let same = |one: &str, other: &str| (one == "docs/**") == (other == "docs/**");
    let meet = one.owns.iter().any(|mine| other.owns.iter().any(|theirs| same(mine, theirs)));
    assert!(!meet, "{} and {} write the same", one.id, other.id);
}

/// What the state keeps at hand is what would be made anew from it.
fn assert_agrees_with_itself(state: &RunState) {
    let again: RunState = serde_json::from_str(&bytes(state)).unwrap();
    for at_ms in [state.last_at_ms, state.last_at_ms + 15] {
        assert_eq!(startable_at(&again, at_ms), startable_at(state, at_ms));
    }
    assert_eq!(ready(&again), ready(state));
    assert_eq!(critical_path_ms(&again), critical_path_ms(state));
    assert_eq!(
        (next_wake_ms(&again, again.last_at_ms), effects(&again)),
        (next_wake_ms(state, state.last_at_ms), effects(state))
    );
    assert_eq!(again.active_attempts(), state.active_attempts());
}

/// No more is taken than there is, after the start of a task that takes something: when the capacity shrank, only such start
/// that take nothing.
fn assert_fits(state: &RunState, started: &TaskId) {
    let all = state.capacity.unwrap_or_default().cpu_milli;
    if state.tasks[started].task.resources.cpu_milli.min(all) == 0 {
        return;
    }
    let active = state.tasks.values().filter(|task| task.phase.is_active());
    let taken: u64 = active.map(|task| task.task.resources.cpu_milli.min(all)).sum();
    assert!(taken <= all, "{taken} of {all} are taken");
}

/// What holds in every state that a prefix of a log leads to.
fn assert_sound(state: &RunState) {
    let active: Vec<_> = state.tasks.values().filter(|task| task.phase.is_active()).collect();
    assert!(active.len() <= state.limits.agents as usize, "more attempts than agents");
    for (place, one) in active.iter().enumerate() {
        for other in &active[place + 1..] {
            assert_compatible(&one.task, &other.task);
        }
    }
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
        _ => {
            let at_ms = next_wake_ms(state, state.last_at_ms).unwrap_or(at_ms).max(at_ms);
            !due.is_empty() || !decide(state, &Command::StartReady { at_ms }).unwrap().is_empty()
        }
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
    let mut at_ms = state.last_at_ms;
    let mut run = Run { state, log: Vec::new() };
    run.must(&Command::Resume { at_ms });
    assert!(run.state.active_attempts().is_empty(), "what the last process ran is over");
    for _ in 0..1_000 {
        at_ms = at_ms.max(next_wake_ms(&run.state, run.state.last_at_ms).unwrap_or(at_ms));
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
        if let RunEvent::AttemptStarted { attempt, at_ms } = &event {
            assert_may_start(&before, &attempt.task, *at_ms);
        }
        let encoded = event.encode();
        assert_eq!(RunEvent::decode(encoded.kind, encoded.version, &encoded.payload).unwrap(), event);
        run.state = try_evolve(before.clone(), &event).unwrap();
        assert_eq!(bytes(&evolve(before, &event)), bytes(&run.state));
        if let RunEvent::AttemptStarted { attempt, .. } = &event {
            assert_fits(&run.state, &attempt.task);
        }
        run.log.push(event);
        assert_agrees_with_itself(&run.state);
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
            let mut known: BTreeSet<String> = effects(&run.state).iter().map(Effect::key).collect();
            follow(&mut run, events.clone());
            // Who did all there was to do, and then what the events brought about, has done all there is.
            known.extend(effects_of(&run.state, &events).iter().map(Effect::key));
            for due in effects(&run.state) {
                prop_assert!(known.contains(&due.key()), "{due:?} is missed");
            }
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
            run.start(next_wake_ms(&run.state, run.state.last_at_ms).unwrap_or(run.state.last_at_ms.max(1)));
            let Some(attempt) = run.state.active_attempts().into_iter().next() else { break };
            run.end(&attempt, results.next().unwrap().clone(), 2);
            ended += 1;
            prop_assert!(ended <= most, "more attempts than all tasks together allow");
        }
        prop_assert_eq!(run.state.settled.len(), tasks.len());
        run.assert_replays();
    }
}
