//! Which tasks start next: list scheduling along the critical path.
//!
//! Of the tasks whose needs are met, those of highest priority go first, then those from which the longest chain of work
//! hangs (the sum of `weight_ms` along it), then those named first. A free agent never idles while something may start,
//! so the whole takes at most `2 − 1/m` times as long as the best schedule on `m` agents
//! (R. L. Graham, *Bounds on multiprocessing timing anomalies*, SIAM J. Appl. Math. 17, 1969); tasks that hold a lock
//! are outside that bound.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::topology::sort;
use crate::{Needs, RunState, Task, TaskId, TaskPhase, TaskState};

/// What the dependencies of a task say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readiness {
    /// It may start.
    Met,
    /// It must wait.
    Open,
    /// It can never start, because of this dependency.
    Never(TaskId),
}

/// What the phases of its dependencies mean for `task`. An unknown dependency counts as dropped.
pub(crate) fn readiness(task: &Task, phase_of: &dyn Fn(&TaskId) -> Option<TaskPhase>) -> Readiness {
    let mut open = false;
    for dependency in &task.after {
        let phase = phase_of(dependency).unwrap_or(TaskPhase::Dropped);
        if task.needs == Needs::AllDone && phase.is_settled() && phase != TaskPhase::Done {
            return Readiness::Never(dependency.clone());
        }
        open |= !phase.is_settled();
    }
    if open { Readiness::Open } else { Readiness::Met }
}

/// Of the `waiting` tasks those that can never start, each with the dependency to blame. A task that falls takes with it
/// those that need it.
pub(crate) fn unreachable<'a>(
    waiting: impl Iterator<Item = &'a Task>,
    phase_of: &dyn Fn(&TaskId) -> Option<TaskPhase>,
) -> Vec<(TaskId, TaskId)> {
    let waiting: Vec<&Task> = waiting.collect();
    let mut needed_by: BTreeMap<&TaskId, Vec<&Task>> = BTreeMap::new();
    let mut fallen: Vec<(TaskId, TaskId)> = Vec::new();
    let mut known: BTreeSet<&TaskId> = BTreeSet::new();
    for task in &waiting {
        if let Readiness::Never(because) = readiness(task, phase_of) {
            known.insert(&task.id);
            fallen.push((task.id.clone(), because));
        }
        if task.needs == Needs::AllDone {
            task.after.iter().for_each(|dependency| needed_by.entry(dependency).or_default().push(task));
        }
    }
    let mut next = 0;
    while let Some((because, _)) = fallen.get(next).cloned() {
        for task in needed_by.get(&because).into_iter().flatten() {
            if known.insert(&task.id) {
                fallen.push((task.id.clone(), because.clone()));
            }
        }
        next += 1;
    }
    fallen
}

/// The waiting tasks whose needs are met, in the order in which they should start.
pub fn ready(state: &RunState) -> Vec<TaskId> {
    let phase_of = |id: &TaskId| state.tasks.get(id).map(|task| task.phase);
    let ranks = ranks(state);
    let mut ready: Vec<&TaskState> = state
        .tasks
        .values()
        .filter(|task| task.phase == TaskPhase::Waiting && readiness(&task.task, &phase_of) == Readiness::Met)
        .collect();
    ready.sort_by_key(|task| (Reverse(ranks.get(&task.task.id).copied()), task.order));
    ready.into_iter().map(|task| task.task.id.clone()).collect()
}

/// The tasks that may start now: ready, a free agent each, a free lock each, and attempts left in the run. None in a run
/// that is ending, since nothing waits there, and none in one that is paused.
pub fn startable(state: &RunState) -> Vec<TaskId> {
    if state.control.is_paused() {
        return Vec::new();
    }
    let active: Vec<&TaskState> = state.tasks.values().filter(|task| task.phase.is_active()).collect();
    let agents = (state.limits.agents as usize).saturating_sub(active.len());
    let room = agents.min(state.attempts_left().map_or(usize::MAX, |left| left as usize));
    if room == 0 {
        return Vec::new();
    }
    let mut held: BTreeSet<&str> = active.iter().filter_map(|task| task.task.exclusive.as_deref()).collect();
    let mut chosen = ready(state);
    chosen.retain(|id| match state.tasks.get(id).and_then(|task| task.task.exclusive.as_deref()) {
        Some(lock) => held.insert(lock),
        None => true,
    });
    chosen.truncate(room);
    chosen
}

/// The longest chain of unsettled work, in milliseconds: no number of agents finishes sooner, if the estimates hold.
pub fn critical_path_ms(state: &RunState) -> u64 {
    ranks(state).values().map(|rank| rank.chain_ms).max().unwrap_or(0)
}

/// How urgent a task is. Compared by priority first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Rank {
    /// The highest priority among the task and all that wait for it.
    priority: i64,
    /// The heaviest chain that begins with the task.
    chain_ms: u64,
}

/// Ranks of all unsettled tasks, from the ends of the graph backwards: each passes its rank on to those it waits for.
fn ranks(state: &RunState) -> BTreeMap<&TaskId, Rank> {
    let unsettled = state.tasks.values().filter(|task| !task.phase.is_settled()).map(|task| &task.task);
    let order = sort(unsettled).order;
    let own = |task: &Task| Rank { priority: task.priority, chain_ms: task.weight_ms };
    let mut ranks: BTreeMap<&TaskId, Rank> = order.iter().map(|task| (&task.id, own(task))).collect();
    let weights: BTreeMap<&TaskId, u64> = order.iter().map(|task| (&task.id, task.weight_ms)).collect();
    for task in order.iter().rev() {
        let Some(rank) = ranks.get(&task.id).copied() else { continue };
        for dependency in &task.after {
            let (Some(before), Some(weight)) = (ranks.get_mut(dependency), weights.get(dependency)) else {
                continue;
            };
            before.priority = before.priority.max(rank.priority);
            before.chain_ms = before.chain_ms.max(weight.saturating_add(rank.chain_ms));
        }
    }
    ranks
}
