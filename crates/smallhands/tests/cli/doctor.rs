//! `doctor`: what it finds, how it says it, and that it gives no secrets away.

use std::os::unix::fs::symlink;

use super::harness::{Account, finish};

#[test]
fn every_problem_has_a_remedy_and_the_json_is_one_line() {
    let account = Account::new();
    let finished = account.smallhands(&["doctor", "--json"]).expect_exit(0);
    let events = finished.events();
    assert_eq!((events.len(), &events[0]["type"]), (1, &"doctor".into()));
    let findings = events[0]["findings"].as_array().unwrap();
    for area in ["basics", "toolchain", "sandbox", "model", "state"] {
        assert!(findings.iter().any(|finding| finding["area"] == area), "{area}");
    }
    for finding in findings.iter().filter(|finding| finding["status"] == "missing") {
        assert!(finding["remedy"].is_string(), "{finding}");
    }
    assert!(!account.state().exists(), "the doctor only looks");
}

#[test]
fn keys_are_never_printed() {
    let account = Account::new();
    let mut command = account.command(&["doctor"]);
    command
        .env("SMALLHANDS_API_KEY", "very-secret")
        .env("SMALLHANDS_BASE_URL", "http://me:very-secret@127.0.0.1:9/v1");
    let finished = finish(command).expect_exit(0);
    assert!(
        finished.stdout.contains("key set") && finished.stdout.contains("127.0.0.1:9"),
        "{}",
        finished.stdout
    );
    assert!(!finished.stdout.contains("very-secret"), "{}", finished.stdout);
}

#[test]
fn a_machine_without_git_or_a_place_for_state_is_not_ready() {
    let account = Account::new();
    let bin = account.home().join("bin");
    std::fs::create_dir(&bin).unwrap();
    let bash = ["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"]
        .into_iter()
        .find(|path| std::path::Path::new(path).exists());
    symlink(bash.unwrap(), bin.join("bash")).unwrap();
    let mut command = account.command(&["doctor"]);
    command.env("PATH", &bin);
    let finished = finish(command).expect_exit(4);
    assert!(finished.stdout.contains("!!  git"), "{}", finished.stdout);
    assert!(finished.stdout.contains("ok  bash"), "{}", finished.stdout);

    let blocked = account.home().join("file");
    std::fs::write(&blocked, "").unwrap();
    let finished = account
        .smallhands(&["doctor", "--state-dir", blocked.join("below").to_str().unwrap()])
        .expect_exit(4);
    assert!(finished.stdout.contains("--state-dir"), "{}", finished.stdout);
}
