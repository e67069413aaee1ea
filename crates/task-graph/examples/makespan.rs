//! How much longer plans take than the best that is known, by shape and size.
//!
//! `cargo run --release -p smallhands-task-graph --example makespan [-- effort]`
//!
//! "plain" is the longest chain first (equal agents) or HEFT (unequal workers) without any search. "tuned" is what the engine
//! does on equal agents with turns made better beforehand (`tune`), "ours" a whole schedule (`assign`), both with the usual
//! effort of 3,000 trials. The best that is known is exact for plans of up to 12 tasks on up to 3 workers, otherwise the
//! better of the lower bound (where it is reached) and a search with `effort` times the trials, 30 unless told.
#![allow(clippy::unwrap_used, reason = "an example stops at the first thing that goes wrong")]

#[path = "../tests/quality/exact.rs"]
mod exact;
#[path = "../tests/quality/measure.rs"]
mod measure;
#[path = "../tests/quality/plans.rs"]
mod plans;

use measure::{Measured, on_equal, on_unequal};

const SEEDS: u64 = 10;

fn main() {
    let effort = std::env::args().nth(1).and_then(|word| word.parse().ok()).unwrap_or(30);
    println!(
        "{:<8} {:<10} {:>5} {:>3} | {:>9} {:>9} | {:>9} {:>9} | {:>9} {:>9} | exact",
        "workers", "shape", "tasks", "m", "plain avg", "max", "tuned avg", "max", "ours avg", "max"
    );
    for (size, count) in [(10, 2), (10, 3), (30, 4), (100, 8), (300, 16)] {
        for shape in plans::SHAPES {
            let plan = |seed| plans::plan(shape, size, seed);
            let equal: Vec<Measured> = (0..SEEDS).map(|seed| on_equal(&plan(seed), count, effort)).collect();
            print("equal", shape, size, count, &equal);
            let workers = |seed| plans::unequal(count as usize, seed);
            let unequal: Vec<Measured> =
                (0..SEEDS).map(|seed| on_unequal(&plan(seed), &workers(seed), effort)).collect();
            print("unequal", shape, size, count, &unequal);
        }
    }
}

fn print(workers: &str, shape: &str, size: usize, count: u32, all: &[Measured]) {
    let average = |part: fn(&Measured) -> f64| all.iter().map(part).sum::<f64>() / all.len() as f64 * 100.0;
    let most = |part: fn(&Measured) -> f64| all.iter().map(part).fold(0.0, f64::max) * 100.0;
    println!(
        "{workers:<8} {shape:<10} {size:>5} {count:>3} | {:>8.2}% {:>8.2}% | {:>8.2}% {:>8.2}% | {:>8.2}% {:>8.2}% | {}/{}",
        average(Measured::plain_over_best),
        most(Measured::plain_over_best),
        average(Measured::online_over_best),
        most(Measured::online_over_best),
        average(Measured::over_best),
        most(Measured::over_best),
        all.iter().filter(|measured| measured.is_exact).count(),
        all.len()
    );
}
