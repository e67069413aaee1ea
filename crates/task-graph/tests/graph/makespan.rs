//! How long plans take under the schedule, against what theory promises.
//!
//! For list scheduling without locks, the time on `m` agents is at most `W/m + (1 − 1/m)·L`, where `W` is all work and
//! `L` the longest chain (Graham 1969). Both `W/m` and `L` are below any schedule's time, hence `2 − 1/m`.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::sample::Index;
use smallhands_task_graph::{AttemptId, Task, critical_path_ms};

use crate::support::{Run, done, task};

/// Runs the plan in simulated time, each task taking exactly its weight, and returns when the last one ends.
fn simulate(agents: u32, tasks: &[Task]) -> u64 {
    let mut run = Run::with_plan(agents, tasks.to_vec());
    let weights: BTreeMap<_, _> = tasks.iter().map(|task| (task.id.clone(), task.weight_ms)).collect();
    let mut now = 0;
    let mut running: Vec<(u64, AttemptId)> = Vec::new();
    loop {
        let started = run.start(now as i64);
        running.extend(started.into_iter().map(|attempt| (now + weights[&attempt.task], attempt)));
        running.sort_by(|a, b| b.cmp(a));
        let Some((end, attempt)) = running.pop() else { return now };
        now = end;
        run.end(&attempt, done(), now as i64);
    }
}

fn chain_ms(tasks: &[Task]) -> u64 {
    critical_path_ms(&Run::with_plan(1, tasks.to_vec()).state)
}

/// The best time over all orders in which a schedule could start the tasks, by exhaustive search.
fn best(agents: usize, tasks: &[Task]) -> u64 {
    fn search(tasks: &[Task], ends: &mut BTreeMap<String, u64>, free: &[u64], best: &mut u64) {
        if ends.len() == tasks.len() {
            *best = (*best).min(ends.values().copied().max().unwrap_or(0));
            return;
        }
        for task in tasks {
            if ends.contains_key(task.id.as_str()) {
                continue;
            }
            let before: Option<Vec<u64>> =
                task.after.iter().map(|id| ends.get(id.as_str()).copied()).collect();
            let Some(before) = before else { continue };
            let mut free = free.to_vec();
            free.sort_unstable();
            let start = before.into_iter().max().unwrap_or(0).max(free[0]);
            free[0] = start + task.weight_ms;
            ends.insert(task.id.to_string(), free[0]);
            search(tasks, ends, &free, best);
            ends.remove(task.id.as_str());
        }
    }
    let mut shortest = u64::MAX;
    search(tasks, &mut BTreeMap::new(), &vec![0; agents], &mut shortest);
    shortest
}

fn any_plan(sizes: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Task>> {
    let sketch = (prop::collection::vec(any::<Index>(), 0..3), 1u64..50);
    prop::collection::vec(sketch, sizes).prop_map(|sketches| {
        let mut tasks: Vec<Task> = Vec::new();
        for (n, (after, weight_ms)) in sketches.into_iter().enumerate() {
            let mut after: Vec<_> =
                after.iter().filter(|_| n > 0).map(|index| tasks[index.index(n)].id.clone()).collect();
            after.sort();
            after.dedup();
            tasks.push(Task { after, weight_ms, ..task(&format!("t{n:02}"), &[]) });
        }
        tasks
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_schedule_keeps_the_bound_of_list_scheduling(agents in 1u32..9, tasks in any_plan(1..40)) {
        let work: u64 = tasks.iter().map(|task| task.weight_ms).sum();
        let (chain, m) = (chain_ms(&tasks), u64::from(agents));
        let took = simulate(agents, &tasks);
        prop_assert!(took >= chain && took * m >= work, "faster than possible");
        prop_assert!(took * m <= work + (m - 1) * chain, "{took} on {m} agents, work {work}, longest chain {chain}");
        if agents == 1 {
            prop_assert_eq!(took, work);
        }
    }

    #[test]
    fn small_plans_come_close_to_the_best_schedule(agents in 2u32..4, tasks in any_plan(1..7)) {
        let (took, best) = (simulate(agents, &tasks), best(agents as usize, &tasks));
        let m = u64::from(agents);
        prop_assert!(took * m <= best * (2 * m - 1), "{took} where {best} is possible on {m} agents");
        prop_assert!(took >= best);
    }
}

#[test]
fn a_plan_takes_as_long_as_its_longest_chain_when_agents_abound() {
    let weigh = |id: &str, after: &[&str], weight_ms| Task { weight_ms, ..task(id, after) };
    let tasks =
        vec![weigh("a", &[], 3), weigh("b", &["a"], 10), weigh("c", &["a"], 4), weigh("d", &["b", "c"], 2)];
    assert_eq!(chain_ms(&tasks), 15);
    assert_eq!(simulate(4, &tasks), 15);
    assert_eq!(simulate(1, &tasks), 19);
}

#[test]
fn starting_the_longest_chain_first_beats_the_order_of_the_plan() {
    let weigh = |id: &str, after: &[&str], weight_ms| Task { weight_ms, ..task(id, after) };
    // In plan order, two agents would take the two short ones first and end at 4 + 12.
    let tasks = vec![weigh("s1", &[], 4), weigh("s2", &[], 4), weigh("l1", &[], 6), weigh("l2", &["l1"], 6)];
    assert_eq!(simulate(2, &tasks), 12);
}
