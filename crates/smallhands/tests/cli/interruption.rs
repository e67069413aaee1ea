//! Interrupted and killed runs: nothing stays alive, nothing finished is lost, and the end is the same.

use std::collections::BTreeMap;

use serde_json::Value;

use super::harness::Account;
use super::projects::{CHECK, Project};
use super::traces::assert_nothing_left;

fn is(kind: &'static str) -> impl Fn(&Value) -> bool {
    move |event| event["type"] == kind
}

#[test]
fn ctrl_c_stops_every_child_and_says_how_to_go_on() {
    let (account, project) = (Account::new(), Project::buggy());
    let mut running = account.start(&["run", "--repo", project.arg(), "--check", "sleep 100000", "--json"]);
    assert!(running.read_until(is("attempt.started")), "{:?}", running.seen);
    let run = running.run_id();
    running.signal("INT");
    let (events, exit, errors) = running.finish();
    assert_eq!(exit, 130, "{errors}\n{events:?}");
    assert!(errors.contains(&format!("smallhands resume {run}")), "{errors}");
    assert!(!events.iter().any(is("run.finished")), "the run has not come to its end");
    assert_nothing_left(&account);
    let listed = account.smallhands(&["runs", "--json"]).events();
    assert_eq!(listed[0]["status"], "interrupted");
}

#[test]
fn a_second_signal_ends_everything_at_once() {
    let (account, project) = (Account::new(), Project::buggy());
    // A check that does not care about being asked to stop.
    let stubborn = "trap '' INT TERM HUP; while :; do sleep 1; done";
    let mut running = account.start(&["run", "--repo", project.arg(), "--check", stubborn, "--json"]);
    assert!(running.read_until(is("attempt.started")));
    running.signal("TERM");
    assert!(running.read_until(is("warning")), "the first signal is answered");
    running.signal("INT");
    let (_, exit, _) = running.finish();
    assert_eq!(exit, 130);
    // What the hard way left on disk is removed by the next run.
    let sound = Project::sound();
    account.smallhands(&["run", "--repo", sound.arg(), "--check", CHECK]).expect_exit(0);
    assert_nothing_left(&account);
}

#[test]
fn an_interrupted_run_is_resumed_to_the_same_verdict() {
    let (account, project) = (Account::new(), Project::buggy());
    let mut running = account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]);
    assert!(running.read_until(is("plan.changed")));
    let run = running.run_id();
    running.signal("INT");
    let (_, exit, errors) = running.finish();
    assert_eq!(exit, 130, "{errors}");
    let resumed = account.smallhands(&["resume", &run, "--json"]).expect_exit(0);
    assert_eq!(resumed.events()[0]["resumed"], true);
    assert_eq!(resumed.result()["verdict"], "verified");
    assert_nothing_left(&account);
}

/// How often each task was reported as done.
fn count_done(events: &[Value], done: &mut BTreeMap<String, usize>) {
    for event in events.iter().filter(|event| is("task.changed")(event) && event["phase"] == "done") {
        *done.entry(event["task"].as_str().unwrap().to_owned()).or_default() += 1;
    }
}

#[test]
fn kill_9_at_any_moment_loses_nothing_that_was_finished() {
    let (account, project) = (Account::new(), Project::buggy());
    let before = project.snapshot();
    let mut done = BTreeMap::new();
    let mut first = account.start(&["run", "--repo", project.arg(), "--check", CHECK, "--json"]);
    assert!(first.read_until(is("run.started")));
    let run = first.run_id();
    let mut next = Some(first);
    // Moments counted in events: the same whatever the machine's speed.
    for moment in [1, 3, 2, 5, 8] {
        let mut running = next.take().unwrap_or_else(|| account.start(&["resume", &run, "--json"]));
        let mut left = moment;
        let alive = running.read_until(|_| {
            left -= 1;
            left == 0
        });
        running.signal("KILL");
        let (events, _, _) = running.finish();
        count_done(&events, &mut done);
        if !alive {
            break;
        }
    }
    let finished = account.smallhands(&["resume", &run, "--json"]).expect_exit(0);
    count_done(&finished.events(), &mut done);
    assert_eq!(finished.result()["verdict"], "verified");
    assert!(done.values().all(|&times| times == 1), "finished tasks are not repeated: {done:?}");
    assert_eq!(project.snapshot(), before);
    assert_nothing_left(&account);
}

#[test]
fn a_run_that_lives_cannot_be_resumed_by_another_process() {
    let (account, project) = (Account::new(), Project::buggy());
    let mut running = account.start(&["run", "--repo", project.arg(), "--check", "sleep 100000", "--json"]);
    assert!(running.read_until(is("attempt.started")));
    let run = running.run_id();
    account.smallhands(&["resume", &run]).expect_error(4, &[&run]);
    running.signal("INT");
    assert_eq!(running.finish().1, 130);
}
