//! The search against scripted tests: what it tries, in which order, and what it makes of the answers.
#![allow(clippy::unwrap_used)] // the helpers of tests may panic

mod repair_support;

use std::sync::Arc;
use std::time::Duration;

use repair_support::{Fate, Heard, Script, Scripted, candidate, ids, space, task};
use smallhands_agent::cancel::CancelToken;
use smallhands_agent::repair::{
    RepairError, SearchEnd, SearchOutcome, SearchTask, Space, combine, search_with,
};
use smallhands_repair::EditKind;
use tokio::sync::watch;

async fn search(script: &Arc<Scripted>, space: &Space, task: &SearchTask) -> SearchOutcome {
    try_search(script, space, task).await.unwrap()
}

async fn try_search(
    script: &Arc<Scripted>,
    space: &Space,
    task: &SearchTask,
) -> Result<SearchOutcome, RepairError> {
    let (_tx, bound) = watch::channel(None);
    search_with(script.clone(), space, task, bound, CancelToken::new(), &Heard::default()).await
}

fn ranks(outcome: &SearchOutcome) -> Vec<u64> {
    outcome.plausible.iter().map(|patch| patch.rank).collect()
}

/// `t` passes with the edit `right` and fails otherwise; everything else passes.
fn one_fault(right: &'static str) -> impl Fn(&[&str], &str) -> Fate + Send + Sync {
    move |edits, test| if test == "t" && !edits.contains(&right) { Fate::Fail } else { Fate::Pass }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_candidate_costs_one_call_of_one_test() {
    let script = Script::new(&["t", "g1", "g2"], one_fault("7")).shared();
    let outcome = search(&script, &space(100), &task(&["t"], &["g1", "g2"])).await;
    assert_eq!((ranks(&outcome), outcome.ended), (vec![7], SearchEnd::Found));
    let patch = &outcome.plausible[0];
    assert!(patch.complete);
    assert_eq!(patch.fixed, ids(&["t"]));
    assert!(patch.diff.contains("-x\n+7\n"), "{}", patch.diff);
    assert_eq!(patch.summary, "x → 7");
    for call in script.trials().iter().filter(|call| call.edits != ["7"]) {
        assert_eq!(call.tests, ["t"]);
    }
    assert_eq!(script.trials().iter().filter(|call| call.edits == ["7"]).count(), 2);
    assert_eq!(script.opened(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_neighbours_of_a_patch_are_looked_at_and_nothing_else() {
    let world = |edits: &[&str], test: &str| match edits {
        ["7" | "60" | "72" | "73"] => Fate::Pass,
        _ if test == "t" => Fate::Fail,
        _ => Fate::Pass,
    };
    let script = Script::new(&["t"], world).shared();
    let outcome = search(&script, &space(200), &task(&["t"], &[])).await;
    // The window behind rank 7 is 64 + 7 / 4 ranks wide: 72 is the last one.
    assert_eq!(ranks(&outcome), [7, 60, 72]);
    assert_eq!((outcome.validated, outcome.next_rank, outcome.candidates), (73, 73, 200));
}

#[tokio::test(start_paused = true)]
async fn enough_alternatives_end_the_search() {
    let world = |edits: &[&str], _: &str| if edits.is_empty() { Fate::Fail } else { Fate::Pass };
    let script = Script::new(&["t"], world).shared();
    let task = SearchTask { max_alternatives: 2, ..task(&["t"], &[]) };
    let outcome = search(&script, &space(50), &task).await;
    assert_eq!((ranks(&outcome), outcome.ended), (vec![0, 1, 2], SearchEnd::Found));
}

#[tokio::test(start_paused = true)]
async fn shards_try_every_rank_exactly_once() {
    let script = Script::new(&["t"], |_, _| Fate::Fail).shared();
    for index in 0..3 {
        let task = SearchTask { shard: (index, 3), ..task(&["t"], &[]) };
        let outcome = search(&script, &space(40), &task).await;
        assert_eq!(outcome.ended, SearchEnd::Exhausted);
    }
    let mut tried = script.ranks();
    tried.sort_unstable();
    assert_eq!(tried, (0..40).collect::<Vec<_>>());
}

#[tokio::test(start_paused = true)]
async fn a_search_is_taken_up_where_it_stopped() {
    let script = Script::new(&["t"], |_, _| Fate::Fail).shared();
    let task = SearchTask { shard: (1, 2), start_rank: 30, ..task(&["t"], &[]) };
    let outcome = search(&script, &space(40), &task).await;
    assert_eq!(script.ranks(), [31, 33, 35, 37, 39]);
    assert_eq!((outcome.validated, outcome.next_rank), (5, 41));
}

#[tokio::test(start_paused = true)]
async fn nothing_to_try_starts_no_validator() {
    for (start_rank, bound, end) in [(40, None, SearchEnd::Exhausted), (20, Some(10), SearchEnd::Bounded)] {
        let script = Script::new(&["t"], |_, _| Fate::Fail).shared();
        let (_tx, bound) = watch::channel(bound);
        let (space, task) = (space(40), SearchTask { start_rank, ..task(&["t"], &[]) });
        let observer = Heard::default();
        let outcome = search_with(script.clone(), &space, &task, bound, CancelToken::new(), &observer).await;
        assert_eq!((outcome.unwrap().ended, script.opened()), (end, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_bound_that_tightens_stops_the_search_behind_it() {
    let (tighten, bound) = watch::channel(Some(90));
    let world = move |edits: &[&str], _: &str| {
        if edits == ["10"] {
            tighten.send_replace(Some(12));
        }
        Fate::Fail
    };
    let script = Script::new(&["t"], world).shared();
    let (space, task) = (space(100), task(&["t"], &[]));
    let observer = Heard::default();
    let outcome =
        search_with(script.clone(), &space, &task, bound, CancelToken::new(), &observer).await.unwrap();
    assert_eq!((outcome.ended, outcome.next_rank), (SearchEnd::Bounded, 13));
}

#[tokio::test(start_paused = true)]
async fn slow_candidates_get_a_second_look_after_all_others() {
    let world = |edits: &[&str], _: &str| match edits {
        ["3"] => Fate::Needs(Duration::from_secs(1)),
        ["5"] => Fate::Loop,
        _ => Fate::Fail,
    };
    let script = Script::new(&["t"], world).shared();
    let outcome = search(&script, &space(10), &task(&["t"], &[])).await;
    assert_eq!((ranks(&outcome), outcome.ended), (vec![3], SearchEnd::Found));
    assert_eq!(script.ranks(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 3]);
    assert!(script.trials().iter().take(10).all(|call| call.limits.cpu <= Duration::from_millis(200)));
    assert_eq!(outcome.validated, 10);
}

#[tokio::test(start_paused = true)]
async fn endless_candidates_are_looked_at_twice_and_given_up() {
    let world = |edits: &[&str], _: &str| if edits == ["5"] { Fate::Loop } else { Fate::Fail };
    let script = Script::new(&["t"], world).shared();
    let outcome = search(&script, &space(10), &task(&["t"], &[])).await;
    assert_eq!(outcome.ended, SearchEnd::Exhausted);
    assert_eq!(script.ranks().iter().filter(|rank| **rank == 5).count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_slow_guard_is_no_broken_guard() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        ([], "t") => Fate::Fail,
        (["2"], "g") => Fate::Needs(Duration::from_secs(1)),
        (["2"], _) | (_, "g") => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["t", "g"], world).shared();
    assert_eq!(ranks(&search(&script, &space(5), &task(&["t"], &["g"])).await), [2]);
    assert_eq!(script.ranks(), [0, 1, 2, 2, 2, 3, 4], "it is given the time at once");
}

#[tokio::test(start_paused = true)]
async fn a_patch_that_is_right_and_slow_is_given_the_time_at_once() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (["2"], "a") => Fate::Pass,
        (["2"], _) => Fate::Needs(Duration::from_secs(1)),
        _ => Fate::Fail,
    };
    let script = Script::new(&["a", "b"], world).shared();
    assert_eq!(ranks(&search(&script, &space(5), &task(&["a", "b"], &[])).await), [2]);
    assert_eq!(script.ranks(), [0, 1, 2, 2, 3, 4]);
}

#[tokio::test(start_paused = true)]
async fn a_test_that_takes_long_to_fail_can_still_be_repaired() {
    let world = |edits: &[&str], _: &str| match edits {
        ["2"] => Fate::Needs(Duration::from_secs(3)),
        _ => Fate::Loop,
    };
    let script = Script::new(&["t"], world).shared();
    assert_eq!(ranks(&search(&script, &space(4), &task(&["t"], &[])).await), [2]);
}

#[test]
fn a_search_can_be_spawned() {
    fn sent<T: Send>(_: T) {}
    let script = Script::new(&["t"], |_, _| Fate::Fail).shared();
    let (space, task, heard) = (space(1), task(&["t"], &[]), Heard::default());
    let (_tx, bound) = watch::channel(None);
    sent(search_with(script, &space, &task, bound, CancelToken::new(), &heard));
}

#[tokio::test(start_paused = true)]
async fn a_test_that_hangs_as_it_is_stands_alone_for_its_group() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (["4"], _) | (_, "g") => Fate::Pass,
        _ => Fate::Loop,
    };
    let script = Script::new(&["a", "b", "c", "g"], world).shared();
    let outcome = search(&script, &space(6), &task(&["a", "b", "c"], &["g"])).await;
    assert_eq!(ranks(&outcome), [4]);
    assert!(script.trials().iter().filter(|call| call.edits != ["4"]).all(|call| call.tests.len() == 1));
}

#[tokio::test(start_paused = true)]
async fn a_candidate_that_breaks_a_guard_is_no_patch() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (["2"], "g2") => Fate::Fail,
        (["2" | "9"], _) | (_, "g1" | "g2" | "g3") => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["t", "g1", "g2", "g3"], world).shared();
    let outcome = search(&script, &space(12), &task(&["t"], &["g1", "g2", "g3"])).await;
    assert_eq!(ranks(&outcome), [9]);
    let guarded: Vec<usize> =
        script.trials().iter().filter(|call| call.tests.len() == 3).map(|call| call.ran).collect();
    assert_eq!(guarded, [2, 3], "guards stop at the first that breaks");
}

#[tokio::test(start_paused = true)]
async fn guards_that_do_not_hold_here_are_told_and_ignored() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (_, "g1") => Fate::Fail,
        (["2"], _) | (_, "g2") => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["t", "g1", "g2"], world).shared();
    let outcome = search(&script, &space(5), &task(&["t"], &["g1", "g2", "unknown"])).await;
    assert_eq!(ranks(&outcome), [2]);
    assert!(outcome.notes[0].contains("g1"), "{:?}", outcome.notes);
}

