//! One plan, scheduled with the usual effort and compared with the best that is known: the exact answer where it can be had,
//! otherwise the best of a search with thirty times the effort from several beginnings.

use smallhands_task_graph::schedule::{assign, tune};
use smallhands_task_graph::{Plan, Task, Worker};

use crate::exact::{run, shortest};

/// What the usual effort is.
pub const TRIALS: usize = 3_000;
const EXACT_STEPS: u64 = 3_000_000;

/// Times of one plan, in milliseconds.
pub struct Measured {
    /// By the longest chain, without any search.
    pub plain: u64,
    /// With turns made better beforehand, the engine deciding: no agent idles while something may start.
    pub online: u64,
    /// As a whole schedule, made with the usual effort.
    pub ours: u64,
    /// The best that is known.
    pub best: u64,
    /// Whether nothing better exists.
    pub is_exact: bool,
}

impl Measured {
    pub fn over_best(&self) -> f64 {
        self.ours as f64 / self.best as f64 - 1.0
    }

    pub fn online_over_best(&self) -> f64 {
        self.online as f64 / self.best as f64 - 1.0
    }

    pub fn plain_over_best(&self) -> f64 {
        self.plain as f64 / self.best as f64 - 1.0
    }
}

/// On equal agents: what the engine really does with the turns that `tune` gives.
pub fn tuned(tasks: &[Task], agents: u32, trials: usize) -> u64 {
    let mut plan = Plan { tasks: tasks.to_vec() };
    let (_, expected) = tune(&mut plan, agents, trials);
    let took = run(agents, &plan.tasks);
    assert_eq!(took, expected, "the engine does what was expected");
    took
}

/// On equal agents, with a whole schedule: an agent may idle on purpose.
pub fn on_equal(tasks: &[Task], agents: u32, effort: usize) -> Measured {
    let workers = crate::plans::equal(agents as usize);
    let makespan = |trials: usize| assign(tasks, &workers, trials).makespan_ms;
    let (plain, ours, online) = (run(agents, tasks), makespan(TRIALS), tuned(tasks, agents, TRIALS));
    let known = (1..=3).map(|more| makespan(TRIALS * effort * more / 3 + 1)).min().unwrap_or(ours);
    measured(tasks, &workers, (plain, online, ours), known)
}

/// On unequal workers.
pub fn on_unequal(tasks: &[Task], workers: &[Worker], effort: usize) -> Measured {
    let makespan = |trials: usize| assign(tasks, workers, trials).makespan_ms;
    let (plain, ours) = (makespan(0), makespan(TRIALS));
    let known = makespan(TRIALS * effort);
    measured(tasks, workers, (plain, ours, ours), known)
}

fn measured(
    tasks: &[Task],
    workers: &[Worker],
    (plain, online, ours): (u64, u64, u64),
    known: u64,
) -> Measured {
    let known = known.min(ours).min(online).min(plain);
    let bound = assign(tasks, workers, 0).lower_bound_ms;
    let small = tasks.len() <= 12 && workers.len() <= 3;
    let exact = if small { shortest(tasks, workers, known + 1, EXACT_STEPS) } else { None };
    let best = exact.unwrap_or(known).min(known);
    Measured { plain, online, ours, best, is_exact: exact.is_some() || best == bound }
}
