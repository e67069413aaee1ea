//! The shortest schedule of a small plan, by trying everything that could be it (branch and bound), and how long a plan
//! takes when it is run.

use std::collections::BTreeMap;

use smallhands_task_graph::{
    AttemptId, AttemptResult, Command, Plan, RunEvent, RunLimits, RunState, Task, Worker, decide, evolve,
};

/// The shortest makespan, or `None` when it was not found within `steps` steps.
pub fn shortest(tasks: &[Task], workers: &[Worker], known: u64, steps: u64) -> Option<u64> {
    let place: BTreeMap<&str, usize> =
        tasks.iter().enumerate().map(|(place, task)| (task.id.as_str(), place)).collect();
    let before: Vec<Vec<usize>> =
        tasks.iter().map(|task| task.after.iter().map(|id| place[id.as_str()]).collect()).collect();
    let times: Vec<Vec<u64>> = tasks
        .iter()
        .map(|task| workers.iter().map(|worker| worker.duration_ms(&task.role, task.weight_ms)).collect())
        .collect();
    let mut chains = vec![0; tasks.len()];
    for _ in 0..tasks.len() {
        for (task, before) in before.iter().enumerate() {
            let own = times[task].iter().min().unwrap();
            chains[task] = chains[task].max(*own);
            for id in before {
                let least = times[*id].iter().min().unwrap();
                chains[*id] = chains[*id].max(least + chains[task]);
            }
        }
    }
    let same = workers.windows(2).all(|pair| pair[0].speed == pair[1].speed);
    let mut search = Search { before, times, chains, same, best: known, steps };
    let mut ends = vec![None; tasks.len()];
    search.extend(&mut ends, &mut vec![0; workers.len()], 0);
    (search.steps > 0).then_some(search.best)
}

struct Search {
    before: Vec<Vec<usize>>,
    times: Vec<Vec<u64>>,
    chains: Vec<u64>,
    same: bool,
    best: u64,
    steps: u64,
}

impl Search {
    /// Adds one task that begins no earlier than those that were added: every schedule can be made like that.
    fn extend(&mut self, ends: &mut Vec<Option<u64>>, free: &mut Vec<u64>, since: u64) {
        if self.steps == 0 {
            return;
        }
        self.steps -= 1;
        let open: Vec<usize> = (0..ends.len()).filter(|task| ends[*task].is_none()).collect();
        if open.is_empty() {
            self.best = self.best.min(ends.iter().flatten().copied().max().unwrap_or(0));
            return;
        }
        let work: u64 = open.iter().map(|task| self.times[*task].iter().min().unwrap()).sum();
        let from: u64 = free.iter().map(|time| (*time).max(since)).sum();
        if (from + work).div_ceil(free.len() as u64) >= self.best {
            return;
        }
        let mut choices = Vec::new();
        for task in &open {
            let Some(ready) =
                self.before[*task].iter().map(|id| ends[*id]).try_fold(0, |most, end| Some(end?.max(most)))
            else {
                continue;
            };
            for worker in 0..free.len() {
                if self.same && free[..worker].contains(&free[worker]) {
                    continue;
                }
                let start = ready.max(free[worker]).max(since);
                if start + self.chains[*task] < self.best {
                    choices.push((start, u64::MAX - self.chains[*task], *task, worker));
                }
            }
            // A task that cannot be over in time, wherever it runs: nothing better lies this way.
            if ready.max(since) + self.chains[*task] >= self.best {
                return;
            }
        }
        choices.sort_unstable();
        for (start, _, task, worker) in choices {
            let was = free[worker];
            let end = start + self.times[task][worker];
            if end >= self.best {
                continue;
            }
            (ends[task], free[worker]) = (Some(end), end);
            self.extend(ends, free, start);
            (ends[task], free[worker]) = (None, was);
        }
    }
}

/// Runs the plan in the engine in simulated time, each task taking exactly its weight; returns when the last one ends.
pub fn run(agents: u32, tasks: &[Task]) -> u64 {
    let mut state = RunState::default();
    let limits = RunLimits { agents, ..RunLimits::default() };
    give(&mut state, &Command::Submit { spec: serde_json::Value::Null, limits, at_ms: 0 });
    give(&mut state, &Command::AdoptPlan(Plan { tasks: tasks.to_vec() }.into()));
    let mut now = 0;
    let mut running: Vec<(u64, AttemptId)> = Vec::new();
    loop {
        for event in give(&mut state, &Command::StartReady { at_ms: now as i64 }) {
            if let RunEvent::AttemptStarted { attempt, .. } = event {
                running.push((now + state.tasks[&attempt.task].task.weight_ms, attempt));
            }
        }
        running.sort_by(|a, b| b.cmp(a));
        let Some((end, attempt)) = running.pop() else { return now };
        now = end;
        // Whatever ends at the same time ends before something new starts.
        let mut ended = vec![attempt];
        while running.last().is_some_and(|(end, _)| *end == now) {
            ended.extend(running.pop().map(|(_, attempt)| attempt));
        }
        for attempt in ended {
            let result = AttemptResult::Done { output: serde_json::Value::Null };
            give(&mut state, &Command::FinishAttempt { attempt, result, at_ms: now as i64 });
        }
    }
}

fn give(state: &mut RunState, command: &Command) -> Vec<RunEvent> {
    let events = decide(state, command).unwrap();
    *state = events.iter().fold(std::mem::take(state), evolve);
    events
}
