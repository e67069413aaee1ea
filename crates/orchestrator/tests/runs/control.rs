//! Runs steered from outside while they live: what is ordered happens, is answered, and can be replayed.

use std::time::Duration;

use serde_json::{Value, json};
use smallhands_orchestrator::control::{Order, Outcome, await_answer, send};
use smallhands_orchestrator::listing;
use smallhands_orchestrator::progress::{Progress, TaskPhase, Verdict};
use smallhands_orchestrator::replay::replay;
use smallhands_orchestrator::request::{ApprovalPolicy, Approvals, RunRequest};
use smallhands_orchestrator::run::{resume, run};
use smallhands_orchestrator::state_dir::StateDir;
use smallhands_orchestrator::{CancelToken, request::ResumeContext};
use tokio::sync::mpsc;

use crate::models::writes_the_function;
use crate::project::{DISCOUNT, shop, unwritten};
use crate::support::{Bench, PATIENCE, Told, begins};

/// A hand on a run that lives: gives orders, and sees that they are answered.
struct Hand<'a> {
    state: &'a StateDir,
    run: String,
}

impl Hand<'_> {
    fn give(&self, order: &Order) -> (bool, String) {
        let request = send(self.state, &self.run, order).unwrap();
        match await_answer(self.state, &self.run, request, PATIENCE).unwrap() {
            Outcome::Answered(answer) => (answer.accepted, answer.words),
            other => panic!("{order:?} was not answered: {other:?}"),
        }
    }

    fn must(&self, order: Order) {
        let (accepted, words) = self.give(&order);
        assert!(accepted, "{order:?}: {words}");
    }
}