#[tokio::test(start_paused = true)]
async fn partial_patches_are_kept_behind_complete_ones() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (["1"], "a") | (["2"], "a" | "b") | (["8"], _) => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["a", "b", "c"], world).shared();
    let outcome = search(&script, &space(10), &task(&["a", "b", "c"], &[])).await;
    assert_eq!(ranks(&outcome), [8, 2, 1]);
    let complete: Vec<bool> = outcome.plausible.iter().map(|patch| patch.complete).collect();
    assert_eq!(complete, [true, false, false]);
    assert_eq!(outcome.plausible[1].fixed, ids(&["a", "b"]));
}

#[tokio::test(start_paused = true)]
async fn the_same_partial_repair_is_not_collected_for_ever() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        ([_], "a") | (_, "g") => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["a", "b", "g"], world).shared();
    let outcome = search(&script, &space(100), &task(&["a", "b"], &["g"])).await;
    assert_eq!((outcome.plausible.len(), outcome.ended), (4, SearchEnd::Exhausted));
    assert_eq!(script.trials().iter().filter(|call| call.tests == ["g"]).count(), 4);
}

#[tokio::test(start_paused = true)]
async fn only_a_few_different_tests_stand_for_a_large_group() {
    let names = ["m::f[1]", "m::f[2]", "m::f[3]", "m::g[1]", "m::g[2]", "m::h", "m::i", "m::j"];
    let script = Script::new(&names, |_, _| Fate::Fail).shared();
    search(&script, &space(3), &task(&names, &[])).await;
    for call in script.trials() {
        assert_eq!(call.tests, ["m::f[1]", "m::g[1]", "m::h"]);
    }
}

