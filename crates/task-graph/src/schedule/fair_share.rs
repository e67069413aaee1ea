//! Several runs that share one capacity: who starts something next.
//!
//! The run with the smallest dominant share for its weight: of everything it has, the resource of which it has the largest
//! part counts (A. Ghodsi et al., *Dominant resource fairness: fair allocation of multiple resource types*, NSDI 2011). So no
//! run gains by asking for something else, and a run that wants nothing leaves its share to the others.

use crate::{Capacity, Resources};

/// What one run has and wants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RunShare {
    /// How much it counts: twice the weight, twice the share. What is no positive number counts as 1.
    pub weight: f64,
    /// How many attempts run.
    pub running: u32,
    /// What they take together.
    pub taken: Resources,
    /// What the task takes that it would start next; `None` when it has nothing to start.
    pub next: Option<Resources>,
    /// Since when it has been waiting to start something, in milliseconds since the Unix epoch; decides between equals.
    pub waiting_since_ms: i64,
}

/// The run that may start its next task now: its place in `runs`. `None` when nobody wants or nothing fits.
///
/// A run whose task does not fit is not passed over by others who would use up what it waits for: while the first in turn
/// does not fit, only those go before it whose task leaves it what it needs once everything is given back.
pub fn next_run(runs: &[RunShare], capacity: &Capacity) -> Option<usize> {
    let free = runs.iter().fold(*capacity, |free, run| Capacity {
        slots: free.slots.saturating_sub(run.running),
        ..free.without(&run.taken)
    });
    if free.slots == 0 {
        return None;
    }
    let mut turns: Vec<(usize, &RunShare, Resources)> =
        runs.iter().enumerate().filter_map(|(place, run)| Some((place, run, run.next?))).collect();
    turns.sort_by(|(a, one, _), (b, other, _)| {
        let shares = share(one, capacity).total_cmp(&share(other, capacity));
        shares.then(one.waiting_since_ms.cmp(&other.waiting_since_ms)).then(a.cmp(b))
    });
    let mut kept = *capacity;
    for (place, _, wanted) in turns {
        let wanted = capacity.share_of(&wanted);
        if free.holds(&wanted) && kept.holds(&wanted) {
            return Some(place);
        }
        kept = kept.without(&wanted);
    }
    None
}

/// The largest part of any resource that the run has, for its weight.
fn share(run: &RunShare, all: &Capacity) -> f64 {
    let part = |taken: u64, of: u64| if of == 0 { 0.0 } else { taken as f64 / of as f64 };
    let parts = [
        part(run.taken.cpu_milli, all.cpu_milli),
        part(run.taken.memory_mb, all.memory_mb),
        part(u64::from(run.taken.gpu), u64::from(all.gpu)),
        part(u64::from(run.running), u64::from(all.slots)),
    ];
    let weight = if run.weight.is_finite() && run.weight > 0.0 { run.weight } else { 1.0 };
    parts.into_iter().fold(0.0, f64::max) / weight
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(weight: f64, running: u32, cpu_milli: u64, next: Option<u64>) -> RunShare {
        let cpu = |cpu_milli| Resources { cpu_milli, ..Resources::default() };
        RunShare { weight, running, taken: cpu(cpu_milli), next: next.map(cpu), waiting_since_ms: 0 }
    }

    const ALL: Capacity = Capacity { cpu_milli: 12, memory_mb: u64::MAX, gpu: 0, slots: 12 };

    #[test]
    fn the_smallest_share_for_its_weight_goes_first() {
        assert_eq!(next_run(&[run(1.0, 2, 2, Some(1)), run(1.0, 1, 1, Some(1))], &ALL), Some(1));
        assert_eq!(next_run(&[run(3.0, 2, 2, Some(1)), run(1.0, 1, 1, Some(1))], &ALL), Some(0));
        assert_eq!(next_run(&[run(1.0, 1, 6, Some(1)), run(1.0, 3, 0, Some(1))], &ALL), Some(1));
        assert_eq!(next_run(&[run(1.0, 2, 2, Some(1)), run(1.0, 0, 0, None)], &ALL), Some(0));
        assert_eq!(next_run(&[run(1.0, 1, 1, None)], &ALL), None);
        assert_eq!(next_run(&[run(f64::NAN, 1, 1, Some(1)), run(0.0, 0, 0, Some(1))], &ALL), Some(1));
        assert_eq!(next_run(&[run(1.0, 12, 0, Some(1))], &ALL), None);
    }

    #[test]
    fn equals_go_in_the_order_in_which_they_wait() {
        let late = RunShare { waiting_since_ms: 5, ..run(1.0, 0, 0, Some(1)) };
        let early = RunShare { waiting_since_ms: 4, ..late };
        assert_eq!(next_run(&[late, early], &ALL), Some(1));
        assert_eq!(next_run(&[late, late], &ALL), Some(0));
    }

    #[test]
    fn who_waits_for_much_is_not_starved_by_those_who_want_little() {
        let big = run(1.0, 0, 0, Some(12));
        assert_eq!(next_run(&[run(1.0, 1, 1, Some(1)), big], &ALL), None);
        let smaller = run(1.0, 0, 0, Some(11));
        let others = [run(1.0, 2, 2, None), smaller, run(1.0, 0, 0, Some(1))];
        assert_eq!(next_run(&others, &ALL), Some(2));
    }

    #[test]
    fn over_time_runs_get_shares_by_weight() {
        let mut runs = [run(1.0, 0, 0, Some(1)), run(2.0, 0, 0, Some(1)), run(3.0, 0, 0, Some(1))];
        while let Some(next) = next_run(&runs, &ALL) {
            runs[next].running += 1;
            runs[next].taken.cpu_milli += 1;
        }
        assert_eq!(runs.map(|run| run.running), [2, 4, 6]);
    }
}
