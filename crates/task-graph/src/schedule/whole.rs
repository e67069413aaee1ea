//! Schedules of whole plans, made from estimates before anything runs.

use serde::{Deserialize, Serialize};

use super::timetable::{Booking, Timetable};
use super::workload::{NEVER_MS, Workload};
use super::{equal, heft};
use crate::{Capacity, Plan, Task, TaskId, Worker, WorkerId};

/// Most lanes that the slots of all workers make; more would not be told apart by estimates.
const MOST_LANES: usize = 1_024;

/// Gives the tasks of a plan turns ([`Task::rank_ms`]) under which `agents` equal agents take less time than by the longest
/// chain, where that is found with at most `trials` courses through the plan; a course takes about a tenth of a
/// microsecond per task. Returns the expected time before and after, in milliseconds.
///
/// A plan whose tasks differ in priority is left alone: there the user has decided. Locks, resources and paths are not
/// taken into account, so where they matter the expected times are too short.
pub fn tune(plan: &mut Plan, agents: u32, trials: usize) -> (u64, u64) {
    let load = Workload::new(&plan.tasks, &[Worker { capacity: Capacity::default(), ..Worker::new("any") }]);
    let chains = load.chains(|task| load.durations[task][0] as f64);
    let before = equal::follow(&load, agents.max(1) as usize, &chains).makespan;
    let mixed = plan.tasks.windows(2).any(|pair| pair[0].priority != pair[1].priority);
    if mixed {
        return (before, before);
    }
    let (course, turns) = equal::improve(&load, agents.max(1) as usize, trials, load.len() as u64);
    if course.makespan < before {
        for (task, rank_ms) in ranks(&load, &turns, &chains) {
            plan.tasks[task].rank_ms = Some(rank_ms);
        }
    }
    (before, course.makespan.min(before))
}

/// The turns as numbers that can stand beside the chains of tasks planned later: the task of the first turn gets the longest
/// chain, and so on, no two the same.
fn ranks(load: &Workload, turns: &[f64], chains: &[f64]) -> Vec<(usize, u64)> {
    let mut order: Vec<usize> = (0..load.len()).collect();
    order.sort_by(|one, other| turns[*other].total_cmp(&turns[*one]).then(one.cmp(other)));
    let mut lengths: Vec<u64> = chains.iter().map(|chain| *chain as u64).collect();
    lengths.sort_unstable();
    let mut last = None;
    let mut ranks = Vec::with_capacity(order.len());
    for (task, length) in order.into_iter().rev().zip(lengths) {
        let rank = last.map_or(length, |last: u64| length.max(last + 1));
        last = Some(rank);
        ranks.push((load.places[task], rank));
    }
    ranks
}

/// On equal workers list scheduling is tried as well: it is better on large plans, and worse only where a worker should idle
/// on purpose.
fn best_of(load: &Workload, lanes: usize, trials: usize) -> Timetable {
    let seed = load.len() as u64;
    let made = heft::improve(load, trials, seed);
    let same = |durations: &Vec<u64>| durations.windows(2).all(|pair| pair[0] == pair[1]);
    if lanes == 0 || !load.durations.iter().all(same) {
        return made;
    }
    let (course, _) = equal::improve(load, lanes, trials, seed);
    if course.makespan < made.makespan { on_lanes(load, &course, lanes) } else { made }
}

/// Which worker does what, where only the times are known.
fn on_lanes(load: &Workload, course: &equal::Course, lanes: usize) -> Timetable {
    let mut order: Vec<usize> = (0..load.len()).collect();
    order.sort_by_key(|task| course.starts[*task]);
    let mut free = vec![0; lanes];
    let mut bookings = vec![Booking::default(); load.len()];
    for task in order {
        let start = course.starts[task];
        let Some(worker) = free.iter().position(|time| *time <= start) else { continue };
        let end = start + load.durations[task][worker];
        free[worker] = end;
        bookings[task] = Booking { worker, start, end };
    }
    Timetable { bookings, makespan: course.makespan }
}

/// Where and when a task is to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Assignment {
    /// The task.
    pub task: TaskId,
    /// Where.
    pub worker: WorkerId,
    /// When it begins, in milliseconds from the beginning.
    pub start_ms: u64,
    /// When it is over, likewise.
    pub end_ms: u64,
}

/// A schedule of a whole plan.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schedule {
    /// In the order in which they begin; of those that begin together, in the order of the plan.
    pub assignments: Vec<Assignment>,
    /// When the last task is over, in milliseconds.
    pub makespan_ms: u64,
    /// No schedule takes less than this.
    pub lower_bound_ms: u64,
    /// The tasks that no worker can run.
    pub homeless: Vec<TaskId>,
}

/// A schedule of `tasks` on workers of equal or unequal speed: HEFT, then at most `trials` attempts to do better. A worker with several
/// slots counts as several workers; what tasks ask for is only compared with what a worker has when nothing runs there.
///
/// Follow it by giving a worker that becomes free, among the tasks that are assigned to it and may start, the first.
pub fn assign(tasks: &[Task], workers: &[Worker], trials: usize) -> Schedule {
    let lanes: Vec<&Worker> = workers
        .iter()
        .flat_map(|worker| std::iter::repeat_n(worker, worker.capacity.slots.min(MOST_LANES as u32) as usize))
        .take(MOST_LANES)
        .collect();
    let fits = |task: &&Task| lanes.iter().any(|lane| lane.capacity.suffices_for(&task.resources));
    let (able, homeless): (Vec<&Task>, Vec<&Task>) = tasks.iter().partition(fits);
    let able: Vec<Task> = able.into_iter().cloned().collect();
    let each: Vec<Worker> = lanes.iter().map(|lane| (*lane).clone()).collect();
    let load = Workload::new(&able, &each);
    let made = best_of(&load, lanes.len(), trials);
    let mut assignments: Vec<(u64, usize, Assignment)> = made
        .bookings
        .iter()
        .zip(&load.places)
        .map(|(booking, place)| {
            let (task, worker) = (able[*place].id.clone(), lanes[booking.worker].id.clone());
            let assignment = Assignment { task, worker, start_ms: booking.start, end_ms: booking.end };
            (booking.start, *place, assignment)
        })
        .collect();
    assignments.sort_by_key(|(start, place, _)| (*start, *place));
    debug_assert!(made.makespan < NEVER_MS);
    Schedule {
        assignments: assignments.into_iter().map(|(_, _, assignment)| assignment).collect(),
        makespan_ms: made.makespan,
        lower_bound_ms: load.lower_bound_ms(),
        homeless: homeless.into_iter().map(|task| task.id.clone()).collect(),
    }
}
