//! Repositories that are not as neat as one would like: they are repaired all the same, and nothing outside is touched.

use std::fs;
use std::os::unix::fs::symlink;

use super::harness::{Account, Finished};
use super::projects::{CHECK, Project, git_in};
use super::traces::assert_nothing_left;

/// Runs, expects a verified patch that works, an untouched project, and nothing left behind.
#[track_caller]
fn repair(account: &Account, project: &Project) -> Finished {
    let before = project.snapshot();
    let finished =
        account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]).expect_exit(0);
    let result = finished.result();
    assert_eq!(result["verdict"], "verified", "{result}");
    assert_eq!(project.snapshot(), before);
    assert_nothing_left(account);
    finished
}

#[test]
fn a_repository_without_a_commit() {
    repair(&Account::new(), &Project::buggy().git_init());
}

#[test]
fn a_repository_with_a_submodule() {
    let account = Account::new();
    let library = Project::empty().with("library.py", "ANSWER = 42\n").committed();
    let project = Project::buggy().git_init();
    project.git(&["submodule", "--quiet", "add", library.arg(), "vendor/library"]);
    project.git(&["add", "--all"]);
    project.git(&["commit", "--quiet", "--message=with a library"]);
    repair(&account, &project);
}

#[test]
fn a_submodule_that_was_never_fetched_is_mentioned() {
    let account = Account::new();
    let library = Project::empty().with("library.py", "ANSWER = 42\n").committed();
    let origin = Project::buggy().git_init();
    origin.git(&["submodule", "--quiet", "add", library.arg(), "vendor/library"]);
    origin.git(&["add", "--all"]);
    origin.git(&["commit", "--quiet", "--message=with a library"]);
    let project = Project::empty();
    git_in(project.path(), &["clone", "--quiet", origin.arg(), "."]);
    let events = repair(&account, &project).events();
    let warned = |event: &serde_json::Value| {
        event["message"].as_str().is_some_and(|text| text.contains("vendor/library"))
    };
    assert!(events.iter().any(|event| event["type"] == "warning" && warned(event)), "{events:?}");
}

#[test]
fn symbolic_links_out_of_the_tree() {
    let account = Account::new();
    let outside = Project::empty().with("precious.txt", "do not touch\n").with("folder/file.py", "x = 1\n");
    let project = Project::buggy();
    symlink(outside.path().join("precious.txt"), project.path().join("precious.txt")).unwrap();
    symlink(outside.path().join("folder"), project.path().join("linked")).unwrap();
    symlink("/no/such/place", project.path().join("dangling")).unwrap();
    symlink(".", project.path().join("loop")).unwrap();
    let before = outside.snapshot();
    repair(&account, &project.committed());
    assert_eq!(outside.snapshot(), before);
}

#[test]
fn sources_that_are_not_utf_8() {
    let latin = b"# -*- coding: latin-1 -*-\nNAME = 'caf\xe9'\n".to_vec();
    repair(
        &Account::new(),
        &Project::buggy().with("latin.py", latin).with("blob.bin", [0, 159, 146, 150, 255]).committed(),
    );
}

#[test]
fn a_source_of_five_megabytes() {
    let huge = "VALUES = [\n".to_owned() + &"    1234567, 7654321,\n".repeat(250_000) + "]\n";
    assert!(huge.len() > 5_000_000);
    repair(&Account::new(), &Project::buggy().with("huge.py", huge));
}

#[test]
fn names_with_blanks_quotes_and_other_letters() {
    let project =
        Project::buggy().with("a folder/it's \"quoted\".txt", "x\n").with("ordner/größe.py", "x = 1\n");
    repair(&Account::new(), &project.committed());
}

#[test]
fn ignored_files_are_neither_needed_nor_copied() {
    let project =
        Project::buggy().with(".gitignore", "build/\n").with("build/test_broken.py", "raise SystemExit\n");
    repair(&Account::new(), &project.committed());
}

#[test]
fn a_repository_in_a_folder_of_another_one() {
    let outer = Project::empty().with("unrelated.py", "def broken(:\n").committed();
    let buggy = Project::buggy();
    for name in ["pricing.py", "test_pricing.py"] {
        fs::create_dir_all(outer.path().join("inner")).unwrap();
        fs::copy(buggy.path().join(name), outer.path().join("inner").join(name)).unwrap();
    }
    let account = Account::new();
    let before = outer.snapshot();
    let inner = outer.path().join("inner").display().to_string();
    let finished = account.smallhands(&["run", "--repo", &inner, "--check", CHECK, "--json"]).expect_exit(0);
    assert_eq!(finished.result()["verdict"], "verified");
    assert_eq!(outer.snapshot(), before);
}
