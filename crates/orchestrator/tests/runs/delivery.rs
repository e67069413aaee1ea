//! Handing the result over: the only time that a run writes to the user's repository.

use smallhands_orchestrator::progress::Verdict;
use smallhands_orchestrator::request::{Deliver, ErrorClass, RunRequest};

use crate::project::{DISCOUNT, SHOP, shop};
use crate::support::Bench;

fn asking(bench: &Bench, deliver: Deliver) -> RunRequest {
    RunRequest { deliver, ..bench.request() }
}

fn source(bench: &Bench) -> String {
    std::fs::read_to_string(bench.repo.join("shop.py")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn applying_changes_the_working_tree_and_nothing_else() {
    let bench = shop(&[DISCOUNT]);
    let before = bench.snapshot();
    let told = bench.run(asking(&bench, Deliver::Apply)).await;
    let summary = told.expect(Verdict::Verified);
    assert!(summary.reason.contains("applied to"), "{}", summary.reason);
    let changed: Vec<_> = bench
        .snapshot()
        .into_iter()
        .filter(|(path, content)| before.get(path) != Some(content))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(changed, [bench.repo.join("shop.py")]);
    assert_ne!(source(&bench), SHOP.replace(DISCOUNT.0, DISCOUNT.1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_leaves_the_working_tree_alone() {
    let bench = shop(&[DISCOUNT]);
    bench.commit();
    let before = bench.snapshot();
    let told = bench.run(asking(&bench, Deliver::Branch("fix/discount".into()))).await;
    let summary = told.expect(Verdict::Verified);
    assert!(summary.reason.contains("fix/discount"), "{}", summary.reason);
    assert_eq!(bench.snapshot(), before);
    assert_eq!(bench.git(&["status", "--porcelain"]), "");
    assert_eq!(bench.git(&["diff", "--name-only", "main", "fix/discount"]).trim(), "shop.py");
    assert!(bench.git(&["log", "-1", "--format=%B", "fix/discount"]).contains(&summary.run));

    let again = bench.run(asking(&bench, Deliver::Branch("fix/discount".into()))).await;
    assert!(again.error().to_string().contains("exists already"), "{}", again.error());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patch_file_is_a_copy_of_the_stored_patch() {
    let bench = shop(&[DISCOUNT]);
    let to = bench.beside("fix.patch", "an older patch\n");
    let told = bench.run(asking(&bench, Deliver::Patch { to: Some(to.clone()) })).await;
    let summary = told.expect(Verdict::Verified);
    let stored = std::fs::read_to_string(summary.patch.as_deref().unwrap()).unwrap();
    assert!(stored.starts_with("diff --git a/shop.py b/shop.py"), "{stored}");
    assert_eq!(std::fs::read_to_string(to).unwrap(), stored);
}

#[tokio::test(flavor = "multi_thread")]
async fn targets_that_cannot_be_written_are_refused_at_once() {
    let bench = shop(&[DISCOUNT]);
    let cases = [
        (Deliver::Patch { to: Some("/no/such/folder/fix.patch".into()) }, "/no/such/folder"),
        (Deliver::Branch("fix".into()), "at least one commit"),
    ];
    for (deliver, expected) in cases {
        let told = bench.run(asking(&bench, deliver)).await;
        let message = told.error().to_string();
        assert!(message.contains(expected), "{message}");
        assert_eq!(told.error().class(), ErrorClass::BadInput);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tree_that_changed_meanwhile_is_left_alone_and_the_patch_is_kept() {
    let bench = shop(&[DISCOUNT]);
    let edited = "# rewritten while the run was at work\n";
    let path = bench.repo.join("shop.py");
    let told = bench
        .run_until(asking(&bench, Deliver::Apply), |event| {
            if crate::support::begins(event, "verifier") {
                std::fs::write(&path, edited).unwrap();
            }
            false
        })
        .await;
    let message = told.error().to_string();
    assert!(message.contains("does not apply") && message.contains("nothing was changed"), "{message}");
    assert_eq!(source(&bench), edited);
    assert!(bench.state.patch(&told.run()).is_file());
}
