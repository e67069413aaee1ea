//! Several processes on one log, and processes that die in the middle.
//!
//! The other processes are this test binary again, asked for one of the `child_…` tests below and told the file by an
//! environment variable; without it those tests do nothing.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod support;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use serde_json::json;
use smallhands_event_log::{EventLog, SegmentLog, SqliteLog};
use support::{append_anyhow, event, stream};

const LOG: &str = "SMALLHANDS_EVENT_LOG_UNDER_TEST";

fn child(test: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(LOG, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn told_log() -> Option<Box<dyn EventLog>> {
    std::env::var_os(LOG).map(|path| open(&PathBuf::from(path)))
}

/// The adapter is told by the name.
fn open(path: &Path) -> Box<dyn EventLog> {
    if path.extension().is_some() {
        Box::new(SqliteLog::open(path).unwrap())
    } else {
        Box::new(SegmentLog::open(path).unwrap())
    }
}

#[test]
fn child_appends_until_it_is_killed() {
    let Some(log) = told_log() else { return };
    let run = stream("run/1");
    let mut seq = log.read(&run, 0).unwrap().len() as u64;
    // Bounded, so that nothing stays behind should the parent die first.
    for _ in 0..20_000 {
        seq = log.append(&run, seq, 1, &[event("counted", json!({ "n": seq + 1 }))]).unwrap();
        println!("acknowledged {seq}");
    }
}

#[test]
fn what_was_acknowledged_survives_the_death_of_the_process() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["log.db", "log"] {
        kill_again_and_again(&folder.path().join(name));
    }
}

fn kill_again_and_again(path: &Path) {
    let mut acknowledged = 0;
    for round in 1..=4 {
        let mut child = child("child_appends_until_it_is_killed", path);
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while let Some(Ok(line)) = lines.next() {
            // The harness may put its own words before ours on the first line.
            let Some((_, seq)) = line.split_once("acknowledged ") else { continue };
            acknowledged = seq.parse().unwrap();
            seen += 1;
            if seen == 15 * round {
                child.kill().unwrap();
            }
        }
        child.wait().unwrap();
        let log = open(path);
        let stored = log.read(&stream("run/1"), 0).unwrap();
        assert!(stored.len() as u64 >= acknowledged, "round {round}: {} of {acknowledged}", stored.len());
        assert!(stored.iter().all(|event| event.payload["n"] == event.seq), "round {round}");
        log.verify_all().unwrap();
    }
    assert!(acknowledged >= 15 + 30 + 45 + 60);
}

#[test]
fn child_appends_to_a_shared_stream() {
    let Some(log) = told_log() else { return };
    let own = stream(&format!("run/{}", std::process::id()));
    for n in 0..25 {
        append_anyhow(&*log, &stream("run/shared"), &event("counted", json!({ "n": n })));
        log.append(&own, n, 1, &[event("counted", json!({ "n": n }))]).unwrap();
        log.put_blob(format!("blob {n}").as_bytes()).unwrap();
    }
}

#[test]
fn processes_share_a_log_from_its_creation_on() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["log.db", "log"] {
        share(&folder.path().join(name));
    }
}

fn share(path: &Path) {
    let children: Vec<Child> = (0..4).map(|_| child("child_appends_to_a_shared_stream", path)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    let log = open(path);
    assert_eq!(log.read(&stream("run/shared"), 0).unwrap().len(), 100);
    assert_eq!(log.streams("run/").unwrap().len(), 5);
    let extent = log.verify_all().unwrap();
    assert_eq!((extent.events, extent.blobs), (200, 25));
}
