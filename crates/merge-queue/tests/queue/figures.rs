//! How many verifications it takes to land n entries of which k are bad. Shown with `--nocapture`.

use std::collections::BTreeSet;

use crate::drive::{Dice, of, settings};
use crate::world::World;

const SEEDS: u64 = 3;

/// Most and mean number of verifications over many placements of the bad ones.
fn verifications(count: usize, bad: usize, parallel: usize) -> (usize, f64) {
    let runs = (0..SEEDS).map(|seed| {
        let mut dice = Dice(seed * 7919 + 13);
        let mut world = World::default();
        while world.bad.len() < bad {
            world.bad.insert(dice.below(count));
        }
        let expected: BTreeSet<usize> = (0..count).filter(|number| !world.bad.contains(number)).collect();
        let mut drive = of(world, settings(parallel, 64), count);
        drive.thorough = false;
        drive.run(&mut dice);
        let landed: BTreeSet<usize> = (0..count).filter(|number| drive.has_landed(*number)).collect();
        assert_eq!(landed, expected);
        drive.begun.len()
    });
    let runs: Vec<usize> = runs.collect();
    (runs.iter().copied().max().unwrap(), runs.iter().sum::<usize>() as f64 / SEEDS as f64)
}

#[test]
fn verifications_stay_below_k_log2_n_plus_n_and_a_recheck_for_each_that_is_blamed() {
    println!("   n   k | k·log2(n)+n+k | one at a time: most  mean | four at once: most  mean");
    for count in [4_usize, 8, 16, 32, 64] {
        for bad in [0, 1, 2, 4, 8, 16, 32, 64].into_iter().filter(|bad| *bad <= count) {
            let bound = bad * (count.ilog2() as usize + 1) + count;
            let (most, mean) = verifications(count, bad, 1);
            let (most4, mean4) = verifications(count, bad, 4);
            println!("{count:4} {bad:3} | {bound:13} | {most:19} {mean:5.1} | {most4:18} {mean4:5.1}");
            assert!(most <= bound, "{most} verifications for {bad} bad of {count}, more than {bound}");
            assert!(most4 <= 2 * bound, "{most4} verifications four at once");
        }
    }
}
