//! Runs that repair something without a model.

use smallhands_orchestrator::listing;
use smallhands_orchestrator::progress::{Progress, Verdict};

use crate::project::{DISCOUNT, FAIR, GOOD, SHOP_TESTS, TOTAL, shop};
use crate::support::{CHECK, report};

#[tokio::test(flavor = "multi_thread")]
async fn one_bug_is_repaired_and_everything_about_it_is_told() {
    let bench = shop(&[DISCOUNT]);
    let before = bench.snapshot();
    let told = bench.run(bench.request()).await;
    let summary = told.expect(Verdict::Verified);

    told.assert_order(&[
        "run.started",
        "check.selected",
        "plan.changed",
        "attempt.started",
        "attempt.finished",
        "tests.observed",
        "plan.changed",
        "attempt.started",
        "patch.found",
        "patch.merged",
        "plan.changed",
        "run.finished",
    ]);
    let kinds = told.kinds();
    assert_eq!(kinds.first().map(String::as_str), Some("run.started"));
    assert_eq!(kinds.iter().position(|kind| kind == "run.finished"), Some(kinds.len() - 1));
    assert_eq!(told.events.last(), Some(&Progress::RunFinished(summary.clone())));

    let (tests, after) = (&summary.tests, summary.tests.after.unwrap());
    assert_eq!((tests.before.passed, tests.before.failed), (SHOP_TESTS - 1, 1));
    assert_eq!((after.passed, after.failed), (SHOP_TESTS, 0));
    assert_eq!(summary.changes.len(), 1);
    assert_eq!((summary.changes[0].file.as_str(), summary.changes[0].line), ("shop.py", 6));
    assert!(summary.validations > 0 && summary.limit.is_none() && summary.cost_usd == 0.0, "{summary:?}");

    bench.assert_patch_holds(summary);
    assert_eq!(bench.snapshot(), before, "the user's folder was changed");
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
    bench.assert_nothing_repeated(&summary.run);

    let text = report(summary);
    for expected in ["verified", "shop.py:6", CHECK, "Evidence", "Plan"] {
        assert!(text.contains(expected), "{expected} is missing from:\n{text}");
    }
    let listed = listing::runs(&bench.state).unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].run.as_str(), listed[0].status.as_str()), (summary.run.as_str(), "verified"));
    let details = listing::show(&bench.state, &summary.run).unwrap();
    assert_eq!(details.summary.as_ref(), Some(summary));
    assert_eq!(details.checks, [CHECK]);
    assert_eq!(details.events, bench.stored(&summary.run).len() as u64);
    assert!(details.plan.contains("verify-1"), "{}", details.plan);
}

#[tokio::test(flavor = "multi_thread")]
async fn bugs_in_two_functions_are_repaired_in_one_run() {
    let bench = shop(&[DISCOUNT, TOTAL]);
    let told = bench.run(bench.request()).await;
    let summary = told.expect(Verdict::Verified);
    assert_eq!(summary.tests.before.failed, 2);
    let mut lines: Vec<u32> = summary.changes.iter().map(|change| change.line).collect();
    lines.sort_unstable();
    assert_eq!(lines, [6, 15], "{:?}", summary.changes);
    bench.assert_patch_holds(summary);
}

#[tokio::test(flavor = "multi_thread")]
async fn bugs_in_one_function_are_repaired_or_told_honestly() {
    let bench = shop(&[GOOD, FAIR]);
    let told = bench.run(bench.request()).await;
    let summary = told.summary();
    let after = summary.tests.after.expect("no verification ran");
    assert_eq!(summary.tests.before.failed, 2);
    match summary.verdict {
        Verdict::Verified => {
            assert_eq!(after.failed, 0);
            bench.assert_patch_holds(summary);
        }
        Verdict::Unverified => {
            assert_eq!(after.failed, 1);
            assert!(summary.reason.contains("still fail"), "{}", summary.reason);
            assert!(report(summary).contains("Tests that still fail"));
        }
        Verdict::Failed => panic!("{summary:#?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_single_agent_is_enough_and_detection_finds_the_check() {
    let bench = shop(&[TOTAL]);
    let mut request = bench.request();
    (request.agents, request.cores) = (1, 1);
    request.checks.clear();
    let told = bench.run(request).await;
    told.expect(Verdict::Verified);
    let selected = told.events.iter().find_map(|event| match event {
        Progress::CheckSelected { command, reason } => Some((command.as_str(), reason.as_str())),
        _ => None,
    });
    let (command, reason) = selected.expect("the check was not told before it was run");
    assert!(command.contains("unittest") || command.contains("pytest"), "{command}");
    assert_ne!(reason, "given");
}

#[tokio::test(flavor = "multi_thread")]
async fn uncommitted_changes_are_what_is_repaired() {
    let bench = shop(&[]);
    bench.commit();
    let source = crate::project::SHOP.replace(TOTAL.0, TOTAL.1);
    bench.write("shop.py", &source);
    let told = bench.run(bench.request()).await;
    let summary = told.expect(Verdict::Verified);
    bench.assert_patch_holds(summary);
    assert_eq!(bench.git(&["status", "--porcelain"]).trim(), "M shop.py");
}
