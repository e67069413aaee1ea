//! Whatever the world is like: only green trees become the head, all that is good and independent lands, it ends.

use std::collections::BTreeSet;

use proptest::prelude::*;
use smallhands_merge_queue::queue::{Standing, Why};

use crate::drive::{Dice, Drive, of, settings};
use crate::world::{World, entry, id};

fn some(count: usize, most: usize) -> impl Strategy<Value = BTreeSet<usize>> {
    prop::collection::btree_set(0..count, 0..=most)
}

fn pairs(count: usize, most: usize) -> impl Strategy<Value = BTreeSet<(usize, usize)>> {
    let pair = (0..count - 1).prop_flat_map(move |one| (Just(one), one + 1..count));
    prop::collection::btree_set(pair, 0..=most)
}

fn worlds() -> impl Strategy<Value = (usize, World)> {
    (2..24_usize).prop_flat_map(|count| {
        let conflicts = (pairs(count, 4), pairs(count, 3), some(count, 2));
        let luck = (some(count, 3), some(count, 2));
        (some(count, 4), pairs(count, 3), conflicts, luck).prop_map(
            move |(bad, bad_pairs, conflicts, luck)| {
                let (text, symbol, unmergeable) = conflicts;
                let (flaky_lengths, lost_lengths) = luck;
                let text_conflicts = text.union(&symbol).copied().collect();
                let world = World {
                    bad,
                    bad_pairs,
                    text_conflicts,
                    symbol_conflicts: symbol,
                    unmergeable,
                    flaky_lengths,
                    lost_lengths,
                    mended_by: None,
                };
                (count, world)
            },
        )
    })
}

/// What must be true of every entry in the end.
fn judge(drive: &Drive, count: usize, moves: usize) {
    let world = &drive.world;
    for number in 0..count {
        match drive.standing(number) {
            Standing::Landed { .. } => assert!(!world.bad.contains(&number)),
            Standing::Rejected { why: Why::Red { landed_meanwhile, failing, .. } } => {
                assert!(!failing.is_empty());
                let culprit = |partner: usize| landed_meanwhile.contains(&id(partner));
                let remade = |partner: usize| {
                    drive.queue.entries[&id(number)].handovers > 0 && drive.has_landed(partner)
                };
                let quarrels = world.partners(number).any(|partner| culprit(partner) || remade(partner));
                let blamed = world.bad.contains(&number) || quarrels;
                assert!(blamed, "{number} was blamed for nothing");
            }
            Standing::Rejected { why: Why::MergeFailed { .. } } => {
                assert!(world.unmergeable.contains(&number))
            }
            Standing::Rejected { why: Why::OutOfRounds { interruptions } } => {
                assert!(*interruptions > drive.queue.settings.max_rounds && *interruptions as usize <= moves);
            }
            other => panic!("{number} stands {other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 160, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_world(
        (count, world) in worlds(),
        parallel in 1..5_usize,
        max_batch in 1..17_usize,
        seed in any::<u64>(),
        late in 0..6_usize,
        moves in 0..10_usize,
    ) {
        let mut dice = Dice(seed);
        let mut drive = of(world, settings(parallel, max_batch), count.saturating_sub(late));
        let mut moved = 0;
        for number in count.saturating_sub(late)..count {
            for _ in 0..dice.below(6) {
                drive.answer_one(&mut dice);
            }
            drive.offer(vec![entry(number)]);
        }
        while moved < moves && drive.answer_one(&mut dice) {
            if dice.below(4) == 0 {
                drive.move_base(moved);
                moved += 1;
            }
        }
        drive.run(&mut dice);
        judge(&drive, count, moved);
    }
}