/// Carries a request out, and lets `steer` have a look at everything that is told.
async fn steered(bench: &Bench, request: RunRequest, mut steer: impl FnMut(&Progress, &Hand<'_>)) -> Told {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let state = bench.state.clone();
    let work = tokio::spawn(async move { run(&state, request, sender, CancelToken::new()).await });
    let mut events = Vec::new();
    let mut hand = Hand { state: &bench.state, run: String::new() };
    while let Some(event) = tokio::time::timeout(PATIENCE, receiver.recv()).await.expect("the run hangs") {
        if let Progress::RunStarted { run, .. } = &event {
            hand.run = run.clone();
        }
        tokio::task::block_in_place(|| steer(&event, &hand));
        events.push(event);
    }
    let told = Told { result: work.await.unwrap(), events };
    replay(&bench.state, &told.run()).unwrap_or_else(|error| panic!("{error}"));
    told
}

fn with_plan(bench: &Bench, tasks: Value) -> RunRequest {
    let plan = json!({ "tasks": tasks });
    RunRequest { plan: bench.planned("plan.json", &plan.to_string(), &[]).plan, ..bench.request() }
}

fn ends(event: &Progress, wanted: &str) -> bool {
    matches!(event, Progress::AttemptFinished { attempt, .. } if attempt == wanted)
}

fn starts(event: &Progress, wanted: &str) -> bool {
    matches!(event, Progress::AttemptStarted { attempt, .. } if attempt == wanted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_run_starts_nothing_until_it_is_unpaused() {
    let bench = shop(&[]);
    let gate = bench.beside("gate", "");
    std::fs::remove_file(&gate).unwrap();
    let command = format!("until test -e {}; do sleep 0.05; done; echo a > a.txt", gate.display());
    let request = with_plan(&bench, json!([{"id": "a", "role": "command", "command": command}]));
    let told = steered(&bench, request, |event, hand| {
        if starts(event, "a#1") {
            hand.must(Order::Pause);
            assert!(!hand.give(&Order::Pause).0, "it is paused already");
            std::fs::write(&gate, "").unwrap();
        }
        if ends(event, "a#1") {
            hand.must(Order::Unpause);
        }
    })
    .await;
    told.expect(Verdict::Verified);
    let at = |fits: &dyn Fn(&Progress) -> bool| told.events.iter().position(fits).unwrap();
    let paused =
        at(&|event| matches!(event, Progress::ControlTaken { words, .. } if words.starts_with("paused")));
    let unpaused = at(&|event| matches!(event, Progress::ControlTaken { words, .. } if words == "unpaused"));
    let between = &told.events[paused..unpaused];
    assert!(!between.iter().any(|event| matches!(event, Progress::AttemptStarted { .. })), "{between:#?}");
    assert!(between.iter().any(|event| ends(event, "a#1")), "what runs may end: {between:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_and_attempts_are_cancelled_while_they_run() {
    let bench = shop(&[]);
    let marker = bench.beside("marker", "");
    std::fs::remove_file(&marker).unwrap();
    let once_long = format!("test -e {0} || {{ touch {0}; sleep 100000; }}", marker.display());
    let tasks = json!([
        {"id": "endless", "role": "command", "command": "sleep 100000"},
        {"id": "stuck", "role": "command", "command": once_long},
    ]);
    let told = steered(&bench, with_plan(&bench, tasks), |event, hand| {
        let reason = || "it is stuck".to_owned();
        if starts(event, "endless#1") {
            hand.must(Order::CancelTask { task: "endless".into(), reason: reason() });
            let (accepted, words) =
                hand.give(&Order::CancelTask { task: "nonesuch".into(), reason: reason() });
            assert!(!accepted && words.contains("nonesuch"), "{words}");
        }
        if starts(event, "stuck#1") {
            let until = std::time::Instant::now() + PATIENCE;
            while !marker.exists() && std::time::Instant::now() < until {
                std::thread::sleep(Duration::from_millis(10));
            }
            hand.must(Order::CancelAttempt { attempt: "stuck#1".parse().unwrap(), reason: reason() });
        }
    })
    .await;
    told.expect(Verdict::Verified);
    assert_eq!(told.endings("stuck"), [("lost", "called off: it is stuck"), ("done", "exit code 0")]);
    let dropped = told.events.iter().any(|event| {
        matches!(event, Progress::TaskChanged { task, phase: TaskPhase::Dropped, .. } if task == "endless")
    });
    assert!(dropped, "{:#?}", told.events);
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_called_off_from_outside() {
    let bench = shop(&[DISCOUNT]);
    let request = with_plan(&bench, json!([{"id": "endless", "role": "command", "command": "sleep 100000"}]));
    let told = steered(&bench, request, |event, hand| {
        if starts(event, "endless#1") {
            hand.must(Order::CancelRun { reason: "enough".into() });
        }
    })
    .await;
    let summary = told.expect(Verdict::Failed);
    assert!(summary.reason.contains("cancelled: enough"), "{}", summary.reason);
    assert_eq!(summary.limit, None, "nobody ran into a limit");
    let late = send(&bench.state, &summary.run, &Order::Pause).unwrap_err();
    assert!(late.to_string().contains("is finished"), "{late}");
    let unknown = send(&bench.state, "nosuchrun", &Order::Pause).unwrap_err();
    assert!(unknown.to_string().contains("smallhands runs"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn limits_are_changed_while_the_run_lives() {
    let bench = shop(&[]);
    let gate = bench.beside("gate", "");
    std::fs::remove_file(&gate).unwrap();
    let command = format!("until test -e {}; do sleep 0.05; done", gate.display());
    let tasks = json!([
        {"id": "a", "role": "command", "command": command},
        {"id": "b", "role": "command", "command": "true"},
    ]);
    let request = RunRequest { agents: 1, timeout: Some(Duration::from_secs(5)), ..with_plan(&bench, tasks) };
    let told = steered(&bench, request, |event, hand| {
        if starts(event, "a#1") {
            hand.must(Order::ChangeLimits {
                time_ms: Some(200_000),
                budget_usd_micros: Some(5_000_000),
                agents: Some(2),
            });
            assert!(
                !hand.give(&Order::ChangeLimits { time_ms: None, budget_usd_micros: None, agents: None }).0
            );
        }
        // The second agent is there although the first is at work.
        if starts(event, "b#1") {
            std::fs::write(&gate, "").unwrap();
        }
    })
    .await;
    told.expect(Verdict::Verified);
    assert!(starts(told.events.iter().find(|event| begins(event, "command")).unwrap(), "a#1"));
}

/// Turns of a model that wants to push, and then writes the function.
fn pushes() -> Value {
    let push = json!({"tool_calls": [{"name": "bash", "arguments": {"command": "git push origin main"}}]});
    let mut turns = vec![push];
    turns.extend(writes_the_function().as_array().unwrap().iter().cloned());
    turns[1]["match"] = "look at the roman numerals".into();
    Value::Array(turns)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_hears_the_user_and_asks_before_it_reaches_outside() {
    let bench = unwritten();
    let told = steered(&bench, bench.scripted(&pushes()), |event, hand| {
        if let Progress::ApprovalAsked { approval, attempt, question, default, .. } = event {
            assert!(question.contains("git push") && !default, "{question}");
            assert_eq!(listing::show(hand.state, &hand.run).unwrap().questions.len(), 1);
            let attempt = attempt.parse().unwrap();
            hand.must(Order::Tell { attempt, message: "look at the roman numerals".into() });
            hand.must(Order::Answer { approval: approval.clone(), yes: false });
            assert!(
                !hand.give(&Order::Answer { approval: approval.clone(), yes: true }).0,
                "answered is answered"
            );
        }
        if begins(event, "tester")
            && let Progress::AttemptStarted { attempt, .. } = event
        {
            let order = Order::Tell { attempt: attempt.parse().unwrap(), message: "hello".into() };
            let (accepted, words) = hand.give(&order);
            assert!(!accepted, "testers understand no words: {words}");
        }
    })
    .await;
    let summary = told.expect(Verdict::Verified);
    let report = replay(&bench.state, &summary.run).unwrap();
    assert!(report.requests >= 3, "the conversation is built again: {report:?}");
    assert!(
        told.events
            .iter()
            .any(|event| matches!(event, Progress::ApprovalSettled { yes: false, by, .. } if by == "user"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_that_nobody_answers_does_not_hold_the_run_up() {
    let bench = shop(&[]);
    let tasks = json!([
        {"id": "risky", "role": "command", "command": "echo x > x.txt", "approval": true},
        {"id": "plain", "role": "command", "command": "echo y > y.txt"},
    ]);
    for (policy, outcome, verdict) in [
        (ApprovalPolicy::Ask, "gave_up", Verdict::Failed),
        (ApprovalPolicy::Deny, "gave_up", Verdict::Failed),
        (ApprovalPolicy::Allow, "done", Verdict::Verified),
    ] {
        let approvals = Approvals { policy, wait_ms: 300 };
        let request = RunRequest { approvals, ..with_plan(&bench, tasks.clone()) };
        let told = steered(&bench, request, |_, _| {}).await;
        let summary = told.summary();
        assert_eq!(summary.verdict, verdict, "{policy:?}: {summary:#?}");
        assert!(
            verdict == Verdict::Verified || summary.reason.contains("`risky` of the plan failed"),
            "{summary:#?}"
        );
        assert_eq!(told.endings("risky")[0].0, outcome, "{policy:?}");
        assert_eq!(told.endings("plain")[0].0, "done", "{policy:?}");
        let lapsed = |event: &Progress| matches!(event, Progress::ApprovalSettled { yes: false, by, .. } if by == "nobody");
        assert_eq!(told.events.iter().any(lapsed), policy == ApprovalPolicy::Ask);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_ordered_while_nobody_owns_the_run_takes_effect_with_its_next_owner() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run_until(bench.request(), |event| begins(event, "tester")).await;
    let run = told.run();
    let queued = send(&bench.state, &run, &Order::Pause).unwrap();
    let outcome = await_answer(&bench.state, &run, queued, PATIENCE).unwrap();
    assert_eq!(outcome, Outcome::Queued);
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let (state, name) = (bench.state.clone(), run.clone());
    let environment = bench.request().environment;
    let work = tokio::spawn(async move {
        let context = ResumeContext { model: None, environment, cores: 2 };
        resume(&state, &name, context, sender, CancelToken::new()).await
    });
    let answered = await_answer(&bench.state, &run, queued, PATIENCE).unwrap();
    assert!(matches!(&answered, Outcome::Answered(answer) if answer.accepted), "{answered:?}");
    Hand { state: &bench.state, run: run.clone() }.must(Order::Unpause);
    let summary = tokio::time::timeout(PATIENCE, work).await.expect("the run hangs").unwrap().unwrap();
    assert_eq!(summary.verdict, Verdict::Verified);
    let mut before = Vec::new();
    while let Ok(event) = receiver.try_recv() {
        before.push(event);
    }
    let unpaused = before
        .iter()
        .position(|event| matches!(event, Progress::ControlTaken { words, .. } if words == "unpaused"))
        .unwrap();
    assert!(!before[..unpaused].iter().any(|event| matches!(event, Progress::AttemptStarted { .. })));
    replay(&bench.state, &run).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_may_push_is_let() {
    let bench = unwritten();
    let mut turns = pushes();
    turns[1].as_object_mut().unwrap().remove("match");
    turns[1]["match"] = "exit code".into();
    let approvals = Approvals { policy: ApprovalPolicy::Allow, ..Approvals::default() };
    let request = RunRequest { approvals, ..bench.scripted(&turns) };
    let told = bench.run(request).await;
    told.expect(Verdict::Verified);
}
