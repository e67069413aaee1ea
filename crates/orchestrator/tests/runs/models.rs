//! Runs with a model that plays a script: the same flow, the same verification, whatever the model claims.

use serde_json::{Value, json};
use smallhands_event_log::StreamId;
use smallhands_orchestrator::progress::Verdict;
use smallhands_orchestrator::request::RunRequest;

use crate::project::{DISCOUNT, WRITTEN, shop, unwritten};
use crate::support::report;

/// A turn that edits a file.
pub fn edit(path: &str, old: &str, new: &str) -> Value {
    json!({"tool_calls": [{"name": "edit_file", "arguments": {"path": path, "old": old, "new": new}}]})
}

/// A turn that says it is done.
pub fn submit(message: &str) -> Value {
    json!({"tool_calls": [{"name": "submit", "arguments": {"message": message}}]})
}

/// Turns that write the unwritten function.
pub fn writes_the_function() -> Value {
    json!([edit("numerals.py", "raise NotImplementedError", WRITTEN), submit("wrote roman()")])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_writes_what_no_search_can_find() {
    let bench = unwritten();
    let before = bench.snapshot();
    let told = bench.run(bench.scripted(&writes_the_function())).await;
    let summary = told.expect(Verdict::Verified);
    let roles = told.roles();
    let first = |role: &str| roles.iter().position(|seen| seen.starts_with(role));
    assert!(first("repair").is_some() && first("repair") < first("coder"), "{roles:?}");
    assert_eq!(summary.tests.before.failed, 2);
    assert!(summary.changes.iter().any(|change| change.file == "numerals.py"), "{:?}", summary.changes);
    bench.assert_patch_holds(summary);
    assert_eq!(bench.snapshot(), before);
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn every_step_of_a_model_is_kept() {
    let bench = unwritten();
    let told = bench.run(bench.scripted(&writes_the_function())).await;
    let summary = told.expect(Verdict::Verified);
    let log = bench.state.log();
    let streams = log.streams(&format!("attempt/{}/", summary.run)).unwrap();
    assert_eq!(streams.len(), 1, "{streams:?}");
    let stream: &StreamId = &streams[0];
    let steps = log.read(stream, 0).unwrap();
    let (told, steps): (Vec<_>, Vec<_>) = steps.into_iter().partition(|entry| entry.kind == "told");
    assert_eq!(told.len(), 2, "the standing instructions and the task: {told:?}");
    assert!(steps.len() >= 2 && steps.iter().all(|step| step.kind == "step"), "{steps:?}");
    let text = steps.iter().map(|step| step.payload.to_string()).collect::<String>();
    assert!(text.contains("edit_file") && text.contains("submit"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failing_tests_go_back_to_a_model_that_thought_it_was_done() {
    let bench = unwritten();
    let script = json!([
        edit("numerals.py", "raise NotImplementedError", "return \"IV\""),
        submit("four is enough"),
        edit("numerals.py", "return \"IV\"", WRITTEN),
        submit("now all of them"),
    ]);
    let told = bench.run(bench.scripted(&script)).await;
    let summary = told.expect(Verdict::Verified);
    bench.assert_patch_holds(summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_is_worked_on_though_nothing_fails() {
    let bench = shop(&[]);
    let script = json!([edit("LICENSE.txt", "", "Do what you like.\n"), submit("added a licence")]);
    let request = RunRequest { task: Some("add a licence".into()), ..bench.scripted(&script) };
    let told = bench.run(request).await;
    let summary = told.expect(Verdict::Verified);
    let patch = std::fs::read_to_string(summary.patch.as_deref().unwrap()).unwrap();
    assert!(patch.contains("new file mode") && patch.contains("+Do what you like."), "{patch}");
    bench.assert_patch_holds(summary);
    assert!(!bench.repo.join("LICENSE.txt").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_goal_without_a_model_is_warned_of() {
    let bench = shop(&[]);
    let told = bench.run(RunRequest { task: Some("add a licence".into()), ..bench.request() }).await;
    told.expect(Verdict::Verified);
    assert!(told.warnings().iter().any(|warning| warning.contains("--model")), "{:?}", told.warnings());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_to_the_tests_is_told() {
    let bench = unwritten();
    let script = json!([
        edit("test_numerals.py", "self.assertEqual(roman(4), \"IV\")", "pass"),
        edit("test_numerals.py", "self.assertEqual(roman(18), \"XVIII\")", "pass"),
        submit("the tests pass now"),
    ]);
    let told = bench.run(bench.scripted(&script)).await;
    let summary = told.summary();
    assert_ne!(summary.verdict, Verdict::Failed, "{summary:#?}");
    let text = report(summary);
    assert!(text.contains("the patch changes test_numerals.py"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_changes_nothing_has_done_nothing() {
    let bench = unwritten();
    let claims = vec![submit("all done"); 8];
    let told = bench.run(bench.scripted(&Value::from(claims))).await;
    let summary = told.expect(Verdict::Failed);
    assert_eq!(summary.patch, None);
    let endings = told.endings("code-");
    assert!(
        matches!(endings[..], [("gave_up", note)] if note.contains("nothing was changed")),
        "{endings:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_that_breaks_other_tests_is_not_believed() {
    let bench = shop(&[]);
    bench.write("numerals.py", crate::project::UNWRITTEN);
    let tests = "import unittest\nfrom numerals import roman\n\n\nclass RomanTest(unittest.TestCase):\n    def test_four(self):\n        self.assertEqual(roman(4), \"IV\")\n";
    bench.write("test_numerals.py", tests);
    let script = json!([
        edit("numerals.py", "raise NotImplementedError", "letters = \"I\"\n    return letters + \"V\""),
        edit("shop.py", "stars >= 2", "stars >= 3"),
        edit("shop.py", "stars >= 3", "stars >= 9"),
        submit("done"),
    ]);
    let told = bench.run(bench.scripted(&script)).await;
    let summary = told.summary();
    assert_ne!(summary.verdict, Verdict::Verified, "{summary:#?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_model_costs_is_added_up_and_never_more_than_the_budget() {
    for (budget, expected) in [(1.0, Verdict::Verified), (0.0, Verdict::Failed)] {
        let bench = unwritten();
        let mut script = writes_the_function();
        for turn in script.as_array_mut().unwrap() {
            turn["cost_usd_micros"] = json!(1500);
        }
        let mut request = bench.scripted(&script);
        (request.budget_usd, request.agents) = (Some(budget), 1);
        let told = bench.run(request).await;
        let summary = told.expect(expected);
        let cost = if expected == Verdict::Verified { 0.003 } else { 0.0 };
        assert!((summary.cost_usd - cost).abs() < 1e-9, "{summary:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_is_not_asked_where_the_search_is_enough() {
    let bench = shop(&[DISCOUNT]);
    let told = bench.run(bench.scripted(&json!([{"error": "nobody should ask"}]))).await;
    told.expect(Verdict::Verified);
    assert!(!told.roles().contains(&"coder"), "{:?}", told.roles());
}
