//! Which tasks start next, and how long plans take.
//!
//! Of the tasks whose needs are met, those of highest priority go first, then those from which the longest chain of work
//! hangs (the sum of `weight_ms` along it), then those planned first. Where tasks ask for nothing but an agent, none idles
//! while something may start, so the whole takes at most `2 − 1/m` times as long as the best schedule on `m` agents
//! (R. L. Graham, *Bounds on multiprocessing timing anomalies*, SIAM J. Appl. Math. 17, 1969).
//!
//! * [`startable`], [`startable_at`]: the decision, from a state that keeps what it needs at hand (`packing`).
//! * [`tune`]: better turns for the tasks of a plan than the longest chain gives, found by trying before it is adopted.
//! * [`assign`]: a whole schedule for workers of unequal speed.
//! * [`next_run`]: which of several runs that share one capacity may start something next.

mod equal;
mod fair_share;
mod heft;
mod packing;
mod timetable;
mod whole;
mod workload;

pub use fair_share::{RunShare, next_run};
pub use whole::{Assignment, Schedule, assign, tune};

use crate::{Needs, RunState, Task, TaskId, TaskPhase};

/// What the dependencies of a task say about it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Readiness {
    /// It may start or must wait.
    Possible,
    /// It can never start, because of this dependency.
    Never(TaskId),
}

/// What the phases of its dependencies mean for `task`. An unknown dependency counts as dropped.
fn readiness(task: &Task, phase_of: &dyn Fn(&TaskId) -> Option<TaskPhase>) -> Readiness {
    let undone = |id: &&TaskId| {
        let phase = phase_of(id).unwrap_or(TaskPhase::Dropped);
        phase.is_settled() && phase != TaskPhase::Done
    };
    match task.after.iter().find(undone) {
        Some(because) if task.needs == Needs::AllDone => Readiness::Never(because.clone()),
        _ => Readiness::Possible,
    }
}

/// The dependency because of which `task` can never start, if there is one.
pub(crate) fn blamed(task: &Task, phase_of: &dyn Fn(&TaskId) -> Option<TaskPhase>) -> Option<TaskId> {
    match readiness(task, phase_of) {
        Readiness::Never(because) => Some(because),
        Readiness::Possible => None,
    }
}

/// The waiting tasks whose needs are met, in the order of their turns. Some of them may have to wait for a time.
pub fn ready(state: &RunState) -> Vec<TaskId> {
    let agenda = state.tasks.agenda();
    let mut turns: Vec<_> =
        agenda.queue().all().chain(agenda.delayed().iter().map(|(_, slot)| agenda.turn(*slot))).collect();
    turns.sort_unstable();
    turns.into_iter().filter_map(|turn| state.tasks.id_at(turn.slot).cloned()).collect()
}

/// The tasks that may start at the latest time that the run knows of; see [`startable_at`].
pub fn startable(state: &RunState) -> Vec<TaskId> {
    startable_at(state, state.last_at_ms)
}

/// The tasks that may start at a time (in milliseconds since the Unix epoch): ready, their time come, a free agent each,
/// locks, paths and resources free, and attempts left in the run. None in a run that is ending,
/// since nothing waits there, and none in one that is paused.
///
/// Takes time for what starts and for what is looked at in vain, not for what waits.
pub fn startable_at(state: &RunState, at_ms: i64) -> Vec<TaskId> {
    if state.control.is_paused() {
        return Vec::new();
    }
    let chosen = packing::choose(state, at_ms, usize::MAX);
    chosen.into_iter().filter_map(|slot| state.tasks.id_at(slot).cloned()).collect()
}

/// Whether any task may start.
pub(crate) fn something_may_start(state: &RunState, at_ms: i64) -> bool {
    !packing::choose(state, at_ms, 1).is_empty()
}

/// When, after `at_ms`, the next task may start that waits for a time, in milliseconds since the Unix epoch: look again then.
/// `None` when none waits for a time that is still to come.
pub fn next_wake_ms(state: &RunState, at_ms: i64) -> Option<i64> {
    let later = at_ms.max(state.last_at_ms).saturating_add(1);
    state.tasks.agenda().delayed().range((later, 0)..).next().map(|(time, _)| *time)
}

/// The longest chain of unsettled work, in milliseconds: no number of agents finishes sooner, if the estimates hold.
pub fn critical_path_ms(state: &RunState) -> u64 {
    let agenda = state.tasks.agenda();
    let unsettled = state.tasks.in_order().iter().zip(0..).filter(|(task, _)| !task.phase.is_settled());
    unsettled.filter_map(|(_, slot)| agenda.node(slot)).map(|node| node.rank.chain_ms).max().unwrap_or(0)
}
