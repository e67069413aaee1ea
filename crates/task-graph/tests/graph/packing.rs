//! Which tasks start together: resources, locks, paths, times; that nobody is overtaken for ever; that nothing blocks itself.

use crate::support::{Run, done, task};
use smallhands_task_graph::{
    Capacity, Command, Lock, Plan, PlanError, Rejection, Resources, RunState, Task, startable, startable_at,
};

fn cpu(id: &str, cpu_milli: u64, weight_ms: u64) -> Task {
    Task { resources: Resources { cpu_milli, ..Resources::default() }, weight_ms, ..task(id, &[]) }
}

fn run_with(agents: u32, cpu_milli: u64, tasks: Vec<Task>) -> Run {
    let mut run = Run::with_agents(agents);
    let capacity = Some(Capacity { cpu_milli, ..Capacity::default() });
    run.must(&Command::ChangeCapacity { capacity });
    run.must(&Command::AdoptPlan(Plan { tasks }.into()));
    run
}

fn names(run: &Run) -> String {
    startable(&run.state).iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ")
}

fn started(run: &mut Run, at_ms: i64) -> String {
    run.start(at_ms).iter().map(|attempt| attempt.task.as_str()).collect::<Vec<_>>().join(" ")
}

fn end(run: &mut Run, task: &str, at_ms: i64) {
    run.end(&format!("{task}#1").parse().unwrap(), done(), at_ms);
}

#[test]
fn as_many_start_as_fit() {
    let tasks = vec![cpu("a", 600, 9), cpu("b", 400, 8), cpu("c", 100, 7), cpu("d", 0, 6)];
    let mut run = run_with(9, 1_000, tasks);
    // `c` does not fit and reserves; `d` takes nothing and so keeps nobody waiting.
    assert_eq!(started(&mut run, 0), "a b d");
    end(&mut run, "b", 8);
    assert_eq!(started(&mut run, 8), "c");
}

#[test]
fn a_big_task_is_overtaken_only_by_those_that_do_not_delay_it() {
    let tasks = [
        cpu("first", 600, 100),
        Task { priority: 1, ..cpu("big", 1_000, 50) },
        cpu("long", 200, 40),
        cpu("short", 200, 10),
    ];
    let mut run = run_with(9, 1_000, vec![tasks[0].clone()]);
    assert_eq!(started(&mut run, 0), "first");
    run.must(&Command::AdoptPlan(Plan { tasks: tasks[1..].to_vec() }.into()));
    assert_eq!(names(&run), "long short", "both are over at 100, when `first` is");
    let at_80 = startable_at(&run.state, 80);
    assert_eq!(at_80, ["short".into()], "`long` would be over at 120, `short` at 90");
    assert_eq!(startable_at(&run.state, 95), [], "both would be over too late");
    end(&mut run, "first", 99);
    assert_eq!(started(&mut run, 99), "big");
}

#[test]
fn small_tasks_that_keep_coming_do_not_starve_a_big_one() {
    let mut run = run_with(4, 1_000, vec![cpu("s0", 400, 10), cpu("s1", 400, 10)]);
    assert_eq!(started(&mut run, 0), "s0 s1");
    let big = Task { priority: 1, ..cpu("big", 1_000, 10) };
    run.must(&Command::AdoptPlan(Plan { tasks: vec![big] }.into()));
    let mut waited = 0;
    let mut running = std::collections::VecDeque::from(["s0".to_owned(), "s1".to_owned()]);
    for at_ms in 1..100 {
        let name = format!("s{}", at_ms + 1);
        run.must(&Command::AdoptPlan(Plan { tasks: vec![cpu(&name, 400, 10)] }.into()));
        if at_ms % 5 == 0 {
            let ended = running.pop_front().unwrap();
            end(&mut run, &ended, at_ms);
        }
        running.extend(run.start(at_ms).into_iter().map(|attempt| attempt.task.to_string()));
        if running.iter().any(|name| name == "big") {
            break;
        }
        waited += 1;
    }
    assert!(waited <= 10, "the big one waited for {waited} looks");
}

#[test]
fn what_is_too_big_is_refused_or_takes_everything() {
    let mut run = run_with(2, 1_000, vec![cpu("a", 1_000, 1), cpu("b", 100, 1)]);
    let refused = run.give(&Command::AdoptPlan(Plan { tasks: vec![cpu("c", 1_001, 1)] }.into()));
    let too_big = PlanError::TooBig { task: "c".into(), what: "processors" };
    assert_eq!(refused, Err(Rejection::Plan(too_big)));
    // The capacity shrinks under a task that was planned: it waits for everything, and then runs.
    run.must(&Command::ChangeCapacity { capacity: Some(Capacity { cpu_milli: 500, ..Capacity::default() }) });
    assert_eq!(started(&mut run, 0), "a");
    assert_eq!(names(&run), "");
    end(&mut run, "a", 1);
    assert_eq!(started(&mut run, 1), "b");
    assert_eq!(run.must(&Command::ChangeCapacity { capacity: run.state.capacity }), [], "nothing changes");
}

