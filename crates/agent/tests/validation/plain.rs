//! Plain runs: the user's command as it is, and the validator that uses nothing else.

use std::sync::Arc;
use std::time::Duration;

use smallhands_agent::validation::{CheckSpec, RunRequest, StopRule, ValidationError, open, run_check};
use smallhands_checks::{Framework, TestId};
use smallhands_repair::Edit;

use crate::project::*;

const CALC: &str = "def two():\n    return 3\n\ndef spin(n):\n    while n:\n        n -= 1\n";
const TESTS: &str = "import unittest, calc\n\nclass T(unittest.TestCase):\n    def test_a(self):\n        pass\n    def test_spin(self):\n        calc.spin(1)\n    def test_two(self):\n        self.assertEqual(calc.two(), 2)\n";

fn project() -> Project {
    Project::new(&[("calc.py", CALC), ("test_calc.py", TESTS)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_check_names_every_test() {
    let project = project();
    let run = project.check(UNITTEST).await;
    let expected =
        [("test_calc.T.test_a", Passed), ("test_calc.T.test_spin", Passed), ("test_calc.T.test_two", Failed)];
    for (id, outcome) in expected {
        assert_eq!(run.report.tests[&TestId::new(id)].outcome, outcome, "{:?}", run.report);
    }
    assert_eq!((run.exit_code, run.timed_out), (Some(1), false));
    assert!(run.output_tail.contains("FAILED"), "{}", run.output_tail);
    assert_eq!(project.scratch(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_that_hangs_says_which_test_did() {
    let project = project();
    std::fs::write(project.root().join("calc.py"), CALC.replace("n -= 1", "pass")).unwrap();
    let check = CheckSpec { timeout: Duration::from_secs(3), ..spec(UNITTEST) };
    let run = run_check(Arc::clone(&project.runtime), &check).await.unwrap();
    assert!(run.timed_out);
    let outcome = |id: &str| run.report.tests[&TestId::new(id)].outcome;
    assert_eq!((outcome("test_calc.T.test_a"), outcome("test_calc.T.test_spin")), (Passed, TimedOut));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pytest_check_that_hangs_says_which_test_did() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    std::fs::write(project.root().join("calc.py"), CALC.replace("n -= 1", "pass")).unwrap();
    let check = CheckSpec { timeout: Duration::from_secs(4), ..spec(PYTEST) };
    let run = run_check(Arc::clone(&project.runtime), &check).await.unwrap();
    let outcome = |id: &str| run.report.tests[&TestId::new(id)].outcome;
    assert_eq!(
        (outcome("test_calc.py::T::test_a"), outcome("test_calc.py::T::test_spin")),
        (Passed, TimedOut)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn any_command_is_a_check() {
    let project = Project::new(&[("answer.txt", "41\n")]);
    let command = "test \"$(cat answer.txt)\" = 42";
    assert_eq!(framework(command), Framework::Other);
    let mut session = project.open(command).await;
    assert_eq!(
        (session.validator.kind(), session.validator.tests()),
        ("command", &[TestId::new(command)][..])
    );
    assert!(session.validator.fallback().is_some());
    expect(&session.all(&[]).await, &[(command, Failed)]);
    assert_eq!(session.outcome(project.edit("answer.txt", "41", "42"), command).await, Passed);
    assert_eq!(session.outcome(project.edit("answer.txt", "41", "43"), command).await, Failed);
    let again = project.edit("answer.txt", "1", "2");
    assert_eq!(session.ask(&[again], &[command], StopRule::Never).await.ended, End::Duplicate);
    let nothing = project.edit("answer.txt", "41", "41");
    assert_eq!(session.ask(&[nothing], &[command], StopRule::Never).await.ended, End::Duplicate);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_for_another_text_is_refused() {
    let project = project();
    let mut session = project.open(UNITTEST).await.warm();
    let tests = [TestId::new("test_calc.T.test_a")];
    for (start, end) in [(0, 100_000), (5, 2)] {
        let edits = [Edit { file: "calc.py".into(), start, end, text: String::new() }];
        let request =
            RunRequest { edits: &edits, tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: false };
        let refused = session.validator.run(request).await;
        assert!(matches!(refused, Err(ValidationError::EditDoesNotFit { .. })), "{refused:?}");
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_candidate_that_hangs_is_stopped_and_taken_back() {
    let project = Project::new(&[("step.sh", "exit 1\n")]);
    let check = CheckSpec { timeout: Duration::from_secs(2), ..spec("sh step.sh") };
    let mut validator = open(Arc::clone(&project.runtime), &check, &[]).await.unwrap();
    let tests = validator.tests().to_vec();
    let edits = [project.edit("step.sh", "exit 1", "sleep 60")];
    let request =
        RunRequest { edits: &edits, tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: false };
    assert_eq!(validator.run(request).await.unwrap().ended, End::TimedOut);
    assert_eq!(project.read("step.sh"), "exit 1\n");
    validator.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_plain_candidate_is_taken_back() {
    let project = Project::new(&[("step.sh", "exit 1\n")]);
    let mut session = project.open("sh step.sh").await;
    let edits = [project.edit("step.sh", "exit 1", "sleep 60")];
    let tests = session.validator.tests().to_vec();
    let request =
        RunRequest { edits: &edits, tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: false };
    let cut = tokio::time::timeout(Duration::from_millis(500), session.validator.run(request)).await;
    assert!(cut.is_err(), "it was still running");
    assert_eq!(session.outcome(project.edit("step.sh", "exit 1", "exit 0"), "sh step.sh").await, Passed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_loaded_before_collection_is_left_to_the_plain_command() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("early.py", "VALUE = 1\n"),
        ("test_early.py", "import early\n\ndef test_value():\n    assert early.VALUE == 2\n"),
    ]);
    // a plugin of the project is imported before anything is collected
    let mut session = project.open("python3 -m pytest -q -p early").await.warm();
    assert_eq!(
        session.outcome(project.edit("early.py", "1", "2"), "test_early.py::test_value").await,
        Passed
    );
    assert_eq!(
        session.outcome(project.edit("early.py", "1", "3"), "test_early.py::test_value").await,
        Failed
    );
    session.close().await;
}
