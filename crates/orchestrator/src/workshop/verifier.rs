//! The verifier: runs every check exactly as the user wrote it, in a fresh copy that no other agent has touched.

use std::collections::BTreeSet;
use std::fmt::Write;

use smallhands_agent::repair::{self, Observation};
use smallhands_agent::validation::{self, CheckRun, CheckSpec};
use smallhands_checks::{TestId, TestReport, is_test_path};

use super::tester::counts;
use super::{Attempt, Breakdown, Ending, Workshop, evidence, tree_id};
use crate::assignment::{Delivery, Tree};
use crate::progress::TestCounts;

/// What verifying one check said.
struct CheckVerdict {
    green: bool,
    report: TestReport,
    evidence: String,
    warnings: Vec<String>,
}

/// Verifies the tree `at`.
///
/// # Errors
/// Whatever breaks; a check that fails is a result, not an error.
pub async fn verify(shop: &Workshop, attempt: &Attempt, at: &Tree) -> Result<Ending, Breakdown> {
    let mut green = true;
    let mut report = TestReport::default();
    let mut text = format!("tree {at}\n");
    let mut warnings = changed_tests(shop, at).await?;
    for index in 0..shop.spec.checks.len() {
        let check = shop.check(index)?;
        attempt.voice.doing(&format!("running `{}` in a fresh copy", check.command), 0);
        let result = verify_check(shop, attempt, &check, at).await?;
        green &= result.green;
        report.merge(result.report);
        text.push_str(&result.evidence);
        warnings.extend(result.warnings);
    }
    let passed_before = passed_before(shop, attempt)?;
    let failing = report.failing();
    let delivery = Delivery::Verified {
        at: at.clone(),
        green,
        counts: counts(report.counts()),
        broken: failing
            .iter()
            .filter(|test| passed_before.contains(*test))
            .map(ToString::to_string)
            .collect(),
        failing: failing.iter().map(ToString::to_string).collect(),
        evidence: shop.log.put_blob(text.as_bytes())?.to_string(),
        warnings,
    };
    Ok(Ending::Done(delivery))
}

/// Runs the plain command. If it fails it is run once more, for a flaky test must not hide a good patch; if it does not
/// end, the tests are run one by one instead, which says what it hangs in.
async fn verify_check(
    shop: &Workshop,
    attempt: &Attempt,
    check: &CheckSpec,
    at: &Tree,
) -> Result<CheckVerdict, Breakdown> {
    let first = run_fresh(shop, attempt, check, at).await?;
    if first.timed_out {
        return one_by_one(shop, attempt, check, at, &first).await;
    }
    let mut evidence = describe(check, &first);
    if first.exit_code == Some(0) {
        return Ok(CheckVerdict { green: true, report: first.report, evidence, warnings: Vec::new() });
    }
    let second = run_fresh(shop, attempt, check, at).await?;
    evidence.push_str(&describe(check, &second));
    let flaky = smallhands_checks::flaky(&[first.report.clone(), second.report.clone()]);
    let warnings =
        flaky.iter().map(|test| format!("{test} is flaky: it failed and passed on the same tree")).collect();
    let green = second.exit_code == Some(0);
    let report = if green { second.report } else { first.report };
    Ok(CheckVerdict { green, report, evidence, warnings })
}

async fn run_fresh(
    shop: &Workshop,
    attempt: &Attempt,
    check: &CheckSpec,
    at: &Tree,
) -> Result<CheckRun, Breakdown> {
    let sandbox = shop.lease(attempt, at).await?;
    let mut check = check.clone();
    check.timeout = check.timeout.min(shop.time_left().mul_f64(0.5));
    let run = validation::run_check(sandbox.runtime(), &check).await;
    sandbox.destroy().await?;
    run.map_err(|error| Breakdown::Other(error.to_string()))
}

async fn one_by_one(
    shop: &Workshop,
    attempt: &Attempt,
    check: &CheckSpec,
    at: &Tree,
    hung: &CheckRun,
) -> Result<CheckVerdict, Breakdown> {
    let sandbox = shop.lease(attempt, at).await?;
    let jobs = shop.cores as usize;
    let seen =
        repair::observe(sandbox.runtime(), check, jobs, attempt.cancel.clone(), attempt.voice.as_ref()).await;
    sandbox.destroy().await?;
    let seen = seen.map_err(|error| Breakdown::Other(error.to_string()))?;
    let mut evidence = describe(check, hung);
    let _ = writeln!(evidence, "run one by one instead ({}): {}", seen.mode, line(&seen.report));
    let warnings = vec![format!("`{}` did not end within {:.0} s", check.command, hung.wall.as_secs_f64())];
    Ok(CheckVerdict { green: false, report: seen.report, evidence, warnings })
}

fn describe(check: &CheckSpec, run: &CheckRun) -> String {
    let how = match (run.timed_out, run.exit_code) {
        (true, _) => "did not end in time".to_owned(),
        (false, Some(code)) => format!("exit code {code}"),
        (false, None) => "killed by a signal".to_owned(),
    };
    let seconds = run.wall.as_secs_f64();
    format!(
        "$ {}\n{}\n{how}, {seconds:.1} s, {}\n\n",
        check.command,
        run.output_tail.trim_end(),
        line(&run.report)
    )
}

fn line(report: &TestReport) -> String {
    let TestCounts { passed, failed, skipped } = counts(report.counts());
    format!("{passed} passed, {failed} failed, {skipped} skipped")
}

/// A patch that changes the tests which judge it must say so.
async fn changed_tests(shop: &Workshop, at: &Tree) -> Result<Vec<String>, Breakdown> {
    let diff = shop.base.diff(&tree_id(&shop.spec.base)?, &tree_id(at)?).await?;
    let tests = evidence::files_of(&diff).into_iter().filter(|path| is_test_path(path));
    Ok(tests
        .map(|path| format!("the patch changes {path}, which looks like a test that judges it"))
        .collect())
}

/// Tests that passed before anything was changed.
fn passed_before(shop: &Workshop, attempt: &Attempt) -> Result<BTreeSet<TestId>, Breakdown> {
    let mut passed = BTreeSet::new();
    for (_, delivery) in &attempt.brought {
        if let Delivery::Observed { observation, .. } = delivery {
            let observation: Observation = shop.fetch(observation)?;
            passed.extend(observation.report.passing());
        }
    }
    Ok(passed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_checks::{Outcome, TestResult};
    use std::time::Duration;

    fn run(exit_code: Option<i32>, timed_out: bool) -> CheckRun {
        let mut report = TestReport::default();
        report.record("a", TestResult::new(Outcome::Passed));
        report.record("b", TestResult::new(Outcome::Failed));
        let wall = Duration::from_millis(1250);
        CheckRun { report, exit_code, timed_out, wall, output_tail: "said this\n\n".into() }
    }

    #[test]
    fn evidence_says_what_was_run_and_how_it_ended() {
        let check = CheckSpec {
            command: "make test".into(),
            framework: smallhands_checks::classify("make test"),
            timeout: Duration::from_secs(9),
            test_timeout: None,
        };
        let cases = [
            (run(Some(2), false), "exit code 2, "),
            (run(None, false), "killed by a signal, "),
            (run(None, true), "did not end in time, "),
        ];
        for (run, expected) in cases {
            let text = describe(&check, &run);
            assert!(text.starts_with("$ make test\nsaid this\n"), "{text}");
            assert!(text.contains(expected) && text.contains("1 passed, 1 failed, 0 skipped"), "{text}");
        }
    }
}
