//! What the engine itself costs per task that does nothing: decide, evolve and startable, without any input or output.
//!
//! `cargo run --release -p smallhands-task-graph --example engine_speed [-- tasks…]`
//!
//! "adopt" is validating and adopting the plan; "run" is two decisions (start, end), two events and one look at what may
//! start, per task. Both in microseconds per task.
#![allow(clippy::unwrap_used, reason = "an example stops at the first thing that goes wrong")]

use std::time::Instant;

use serde_json::Value;
use smallhands_task_graph::{
    AttemptId, AttemptResult, Command, Plan, RunEvent, RunLimits, RunState, Task, decide, evolve, startable,
};

const AGENTS: u32 = 64;

fn main() {
    let mut sizes: Vec<usize> = std::env::args().skip(1).filter_map(|word| word.parse().ok()).collect();
    if sizes.is_empty() {
        sizes = vec![1_000, 10_000, 100_000];
    }
    println!("{:<10} {:>8} {:>12} {:>12} {:>12}", "shape", "tasks", "adopt µs", "run µs", "total µs");
    for size in sizes {
        for (shape, tasks) in [("chain", chain(size)), ("fan", fan(size)), ("layered", layered(size))] {
            let (adopt, run) = measure(tasks, size);
            println!("{shape:<10} {size:>8} {adopt:>12.2} {run:>12.2} {:>12.2}", adopt + run);
        }
    }
}

/// Microseconds per task for adopting and for running the plan; the best of three.
fn measure(tasks: Vec<Task>, size: usize) -> (f64, f64) {
    let mut best = (f64::MAX, f64::MAX);
    for _ in 0..3 {
        let began = Instant::now();
        let mut state = RunState::default();
        let limits = RunLimits { agents: AGENTS, ..RunLimits::default() };
        give(&mut state, &Command::Submit { spec: Value::Null, limits, at_ms: 0 });
        give(&mut state, &Command::AdoptPlan(Plan { tasks: tasks.clone() }.into()));
        let adopted = began.elapsed().as_secs_f64() * 1e6 / size as f64;
        let began = Instant::now();
        assert_eq!(run(&mut state), size);
        let ran = began.elapsed().as_secs_f64() * 1e6 / size as f64;
        best = (best.0.min(adopted), best.1.min(ran));
    }
    best
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
