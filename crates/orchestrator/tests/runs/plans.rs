//! Plan files: tasks that the user lays down come first, and what they change is integrated and verified.

use serde_json::json;
use smallhands_orchestrator::progress::{Progress, Verdict};
use smallhands_orchestrator::request::RunRequest;

use crate::project::{DISCOUNT, shop};
use crate::support::{Bench, Told};

fn with_plan(bench: &Bench, plan: &serde_json::Value) -> RunRequest {
    RunRequest { plan: bench.planned("plan.json", &plan.to_string(), &[]).plan, ..bench.request() }
}

fn merged(told: &Told) -> Vec<&str> {
    told.events
        .iter()
        .filter_map(|event| match event {
            Progress::PatchMerged { task, .. } => Some(task.as_str()),
            _ => None,
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_command_changes_is_integrated_and_verified() {
    let bench = shop(&[DISCOUNT]);
    let before = bench.snapshot();
    let plan = json!({"tasks": [
        {"id": "mend", "role": "command", "command": "sed -i 's/quantity > 10/quantity >= 10/' shop.py"},
        {"id": "note", "role": "command", "after": ["mend"],
         "command": "grep -q '>= 10' shop.py && echo mended > NOTES.txt"},
    ]});
    let told = bench.run(with_plan(&bench, &plan)).await;
    let summary = told.expect(Verdict::Verified);
    assert_eq!(merged(&told), ["integrate-mend", "integrate-note"]);
    assert_eq!(told.roles(), ["command", "integrator", "command", "integrator", "tester", "verifier"]);
    let files: Vec<&str> = summary.changes.iter().map(|change| change.file.as_str()).collect();
    assert_eq!(files, ["shop.py", "NOTES.txt"]);
    let patch = std::fs::read_to_string(summary.patch.as_deref().unwrap()).unwrap();
    assert!(patch.contains("+mended") && patch.contains("quantity >= 10"), "{patch}");
    bench.assert_patch_holds(summary);
    assert_eq!(bench.snapshot(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_leaves_broken_is_repaired() {
    let bench = shop(&[]);
    let plan = json!({"tasks": [
        {"id": "break", "role": "command", "command": "sed -i 's/stars >= 4/stars > 4/' shop.py"},
    ]});
    let told = bench.run(with_plan(&bench, &plan)).await;
    let summary = told.summary();
    assert_eq!(summary.verdict, Verdict::Verified, "{summary:#?}");
    assert_eq!(summary.tests.after.map(|after| after.failed), Some(0));
    assert!(merged(&told).len() >= 2, "{:?}", merged(&told));
}