#[tokio::test(start_paused = true)]
async fn two_partial_patches_are_tried_together_when_nothing_else_is_left() {
    let world = |edits: &[&str], test: &str| match test {
        "a" if edits.contains(&"1") => Fate::Pass,
        "b" if edits.contains(&"6") => Fate::Pass,
        "both" if edits.contains(&"1") && edits.contains(&"6") => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["a", "b", "both"], world).shared();
    let (space, task) = (space(10), task(&["a", "b", "both"], &[]));
    let outcome = search(&script, &space, &task).await;
    assert_eq!(outcome.ended, SearchEnd::Found);
    let patch = &outcome.plausible[0];
    assert!(patch.complete && patch.diff.contains("+1\n") && patch.diff.contains("+6\n"), "{patch:?}");
    assert_eq!(patch.together_with, [candidate(6, EditKind::ComparisonOperator)]);

    let partial: Vec<_> = outcome.plausible.iter().filter(|patch| !patch.complete).cloned().collect();
    let heard = Heard::default();
    let combined = combine(script.clone(), &space, &task, &partial, CancelToken::new(), &heard);
    assert!(combined.await.unwrap()[0].complete);
}

#[tokio::test(start_paused = true)]
async fn four_faults_are_put_together_pair_by_pair() {
    let world = |edits: &[&str], test: &str| if edits.contains(&test) { Fate::Pass } else { Fate::Fail };
    let script = Script::new(&["1", "3", "5", "7"], world).shared();
    // Representatives are the first three tests: the patch of the fourth is only seen by the tests it is asked for.
    let outcome = search(&script, &space(10), &task(&["1", "3", "5", "7"], &[])).await;
    assert_eq!(outcome.plausible[0].fixed, ids(&["1", "3", "5"]));
    let outcome = search(&script, &space(10), &task(&["1", "3", "5"], &[])).await;
    assert!(outcome.plausible[0].complete, "{outcome:#?}");
    assert_eq!(outcome.plausible[0].candidates().count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_validator_that_dies_is_replaced_and_its_candidate_looked_at_again() {
    let world = |edits: &[&str], _: &str| match edits {
        ["4"] => Fate::Kill,
        ["6"] => Fate::Hang,
        _ => Fate::Fail,
    };
    let script = Script::new(&["t"], world).shared();
    let outcome = search(&script, &space(9), &task(&["t"], &[])).await;
    assert_eq!(outcome.ended, SearchEnd::Exhausted);
    assert_eq!(script.ranks(), [0, 1, 2, 3, 4, 5, 6, 7, 8, 4, 6]);
    assert_eq!(script.opened(), 4, "the last death is not followed by work");
    assert!(outcome.notes[0].contains("4 times"), "{:?}", outcome.notes);
}

#[tokio::test(start_paused = true)]
async fn a_validator_that_always_dies_is_an_error_unless_something_was_found() {
    let world = |edits: &[&str], _: &str| if edits.is_empty() { Fate::Fail } else { Fate::Kill };
    let script = Script::new(&["t"], world).shared();
    let error = try_search(&script, &space(100), &task(&["t"], &[])).await.unwrap_err();
    assert!(matches!(error, RepairError::Unstable { times: 9, .. }), "{error}");

    let world = |edits: &[&str], _: &str| match edits {
        [] => Fate::Fail,
        ["0"] => Fate::Pass,
        _ => Fate::Kill,
    };
    let script = Script::new(&["t"], world).shared();
    let outcome = search(&script, &space(100), &task(&["t"], &[])).await;
    assert_eq!((ranks(&outcome), outcome.ended), (vec![0], SearchEnd::Found));
}

#[tokio::test(start_paused = true)]
async fn the_wall_limit_holds_while_a_call_runs() {
    let world = |edits: &[&str], _: &str| if edits == ["5"] { Fate::Hang } else { Fate::Fail };
    let script = Script::new(&["t"], world).shared();
    let task = SearchTask { wall: Duration::from_secs(10), ..task(&["t"], &[]) };
    let outcome = search(&script, &space(9), &task).await;
    assert_eq!((outcome.ended, outcome.next_rank), (SearchEnd::TimeLimit, 5));
}

#[tokio::test(start_paused = true)]
async fn cancelling_stops_between_candidates_and_during_calls() {
    for fate in [Fate::Fail, Fate::Hang] {
        let cancel = CancelToken::new();
        let trigger = cancel.clone();
        let world = move |edits: &[&str], _: &str| {
            if edits != ["5"] {
                return Fate::Fail;
            }
            trigger.cancel();
            fate
        };
        let script = Script::new(&["t"], world).shared();
        let (_tx, bound) = watch::channel(None);
        let (space, task, heard) = (space(9), task(&["t"], &[]), Heard::default());
        let outcome = search_with(script.clone(), &space, &task, bound, cancel, &heard).await.unwrap();
        assert_eq!(outcome.ended, SearchEnd::Cancelled);
        assert_eq!(script.ranks().last(), Some(&5));
    }
}

#[tokio::test(start_paused = true)]
async fn failures_that_do_not_happen_here_are_an_error() {
    let script = Script::new(&["t"], |_, _| Fate::Pass).shared();
    let error = try_search(&script, &space(5), &task(&["t"], &[])).await.unwrap_err();
    assert!(matches!(&error, RepairError::NotReproduced { tests } if *tests == ids(&["t"])), "{error}");
}

#[tokio::test(start_paused = true)]
async fn tests_that_fail_only_elsewhere_are_no_part_of_the_group() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (_, "elsewhere") | (["3"], _) => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["t", "elsewhere"], world).shared();
    let outcome = search(&script, &space(5), &task(&["t", "elsewhere"], &[])).await;
    assert_eq!(outcome.plausible[0].fixed, ids(&["t"]));
    assert!(outcome.plausible[0].complete);
}