#[test]
fn slots_bound_what_agents_allow() {
    let mut run = run_with(5, u64::MAX, vec![cpu("a", 0, 1), cpu("b", 0, 1), cpu("c", 0, 1)]);
    run.must(&Command::ChangeCapacity { capacity: Some(Capacity::of_slots(2)) });
    assert_eq!(names(&run), "a b");
}

fn locked(id: &str, locks: &[Lock], priority: i64) -> Task {
    Task { locks: locks.to_vec(), priority, ..task(id, &[]) }
}

#[test]
fn readers_share_and_writers_do_not() {
    let (shared, own) = ([Lock::shared("db")], [Lock::exclusive("db")]);
    let tasks = vec![
        locked("r1", &shared, 3),
        locked("r2", &shared, 3),
        locked("w", &own, 2),
        locked("r3", &shared, 1),
    ];
    let mut run = Run::with_plan(9, tasks);
    assert_eq!(started(&mut run, 0), "r1 r2", "`r3` would keep `w` waiting");
    end(&mut run, "r1", 1);
    assert_eq!(names(&run), "");
    end(&mut run, "r2", 2);
    assert_eq!(started(&mut run, 2), "w");
    end(&mut run, "w", 3);
    assert_eq!(started(&mut run, 3), "r3");
}

#[test]
fn who_waits_for_one_lock_keeps_the_others_free() {
    let both = ["a", "b"].map(Lock::exclusive);
    let tasks = vec![
        locked("has-a", &both[..1], 3),
        locked("wants-both", &both, 2),
        locked("wants-b", &both[1..], 1),
    ];
    let mut run = Run::with_plan(9, tasks);
    assert_eq!(started(&mut run, 0), "has-a");
    end(&mut run, "has-a", 1);
    assert_eq!(started(&mut run, 1), "wants-both");
    end(&mut run, "wants-both", 2);
    assert_eq!(started(&mut run, 2), "wants-b");
}

fn owning(id: &str, owns: &[&str], priority: i64) -> Task {
    Task { owns: owns.iter().map(|path| (*path).into()).collect(), priority, ..task(id, &[]) }
}

#[test]
fn those_that_write_the_same_go_in_the_order_of_the_plan() {
    let tasks = vec![
        owning("one", &["src/a.py"], 0),
        owning("two", &["src/*.py"], 9),
        owning("three", &["src/"], 5),
        owning("docs", &["docs/**"], 0),
    ];
    let mut run = Run::with_plan(9, tasks);
    assert_eq!(started(&mut run, 0), "one docs");
    end(&mut run, "one", 1);
    assert_eq!(started(&mut run, 1), "two");
    end(&mut run, "two", 2);
    assert_eq!(started(&mut run, 2), "three");
}

#[test]
fn who_comes_first_in_the_plan_but_cannot_start_keeps_nobody_waiting() {
    let first = Task { after: vec!["slow".into()], ..owning("first", &["x"], 0) };
    let mut run = Run::with_plan(9, vec![task("slow", &[]), first, owning("second", &["x"], 0)]);
    assert_eq!(started(&mut run, 0), "slow second");
}

#[test]
fn tasks_of_one_line_that_write_the_same_run_one_after_the_other() {
    let tasks = (0..5).map(|n| owning(&format!("t{n}"), &["same"], n)).collect();
    let mut run = Run::with_plan(9, tasks);
    for n in 0..5 {
        assert_eq!(started(&mut run, n), format!("t{n}"));
        end(&mut run, &format!("t{n}"), n);
    }
}

#[test]
fn turns_may_be_given() {
    let ranked = |id: &str, rank_ms, weight_ms| Task { rank_ms, weight_ms, ..task(id, &[]) };
    let tasks = vec![ranked("long", None, 50), ranked("given", Some(60), 1), ranked("short", None, 10)];
    assert_eq!(names(&Run::with_plan(9, tasks)), "given long short");
}

#[test]
fn a_state_that_was_put_away_and_taken_out_decides_the_same() {
    let tasks = vec![
        cpu("a", 500, 10),
        Task { owns: vec!["x".into()], ..cpu("b", 400, 30) },
        Task { owns: vec!["x".into()], locks: vec![Lock::shared("l")], ..cpu("c", 100, 99) },
        cpu("d", 600, 1),
    ];
    let mut run = run_with(3, 1_000, tasks);
    let check = |state: &RunState| {
        let again: RunState = serde_json::from_str(&serde_json::to_string(state).unwrap()).unwrap();
        assert_eq!(startable(&again), startable(state));
        assert_eq!(crate::support::bytes(&again), crate::support::bytes(state));
    };
    check(&run.state);
    for at_ms in 0..9 {
        let ended = run.start(at_ms).pop().or_else(|| run.state.active_attempts().pop());
        check(&run.state);
        ended.into_iter().for_each(|attempt| drop(run.end(&attempt, done(), at_ms)));
        check(&run.state);
    }
    assert_eq!(run.state.settled.len(), 4);
}
