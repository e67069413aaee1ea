//! Kill -9 at every event of a run of forty tasks, resume, and compare: the same final tree, each outside effect once, no
//! finished task repeated, nothing left behind.
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

use std::collections::BTreeSet;

use scripted::{Outcome, Place, Scripted};

/// Places in the sample, spread over the run.
const SAMPLED: u64 = 6;

fn places(events: u64, interesting: &[u64]) -> Vec<Place> {
    let all = std::env::var("SMALLHANDS_KILL_POINTS").is_ok_and(|text| text == "all");
    let sampled: BTreeSet<u64> = match all {
        true => (1..=events).collect(),
        false => (1..=SAMPLED).map(|part| part * events / (SAMPLED + 1)).collect(),
    };
    let after = sampled.iter().map(|event| Place::After(*event));
    // Before an event that records what happened outside is where blind repetition would show.
    let before = match all {
        true => (2..=events).map(Place::Before).collect::<Vec<_>>(),
        false => interesting.iter().map(|event| Place::Before(*event)).collect(),
    };
    after.chain(before).collect()
}

fn compare(place: Place, undisturbed: &Outcome, resumed: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |holds: bool, what: &str| {
        if !holds {
            wrong.push(format!("{place:?}: {what}"));
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

#[test]
fn a_run_killed_anywhere_ends_as_if_it_had_not_been() {
    let scripted = Scripted::new();
    let undisturbed = scripted.run_undisturbed();
    assert_eq!(undisturbed.verdict, "verified");
    assert_eq!(undisturbed.ledger.len(), scripted::EFFECTS, "{:?}", undisturbed.ledger);
    assert!(undisturbed.tree.len() >= scripted::TASKS - scripted::EFFECTS);
    assert!(undisturbed.replays && undisturbed.repeated.is_empty());
    let places = places(undisturbed.events, &undisturbed.receipts);
    let mut wrong = Vec::new();
    for place in &places {
        let Some(resumed) = scripted.run_killed_at(*place) else {
            println!("{place:?}: the run was over before");
            continue;
        };
        wrong.extend(compare(*place, &undisturbed, &resumed));
    }
    println!("{} places of {} events", places.len(), undisturbed.events);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
