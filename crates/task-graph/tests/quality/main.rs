//! How good schedules are, against exact answers for small plans and long searches for larger ones.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod exact;
mod measure;
mod plans;

use measure::{Measured, on_equal, on_unequal};
use smallhands_task_graph::schedule::assign;
use smallhands_task_graph::{Capacity, Resources, Task, Worker};

fn check(case: &str, measured: &Measured, most: f64) {
    let over = measured.over_best();
    assert!(
        over <= most,
        "{case}: {} where {} is known, {:.1} % more",
        measured.ours,
        measured.best,
        over * 100.0
    );
}

#[test]
fn small_plans_on_equal_agents_come_within_two_percent_of_the_exact_answer() {
    for shape in plans::SHAPES {
        for seed in 0..3 {
            for agents in [2, 3] {
                let tasks = plans::plan(shape, 10, seed);
                let measured = on_equal(&tasks, agents, 1);
                assert!(measured.is_exact, "{shape} {seed}: the search was too long");
                check(&format!("{shape} {seed} on {agents}"), &measured, 0.02);
            }
        }
    }
}

#[test]
fn small_plans_on_unequal_workers_come_within_eight_percent_of_the_exact_answer() {
    for shape in plans::SHAPES {
        for seed in 0..3 {
            for count in [2, 3] {
                let tasks = plans::plan(shape, 9, seed);
                let measured = on_unequal(&tasks, &plans::unequal(count, seed), 1);
                assert!(measured.is_exact, "{shape} {seed}: the search was too long");
                check(&format!("{shape} {seed} on {count}"), &measured, 0.08);
            }
        }
    }
}

#[test]
fn larger_plans_come_close_to_what_a_longer_search_finds() {
    for shape in plans::SHAPES {
        let tasks = plans::plan(shape, 40, 1);
        check(&format!("{shape} on 4 equal"), &on_equal(&tasks, 4, 3), 0.02);
        check(&format!("{shape} on 4 unequal"), &on_unequal(&tasks, &plans::unequal(4, 1), 3), 0.08);
    }
}

#[test]
fn turns_found_by_trying_are_never_worse_and_nearly_as_good_as_a_whole_schedule() {
    let mut all = Vec::new();
    for shape in plans::SHAPES {
        for seed in 0..3 {
            let measured = on_equal(&plans::plan(shape, 20, seed), 3, 1);
            assert!(measured.online_over_best() <= measured.plain_over_best(), "{shape} {seed}");
            all.push(measured.online_over_best());
        }
    }
    let average = all.iter().sum::<f64>() / all.len() as f64;
    assert!(average <= 0.02, "{:.1} % on average", average * 100.0);
}

/// Each worker does one thing at a time, and nothing begins before what it waits for is over.
fn assert_sound(tasks: &[Task], workers: &[Worker]) {
    let schedule = assign(tasks, workers, 200);
    assert_eq!(schedule.assignments.len() + schedule.homeless.len(), tasks.len());
    let of = |id: &_| schedule.assignments.iter().find(|assignment| assignment.task == *id);
    for task in tasks {
        let Some(mine) = of(&task.id) else { continue };
        let worker = workers.iter().find(|worker| worker.id == mine.worker).unwrap();
        assert_eq!(mine.end_ms - mine.start_ms, worker.duration_ms(&task.role, task.weight_ms));
        assert!(worker.capacity.suffices_for(&task.resources));
        for before in task.after.iter().filter_map(of) {
            assert!(before.end_ms <= mine.start_ms, "{} before {}", task.id, before.task);
        }
        let at_once = schedule.assignments.iter().filter(|other| {
            other.worker == mine.worker && other.start_ms <= mine.start_ms && mine.start_ms < other.end_ms
        });
        assert!(at_once.count() <= worker.capacity.slots as usize);
    }
    let last = schedule.assignments.iter().map(|assignment| assignment.end_ms).max().unwrap_or(0);
    assert_eq!((schedule.makespan_ms, last >= schedule.lower_bound_ms), (last, true));
}

#[test]
fn schedules_for_unequal_workers_can_be_followed() {
    for shape in plans::SHAPES {
        for seed in 0..4 {
            assert_sound(&plans::plan(shape, 30, seed), &plans::unequal(4, seed));
        }
    }
    let mut workers = plans::unequal(2, 5);
    workers[0].capacity = Capacity { cpu_milli: 4_000, slots: 3, ..Capacity::default() };
    workers[1].capacity = Capacity { cpu_milli: 500, slots: 1, ..Capacity::default() };
    let mut tasks = plans::plan("layered", 20, 5);
    for (place, task) in tasks.iter_mut().enumerate() {
        task.resources = Resources { cpu_milli: [0, 1_000, 9_000][place % 3], ..Resources::default() };
    }
    assert_sound(&tasks, &workers);
    assert_sound(&[], &workers);
    assert_sound(&tasks, &[]);
}

#[test]
fn the_same_plan_gets_the_same_schedule() {
    let (tasks, workers) = (plans::plan("random", 25, 3), plans::unequal(3, 3));
    assert_eq!(assign(&tasks, &workers, 500), assign(&tasks, &workers, 500));
}
