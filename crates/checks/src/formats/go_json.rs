//! The event stream of `go test -json` (also `go tool test2json`): one JSON object per line.
//!
//! Format: <https://pkg.go.dev/cmd/test2json>.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::frames::Dialect;
use crate::report::{Outcome, TestReport, TestResult};

use super::Transcript;
use super::go_text::{crash_outcome, drop_parents, message};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    action: String,
    #[serde(default)]
    package: String,
    #[serde(default)]
    import_path: String,
    test: Option<String>,
    #[serde(default)]
    output: String,
    elapsed: Option<f64>,
}

/// What is known about a test, or about a package where no test is named.
#[derive(Default)]
struct Account {
    outcome: Option<Outcome>,
    output: String,
    seconds: Option<f64>,
}

type Key = (String, Option<String>);

/// Reads standard output.
pub(super) fn read(transcript: &Transcript<'_>) -> TestReport {
    let events =
        transcript.stdout.lines().filter(|line| line.starts_with("{\"") && line.contains("\"Action\""));
    let mut accounts: BTreeMap<Key, Account> = BTreeMap::new();
    for event in events.filter_map(|line| serde_json::from_str::<Event>(line).ok()) {
        take(event, &mut accounts);
    }
    let mut report = TestReport::default();
    for ((package, test), account) in &accounts {
        let Some(test) = test else { continue };
        report.record(format!("{package}.{test}"), result(account, transcript));
    }
    for ((package, test), account) in &accounts {
        if test.is_none() {
            record_package(&mut report, package, account, transcript);
        }
    }
    drop_parents(&mut report);
    report
}

fn take(event: Event, accounts: &mut BTreeMap<Key, Account>) {
    // Build output names the package as it is compiled for testing: `shop/cart [shop/cart.test]`.
    let built = event.import_path.split(' ').next().unwrap_or_default().to_owned();
    let package = if event.package.is_empty() { built } else { event.package };
    let account = accounts.entry((package, event.test)).or_default();
    match event.action.as_str() {
        "pass" => account.outcome = Some(Outcome::Passed),
        // A package that was not built fails as well, which says less.
        "fail" if account.outcome != Some(Outcome::Errored) => account.outcome = Some(Outcome::Failed),
        "skip" => account.outcome = Some(Outcome::Skipped),
        "build-fail" => account.outcome = Some(Outcome::Errored),
        _ => {}
    }
    account.output.push_str(&event.output);
    account.seconds = event.elapsed.or(account.seconds);
}

fn result(account: &Account, transcript: &Transcript<'_>) -> TestResult {
    let outcome = match account.outcome {
        Some(Outcome::Failed) => crash_outcome(&account.output).unwrap_or(Outcome::Failed),
        Some(outcome) => outcome,
        None => crash_outcome(&account.output).unwrap_or_else(|| transcript.unfinished()),
    };
    let result = TestResult::new(outcome).with_duration(account.seconds.map(|seconds| seconds * 1000.0));
    if outcome == Outcome::Passed {
        return result;
    }
    let frames = Dialect::Go.frames(&account.output, &transcript.place);
    result.with_message(&message(&account.output)).with_frames(frames)
}

/// A package counts as a test of its own where none of its tests explains how it ended.
fn record_package(report: &mut TestReport, package: &str, account: &Account, transcript: &Transcript<'_>) {
    let Some(outcome) = account.outcome else { return };
    let prefix = format!("{package}.");
    let mut own = report.tests.iter().filter(|(id, _)| id.as_str().starts_with(&prefix));
    let explained = match outcome.is_failure() {
        true => own.any(|(_, result)| result.outcome.is_failure()),
        false => own.next().is_some() || outcome == Outcome::Skipped,
    };
    if !explained {
        let result = result(account, transcript);
        report.record(package, TestResult { outcome: result.outcome.max(outcome), ..result });
    }
}
