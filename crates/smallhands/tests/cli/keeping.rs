//! How runs are kept: state directories from before there were segments, torn ends, and what `--durability` changes (nothing,
//! as long as there is power).

use std::fs;
use std::path::Path;

use super::harness::Account;
use super::projects::{CHECK, Project};
use super::traces::assert_nothing_left;

#[test]
fn a_state_directory_from_before_there_were_segments_goes_on_working() {
    let (account, project) = (Account::new(), Project::buggy());
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("../event-log/tests/fixtures/sqlite-format-1.db");
    fs::create_dir_all(account.state()).unwrap();
    fs::copy(old, account.state().join("state.db")).unwrap();
    let mut running = account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]);
    assert!(running.read_until(|event| event["type"] == "plan.changed"));
    let run = running.run_id();
    running.signal("KILL");
    running.finish();
    let resumed = account.smallhands(&["resume", &run, "--json"]).expect_exit(0);
    assert_eq!(resumed.result()["verdict"], "verified");
    assert!(!account.state().join("log").exists(), "it keeps the log that it has");
    assert!(account.state().join("state.db.format-1.backup").exists(), "as it was before");
    account.smallhands(&["replay", &run]).expect_exit(0);
    assert_nothing_left(&account);
}

#[test]
fn a_relaxed_run_loses_nothing_when_its_process_dies() {
    let (account, project) = (Account::new(), Project::buggy());
    let relaxed = ["--json", "--durability", "relaxed"];
    let run = ["run", "--repo", project.arg(), "--check", CHECK];
    let mut running = account.start(&[&run[..], &relaxed].concat());
    let mut done = Vec::new();
    assert!(running.read_until(|event| {
        let is_done = event["type"] == "task.changed" && event["phase"] == "done";
        done.extend(is_done.then(|| event["task"].as_str().unwrap().to_owned()));
        is_done
    }));
    let run = running.run_id();
    running.signal("KILL");
    running.finish();
    let resumed = account.smallhands(&[&["resume", &run][..], &relaxed].concat()).expect_exit(0);
    assert_eq!(resumed.result()["verdict"], "verified");
    for event in resumed.events() {
        let again = event["type"] == "attempt.started"
            && done.iter().any(|task| event["attempt"].as_str().unwrap().starts_with(&format!("{task}#")));
        assert!(!again, "{event}");
    }
    assert_nothing_left(&account);
}

#[test]
fn a_torn_end_of_the_log_is_cut_and_told_once() {
    let (account, project) = (Account::new(), Project::buggy());
    account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK]).expect_exit(0);
    let segment = account.state().join("log/00000001.seg");
    let whole = fs::read(&segment).unwrap();
    let written = whole.iter().rposition(|byte| *byte != 0).unwrap();
    fs::write(&segment, &whole[..written - 3]).unwrap();
    let first = account.smallhands(&["runs"]).expect_exit(0);
    for part in ["warning: the end of the log was torn", "00000001.seg", "log/cut/", "ends at event"] {
        assert!(first.stderr.contains(part), "{part}: {}", first.stderr);
    }
    assert_eq!(account.smallhands(&["runs"]).expect_exit(0).stderr, "");
    assert_eq!(fs::read_dir(account.state().join("log/cut")).unwrap().count(), 2, "the bytes and the report");
}

#[test]
fn a_run_that_cuts_a_torn_end_warns_and_reports_it() {
    let (account, project) = (Account::new(), Project::buggy());
    account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK]).expect_exit(0);
    let segment = account.state().join("log/00000001.seg");
    let mut bytes = fs::read(&segment).unwrap();
    let written = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[written - 2..].fill(0);
    fs::write(&segment, bytes).unwrap();
    let told =
        account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]).expect_exit(0);
    let torn = |event: &serde_json::Value| {
        event["type"] == "warning" && event["message"].as_str().unwrap().contains("the log was torn")
    };
    assert_eq!(told.events().iter().filter(|event| torn(event)).count(), 1, "{}", told.stdout);
    let report = fs::read_to_string(told.result()["report"].as_str().unwrap()).unwrap();
    assert!(report.contains("the log was torn"), "{report}");
}
