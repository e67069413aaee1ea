//! Schedules for equal workers: list scheduling by turns, made better by going back and forth in time.
//!
//! A schedule read backwards gives the tasks new turns: those that end last come first. Placing them backwards and then
//! forwards again often closes gaps (K. Y. Li, R. J. Willis, *An iterative scheduling technique for resource-constrained
//! project scheduling*, EJOR 56, 1992). Between such passes turns are shaken a little.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::timetable::sequence;
use super::workload::Workload;
use crate::chance::Chance;

/// When each task starts and ends.
#[derive(Debug, Clone)]
pub(super) struct Course {
    pub starts: Vec<u64>,
    pub makespan: u64,
}

/// What the run will do with these turns: whenever an agent is free, the ready task of the highest turn starts.
pub(super) fn follow(load: &Workload, agents: usize, turns: &[f64]) -> Course {
    let mut open: Vec<usize> = load.before.iter().map(Vec::len).collect();
    let mut ready: BinaryHeap<Turn> =
        (0..load.len()).filter(|task| open[*task] == 0).map(|task| Turn(turns[task], task)).collect();
    let mut running: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
    let mut starts = vec![0; load.len()];
    let mut now = 0;
    loop {
        while running.len() < agents {
            let Some(Turn(_, task)) = ready.pop() else { break };
            starts[task] = now;
            running.push(Reverse((now + load.durations[task][0], task)));
        }
        let Some(Reverse((end, _))) = running.peek().copied() else {
            return Course { starts, makespan: now };
        };
        now = end;
        while let Some(Reverse((_, task))) = running.peek().copied().filter(|Reverse((end, _))| *end == now) {
            running.pop();
            for after in &load.dependents[task] {
                open[*after] -= 1;
                if open[*after] == 0 {
                    ready.push(Turn(turns[*after], *after));
                }
            }
        }
    }
}

/// Turns under which the plan takes little time, found with at most `trials` courses. The same for the same seed.
pub(super) fn improve(load: &Workload, agents: usize, trials: usize, seed: u64) -> (Course, Vec<f64>) {
    let agents = agents.max(1);
    let work: u64 = load.durations.iter().map(|times| times[0]).sum();
    let chains = load.chains(|task| load.durations[task][0] as f64);
    let bound = (chains.iter().copied().fold(0.0, f64::max) as u64).max(work.div_ceil(agents as u64));
    let backwards = load.backwards();
    let mut chance = Chance::new(seed);
    let mut best = (follow(load, agents, &chains), chains.clone());
    let mut at = best.clone();
    let mut stale = 0;
    for trial in 0..trials / 3 {
        if best.0.makespan <= bound || load.len() < 2 {
            break;
        }
        let shaken = if trial == 0 { chains.clone() } else { shake(load, &at, &mut chance) };
        let found = back_and_forth(load, &backwards, agents, &shaken);
        stale = if found.0.makespan < at.0.makespan { 0 } else { stale + 1 };
        if found.0.makespan <= at.0.makespan || chance.below(50) == 0 {
            at = found;
        }
        if at.0.makespan < best.0.makespan {
            best = at.clone();
        } else if stale > 200 {
            (at, stale) = (best.clone(), 0);
        }
    }
    best
}

/// Forwards, backwards and forwards again; the best of the two courses forwards with its turns.
fn back_and_forth(load: &Workload, backwards: &Workload, agents: usize, turns: &[f64]) -> (Course, Vec<f64>) {
    let there = follow(load, agents, turns);
    let last = load.len() - 1;
    let end = |task: usize| there.starts[task] + load.durations[task][0];
    let turned: Vec<f64> = (0..load.len()).map(|task| end(last - task) as f64).collect();
    let back = follow(backwards, agents, &turned);
    let again: Vec<f64> =
        (0..load.len()).map(|task| (back.starts[last - task] + load.durations[task][0]) as f64).collect();
    let forth = follow(load, agents, &again);
    if forth.makespan <= there.makespan { (forth, again) } else { (there, turns.to_vec()) }
}

/// Some tasks get other turns.
fn shake(load: &Workload, (course, turns): &(Course, Vec<f64>), chance: &mut Chance) -> Vec<f64> {
    let mut shaken: Vec<f64> = match chance.below(2) {
        0 => turns.clone(),
        _ => course.starts.iter().map(|start| -(*start as f64)).collect(),
    };
    let span =
        shaken.iter().copied().fold(f64::MIN, f64::max) - shaken.iter().copied().fold(f64::MAX, f64::min);
    match chance.below(4) {
        0 => shaken.iter_mut().for_each(|turn| *turn += (chance.fraction() - 0.5) * span * 0.1),
        1 => {
            let order = sequence(load, &shaken);
            let at = chance.below(order.len() - 1);
            shaken.swap(order[at], order[at + 1]);
        }
        _ => {
            for _ in 0..1 + chance.below(3) {
                let (one, other) = (chance.below(load.len()), chance.below(load.len()));
                shaken.swap(one, other);
            }
        }
    }
    shaken
}

/// A ready task; the highest turn first, then the one planned first.
#[derive(PartialEq)]
struct Turn(f64, usize);

impl Eq for Turn {}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.total_cmp(&other.0).then(other.1.cmp(&self.1))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
