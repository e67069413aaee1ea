//! Input that cannot be used, and places that fail: a clear message, the documented exit code, and nothing lost.

use std::fs;

use super::harness::{Account, Finished, finish};
use super::projects::{CHECK, Project};
use super::traces::assert_nothing_left;

fn run(account: &Account, project: &Project, more: &[&str]) -> Finished {
    let arguments: Vec<_> = ["run", "--repo", project.arg(), "--json"].iter().chain(more).copied().collect();
    account.smallhands(&arguments)
}

#[test]
fn a_folder_that_is_not_there() {
    let account = Account::new();
    account.smallhands(&["run", "--repo", "/no/such/folder"]).expect_error(2, &["/no/such/folder", "--repo"]);
    let file = account.home().join("file");
    fs::write(&file, "").unwrap();
    account.smallhands(&["run", "--repo", file.to_str().unwrap()]).expect_error(2, &["--repo"]);
}

#[test]
fn no_checks_to_be_found() {
    let (account, project) = (Account::new(), Project::empty().with("poem.txt", "roses are red\n"));
    run(&account, &project, &[]).expect_error(2, &["no check", "--check"]);
    assert_nothing_left(&account);
}

#[test]
fn a_command_that_does_not_exist() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--check", "surely-no-such-command --fast"])
        .expect_error(2, &["surely-no-such-command"]);
    assert_nothing_left(&account);
}

#[test]
fn a_command_that_never_ends() {
    let (account, project) = (Account::new(), Project::buggy());
    let finished = run(&account, &project, &["--check", "sleep 100000", "--timeout", "4s"]).expect_exit(3);
    let result = finished.result();
    assert_eq!((&result["verdict"], &result["limit"]), (&"failed".into(), &"timeout".into()), "{result}");
    assert_nothing_left(&account);
}

#[test]
fn a_plan_that_cannot_be_read() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--check", CHECK, "--plan", "/no/such/plan.json"]).expect_exit(2);
    let plan = account.home().join("plan.json");
    fs::write(&plan, "{ this is not a plan").unwrap();
    run(&account, &project, &["--check", CHECK, "--plan", plan.to_str().unwrap()]).expect_exit(2);
}

#[test]
fn a_state_directory_that_cannot_be_written() {
    let (account, project) = (Account::new(), Project::buggy());
    let file = account.home().join("file");
    fs::write(&file, "").unwrap();
    let mut places = vec![file.join("below").display().to_string()];
    if cfg!(target_os = "linux") {
        places.push("/proc/smallhands".to_owned()); // read-only even for root
    }
    for place in places {
        run(&account, &project, &["--check", CHECK, "--state-dir", &place]).expect_error(4, &["--state-dir"]);
    }
}

fn assert_refused_and_kept(account: &Account, project: &Project, file: &std::path::Path) {
    let content = fs::read(file).unwrap();
    let finished = run(account, project, &["--check", CHECK]).expect_exit(4);
    assert!(finished.stderr.starts_with("error: "), "{}", finished.stderr);
    let name = file.file_name().unwrap().to_str().unwrap();
    assert!(finished.stderr.contains(name), "{}", finished.stderr);
    assert_eq!(fs::read(file).unwrap(), content, "evidence is not destroyed");
    account.smallhands(&["runs"]).expect_exit(4);
}

#[test]
fn a_log_that_is_none_is_reported_and_kept() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--check", CHECK]).expect_exit(0);
    let segment = account.state().join("log/00000001.seg");
    fs::write(&segment, "this is not a log ".repeat(4096)).unwrap();
    assert_refused_and_kept(&account, &project, &segment);
}

#[test]
fn a_corrupt_database_of_an_older_state_folder_is_reported_and_kept() {
    let (account, project) = (Account::new(), Project::buggy());
    fs::create_dir_all(account.state()).unwrap();
    let database = account.state().join("state.db");
    fs::write(&database, "this is not a database ".repeat(4096)).unwrap();
    assert_refused_and_kept(&account, &project, &database);
}

#[test]
fn a_durability_that_is_not_known() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--check", CHECK, "--durability", "some"]).expect_exit(2);
    let mut command = account.command(&["runs"]);
    command.env("SMALLHANDS_DURABILITY", "some");
    finish(command).expect_error(2, &["SMALLHANDS_DURABILITY", "`full` or `relaxed`"]);
}
