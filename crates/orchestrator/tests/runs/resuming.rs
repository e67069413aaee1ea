//! Resuming what needs no work, what cannot be worked on, and what another process works on.

use smallhands_orchestrator::listing;
use smallhands_orchestrator::progress::{Progress, Verdict};
use smallhands_orchestrator::request::{ErrorClass, RunError};

use crate::project::{DISCOUNT, shop, unwritten};
use crate::support::{begins, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_finished_run_gives_its_summary_again_and_does_nothing() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run(bench.request()).await;
    let summary = told.expect(Verdict::Verified).clone();
    let events = bench.stored(&summary.run);
    let again = bench.resume(&summary.run).await;
    assert_eq!(again.summary(), &summary);
    assert_eq!(again.events, [Progress::RunFinished(summary.clone())]);
    assert_eq!(bench.stored(&summary.run), events);
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_runs_are_named() {
    let bench = shop(&[]);
    let told = bench.resume("nosuchrun").await;
    assert!(matches!(told.error(), RunError::UnknownRun { run, .. } if run == "nosuchrun"));
    assert_eq!(told.error().class(), ErrorClass::BadInput);
    let shown = listing::show(&bench.state, "nosuchrun").unwrap_err();
    assert!(shown.to_string().contains("smallhands runs"), "{shown}");
    assert!(told.events.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_living_owner_is_left_to_it() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run_until(bench.request(), |event| begins(event, "tester")).await;
    let run = told.run();
    let events = bench.stored(&run);
    let lock = bench.state.own(&run).unwrap();
    assert_eq!(listing::runs(&bench.state).unwrap()[0].status, "running");
    let refused = bench.resume(&run).await;
    assert!(matches!(refused.error(), RunError::RunIsLive(id) if *id == run), "{:?}", refused.error());
    assert_eq!(bench.stored(&run), events, "a refused resume writes nothing");
    drop(lock);
    bench.resume(&run).await.expect(Verdict::Verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resumed_run_tells_that_it_is_one() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run_until(bench.request(), |event| begins(event, "tester")).await;
    let again = bench.resume(&told.run()).await;
    again.expect(Verdict::Verified);
    let resumed = |events: &[Progress]| {
        events.iter().find_map(|event| match event {
            Progress::RunStarted { resumed, .. } => Some(*resumed),
            _ => None,
        })
    };
    assert_eq!((resumed(&told.events), resumed(&again.events)), (Some(false), Some(true)));
    again.assert_order(&["run.started", "check.selected", "attempt.started", "run.finished"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_with_a_model_needs_it_again() {
    let bench = unwritten();
    let request = bench.scripted(&crate::models::writes_the_function());
    let model = request.model.clone();
    let told = bench.run_until(request, |event| begins(event, "tester")).await;
    let run = told.run();
    let without = bench.resume(&run).await;
    assert!(without.error().to_string().contains("name it and its endpoint again"), "{}", without.error());
    let wrong = settings("another", "http://127.0.0.1:1/v1");
    assert!(model.as_ref().is_some_and(|model| model.name != wrong.name));
    let with = bench.resume_with(&run, model).await;
    with.expect(Verdict::Verified);
    bench.assert_nothing_repeated(&run);
}
