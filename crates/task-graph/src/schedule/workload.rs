//! A plan in numbers: what the planners of whole schedules work on.

use crate::topology::sort;
use crate::{Task, Worker};

/// How long a task takes where it cannot run: longer than anything, and still not so long that sums overflow.
pub(super) const NEVER_MS: u64 = 1 << 44;

/// Tasks by their place in a topological order, with their durations on each worker.
#[derive(Debug, Clone)]
pub(super) struct Workload {
    /// For each task its place in the plan that was given.
    pub places: Vec<usize>,
    /// For each task those it waits for.
    pub before: Vec<Vec<usize>>,
    /// For each task those that wait for it.
    pub dependents: Vec<Vec<usize>>,
    /// For each task how long it takes on each worker, in milliseconds.
    pub durations: Vec<Vec<u64>>,
}

impl Workload {
    /// The tasks on these workers; dependencies outside the tasks do not count, and neither do tasks on cycles.
    pub fn new(tasks: &[Task], workers: &[Worker]) -> Self {
        let order = sort(tasks.iter()).order;
        let numbers: std::collections::BTreeMap<_, usize> =
            order.iter().enumerate().map(|(number, task)| (&task.id, number)).collect();
        let mut places = vec![0; order.len()];
        for (place, task) in tasks.iter().enumerate() {
            if let Some(number) = numbers.get(&task.id) {
                places[*number] = place;
            }
        }
        let before: Vec<Vec<usize>> = order
            .iter()
            .map(|task| task.after.iter().filter_map(|id| numbers.get(id).copied()).collect())
            .collect();
        let mut dependents = vec![Vec::new(); order.len()];
        for (number, before) in before.iter().enumerate() {
            before.iter().for_each(|id| dependents[*id].push(number));
        }
        let on = |worker: &Worker, task: &Task| match worker.capacity.suffices_for(&task.resources) {
            true => worker.duration_ms(&task.role, task.weight_ms).min(NEVER_MS),
            false => NEVER_MS,
        };
        let on_each = |task: &&Task| workers.iter().map(|worker| on(worker, task)).collect();
        let durations = order.iter().map(on_each).collect();
        Self { places, before, dependents, durations }
    }

    /// How many tasks there are.
    pub fn len(&self) -> usize {
        self.before.len()
    }

    /// The longest chain that begins with each task, where a task takes as long as `cost` says.
    pub fn chains(&self, cost: impl Fn(usize) -> f64) -> Vec<f64> {
        let mut chains = vec![0.0_f64; self.len()];
        for task in (0..self.len()).rev() {
            let longest = self.dependents[task].iter().map(|after| chains[*after]).fold(0.0, f64::max);
            chains[task] = cost(task) + longest;
        }
        chains
    }

    /// The same work backwards in time, with the numbers of tasks turned around so that they are in order again.
    pub fn backwards(&self) -> Self {
        let last = self.len().saturating_sub(1);
        let turned = |lists: &[Vec<usize>]| -> Vec<Vec<usize>> {
            lists.iter().rev().map(|list| list.iter().map(|task| last - task).collect()).collect()
        };
        Self {
            places: self.places.iter().rev().copied().collect(),
            before: turned(&self.dependents),
            dependents: turned(&self.before),
            durations: self.durations.iter().rev().cloned().collect(),
        }
    }

    /// No schedule is shorter, in milliseconds: the longest chain at best speed, and all work spread evenly.
    pub fn lower_bound_ms(&self) -> u64 {
        let best = |task: usize| self.durations[task].iter().copied().min().unwrap_or(0);
        let chain = self.chains(|task| best(task) as f64).into_iter().fold(0.0, f64::max) as u64;
        // In the time T no worker does more than T of work, counted in each task's best time.
        let work: u64 = (0..self.len()).map(best).sum();
        let workers = self.durations.first().map_or(1, |durations| durations.len().max(1)) as u64;
        chain.max(work.div_ceil(workers))
    }
}
