//! Looking back at runs: their decisions come out the same again, forks go on from any place, differences are named.

use serde_json::json;
use smallhands_event_log::{NewEvent, StreamId};
use smallhands_orchestrator::compare::compare;
use smallhands_orchestrator::fork::fork;
use smallhands_orchestrator::progress::Verdict;
use smallhands_orchestrator::replay::{ReplayError, replay};
use smallhands_orchestrator::request::{Deliver, RunRequest};

use crate::models::writes_the_function;
use crate::project::{DISCOUNT, TOTAL, shop, unwritten};
use crate::support::{Bench, begins};

/// Writes a run's events under another name, changed.
fn rewrite(bench: &Bench, run: &str, name: &str, change: impl Fn(u64, &mut serde_json::Value)) {
    let events: Vec<NewEvent> = bench
        .stored(run)
        .into_iter()
        .map(|mut event| {
            change(event.seq, &mut event.payload);
            NewEvent { kind: event.kind, version: event.version, payload: event.payload }
        })
        .collect();
    let stream = StreamId::new(format!("run/{name}")).unwrap();
    bench.state.log().append(&stream, 0, 1, &events).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_of_the_rules_replays_decision_by_decision() {
    let bench = shop(&[DISCOUNT, TOTAL]);
    let told = bench.run(bench.request()).await;
    let summary = told.expect(Verdict::Verified);
    let stored = bench.stored(&summary.run);
    let replayed = replay(&bench.state, &summary.run).unwrap();
    assert_eq!(replayed.events, stored.len() as u64);
    assert!(replayed.commands > 8 && replayed.plans >= 4 && replayed.blobs >= 3, "{replayed:?}");
    assert_eq!(bench.stored(&summary.run), stored, "looking changes nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_interrupted_and_resumed_run_replays() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run_until(bench.request(), |event| begins(event, "repair")).await;
    let run = told.run();
    replay(&bench.state, &run).unwrap();
    bench.resume(&run).await.expect(Verdict::Verified);
    replay(&bench.state, &run).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_first_decision_that_comes_out_otherwise_is_named() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run(bench.request()).await;
    let run = told.expect(Verdict::Verified).run.clone();
    let stored = bench.stored(&run);
    let number = |kind: &str, nth: usize| {
        stored.iter().filter(|event| event.kind == kind).nth(nth).unwrap_or_else(|| panic!("no {kind}")).seq
    };
    let planned = number("plan_adopted", 1);
    rewrite(&bench, &run, "replanned", |seq, payload| {
        if seq == planned {
            payload["reason"] = json!("somebody wanted it so");
        }
    });
    let judged = number("run_finished", 0);
    rewrite(&bench, &run, "rejudged", |seq, payload| {
        if seq == judged {
            payload["verdict"] = json!("failed");
        }
    });
    let ended = number("attempt_finished", 0);
    rewrite(&bench, &run, "retried", |seq, payload| {
        if seq == ended {
            payload["then"] = json!("give_up");
        }
    });
    for (name, event, expected) in
        [("replanned", planned, "plan"), ("rejudged", judged, "verified"), ("retried", ended, "")]
    {
        match replay(&bench.state, name) {
            Err(ReplayError::Diverged(divergence)) => {
                assert_eq!(divergence.event, event, "{name}: {divergence}");
                assert!(divergence.expected.contains(expected), "{name}: {divergence}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(matches!(replay(&bench.state, "nosuchrun"), Err(ReplayError::Run(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_goes_on_by_itself_and_is_told_apart() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run(bench.request()).await;
    let parent = told.expect(Verdict::Verified).clone();
    let events = bench.stored(&parent.run);
    let last = events.len() as u64;
    for at in [1, last / 2, last - 1] {
        let forked = fork(&bench.state, &parent.run, at).unwrap();
        assert!(forked.at <= at && forked.at > 0, "{forked:?}");
        let own = bench.stored(&forked.run);
        assert_eq!(own.len() as u64, forked.at + 1);
        assert_eq!(own.last().unwrap().kind, "run_forked");
        replay(&bench.state, &forked.run).unwrap();
        let compared = compare(&bench.state, &parent.run, &forked.run).unwrap();
        assert_eq!(compared.shared, forked.at);
        assert!(compared.first.unwrap().right.contains("forked from"));
        let resumed = bench.resume(&forked.run).await;
        let summary = resumed.expect(Verdict::Verified);
        let patch = |path: &Option<String>| std::fs::read_to_string(path.as_deref().unwrap()).unwrap();
        assert_eq!(patch(&summary.patch), patch(&parent.patch));
        assert!(compare(&bench.state, &parent.run, &forked.run).unwrap().same_patch);
        replay(&bench.state, &forked.run).unwrap();
    }
    assert_eq!(bench.stored(&parent.run), events, "the parent stays as it is");
    for at in [0, last, last + 7] {
        let refused = fork(&bench.state, &parent.run, at).unwrap_err();
        assert!(refused.to_string().contains("--at"), "{refused}");
    }
    assert!(fork(&bench.state, "nosuchrun", 1).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_of_a_run_with_a_model_keeps_the_conversation() {
    let bench = unwritten();
    let request = bench.scripted(&writes_the_function());
    let model = request.model.clone();
    let told = bench.run(request).await;
    let parent = told.expect(Verdict::Verified).run.clone();
    let replayed = replay(&bench.state, &parent).unwrap();
    assert!(replayed.requests >= 2, "{replayed:?}");
    let at = bench.stored(&parent).len() as u64 - 1;
    let forked = fork(&bench.state, &parent, at).unwrap();
    assert_eq!(replay(&bench.state, &forked.run).unwrap().requests, replayed.requests);
    bench.resume_with(&forked.run, model).await.expect(Verdict::Verified);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_of_the_same_work_are_compared() {
    let bench = shop(&[DISCOUNT]);
    let one = bench.run(RunRequest { agents: 1, ..bench.request() }).await;
    let two = bench.run(RunRequest { agents: 1, deliver: Deliver::Apply, ..bench.request() }).await;
    let (one, two) = (one.expect(Verdict::Verified), two.expect(Verdict::Verified));
    let compared = compare(&bench.state, &one.run, &two.run).unwrap();
    let first = compared.first.unwrap();
    assert_eq!(first.event, 1, "they were asked for different deliveries: {first:?}");
    assert!(first.left.contains("deliver") && first.right.contains("apply"), "{first:?}");
    assert!(compared.same_patch && compared.tasks.is_empty(), "{:?}", compared.tasks);
    let same = compare(&bench.state, &one.run, &one.run).unwrap();
    assert_eq!((same.first, same.shared), (None, same.ends[0].events));
    // What was delivered was intended before and received after.
    let kinds: Vec<String> = bench.stored(&two.run).into_iter().map(|event| event.kind).collect();
    assert!(kinds.ends_with(&["effect_intended".into(), "effect_received".into(), "run_finished".into()]));
}
