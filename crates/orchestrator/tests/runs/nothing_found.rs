//! Runs that end without a patch, each with its own reason, and requests that are refused.

use std::time::Duration;

use smallhands_orchestrator::listing;
use smallhands_orchestrator::progress::Verdict;
use smallhands_orchestrator::request::{ErrorClass, RunError};

use crate::project::{DISCOUNT, SHOP_TESTS, shop};
use crate::support::{Bench, begins, report, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_project_without_failures_needs_nothing() {
    let bench = shop(&[]);
    let told = bench.run(bench.request()).await;
    let summary = told.expect(Verdict::Verified);
    assert!(summary.reason.contains("nothing to do"), "{}", summary.reason);
    assert_eq!(summary.tests.before.passed, SHOP_TESTS);
    assert_eq!((summary.patch.as_deref(), summary.validations), (None, 0));
    assert_eq!(told.roles(), ["tester"]);
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_without_checks_is_refused_and_leaves_no_run() {
    let bench = Bench::new(&[("notes.txt", "nothing to test\n")]);
    let mut request = bench.request();
    request.checks.clear();
    let told = bench.run(request).await;
    assert!(matches!(told.error(), RunError::NoChecks { .. }), "{:?}", told.error());
    assert!(told.error().to_string().contains("--check"));
    assert_eq!(listing::runs(&bench.state).unwrap(), []);
    assert_eq!(std::fs::read_dir(bench.state.root().join("runs")).unwrap().count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_command_is_the_users_mistake() {
    let bench = shop(&[DISCOUNT]);
    let mut request = bench.request();
    request.checks = vec!["no-such-program --fast".into()];
    let told = bench.run(request).await;
    let RunError::CheckNotRunnable { command, reason } = told.error() else { panic!("{:?}", told.error()) };
    assert_eq!(command, "no-such-program --fast");
    assert!(reason.contains("no-such-program"), "{reason}");
    assert_eq!(told.error().class(), ErrorClass::BadInput);
    assert_eq!(listing::runs(&bench.state).unwrap()[0].status, "failed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_check_without_source_to_edit_finds_no_patch() {
    let bench = Bench::new(&[("notes.txt", "nothing to edit\n")]);
    let mut request = bench.request();
    request.checks = vec!["test -e missing.txt".into()];
    let told = bench.run(request).await;
    let summary = told.expect(Verdict::Failed);
    assert_eq!((summary.tests.before.failed, summary.patch.as_deref()), (1, None));
    assert!(report(summary).contains("Tests that still fail"), "{}", report(summary));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_out_of_time_says_which_limit_it_was() {
    let bench = Bench::new(&[("notes.txt", "slow\n")]);
    let mut request = bench.request();
    request.checks = vec!["sleep 60".into()];
    // A command may use most of the time that is left; what remains is too short for the check.
    let plan = r#"{"tasks":[{"id":"slow","role":"command","command":"sleep 60"}]}"#;
    request.plan = bench.planned("plan.json", plan, &[]).plan;
    request.timeout = Some(Duration::from_millis(1500));
    let told = bench.run(request).await;
    let summary = told.expect(Verdict::Failed);
    assert_eq!(summary.limit.as_deref(), Some("timeout"), "{summary:?}");
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_cannot_be_carried_out_are_refused_before_any_work() {
    let bench = shop(&[DISCOUNT]);
    let plan = bench.planned("plan.json", r#"{"tasks":[{"id":"a","goal":"dance"}]}"#, &[]).plan;
    type Spoil<'a> = Box<dyn Fn(&mut smallhands_orchestrator::request::RunRequest) + 'a>;
    let cases: Vec<(Spoil<'_>, &str)> = vec![
        (Box::new(|request| request.repo = "/no/such/folder".into()), "--repo"),
        (Box::new(|request| request.sandbox = "microvm".into()), "microvm"),
        (Box::new(|request| request.checks = vec!["  ".into()]), "empty --check"),
        (Box::new(|request| request.plan = plan.clone()), "--model"),
        (Box::new(|request| request.model = Some(settings("scripted:/no/such", ""))), "/no/such"),
        (
            Box::new(|request| {
                request.model = Some(settings("m", "http://127.0.0.1:1/v1"));
                request.budget_usd = Some(1.0);
            }),
            "USD_PER_MILLION",
        ),
    ];
    for (spoil, expected) in cases {
        let mut request = bench.request();
        spoil(&mut request);
        let told = bench.run(request).await;
        let message = told.error().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
        assert_eq!(told.error().class(), ErrorClass::BadInput, "{message}");
        assert!(!told.events.iter().any(|event| begins(event, "")), "{message}: work was begun");
    }
    assert_eq!(listing::runs(&bench.state).unwrap(), []);
}
