//! The coder's loop with a scripted model and a real runtime, on a tiny project in a temporary directory.
//!
//! Every request is witnessed: it must extend the one before it, and every tool call in it must have its one result.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod coder_bench;

use std::sync::Arc;
use std::time::Duration;

use coder_bench::{Bench, answer, call, submit};
use serde_json::{Value, json};
use smallhands_agent::coder::{CoderError, CoderLimits, CoderTask, Ended, Limit, run, run_continued};
use smallhands_model_gateway::ModelError;
use smallhands_shell_runtime::Runtime;
use smallhands_trajectory::{Role, decode, encode};

/// A project with one bug, and a check that finds it.
const BUGGY: &[(&str, &str)] = &[
    ("sum.sh", "# Prints the sum of two numbers.\necho $(($1 - $2))\n"),
    ("check.sh", "test \"$(sh sum.sh 2 3)\" = 5 && echo ok || { echo wrong; exit 1; }\n"),
];

fn repairing_script() -> Value {
    json!([
        {"content": "First the check.", "tool_calls": [call("bash", json!({"command": "sh check.sh"}))], "usage": {"input_tokens": 100, "output_tokens": 10}, "cost_usd_micros": 5},
        {"match": "[exit code 1]", "tool_calls": [call("read_file", json!({"path": "sum.sh"})), call("read_file", json!({"path": "check.sh"}))], "usage": {"input_tokens": 200, "output_tokens": 10}, "cost_usd_micros": 6},
        {"match": "check.sh, lines 1 to 1 of 1", "tool_calls": [call("edit_file", json!({"path": "sum.sh", "old": "$1 - $2", "new": "$1 + $2"}))]},
        {"match": "edited sum.sh", "tool_calls": [call("bash", json!({"command": "sh check.sh"}))]},
        {"match": "ok\n[exit code 0]", "tool_calls": [submit("It subtracted instead of adding.")]},
    ])
}

#[tokio::test]
async fn it_reproduces_reads_edits_checks_and_submits() {
    let bench = Bench::new(repairing_script(), BUGGY);
    let outcome = bench.run(CoderTask { goal: "make check.sh pass".into(), ..bench.task() }).await.unwrap();
    assert_eq!(outcome.ended, Ended::Submitted { message: "It subtracted instead of adding.".into() });
    assert!(bench.file("sum.sh").contains("$1 + $2"));
    assert_eq!((outcome.steps, outcome.usage.total(), outcome.cost_usd_micros), (5, 320, 11));
    assert_eq!(outcome.trajectory.steps().count(), 5);
    assert_eq!(bench.witness.turns_left(), 0);
    assert_eq!(decode(&encode(&outcome.trajectory)).unwrap(), outcome.trajectory);
    let doings = bench.doings();
    assert_eq!(doings[0], "asking scripted (step 1 of 10)");
    assert!(doings.contains(&"bash: sh check.sh".to_owned()), "{doings:?}");
    assert_eq!(doings.iter().filter(|doing| *doing == "step").count(), 5);
}

