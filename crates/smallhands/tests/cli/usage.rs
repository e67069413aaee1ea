//! The command line: help, versions, and what happens when it is not understood.

use super::harness::Account;

#[test]
fn help_shows_every_command_the_flags_and_the_exit_codes() {
    let account = Account::new();
    let help = account.smallhands(&["--help"]).expect_exit(0);
    for part in ["run", "runs", "show", "resume", "doctor", "Examples:", "130 interrupted"] {
        assert!(help.stdout.contains(part), "{part}");
    }
    let run = account.smallhands(&["run", "--help"]).expect_exit(0);
    for flag in [
        "--repo",
        "--check",
        "--agents",
        "--sandbox",
        "--model",
        "--plan",
        "--budget-usd",
        "--timeout",
        "--apply",
        "--branch",
        "--patch",
        "--json",
        "--state-dir",
    ] {
        assert!(run.stdout.contains(flag), "{flag}");
    }
    for (command, parts) in [
        ("check", &["line", "exit code 2"][..]),
        ("show", &["mermaid", "dot", "json", "--agents", "forecast"]),
        ("run", &["--input", "--repo", "--agents", "--timeout", "--json", "Exit codes:", "resume RUN"]),
    ] {
        let help = account.smallhands(&["plan", command, "--help"]).expect_exit(0).stdout;
        parts.iter().for_each(|part| assert!(help.contains(part), "{command}: {part}\n{help}"));
        assert!(!help.contains("--plan "), "{help}");
    }
    assert!(account.smallhands(&["--version"]).expect_exit(0).stdout.starts_with("smallhands 0."));
}

#[test]
fn misuse_exits_with_2_and_says_what_is_wrong() {
    let account = Account::new();
    for (arguments, mentions) in [
        (&["run", "--agents", "0"][..], "1..=1000"),
        (&["run", "--timeout", "90"], "90s"),
        (&["run", "--sandbox", "cellar"], "host"),
        (&["run", "--apply", "--branch", "b"], "cannot be used with"),
        (&["run", "--nonsense"], "--nonsense"),
        (&["run", "--input", "novalue"], "NAME=VALUE"),
        (&["run", "--input", "a=b"], "--plan"),
        (&["plan", "run"], "FILE"),
        (&["plan", "run", "a.yaml", "--plan", "b.yaml"], "cannot be used with"),
        (&["dance"], "dance"),
        (&["show"], "RUN"),
        (&[], "Usage"),
    ] {
        let finished = account.smallhands(arguments).expect_exit(2);
        assert!(finished.stderr.contains(mentions), "{arguments:?}: {}", finished.stderr);
        assert_eq!(finished.stdout, "");
    }
}

#[test]
fn a_model_without_an_endpoint_is_bad_input() {
    let account = Account::new();
    account
        .smallhands(&["run", "--model", "some-model"])
        .expect_error(2, &["some-model", "SMALLHANDS_BASE_URL"]);
}

#[test]
fn an_empty_state_directory_has_no_runs() {
    let account = Account::new();
    assert!(account.smallhands(&["runs"]).expect_exit(0).stdout.contains("no runs"));
    assert_eq!(account.smallhands(&["runs", "--json"]).expect_exit(0).stdout, "");
}

#[test]
fn a_run_that_does_not_exist_is_bad_input() {
    let account = Account::new();
    for command in ["show", "resume"] {
        account.smallhands(&[command, "nonesuch"]).expect_error(2, &["nonesuch", "smallhands runs"]);
    }
}
