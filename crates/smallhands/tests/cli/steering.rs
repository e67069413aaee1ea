//! A run is steered by other processes while it lives, and looked back at when it is over.

use serde_json::{Value, json};

use super::harness::Account;
use super::projects::{CHECK, Project};
use super::traces::assert_nothing_left;

fn is(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["type"] == kind
}

/// A plan whose only task waits until a file appears, written beside the account's state.
fn gated(account: &Account) -> (String, std::path::PathBuf) {
    let gate = account.home().join("gate");
    let command = format!("until test -e {}; do sleep 0.05; done; echo hello > hello.txt", gate.display());
    let plan = account.home().join("plan.json");
    let tasks = json!({"tasks": [{"id": "wait", "role": "command", "command": command}]});
    std::fs::write(&plan, tasks.to_string()).unwrap();
    (plan.display().to_string(), gate)
}

#[test]
fn another_process_pauses_limits_and_unpauses_a_run() {
    let (account, project) = (Account::new(), Project::sound());
    let (plan, gate) = gated(&account);
    let mut running =
        account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--plan", &plan, "--json"]);
    assert!(running.read_until(is("attempt.started")), "{:?}", running.seen);
    let run = running.run_id();
    let paused = account.smallhands(&["pause", &run]).expect_exit(0);
    assert!(paused.stdout.starts_with("paused: nothing new starts"), "{}", paused.stdout);
    let again = account.smallhands(&["pause", &run, "--json"]).expect_exit(1).events();
    assert_eq!((&again[0]["type"], &again[0]["outcome"]), (&json!("control.outcome"), &json!("refused")));
    account.smallhands(&["limit", &run, "--timeout", "2h", "--agents", "3"]).expect_exit(0);
    let told = account.smallhands(&["tell", &run, "wait#1", "hurry"]).expect_exit(1);
    assert!(told.stdout.contains("only a coder understands"), "{}", told.stdout);
    account.smallhands(&["approve", &run, "ask-1", "yes"]).expect_exit(1);
    let shown = account.smallhands(&["show", &run]).expect_exit(0);
    assert!(shown.stdout.contains(&format!("smallhands unpause {run}")), "{}", shown.stdout);
    std::fs::write(gate, "").unwrap();
    assert!(running.read_until(is("attempt.finished")));
    account.smallhands(&["unpause", &run]).expect_exit(0);
    let (events, exit, errors) = running.finish();
    assert_eq!(exit, 0, "{errors}\n{events:?}");
    let orders = events.iter().filter(|event| is("control.taken")(event)).count();
    assert_eq!(orders, 3, "a pause, other limits, an end of the pause");
    account.smallhands(&["pause", &run]).expect_error(2, &["is finished"]);
    account.smallhands(&["replay", &run]).expect_exit(0);
    assert_nothing_left(&account);
}

#[test]
fn another_process_calls_a_task_and_a_run_off() {
    let (account, project) = (Account::new(), Project::sound());
    let (plan, _) = gated(&account);
    let mut running =
        account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--plan", &plan, "--json"]);
    assert!(running.read_until(is("attempt.started")));
    let run = running.run_id();
    account.smallhands(&["cancel", &run, "--attempt", "wait"]).expect_error(2, &["fix-a#2"]);
    account.smallhands(&["cancel", &run, "--task", "wait", "--reason", "it waits for ever"]).expect_exit(0);
    let (events, exit, _) = running.finish();
    assert_eq!(exit, 0, "what is left of the run is sound: {events:?}");

    let mut running =
        account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--plan", &plan, "--json"]);
    assert!(running.read_until(is("attempt.started")));
    let run = running.run_id();
    account.smallhands(&["cancel", &run]).expect_exit(0);
    let (events, exit, errors) = running.finish();
    assert_eq!(exit, 1, "{errors}");
    let last = events.last().unwrap();
    assert!(last["reason"].as_str().unwrap().contains("cancelled by the user"), "{last}");
    account.smallhands(&["replay", &run]).expect_exit(0);
    assert_nothing_left(&account);
}

#[test]
fn orders_wait_for_an_owner_and_unknown_runs_are_named() {
    let (account, project) = (Account::new(), Project::buggy());
    let mut running = account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]);
    assert!(running.read_until(is("attempt.started")));
    let run = running.run_id();
    running.signal("KILL");
    running.finish();
    let queued = account.smallhands(&["cancel", &run, "--json"]).expect_exit(0).events();
    assert_eq!(queued[0]["outcome"], "queued", "{queued:?}");
    let resumed = account.smallhands(&["resume", &run, "--json"]).expect_exit(1);
    assert!(!resumed.events().iter().any(is("attempt.started")), "nothing was begun any more");
    for arguments in
        [&["pause", "nosuchrun"][..], &["replay", "nosuchrun"], &["fork", "nosuchrun", "--at", "1"]]
    {
        account.smallhands(arguments).expect_error(2, &["nosuchrun", "smallhands runs"]);
    }
    account.smallhands(&["diff", &run, "nosuchrun"]).expect_error(2, &["nosuchrun"]);
}

#[test]
fn a_run_is_listed_forked_resumed_and_compared() {
    let (account, project) = (Account::new(), Project::buggy());
    let finished =
        account.smallhands(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]).expect_exit(0);
    let run = finished.events()[0]["run"].as_str().unwrap().to_owned();
    let events = account.smallhands(&["events", &run, "--json"]).expect_exit(0).events();
    assert_eq!(events[0]["kind"], "run_submitted");
    assert_eq!(events.last().unwrap()["event"].as_u64(), Some(events.len() as u64));
    let at = (events.len() / 2).to_string();
    let forked = account.smallhands(&["fork", &run, "--at", &at, "--json"]).expect_exit(0).events();
    let fork = forked[0]["run"].as_str().unwrap().to_owned();
    assert_ne!(fork, run);
    account.smallhands(&["resume", &fork, "--json"]).expect_exit(0);
    for name in [&run, &fork] {
        let replayed = account.smallhands(&["replay", name, "--json"]).expect_exit(0).events();
        assert_eq!(replayed[0]["type"], "run.replayed");
    }
    let compared = account.smallhands(&["diff", &run, &fork, "--json"]).expect_exit(1).events();
    assert_eq!(compared[0]["first"]["event"].as_u64(), Some(forked[0]["at"].as_u64().unwrap() + 1));
    assert_eq!(compared[0]["same_patch"], true);
    account.smallhands(&["diff", &run, &run]).expect_exit(0);
    account.smallhands(&["fork", &run, "--at", "99999"]).expect_error(2, &["--at"]);
    assert_nothing_left(&account);
}
