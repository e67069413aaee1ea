//! What the engine itself costs per task that does nothing: decide, evolve and startable, without any input or output.
//!
//! `cargo run --release -p smallhands-task-graph --example engine_speed [-- tasks…]`
//!
//! "adopt" is validating and adopting the plan; "run" is two decisions (start, end), two events and one look at what may
//! start, per task. Both in microseconds of processor time per task. "packed" is "layered" with resources and locks. "bytes" is what the
//! process grew by while the plan, its events and the finished run were there, per task, as far as memory was not there
//! already from the run before (Linux): look at the first line of each size, or at one size and shape at a time.
#![allow(clippy::unwrap_used, reason = "an example stops at the first thing that goes wrong")]

use std::time::Instant;

use serde_json::Value;
use smallhands_task_graph::{
    AttemptId, AttemptResult, Capacity, Command, Lock, Plan, Resources, RunEvent, RunLimits, RunState, Task,
    decide, evolve, startable,
};

const AGENTS: u32 = 64;

/// A name, and what makes a plan of that shape.
type Shape = (&'static str, fn(usize) -> Vec<Task>);

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 100_000];
    }
    println!(
        "{:<10} {:>8} {:>10} {:>10} {:>10} {:>8}",
        "shape", "tasks", "adopt µs", "run µs", "total µs", "bytes"
    );
    for size in sizes {
        let shapes: [Shape; 4] = [("chain", chain), ("fan", fan), ("layered", layered), ("packed", packed)];
        for (shape, make) in shapes {
            let (adopt, run, bytes) = measure(make(size), size);
            println!("{shape:<10} {size:>8} {adopt:>10.2} {run:>10.2} {:>10.2} {bytes:>8}", adopt + run);
        }
    }
}

/// Microseconds per task for adopting and for running the plan, on average, and bytes per task.
fn measure(tasks: Vec<Task>, size: usize) -> (f64, f64, u64) {
    let mut sums = (0.0, 0.0);
    let rounds = (200_000 / size).clamp(3, 100);
    let (mut grown, start) = (0, Instant::now());
    for _ in 0..rounds {
        let before = resident();
        let first = Command::AdoptPlan(Plan { tasks: tasks.clone() }.into());
        let began = seconds(start);
        let mut state = RunState::default();
        let capacity = Capacity { cpu_milli: u64::from(AGENTS) * 500, ..Capacity::default() };
        let limits = RunLimits { agents: AGENTS, ..RunLimits::default() };
        give(&mut state, &Command::Submit { spec: Value::Null, limits, at_ms: 0 });
        give(&mut state, &Command::ChangeCapacity { capacity: Some(capacity) });
        give(&mut state, &first);
        let adopted = (seconds(start) - began) * 1e6 / size as f64;
        let began = seconds(start);
        assert_eq!(run(&mut state), size);
        let ran = (seconds(start) - began) * 1e6 / size as f64;
        sums = (sums.0 + adopted / rounds as f64, sums.1 + ran / rounds as f64);
        grown = grown.max(resident().saturating_sub(before));
    }
    (sums.0, sums.1, grown / size as u64)
}

/// Seconds that this thread has spent on a processor, so that a busy machine does not count; where that cannot be told, since
/// `start`.
fn seconds(start: Instant) -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds: Option<f64> = text.split(' ').next().and_then(|word| word.parse().ok());
    nanoseconds.map_or_else(|| start.elapsed().as_secs_f64(), |nanoseconds| nanoseconds / 1e9)
}

/// Bytes of memory in use, 0 where that cannot be told.
fn resident() -> u64 {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    text.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

fn give(state: &mut RunState, command: &Command) -> Vec<RunEvent> {
    let events = decide(state, command).unwrap();
    *state = events.iter().fold(std::mem::take(state), evolve);
    events
}

/// Runs all tasks, ending the attempts in the order in which they started; returns how many ended.
fn run(state: &mut RunState) -> usize {
    let mut active: std::collections::VecDeque<AttemptId> = std::collections::VecDeque::new();
    let mut ended = 0;
    loop {
        let started = give(state, &Command::StartReady { at_ms: ended as i64 });
        active.extend(started.into_iter().filter_map(|event| match event {
            RunEvent::AttemptStarted { attempt, .. } => Some(attempt),
            _ => None,
        }));
        let Some(attempt) = active.pop_front() else { return ended };
        let result = AttemptResult::Done { output: Value::Null };
        give(state, &Command::FinishAttempt { attempt, result, at_ms: ended as i64 });
        std::hint::black_box(startable(state));
        ended += 1;
    }
}

fn name(number: usize) -> String {
    format!("task-{number:06}")
}

fn task(number: usize, after: impl IntoIterator<Item = usize>) -> Task {
    let after = after.into_iter().map(|before| name(before).into()).collect();
    Task { after, ..Task::new(name(number), "worker", "nothing") }
}

fn chain(size: usize) -> Vec<Task> {
    (0..size).map(|number| task(number, number.checked_sub(1))).collect()
}

fn fan(size: usize) -> Vec<Task> {
    let leaf = |number| match number {
        0 => task(0, []),
        last if last == size - 1 => task(last, 1..size - 1),
        _ => task(number, [0]),
    };
    (0..size).map(leaf).collect()
}

/// Layers of 50 tasks, each with three parents of chance in the layer before.
fn layered(size: usize) -> Vec<Task> {
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut chance = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed % bound as u64) as usize
    };
    let mut layered_task = |number: usize| {
        let layer = number / 50;
        let mut after: Vec<usize> = Vec::new();
        while layer > 0 && after.len() < 3 {
            let parent = (layer - 1) * 50 + chance(50);
            if !after.contains(&parent) {
                after.push(parent);
            }
        }
        task(number, after)
    };
    (0..size).map(&mut layered_task).collect()
}

fn packed(size: usize) -> Vec<Task> {
    let mut tasks = layered(size);
    for (number, task) in tasks.iter_mut().enumerate() {
        task.resources = Resources { cpu_milli: 250 * (number as u64 % 9), ..Resources::default() };
        let name = format!("lock-{}", number % 7);
        task.locks = match number % 20 {
            0 => vec![Lock::exclusive(name)],
            1..4 => vec![Lock::shared(name)],
            _ => Vec::new(),
        };
    }
    tasks
}
