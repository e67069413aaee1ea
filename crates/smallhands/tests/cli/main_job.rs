//! The main job: a repository with failing tests goes in, a verified patch comes out, and the user's files stay as they are.

use std::path::Path;

use serde_json::Value;

use super::harness::{Account, Finished};
use super::projects::{CHECK, Project};
use super::traces::assert_nothing_left;

/// The patch that a result names.
fn patch_of(result: &Value) -> &Path {
    Path::new(result["patch"].as_str().unwrap_or_else(|| panic!("no patch: {result}")))
}

/// Checks a verified result against the project it is for.
#[track_caller]
fn assert_repaired(finished: &Finished, project: &Project) {
    let result = finished.result();
    assert_eq!(result["verdict"], "verified", "{result}");
    assert_eq!(result["tests"]["after"]["failed"], 0, "{result}");
    assert!(result["tests"]["before"]["failed"].as_u64().unwrap() > 0, "{result}");
    assert!(result["validations"].as_u64().unwrap() > 0, "{result}");
    assert!(result["cost_usd"].as_f64().unwrap().abs() < f64::EPSILON, "{result}");
    assert!(project.tests_hold_with(patch_of(&result)), "{result}");
    assert!(Path::new(result["report"].as_str().unwrap()).is_file());
}

#[test]
fn the_python_example_is_repaired_and_left_alone() {
    let (account, project) = (Account::new(), Project::example("inventory").committed());
    let before = project.snapshot();
    let finished = account.smallhands(&["run", "--repo", project.arg(), "--json"]).expect_exit(0);
    assert_repaired(&finished, &project);
    assert_eq!(project.snapshot(), before, "the working tree and the repository are untouched");
    assert!(
        finished.result()["changes"].as_array().unwrap().len() > 1,
        "several bugs are repaired in one run"
    );
    assert_nothing_left(&account);
}

#[test]
fn a_plain_folder_is_repaired_and_left_alone() {
    let (account, project) = (Account::new(), Project::buggy());
    let before = project.snapshot();
    let finished =
        account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]).expect_exit(0);
    assert_repaired(&finished, &project);
    assert_eq!(project.snapshot(), before);
    assert_nothing_left(&account);
}

#[test]
fn uncommitted_changes_are_part_of_the_task() {
    let account = Account::new();
    // What is committed has no tests at all; the tests are new and the product file was changed.
    let project = Project::empty().with("pricing.py", "# to be written\n").committed();
    let buggy = Project::buggy();
    let project = project
        .with("pricing.py", std::fs::read(buggy.path().join("pricing.py")).unwrap())
        .with("test_pricing.py", std::fs::read(buggy.path().join("test_pricing.py")).unwrap());
    let before = project.snapshot();
    let finished = account.smallhands(&["run", "--repo", project.arg(), "--json"]).expect_exit(0);
    assert_repaired(&finished, &project);
    assert_eq!(project.snapshot(), before);
}

#[test]
fn the_current_directory_is_the_default_and_plain_lines_tell_the_story() {
    let (account, project) = (Account::new(), Project::buggy().committed());
    let mut command = account.command(&["run"]);
    command.current_dir(project.path());
    let finished = super::harness::finish(command).expect_exit(0);
    for part in [
        "run ",
        "check: ",
        "tests: ",
        "plan: ",
        "verdict: verified",
        "patch:   /",
        "report:  /",
        "read the patch",
    ] {
        assert!(finished.stdout.contains(part), "`{part}` is missing in:\n{}", finished.stdout);
    }
    let position = |part: &str| finished.stdout.find(part).unwrap();
    assert!(position("check: ") < position("tests: "), "a check is printed before it is run");
    assert!(!finished.stdout.contains('\x1b'), "no terminal control in a pipe");
    assert_eq!(finished.stderr, "");
}

#[test]
fn checks_that_hold_already_leave_nothing_to_do() {
    let (account, project) = (Account::new(), Project::sound().committed());
    let finished = account.smallhands(&["run", "--repo", project.arg(), "--json"]).expect_exit(0);
    let result = finished.result();
    assert_eq!((&result["verdict"], &result["patch"]), (&"verified".into(), &Value::Null));
    assert!(result["reason"].as_str().unwrap().contains("nothing to do"), "{result}");
    assert_nothing_left(&account);
}

#[test]
fn what_no_edit_can_repair_ends_without_a_promise() {
    let account = Account::new();
    let project = Project::buggy().with("test_pricing.py", "import unittest\n\nclass T(unittest.TestCase):\n    def test_moon(self):\n        self.fail('the moon is not made of cheese')\n");
    let finished =
        account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]).expect_exit(1);
    assert_eq!(finished.result()["verdict"], "failed");
    assert_nothing_left(&account);
}

#[test]
fn the_run_can_be_looked_up_afterwards() {
    let (account, project) = (Account::new(), Project::buggy());
    let finished =
        account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]).expect_exit(0);
    let run = finished.result()["run"].as_str().unwrap().to_owned();

    let listed = account.smallhands(&["runs", "--json"]).expect_exit(0).events();
    assert_eq!(
        (listed.len(), &listed[0]["run"], &listed[0]["status"]),
        (1, &run.as_str().into(), &"verified".into())
    );
    let details = account.smallhands(&["show", &run, "--json"]).expect_exit(0).events().remove(0);
    assert_eq!(details["summary"]["verdict"], "verified");
    assert_eq!(details["checks"][0], CHECK);

    let page = account.smallhands(&["show", &run]).expect_exit(0).stdout;
    assert!(page.contains("plan:") && page.contains("verdict: verified"), "{page}");
    // Resuming what is finished tells the same result again and works no more.
    let again = account.smallhands(&["resume", &run, "--json"]).expect_exit(0);
    assert_eq!(again.result()["patch"], finished.result()["patch"]);
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let (account, project) = (Account::new(), Project::buggy().committed());
    let arguments = ["run", "--repo", project.arg(), "--check", CHECK, "--json"];
    let (one, other) = (account.start(&arguments), account.start(&arguments));
    for running in [one, other] {
        let (events, exit, errors) = running.finish();
        assert_eq!(exit, 0, "{errors}\n{events:?}");
        assert_eq!(events.last().unwrap()["verdict"], "verified");
    }
    assert_nothing_left(&account);
}

#[test]
fn a_scripted_model_works_through_the_same_flow() {
    let (account, project) = (Account::new(), Project::buggy());
    let script = account.home().join("script.json");
    let edit = "sed -i.bak 's/total > limit/total >= limit/' pricing.py && rm pricing.py.bak";
    let call = |name: &str, arguments: Value| serde_json::json!({"tool_calls": [{"name": name, "arguments": arguments}]});
    let turns = [
        call("bash", serde_json::json!({"command": edit})),
        call("submit", serde_json::json!({"message": "the limit belongs to the discount"})),
    ];
    std::fs::write(&script, serde_json::json!({"turns": turns}).to_string()).unwrap();
    let model = format!("scripted:{}", script.display());
    let finished = account
        .smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--model", &model, "--json"])
        .expect_exit(0);
    assert_eq!(finished.result()["verdict"], "verified");
    assert!(project.tests_hold_with(patch_of(&finished.result())));
}
