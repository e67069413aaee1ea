//! Interrupted by the user, or killed: whatever was finished is kept, and the run goes on from there.

use smallhands_orchestrator::listing;
use smallhands_orchestrator::progress::Verdict;
use smallhands_orchestrator::request::{ErrorClass, RunError};

use crate::project::{DISCOUNT, SHOP_TESTS, TOTAL, shop};
use crate::support::{Bench, begins};

async fn finishes_after(bench: &Bench, run: &str) {
    let told = bench.resume(run).await;
    let summary = told.expect(Verdict::Verified);
    assert_eq!(summary.run, run);
    assert_eq!(summary.tests.after.map(|after| after.passed), Some(SHOP_TESTS));
    bench.assert_patch_holds(summary);
    bench.assert_nothing_repeated(run);
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
    assert_eq!(listing::show(&bench.state, run).unwrap().listing.status, "verified");
}

async fn interrupted_when(bugs: &[crate::project::Bug], role: &str) {
    let bench = shop(bugs);
    let before = bench.snapshot();
    let told = bench.run_until(bench.request(), |event| begins(event, role)).await;
    let run = told.run();
    assert!(matches!(told.error(), RunError::Interrupted { run: id } if *id == run), "{:?}", told.error());
    assert_eq!(told.error().class(), ErrorClass::Interrupted);
    assert!(told.error().to_string().contains(&format!("smallhands resume {run}")));
    assert!(!told.kinds().contains(&"run.finished".to_owned()));
    assert_eq!(bench.sandboxes(), Vec::<String>::new(), "an interrupted run puts its things away");
    assert_eq!(listing::show(&bench.state, &run).unwrap().listing.status, "interrupted");
    finishes_after(&bench, &run).await;
    assert_eq!(bench.snapshot(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_while_looking() {
    interrupted_when(&[DISCOUNT], "tester").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_while_searching() {
    interrupted_when(&[DISCOUNT, TOTAL], "repair").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_while_merging() {
    interrupted_when(&[DISCOUNT], "integrator").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_while_verifying() {
    interrupted_when(&[TOTAL], "verifier").await;
}

async fn killed_after(count: usize) {
    let bench = shop(&[DISCOUNT]);
    let (run, _) = bench.run_and_die(bench.request(), count).await;
    finishes_after(&bench, &run).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_the_first_word() {
    killed_after(1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_with_the_first_attempt_under_way() {
    killed_after(6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_in_the_middle() {
    killed_after(14).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_late() {
    killed_after(24).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_twice() {
    let bench = shop(&[TOTAL]);
    let (run, _) = bench.run_and_die(bench.request(), 8).await;
    let (again, _) = bench.run_and_die(bench.request(), 12).await;
    assert_ne!(run, again);
    finishes_after(&bench, &again).await;
    finishes_after(&bench, &run).await;
    assert_eq!(listing::runs(&bench.state).unwrap().len(), 2);
}
