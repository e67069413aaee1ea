//! What happens with the patch: a file by default, the working tree or a branch on demand.

use super::harness::Account;
use super::projects::{CHECK, Project, repaired};

fn run(account: &Account, project: &Project, more: &[&str]) -> super::harness::Finished {
    let arguments: Vec<_> =
        ["run", "--repo", project.arg(), "--check", CHECK, "--json"].iter().chain(more).copied().collect();
    account.smallhands(&arguments)
}

#[test]
fn apply_changes_the_working_tree_and_commits_nothing() {
    let (account, project) = (Account::new(), Project::buggy().committed());
    let head = project.git(&["rev-parse", "HEAD"]);
    run(&account, &project, &["--apply"]).expect_exit(0);
    assert!(project.tests_hold());
    assert_eq!(project.git(&["rev-parse", "HEAD"]), head);
    assert_eq!(project.git(&["status", "--porcelain"]), "M pricing.py", "git trims the first blank");
}

#[test]
fn apply_works_in_a_plain_folder_too() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--apply"]).expect_exit(0);
    assert!(project.tests_hold());
    assert!(!project.path().join(".git").exists());
}

#[test]
fn a_branch_holds_the_patch_and_the_working_tree_stays() {
    let (account, project) = (Account::new(), Project::buggy().committed());
    run(&account, &project, &["--branch", "repaired"]).expect_exit(0);
    assert!(!project.tests_hold());
    assert_eq!(project.git(&["rev-parse", "--abbrev-ref", "HEAD"]), "main");
    assert_eq!(project.git(&["status", "--porcelain"]), "");
    assert_eq!(project.git(&["rev-list", "--count", "main..repaired"]), "1");
    let content = project.git(&["show", "repaired:pricing.py"]);
    assert_ne!(content, project.git(&["show", "main:pricing.py"]));
    let patched = Project::buggy().with("pricing.py", content + "\n");
    assert!(patched.tests_hold());
}

#[test]
fn a_branch_that_is_there_already_is_refused_before_any_work() {
    let (account, project) = (Account::new(), Project::buggy().committed());
    run(&account, &project, &["--branch", "main"]).expect_error(2, &["main"]);
    assert_eq!(account.smallhands(&["runs", "--json"]).stdout, "", "no run was begun");
}

#[test]
fn a_branch_needs_a_repository() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--branch", "repaired"]).expect_error(2, &[]);
}

#[test]
fn a_further_copy_of_the_patch_is_written_where_the_user_says() {
    let (account, project) = (Account::new(), Project::buggy());
    let copy = account.home().join("copy.patch");
    let finished = run(&account, &project, &["--patch", copy.to_str().unwrap()]).expect_exit(0);
    assert!(project.tests_hold_with(&copy));
    let stored = finished.result()["patch"].as_str().unwrap().to_owned();
    assert_eq!(std::fs::read(stored).unwrap(), std::fs::read(&copy).unwrap());
}

#[test]
fn nothing_is_applied_when_nothing_was_verified() {
    let (account, project) =
        (Account::new(), Project::buggy().with("test_moon.py", "raise SystemExit('no moon')\n"));
    let before = project.snapshot();
    let finished = run(&account, &project, &["--apply"]);
    assert_ne!(finished.exit, 0);
    assert_eq!(project.snapshot(), before);
}

#[test]
fn the_only_change_is_the_repair() {
    let (account, project) = (Account::new(), Project::buggy());
    run(&account, &project, &["--apply"]).expect_exit(0);
    let (is, was) = (std::fs::read_to_string(project.path().join("pricing.py")).unwrap(), repaired());
    let changed = is.lines().zip(was.lines()).filter(|(is, was)| is != was).count();
    assert!(changed <= 1 && is.lines().count() == was.lines().count(), "{is}");
    let files = std::fs::read_dir(project.path()).unwrap().count();
    assert_eq!(files, 2, "no other file appears");
}