#[tokio::test(start_paused = true)]
async fn the_observer_hears_of_progress_and_of_complete_patches_only() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (["400"], "a") | (["900"], _) => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script::new(&["a", "b"], world).shared();
    let (_tx, bound) = watch::channel(None);
    let heard = Heard::default();
    let (space, task) = (space(1000), task(&["a", "b"], &[]));
    search_with(script, &space, &task, bound, CancelToken::new(), &heard).await.unwrap();
    assert_eq!(*heard.plausible.lock().unwrap(), [900]);
    assert_eq!(*heard.checkpoints.lock().unwrap(), [200, 400, 600, 800, 1000]);
    assert!(heard.activity.lock().unwrap()[0].0.contains("tests as they are"));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_runs_as_a_whole_is_asked_once_per_candidate() {
    let world = |edits: &[&str], test: &str| match (edits, test) {
        (["2"], "g") => Fate::Fail,
        (["2" | "3"], _) | (_, "g") => Fate::Pass,
        _ => Fate::Fail,
    };
    let script = Script { kind: "command", ..Script::new(&["t", "g"], world) }.shared();
    let outcome = search(&script, &space(5), &task(&["t"], &["g"])).await;
    assert_eq!((ranks(&outcome), script.ranks()), (vec![3], vec![0, 1, 2, 3, 4]));
}
