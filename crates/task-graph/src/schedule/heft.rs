//! Schedules for unequal workers: HEFT with insertion, and then made better by trying.
//!
//! HEFT takes tasks by the longest chain of average work below them and puts each where it is over first (H. Topcuoglu,
//! S. Hariri, M.-Y. Wu, *Performance-effective and low-complexity task scheduling for heterogeneous computing*, IEEE TPDS
//! 13, 2002). Chains of the best and of the worst times are tried as well: none of them is always the best.

use super::timetable::{Timetable, place, sequence};
use super::workload::Workload;
use crate::chance::Chance;

/// The best of the constructions.
pub(super) fn construct(load: &Workload) -> Timetable {
    let average = |task: usize| {
        let durations = &load.durations[task];
        durations.iter().sum::<u64>() as f64 / durations.len().max(1) as f64
    };
    let best = |task: usize| load.durations[task].iter().copied().min().unwrap_or(0) as f64;
    let worst = |task: usize| load.durations[task].iter().copied().max().unwrap_or(0) as f64;
    let priorities = [load.chains(average), load.chains(best), load.chains(worst)];
    let made = priorities.into_iter().map(|priority| place(load, &priority, &[]));
    made.min_by_key(|made| made.makespan).unwrap_or_default()
}

/// Tries changes of the timetable, at most `trials` of them, and keeps what is not worse: another priority for a task, or
/// another worker. The same for the same seed.
pub(super) fn improve(load: &Workload, trials: usize, seed: u64) -> Timetable {
    let mut best = construct(load);
    let bound = load.lower_bound_ms();
    let mut chance = Chance::new(seed);
    let mut at = Solution::of(&best);
    let mut at_makespan = best.makespan;
    let mut stale = 0;
    for _ in 0..trials {
        if best.makespan <= bound || load.len() < 2 {
            break;
        }
        let trial = at.changed(load, &mut chance);
        let made = trial.place(load);
        // Accept a little worse now and then, the less the longer it takes: threshold accepting.
        let slack = at_makespan / 200 * u64::from(chance.below(4) == 0);
        if made.makespan <= at_makespan + slack {
            stale = if made.makespan < at_makespan { 0 } else { stale + 1 };
            (at, at_makespan) = (trial, made.makespan);
        } else {
            stale += 1;
        }
        if made.makespan < best.makespan {
            best = made;
        } else if stale > 60 + 4 * load.len() {
            (at, at_makespan, stale) = (Solution::of(&best), best.makespan, 0);
        }
    }
    best
}

/// What leads to a timetable: an order, and the workers of some tasks.
#[derive(Clone)]
struct Solution {
    priority: Vec<f64>,
    fixed: Vec<Option<usize>>,
}

impl Solution {
    /// Leads to the timetable, or to a better one.
    fn of(made: &Timetable) -> Self {
        let priority = made.bookings.iter().map(|booking| -(booking.start as f64)).collect();
        let fixed = made.bookings.iter().map(|booking| Some(booking.worker)).collect();
        Self { priority, fixed }
    }

    fn place(&self, load: &Workload) -> Timetable {
        place(load, &self.priority, &self.fixed)
    }

    fn changed(&self, load: &Workload, chance: &mut Chance) -> Self {
        let mut other = self.clone();
        let workers = load.durations[0].len();
        for _ in 0..1 + chance.below(3) {
            let task = chance.below(load.len());
            match chance.below(4) {
                0 => other.fixed[task] = Some(chance.below(workers)),
                1 => other.fixed[task] = None,
                2 => {
                    let with = chance.below(load.len());
                    other.fixed.swap(task, with);
                    other.priority.swap(task, with);
                }
                _ => {
                    let order = sequence(load, &self.priority);
                    let near = order[chance.below(load.len())];
                    other.priority[task] = other.priority[near] + chance.fraction() - 0.5;
                }
            }
        }
        other
    }
}
