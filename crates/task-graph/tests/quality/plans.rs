//! Plans of chance in the shapes that schedulers are measured with, the same for the same seed.

use smallhands_task_graph::{Task, Worker};

/// A small generator (G. Marsaglia, *Xorshift RNGs*, 2003).
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        let mut dice = Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            dice.below(2);
        }
        dice
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }
}

pub const SHAPES: [&str; 4] = ["layered", "fork-join", "cholesky", "random"];

/// A plan of about `size` tasks with weights from 10 to 999 ms and one of three roles each.
pub fn plan(shape: &str, size: usize, seed: u64) -> Vec<Task> {
    let mut dice = Dice::new(seed + size as u64 * 1_000);
    let edges = match shape {
        "layered" => layered(size, &mut dice),
        "fork-join" => fork_join(size, &mut dice),
        "cholesky" => cholesky(size),
        _ => random(size, &mut dice),
    };
    let role = |number: u64| ["tester", "repair", "coder"][number as usize];
    let task = |(number, after): (usize, Vec<usize>)| Task {
        after: after.into_iter().map(|id| format!("t{id:04}").into()).collect(),
        weight_ms: 10 + dice.below(990),
        ..Task::new(format!("t{number:04}"), role(dice.below(3)), "work")
    };
    edges.into_iter().enumerate().map(task).collect()
}

fn layered(size: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let width = (size as f64).sqrt().ceil() as usize;
    let parents = |number: usize| {
        let layer = number / width;
        let wanted = if layer == 0 { 0 } else { 1 + dice.below(3) };
        let mut after: Vec<usize> =
            (0..wanted).map(|_| (layer - 1) * width + dice.below(width as u64) as usize).collect();
        after.sort_unstable();
        after.dedup();
        after
    };
    (0..size).map(parents).collect()
}

/// Forks of chance width, each joined before the next.
fn fork_join(size: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let mut edges: Vec<Vec<usize>> = vec![vec![]];
    while edges.len() < size {
        let (join, width) = (edges.len() - 1, 2 + dice.below(7) as usize);
        let width = width.min((size - edges.len()).max(1));
        edges.extend((0..width).map(|_| vec![join]));
        edges.push((join + 1..=join + width).collect());
    }
    edges
}

/// The tasks of a Cholesky factorisation by tiles: as many tiles as make at most `size` tasks, but at least two rows.
fn cholesky(size: usize) -> Vec<Vec<usize>> {
    let count = |n: usize| n * (n + 1) * (n + 2) / 6;
    let n = (2..).take_while(|n| *n == 2 || count(*n) <= size).last().unwrap_or(2);
    let mut edges: Vec<Vec<usize>> = Vec::new();
    // The task that last wrote each tile.
    let mut writer = vec![vec![None; n]; n];
    let add = |edges: &mut Vec<Vec<usize>>, reads: &[Option<usize>]| {
        let mut after: Vec<usize> = reads.iter().flatten().copied().collect();
        after.sort_unstable();
        after.dedup();
        edges.push(after);
        Some(edges.len() - 1)
    };
    for k in 0..n {
        writer[k][k] = add(&mut edges, &[writer[k][k]]);
        for i in k + 1..n {
            writer[i][k] = add(&mut edges, &[writer[k][k], writer[i][k]]);
        }
        for i in k + 1..n {
            for j in k + 1..=i {
                writer[i][j] = add(&mut edges, &[writer[i][k], writer[j][k], writer[i][j]]);
            }
        }
    }
    edges
}

fn random(size: usize, dice: &mut Dice) -> Vec<Vec<usize>> {
    let parents = |number: usize| {
        let most = number.min(3) as u64;
        let mut after: Vec<usize> =
            (0..dice.below(most + 1)).map(|_| dice.below(number as u64) as usize).collect();
        after.sort_unstable();
        after.dedup();
        after
    };
    (0..size).map(parents).collect()
}

/// Workers of chance speeds, from half to four times as fast, another one for each role.
pub fn unequal(count: usize, seed: u64) -> Vec<Worker> {
    let mut dice = Dice::new(seed + 77);
    let mut speed = || (50 + dice.below(350)) as f64 / 100.0;
    let worker = |number: usize| {
        let mut worker = Worker::new(format!("w{number}"));
        worker.speed = ["tester", "repair", "coder"].map(|role| (role.into(), speed())).into();
        worker
    };
    (0..count).map(worker).collect()
}

pub fn equal(count: usize) -> Vec<Worker> {
    (0..count).map(|number| Worker::new(format!("w{number}"))).collect()
}
