//! `plan check`, `plan show` and `plan run`: mistakes, drawings, and runs of commands alone, killed and resumed.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::harness::Account;
use super::projects::Project;
use super::traces::assert_nothing_left;

fn example(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/plans");
    folder.join(name).canonicalize().unwrap().display().to_string()
}

fn plan(account: &Account, text: &str) -> PathBuf {
    let path = account.home().join("plan.yaml");
    std::fs::write(&path, text).unwrap();
    path
}

fn patch(result: &Value) -> String {
    std::fs::read_to_string(result["patch"].as_str().unwrap()).unwrap()
}

#[test]
fn every_mistake_is_shown_with_its_place() {
    let account = Account::new();
    let bad =
        plan(&account, "tasks:\n  - id: a\n    comand: make\n  - id: b\n    command: x\n    after: c\n");
    let bad = bad.to_str().unwrap();
    let checked = account.smallhands(&["plan", "check", bad]).expect_exit(2);
    for part in [
        "plan.yaml:3:5",
        "    comand: make",
        "^^^^^^",
        "did you mean `command`?",
        "plan.yaml:6:12",
        "2 problems",
    ] {
        assert!(checked.stderr.contains(part), "{part}: {}", checked.stderr);
    }
    let json = account.smallhands(&["plan", "check", bad, "--json"]).expect_exit(2).events();
    assert_eq!((&json[0]["good"], json[0]["problems"].as_array().unwrap().len()), (&Value::Bool(false), 2));
    account.smallhands(&["plan", "show", bad]).expect_exit(2);
    account
        .smallhands(&["plan", "run", bad])
        .expect_error(2, &["plan.yaml:3:5", "plan.yaml:6:12", "plan check"]);
    account.smallhands(&["plan", "check", "/no/such.yaml"]).expect_error(2, &["/no/such.yaml"]);
}

#[test]
fn examples_are_good_and_can_be_drawn() {
    let account = Account::new();
    let release = example("build-test-release.yaml");
    let checked = account.smallhands(&["plan", "check", &release]).expect_exit(0);
    assert!(checked.stdout.contains("no problems; 4 tasks and 2 inputs"), "{}", checked.stdout);
    let text =
        account.smallhands(&["plan", "show", &release, "--input", "release=true"]).expect_exit(0).stdout;
    for part in
        ["▼", "after build", "when tasks.test.status == 'failed'", "critical path", "with 1 agent", "cost"]
    {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let mermaid = account.smallhands(&["plan", "show", &release, "--format", "mermaid"]).expect_exit(0);
    assert!(mermaid.stdout.starts_with("flowchart LR\n"));
    let dot = account.smallhands(&["plan", "show", &release, "--format", "dot"]).expect_exit(0);
    assert!(dot.stdout.starts_with("digraph plan {\n"));
    let json =
        account.smallhands(&["plan", "show", &release, "--agents", "3", "--json"]).expect_exit(0).events();
    assert_eq!(json[0]["forecast"]["makespan_ms"][0][0], 3);
}

#[test]
fn a_plan_of_commands_runs_without_model_and_checks() {
    let (account, project) = (Account::new(), Project::empty().with("a.md", "1\n2\n").with("b c.md", "1\n"));
    let before = project.snapshot();
    let release = example("build-test-release.yaml");
    let run = ["plan", "run", &release, "--repo", project.arg(), "--json"];
    let result = account.smallhands(&run).expect_exit(0).result();
    assert!(result["reason"].as_str().unwrap().contains("2 tasks, 2 skipped"), "{result}");
    let released =
        account.smallhands(&[&run[..], &["--input", "release=true"]].concat()).expect_exit(0).result();
    assert!(patch(&released).contains("project-1.0.2.tar.gz"), "{released}");

    let files =
        account.smallhands(&["plan", "run", &example("over-files.yaml"), "--repo", project.arg(), "--json"]);
    assert!(patch(&files.expect_exit(0).result()).contains("+1\n+2\n"));
    let suites =
        account.smallhands(&["plan", "run", &example("two-suites.yaml"), "--repo", project.arg(), "--json"]);
    assert!(patch(&suites.expect_exit(0).result()).contains("+quick passed\n+thorough passed\n"));
    assert_eq!(project.snapshot(), before);
    assert_nothing_left(&account);
}

#[test]
fn a_failing_command_fails_the_run_and_says_why() {
    let (account, project) = (Account::new(), Project::empty().with("a.txt", "x\n"));
    let bad = plan(
        &account,
        "tasks:\n  - { id: a, command: echo the reason >&2; exit 7 }\n  - { id: b, command: touch b, after: a }\n",
    );
    let arguments = ["plan", "run", bad.to_str().unwrap(), "--repo", project.arg()];
    let finished = account.smallhands(&[&arguments[..], &["--json"]].concat()).expect_exit(1);
    let result = finished.result();
    assert_eq!((&result["verdict"], &result["patch"]), (&"failed".into(), &Value::Null));
    assert_eq!(result["reason"], "task `a` of the plan failed: exit code 7: the reason");
    let plain = account.smallhands(&arguments).expect_exit(1);
    assert!(plain.stdout.contains("exit code 7: the reason"), "{}", plain.stdout);
}

#[test]
fn kill_9_at_any_moment_and_the_plan_still_unfolds_to_the_same() {
    let (account, project) =
        (Account::new(), Project::empty().with("a.md", "1\n2\n").with("b.md", "1\n").with("c.md", ""));
    let example = example("over-files.yaml");
    let mut next =
        Some(account.start(&["plan", "run", &example, "--repo", project.arg(), "--agents", "2", "--json"]));
    assert!(next.as_mut().unwrap().read_until(|event| event["type"] == "run.started"));
    let run = next.as_ref().unwrap().run_id();
    // Moments counted in events: the same whatever the machine's speed.
    for moment in [1, 3, 2, 5, 8] {
        let mut running = next.take().unwrap_or_else(|| account.start(&["resume", &run, "--json"]));
        let mut left = moment;
        let alive = running.read_until(|_| {
            left -= 1;
            left == 0
        });
        running.signal("KILL");
        running.finish();
        if !alive {
            break;
        }
    }
    let finished = account.smallhands(&["resume", &run, "--json"]).expect_exit(0);
    assert!(patch(&finished.result()).contains("+0\n+1\n+2\n"), "{}", patch(&finished.result()));
    assert_nothing_left(&account);
}
