//! What a run of forty tasks survives: `kill -9` at every event, a disk that is full from any event on, and a log torn at
//! every byte of its last 4 KiB. Resumed, it ends with the same final tree, each outside effect once, no finished task
//! repeated, and nothing left behind.
//!
//! A process dies right after an event became durable, or right before: then what led to the event was done, and nobody
//! knows. By default a sample of the places is taken; with `SMALLHANDS_KILL_POINTS=all` every one:
//!
//! ```text
//! SMALLHANDS_KILL_POINTS=all cargo test --release -p smallhands --features failpoints --test kill -- --nocapture
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../cli/harness.rs"]
#[allow(dead_code, reason = "shared with the other tests of the binary")]
mod harness;
mod scripted;
mod torn;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use scripted::{Outcome, Place, run_failing_at, run_undisturbed};
use torn::{REACH, Torn};

/// Places in a sample, spread over the run.
const SAMPLED: u64 = 6;
/// Runs at the same time when every place is taken.
const AT_ONCE: usize = 3;

fn takes_all() -> bool {
    std::env::var("SMALLHANDS_KILL_POINTS").is_ok_and(|text| text == "all")
}

/// The places of a sample, or all from 1 to `last`.
fn places(last: u64) -> BTreeSet<u64> {
    match takes_all() {
        true => (1..=last).collect(),
        false => (1..=SAMPLED).map(|part| part * last / (SAMPLED + 1)).collect(),
    }
}

/// What is wrong at any of the places; several are tried at the same time, each with what `prepare` makes.
fn wrong_at<P: Sync, T>(
    places: &[P],
    prepare: impl Fn() -> T + Sync,
    check: impl Fn(&T, &P) -> Vec<String> + Sync,
) -> Vec<String> {
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    let work = || {
        let prepared = prepare();
        while let Some(place) = places.get(next.fetch_add(1, Ordering::Relaxed)) {
            let found = check(&prepared, place);
            found.iter().for_each(|line| eprintln!("{line}"));
            wrong.lock().unwrap().extend(found);
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..if takes_all() { AT_ONCE } else { 1 } {
            scope.spawn(work);
        }
    });
    wrong.into_inner().unwrap()
}

fn compare(place: &str, undisturbed: &Outcome, resumed: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{place}: {what}"));
        }
    };
    check(resumed.verdict == "verified", &format!("the verdict is {}", resumed.verdict));
    check(resumed.patch == undisturbed.patch, "the patch differs");
    check(resumed.tree == undisturbed.tree, "the user's tree differs");
    check(resumed.ledger == undisturbed.ledger, &format!("the effects outside: {:?}", resumed.ledger));
    check(resumed.repeated.is_empty(), &format!("finished tasks were begun again: {:?}", resumed.repeated));
    check(resumed.replays, "the log does not replay");
    check(resumed.left.is_empty(), &format!("sandboxes are left: {:?}", resumed.left));
    wrong
}

fn undisturbed() -> Outcome {
    let undisturbed = run_undisturbed();
    assert_eq!(undisturbed.verdict, "verified");
    assert_eq!(undisturbed.ledger.len(), scripted::EFFECTS, "{:?}", undisturbed.ledger);
    assert!(undisturbed.tree.len() >= scripted::TASKS - scripted::EFFECTS);
    assert!(undisturbed.replays && undisturbed.repeated.is_empty());
    undisturbed
}

fn assert_fails_nowhere(undisturbed: &Outcome, places: &[Place]) {
    let over = AtomicUsize::new(0);
    let wrong = wrong_at(
        places,
        || (),
        |(), place| match run_failing_at(*place) {
            Some(resumed) => compare(&format!("{place:?}"), undisturbed, &resumed),
            None => {
                over.fetch_add(1, Ordering::Relaxed);
                println!("{place:?}: the run was over before, or had not begun");
                Vec::new()
            }
        },
    );
    let resumed = places.len() - over.into_inner();
    println!("{} places of {} events, {resumed} runs resumed", places.len(), undisturbed.events);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_run_killed_anywhere_ends_as_if_it_had_not_been() {
    let undisturbed = undisturbed();
    let sample = places(undisturbed.events);
    let after = sample.iter().copied().map(Place::After);
    // Before an event that records what happened outside is where blind repetition would show.
    let before: Vec<u64> = match takes_all() {
        true => sample.iter().copied().skip(1).collect(),
        false => undisturbed.receipts.clone(),
    };
    let places: Vec<Place> = after.chain(before.into_iter().map(Place::Before)).collect();
    assert_fails_nowhere(&undisturbed, &places);
}

#[test]
fn a_run_whose_disk_was_full_goes_on_when_there_is_room() {
    let undisturbed = undisturbed();
    let places: Vec<Place> = places(undisturbed.events).into_iter().map(Place::Full).collect();
    assert_fails_nowhere(&undisturbed, &places);
}

#[test]
fn a_log_torn_anywhere_near_its_end_leads_to_the_same_tree() {
    let undisturbed = undisturbed();
    let bytes: Vec<u64> = places(REACH as u64).into_iter().collect();
    let died_after = undisturbed.events * 3 / 4;
    let cuts = AtomicUsize::new(0);
    let wrong = wrong_at(
        &bytes,
        || Torn::new(died_after),
        |torn, bytes| {
            let (resumed, was_cut, was_told) = torn.resumed_without(*bytes as usize);
            cuts.fetch_add(usize::from(was_cut), Ordering::Relaxed);
            let mut effects = resumed.ledger.clone();
            effects.dedup();
            let place = format!("{bytes} bytes torn");
            let mut wrong = compare(&place, &undisturbed, &Outcome { ledger: effects, ..resumed });
            if was_cut != was_told {
                wrong.push(format!("{place}: cut: {was_cut}, told: {was_told}"));
            }
            wrong
        },
    );
    println!("torn at {} places, {} ends cut", bytes.len(), cuts.into_inner());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
