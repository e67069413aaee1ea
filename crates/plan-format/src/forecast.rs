//! What a plan will probably take: time on the critical path and with so many agents, work in all, money at most.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::sketch::SketchedTask;

/// Numbers of agents that are tried when the caller names none.
pub const AGENTS: [u32; 6] = [1, 2, 4, 8, 16, 32];

/// A forecast. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Forecast {
    /// Tasks, as far as they are known.
    pub tasks: usize,
    /// Tasks whose number or condition is known only when results are.
    pub uncertain: usize,
    /// Tasks for which the plan does not say how long they take.
    pub guessed: usize,
    /// The sum of all tasks.
    pub work_ms: u64,
    /// The longest chain: no number of agents is faster.
    pub critical_path_ms: u64,
    /// The tasks of that chain.
    pub critical_path: Vec<String>,
    /// The longest chain if every task takes all the time of its last attempt.
    pub worst_path_ms: u64,
    /// How long it takes with so many agents.
    pub makespan_ms: Vec<(u32, u64)>,
    /// The most that models may cost, millionths of a US dollar; `None` when a model's task has no budget.
    pub most_usd_micros: Option<u64>,
    /// Tasks for models.
    pub model_tasks: usize,
}

/// Makes a forecast.
#[must_use]
pub fn forecast(tasks: &[SketchedTask], agents: &[u32]) -> Forecast {
    let expected: Vec<u64> = tasks.iter().map(|task| task.bounds.expect_ms).collect();
    let worst: Vec<u64> = tasks.iter().map(worst_ms).collect();
    let ranks = ranks(tasks, &expected);
    let coders = || tasks.iter().filter(|task| task.role == "coder");
    let most = |task: &SketchedTask| {
        Some(task.bounds.budget_usd_micros?.saturating_mul(u64::from(task.bounds.attempts.unwrap_or(2))))
    };
    Forecast {
        tasks: tasks.len(),
        uncertain: tasks.iter().filter(|task| task.condition.is_some() || task.over.is_some()).count(),
        guessed: tasks.iter().filter(|task| !task.bounds.expected).count(),
        work_ms: expected.iter().sum(),
        critical_path_ms: ranks.iter().copied().max().unwrap_or(0),
        critical_path: critical_path(tasks, &ranks),
        worst_path_ms: self::ranks(tasks, &worst).into_iter().max().unwrap_or(0),
        makespan_ms: agents.iter().map(|agents| (*agents, makespan(tasks, &ranks, *agents))).collect(),
        most_usd_micros: coders().map(most).sum(),
        model_tasks: coders().count(),
    }
}

fn worst_ms(task: &SketchedTask) -> u64 {
    task.bounds.timeout_ms.saturating_mul(u64::from(task.bounds.attempts.unwrap_or(1)))
}

/// For each task the longest chain that begins with it.
fn ranks(tasks: &[SketchedTask], weights: &[u64]) -> Vec<u64> {
    let mut ranks = weights.to_vec();
    for index in (0..tasks.len()).rev() {
        for before in &tasks[index].after {
            ranks[*before] = ranks[*before].max(weights[*before].saturating_add(ranks[index]));
        }
    }
    ranks
}

fn critical_path(tasks: &[SketchedTask], ranks: &[u64]) -> Vec<String> {
    let longest = |candidates: &mut dyn Iterator<Item = usize>| {
        candidates.max_by_key(|index| (ranks[*index], std::cmp::Reverse(*index)))
    };
    let mut path = Vec::new();
    let mut at = longest(&mut (0..tasks.len()).filter(|index| tasks[*index].after.is_empty()));
    while let Some(index) = at {
        path.push(tasks[index].id.clone());
        at = longest(&mut (index + 1..tasks.len()).filter(|next| tasks[*next].after.contains(&index)));
    }
    path
}

/// List scheduling by the longest remaining chain, as the engine does it, with locks.
fn makespan(tasks: &[SketchedTask], ranks: &[u64], agents: u32) -> u64 {
    let mut missing: Vec<usize> = tasks.iter().map(|task| task.after.len()).collect();
    let mut dependents: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, task) in tasks.iter().enumerate() {
        task.after.iter().for_each(|before| dependents.entry(*before).or_default().push(index));
    }
    let urgency = |index: usize| (std::cmp::Reverse(ranks[index]), index);
    let ready = (0..tasks.len()).filter(|index| missing[*index] == 0);
    let mut ready: BTreeSet<_> = ready.map(urgency).collect();
    let mut running: BTreeSet<(u64, usize)> = BTreeSet::new();
    let mut held: BTreeSet<&str> = BTreeSet::new();
    let mut now = 0;
    loop {
        let mut waiting: Vec<_> = ready.iter().copied().collect();
        waiting.retain(|(_, index)| {
            let locks = &tasks[*index].locks;
            let free = running.len() < agents.max(1) as usize
                && locks.iter().all(|lock| !held.contains(lock.as_str()));
            if free {
                held.extend(locks.iter().map(String::as_str));
                running.insert((now + tasks[*index].bounds.expect_ms, *index));
            }
            free
        });
        waiting.iter().for_each(|started| {
            ready.remove(started);
        });
        let Some((end, index)) = running.pop_first() else { return now };
        now = end;
        tasks[index].locks.iter().for_each(|lock| {
            held.remove(lock.as_str());
        });
        for dependent in dependents.get(&index).into_iter().flatten() {
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                ready.insert(urgency(*dependent));
            }
        }
    }
}