#[tokio::test]
async fn the_model_is_told_the_task_and_nothing_that_varies() {
    let bench = Bench::new(json!([answer(&[submit("done")])]), BUGGY);
    let task = CoderTask {
        goal: "make check.sh pass".into(),
        checks: vec!["sh check.sh".into()],
        failing: vec!["sh check.sh: wrong".into()],
        hints: vec!["sum.sh:2 is suspicious".into()],
        ..bench.task()
    };
    bench.run(task.clone()).await.unwrap();
    let other = Bench::new(json!([answer(&[submit("done")])]), BUGGY);
    other.run(task).await.unwrap();
    let (one, two) = (bench.witness.requests(), other.witness.requests());
    assert_eq!(one, two, "the same task gives the same bytes, wherever and whenever it is run");
    let said = &one[0][1].content;
    for expected in
        ["make check.sh pass", "- sh check.sh\n", "- sh check.sh: wrong", "sum.sh:2 is suspicious"]
    {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

/// What the model sees after one call, in the buggy project with a few more files.
async fn check_reply(call: Value, expected: &str) {
    let mut files = BUGGY.to_vec();
    files.extend([("sub/twice.txt", "a\nb\na\n"), ("long.txt", "x\n")]);
    let bench = Bench::new(json!([answer(std::slice::from_ref(&call)), answer(&[submit("done")])]), &files);
    std::fs::write(bench.path("binary"), [0xff, 0xfe, 0]).unwrap();
    bench.run(bench.task()).await.unwrap();
    let seen = bench.witness.last_message();
    assert_eq!(seen.role, Role::Tool);
    assert!(seen.content.contains(expected), "{call}\nexpected: {expected}\nseen: {}", seen.content);
}

#[tokio::test]
async fn what_a_model_does_wrong_is_answered_not_failed() {
    check_reply(
        call("python", json!({})),
        "there is no tool \"python\"; the tools are: bash, read_file, edit_file, submit",
    )
    .await;
    check_reply(call("bash", json!("{\"command\": \"ls")), "the arguments are not a JSON object (EOF").await;
    check_reply(
        call("bash", json!({"cmd": "ls"})),
        "missing field `command`; the arguments are: command, timeout_seconds",
    )
    .await;
    check_reply(call("bash", json!({"command": 3})), "expected a string").await;
    check_reply(call("submit", json!({})), "missing field `message`").await;
}

#[tokio::test]
async fn files_are_read_and_edited_exactly_or_not_at_all() {
    let edit =
        |path: &str, old: &str, new: &str| call("edit_file", json!({"path": path, "old": old, "new": new}));
    let read = |path: &str| call("read_file", json!({"path": path}));
    check_reply(read("sum.sh"), "    2\techo $(($1 - $2))").await;
    check_reply(read("nothing.txt"), "nothing.txt").await;
    check_reply(read("sub"), "sub").await;
    check_reply(read("binary"), "is not UTF-8 text").await;
    check_reply(read("../outside"), "not a path inside the repository").await;
    check_reply(read("/etc/passwd"), "not a path inside the repository").await;
    check_reply(edit("sum.sh", "$1 * $2", "x"), "does not occur in sum.sh; nothing was changed").await;
    check_reply(edit("sub/twice.txt", "a", "x"), "occurs more than once in sub/twice.txt (lines [1, 3])")
        .await;
    check_reply(edit("sub/twice.txt", "a\nb", "x"), "edited sub/twice.txt").await;
    check_reply(edit("nothing.txt", "a", "b"), "nothing.txt").await;
    check_reply(edit("new/deep/file.txt", "", "one\ntwo\n"), "created new/deep/file.txt with 2 lines").await;
    check_reply(edit("sum.sh", "", "gone"), "exists already and was left as it is").await;
    check_reply(edit("../evil", "", "x"), "not a path inside the repository").await;
}

#[tokio::test]
async fn a_refused_edit_leaves_the_file_alone() {
    let edit = call("edit_file", json!({"path": "sum.sh", "old": "echo  $(($1 - $2))", "new": "x"}));
    let bench = Bench::new(json!([answer(&[edit]), answer(&[submit("done")])]), BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(bench.file("sum.sh"), BUGGY[0].1);
    assert!(outcome.trajectory.steps().next().unwrap().observations[0].is_error);
}

#[tokio::test]
async fn the_shell_keeps_its_place_and_outlives_what_is_done_to_it() {
    let bash = |command: &str| call("bash", json!({"command": command}));
    let slow = call("bash", json!({"command": "echo begun; sleep 1000", "timeout_seconds": 0.5}));
    let script = json!([
        answer(&[bash("mkdir -p deep && cd deep && place=here")]),
        answer(&[bash("basename $PWD; echo $place")]),
        {"match": "deep\nhere\n[exit code 0]", "tool_calls": [bash("if then")]},
        {"match": "bash cannot run this command", "tool_calls": [slow]},
        {"match": "begun\n[not finished after 0.5 s and stopped", "tool_calls": [bash("exit 3")]},
        {"match": "[the shell itself ended with status 3", "tool_calls": [bash("ls; echo again")]},
        {"match": "again\n[exit code 0]", "tool_calls": [bash("seq 100000")]},
        {"match": "lines left out", "tool_calls": [bash("true")]},
        {"match": "[exit code 0]", "tool_calls": [submit("done")]},
    ]);
    let bench = Bench::new(script, BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(outcome.ended, Ended::Submitted { message: "done".into() });
    let longest = outcome.trajectory.messages().iter().map(|m| m.content.len()).max().unwrap();
    assert!(longest < 13_000, "{longest}");
}

#[tokio::test]
async fn several_calls_in_one_answer_are_made_in_order_and_all_answered() {
    let bash = |command: &str| call("bash", json!({"command": command}));
    let script = json!([answer(&[bash("echo 1 > a"), bash("cat a"), submit("done"), bash("echo 2 > a")])]);
    let bench = Bench::new(script, BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(outcome.ended, Ended::Submitted { message: "done".into() });
    assert_eq!(bench.file("a"), "1\n");
    let step = outcome.trajectory.steps().next().unwrap();
    let seen: Vec<&str> = step.observations.iter().map(|o| o.content.as_str()).collect();
    assert_eq!(seen[1..3], ["1\n[exit code 0]", "submitted"]);
    assert!(seen[3].starts_with("not done"), "{seen:?}");
}

#[tokio::test]
async fn a_model_that_goes_in_circles_is_told_and_then_stopped() {
    let turn = answer(&[call("bash", json!({"command": "sh check.sh"}))]);
    let bench = Bench::new(json!([turn, turn, turn, turn, turn, turn]), BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    let Ended::GaveUp { reason } = &outcome.ended else { panic!("{:?}", outcome.ended) };
    assert!(reason.contains("same call of bash"), "{reason}");
    assert_eq!(outcome.steps, 5);
    let told: Vec<bool> = outcome
        .trajectory
        .steps()
        .map(|step| step.observations[0].content.contains("with the same result"))
        .collect();
    assert_eq!(told, [false, false, true, true, false]);
}

#[tokio::test]
async fn a_model_that_only_talks_is_reminded_and_then_stopped() {
    let bench =
        Bench::new(json!([{"content": "I think"}, {"content": "therefore"}, {"content": "I am"}]), BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(outcome.ended, Ended::GaveUp { reason: "3 answers in a row contained no tool call".into() });
    assert!(bench.witness.last_message().content.contains("no tool call"));
    let patient = json!([{"content": "a"}, {"content": "b"}, answer(&[call("bash", json!({"command": "true"}))]), {"content": "c"}, {"content": "d"}, answer(&[submit("done")])]);
    let bench = Bench::new(patient, BUGGY);
    assert!(matches!(bench.run(bench.task()).await.unwrap().ended, Ended::Submitted { .. }));
}

#[tokio::test]
async fn an_answer_cut_at_its_limit_is_explained() {
    let cut = json!({"tool_calls": [call("bash", json!("{\"command\": \"cat <<EOF"))], "finish": "length"});
    let bench = Bench::new(json!([cut, answer(&[submit("done")])]), BUGGY);
    bench.run(bench.task()).await.unwrap();
    assert!(bench.witness.last_message().content.contains("cut off at the limit of 8000 tokens"));
}

/// Limits in, the end and the number of turns that were never played out.
async fn check_limit(limits: CoderLimits, which: Limit, unplayed: usize) {
    let turn = |n: u32| json!({"tool_calls": [call("bash", json!({"command": format!("echo {n}")}))], "usage": {"input_tokens": 90, "output_tokens": 10}, "cost_usd_micros": 40});
    let bench = Bench::new(json!([turn(1), turn(2), turn(3), turn(4)]), BUGGY);
    let outcome = bench.run(CoderTask { limits, ..bench.task() }).await.unwrap();
    assert_eq!(outcome.ended, Ended::LimitReached { which }, "{limits:?}");
    assert_eq!(bench.witness.turns_left(), unplayed, "{limits:?}");
    assert_eq!(outcome.steps as usize, 4 - unplayed);
    assert!(limits.budget_usd_micros.is_none_or(|budget| outcome.cost_usd_micros <= budget), "{limits:?}");
}

#[tokio::test]
async fn every_limit_holds_before_the_call_that_would_exceed_it() {
    let limits = CoderLimits::default();
    let money = |micros| CoderLimits { budget_usd_micros: Some(micros), ..limits };
    check_limit(CoderLimits { steps: 0, ..limits }, Limit::Steps, 4).await;
    check_limit(CoderLimits { steps: 2, ..limits }, Limit::Steps, 2).await;
    check_limit(CoderLimits { wall: Duration::ZERO, ..limits }, Limit::Wall, 4).await;
    check_limit(CoderLimits { total_tokens: Some(0), ..limits }, Limit::Tokens, 4).await;
    check_limit(CoderLimits { total_tokens: Some(150), ..limits }, Limit::Tokens, 2).await;
    check_limit(money(0), Limit::Budget, 4).await;
    check_limit(money(39), Limit::Budget, 4).await;
    check_limit(money(80), Limit::Budget, 2).await;
    check_limit(money(119), Limit::Budget, 2).await;
}

#[tokio::test]
async fn the_last_steps_are_counted_down() {
    let turn = |n: u32| answer(&[call("bash", json!({"command": format!("echo {n}")}))]);
    let bench = Bench::new(json!([turn(1), turn(2), turn(3), turn(4), turn(5)]), BUGGY);
    let limits = CoderLimits { steps: 5, ..CoderLimits::default() };
    let outcome = bench.run(CoderTask { limits, ..bench.task() }).await.unwrap();
    let counted: Vec<bool> = outcome
        .trajectory
        .steps()
        .map(|step| step.observations[0].content.contains("Turns left: "))
        .collect();
    assert_eq!(counted, [false, true, true, true, false]);
    assert!(bench.witness.last_message().content.contains("Turns left: 1."));
}

#[tokio::test]
async fn a_budget_in_money_needs_a_price() {
    let bench = Bench::new(json!([answer(&[submit("done")])]), BUGGY);
    let limits = CoderLimits { budget_usd_micros: Some(1_000_000), ..CoderLimits::default() };
    bench.witness.hide_price();
    let error = bench.run(CoderTask { limits, ..bench.task() }).await.unwrap_err();
    assert!(matches!(&error, CoderError::PriceUnknown { .. }), "{error}");
    assert!(error.to_string().contains("scripted") && bench.witness.turns_left() == 1);
    bench.run(bench.task()).await.unwrap();
}

#[tokio::test]
async fn a_failing_model_keeps_what_was_done_so_far() {
    let begun = json!({"tool_calls": [call("bash", json!({"command": "true"}))], "cost_usd_micros": 7});
    let bench = Bench::new(json!([begun, {"error": "overloaded"}]), BUGGY);
    match bench.run(bench.task()).await.unwrap_err() {
        CoderError::Model { error: ModelError::Overloaded { .. }, so_far } => {
            assert_eq!((so_far.steps, so_far.cost_usd_micros, so_far.trajectory.steps().count()), (1, 7, 1));
        }
        other => panic!("{other}"),
    }
    let bench = Bench::new(json!([begun, {"error": "context_overflow"}]), BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(outcome.ended, Ended::LimitReached { which: Limit::Context });
}

#[tokio::test]
async fn a_dead_sandbox_is_an_error_and_not_a_conversation() {
    let bench = Bench::new(json!([answer(&[call("bash", json!({"command": "true"}))])]), BUGGY);
    bench.runtime.close().await.unwrap();
    let error = bench.run(bench.task()).await.unwrap_err();
    assert!(matches!(&error, CoderError::Runtime { .. }), "{error}");
}

#[tokio::test]
async fn feedback_takes_the_work_up_again_in_the_same_shell() {
    let bash = |command: &str| call("bash", json!({"command": command}));
    let script = json!([
        answer(&[bash("kept=yes")]),
        answer(&[submit("first")]),
        {"match": "test_b: expected 5", "tool_calls": [bash("echo kept=$kept")]},
        {"match": "kept=yes", "tool_calls": [submit("second")]},
    ]);
    let bench = Bench::new(script, BUGGY);
    let first = bench.run(bench.task()).await.unwrap();
    let task = CoderTask { feedback: Some("test_b: expected 5".into()), ..bench.task() };
    let second = run_continued(
        bench.witness.clone(),
        bench.runtime.clone(),
        first.trajectory.clone(),
        &task,
        &*bench.notes,
        &bench.cancel,
    )
    .await
    .unwrap();
    assert_eq!(second.ended, Ended::Submitted { message: "second".into() });
    assert_eq!((second.steps, second.trajectory.steps().count()), (2, 4));
    assert_eq!(second.trajectory.entries()[..first.trajectory.entries().len()], *first.trajectory.entries());
}

#[tokio::test]
async fn a_cancelled_attempt_stops_in_the_middle_of_a_command_and_can_be_continued() {
    let script = json!([
        answer(&[call("bash", json!({"command": "sleep 1000"})), call("bash", json!({"command": "touch never"}))]),
        answer(&[call("bash", json!({"command": "echo alive"}))]),
        {"match": "alive\n[exit code 0]", "tool_calls": [submit("done")]},
    ]);
    let bench = Bench::new(script, BUGGY);
    bench.notes.cancel_when("bash: sleep 1000", &bench.cancel);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!((outcome.ended, outcome.steps), (Ended::Cancelled, 1));
    assert_eq!(outcome.trajectory.steps().next().unwrap().observations.len(), 2);
    assert!(!bench.path("never").exists());
    let fresh = smallhands_agent::cancel::CancelToken::new();
    let continued = run_continued(
        bench.witness.clone(),
        bench.runtime.clone(),
        outcome.trajectory,
        &bench.task(),
        &*bench.notes,
        &fresh,
    )
    .await
    .unwrap();
    assert_eq!(continued.ended, Ended::Submitted { message: "done".into() });
}

#[tokio::test]
async fn the_time_limit_reaches_into_a_waiting_model_and_a_running_command() {
    let slow = answer(&[call("bash", json!({"command": "sleep 1000", "timeout_seconds": 1000}))]);
    let limits = CoderLimits {
        wall: Duration::from_millis(300),
        command: Duration::from_secs(1000),
        ..CoderLimits::default()
    };
    let bench = Bench::new(json!([slow]), BUGGY);
    let outcome = bench.run(CoderTask { limits, ..bench.task() }).await.unwrap();
    assert_eq!((outcome.ended, outcome.steps), (Ended::LimitReached { which: Limit::Wall }, 1));
    let bench = Bench::new(json!([]), BUGGY);
    bench.witness.never_answer();
    let outcome = bench.run(CoderTask { limits, ..bench.task() }).await.unwrap();
    assert_eq!((outcome.ended, outcome.steps), (Ended::LimitReached { which: Limit::Wall }, 0));
}

#[tokio::test]
async fn attempts_side_by_side_do_not_disturb_each_other() {
    let benches: Vec<Arc<Bench>> = (0..4).map(|_| Arc::new(Bench::new(repairing_script(), BUGGY))).collect();
    let running: Vec<_> = benches
        .iter()
        .map(|bench| {
            let bench = Arc::clone(bench);
            tokio::spawn(async move { bench.run(bench.task()).await.unwrap().ended })
        })
        .collect();
    for attempt in running {
        assert!(matches!(attempt.await.unwrap(), Ended::Submitted { .. }));
    }
    assert!(benches.iter().all(|bench| bench.file("sum.sh").contains("$1 + $2")));
}

#[tokio::test]
async fn dropping_the_attempt_stops_it() {
    let bench =
        Bench::new(json!([answer(&[call("bash", json!({"command": "touch begun; sleep 1000"}))])]), BUGGY);
    let task = bench.task();
    let attempt = run(bench.witness.clone(), bench.runtime.clone(), &task, &*bench.notes, &bench.cancel);
    tokio::select! {
        _ = attempt => panic!("the command cannot end"),
        () = bench.appears("begun") => {}
    }
    bench.runtime.close().await.unwrap();
}

#[test]
fn ends_have_fixed_names_on_disk() {
    let check = |ended: Ended, expected: Value| assert_eq!(serde_json::to_value(ended).unwrap(), expected);
    check(Ended::Submitted { message: "m".into() }, json!({"how": "submitted", "message": "m"}));
    check(Ended::GaveUp { reason: "r".into() }, json!({"how": "gave_up", "reason": "r"}));
    check(Ended::LimitReached { which: Limit::Wall }, json!({"how": "limit_reached", "which": "wall"}));
    check(Ended::Cancelled, json!({"how": "cancelled"}));
}

#[tokio::test]
async fn the_user_is_heard_before_the_next_answer_and_everything_told_is_observed() {
    let bench = Bench::new(json!([{"match": "try sum.sh", "tool_calls": [submit("heard")]}]), BUGGY);
    bench.notes.words.lock().unwrap().push("try sum.sh first".into());
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(outcome.ended, Ended::Submitted { message: "heard".into() });
    let last = bench.witness.last_message();
    assert!(last.role == Role::User && last.content.contains("try sum.sh first"), "{last:?}");
    assert_eq!(
        *bench.notes.told.lock().unwrap(),
        bench.witness.requests()[0],
        "what was told is what was sent"
    );
}

#[tokio::test]
async fn a_call_that_reaches_outside_is_made_only_with_consent() {
    let push = call("bash", json!({"command": "git push origin main"}));
    let look = call("bash", json!({"command": "echo looked"}));
    let script = json!([answer(&[push, look]), {"match": "looked", "tool_calls": [submit("left it")]}]);
    let bench = Bench::new(script, BUGGY);
    let outcome = bench.run(bench.task()).await.unwrap();
    assert_eq!(outcome.ended, Ended::Submitted { message: "left it".into() });
    let questions = bench.notes.questions.lock().unwrap().clone();
    assert_eq!(questions.len(), 1, "ordinary calls need no consent: {questions:?}");
    assert!(questions[0].contains("publishes commits") && questions[0].contains("git push"), "{questions:?}");
    let steps: Vec<_> = outcome.trajectory.steps().collect();
    assert!(steps[0].observations[0].is_error);
    assert!(steps[0].observations[0].content.contains("did not agree"), "{:?}", steps[0].observations);
}
