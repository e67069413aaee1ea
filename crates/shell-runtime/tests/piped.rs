//! Helpers that are talked to line by line.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::type_complexity)] // helpers outside of #[test] functions

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use smallhands_shell_runtime::{
    LocalOptions, LocalRuntime, PipedProcess, Runtime, RuntimeError, SpawnSpec, processes::snapshot,
};

const GENEROUS: Duration = Duration::from_secs(60);

async fn start(spec: SpawnSpec) -> (tempfile::TempDir, LocalRuntime, PipedProcess) {
    let root = tempfile::tempdir().unwrap();
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]);
    let options = LocalOptions { root: root.path().to_owned(), env, ..LocalOptions::default() };
    let runtime = LocalRuntime::new(options).unwrap();
    let helper = runtime.spawn(spec).await.unwrap();
    (root, runtime, helper)
}

fn alive(pid: u32) -> bool {
    snapshot().iter().any(|process| process.is_alive() && u32::try_from(process.pid) == Ok(pid))
}

#[tokio::test]
async fn lines_go_both_ways() {
    let (_root, _runtime, mut helper) = start(SpawnSpec::argv(["cat"])).await;
    for line in ["one", "", "tab\tand \"quotes\"", "\u{e9}", &"x".repeat(1 << 20)] {
        helper.write_line(line).await.unwrap();
        assert_eq!(helper.read_line(GENEROUS).await.unwrap().as_deref(), Some(line));
    }
    assert!(helper.finish(GENEROUS).await.unwrap().success());
}

#[tokio::test]
async fn many_round_trips_are_cheap() {
    const COUNT: u32 = 5000;
    let (_root, _runtime, mut helper) = start(SpawnSpec::argv(["cat"])).await;
    let start = Instant::now();
    for number in 0..COUNT {
        let line = format!("{{\"id\":{number}}}");
        helper.write_line(&line).await.unwrap();
        assert_eq!(helper.read_line(GENEROUS).await.unwrap().unwrap(), line);
    }
    println!("{:?} per round trip", start.elapsed() / COUNT);
}

#[tokio::test]
async fn the_end_of_output_and_partial_last_lines_are_seen() {
    let (_root, _runtime, mut helper) = start(SpawnSpec::shell("printf 'a\\nb'")).await;
    let mut lines = Vec::new();
    while let Some(line) = helper.read_line(GENEROUS).await.unwrap() {
        lines.push(line);
    }
    assert_eq!(lines, ["a", "b"]);
}

#[tokio::test]
async fn a_time_limit_loses_nothing() {
    let (_root, _runtime, mut helper) =
        start(SpawnSpec::shell("printf half; read x; printf 'whole\\n'; cat")).await;
    let early = helper.read_line(Duration::from_millis(200)).await;
    assert!(matches!(early, Err(RuntimeError::CommandTimeout { .. })), "{early:?}");
    helper.write_line("go").await.unwrap();
    assert_eq!(helper.read_line(GENEROUS).await.unwrap().as_deref(), Some("halfwhole"));
}

#[tokio::test]
async fn a_chatty_standard_error_never_blocks_and_is_bounded() {
    let script = "head -c 3000000 /dev/zero | tr '\\0' x >&2; echo end >&2; echo ready; cat";
    let (_root, _runtime, mut helper) = start(SpawnSpec::shell(script)).await;
    assert_eq!(helper.read_line(GENEROUS).await.unwrap().as_deref(), Some("ready"));
    let seen = async {
        while !helper.stderr_tail().ends_with("xend\n") {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GENEROUS, seen).await.unwrap();
    assert!(helper.stderr_tail().len() <= 64 << 10);
}

#[tokio::test]
async fn endless_lines_are_refused() {
    let spec = SpawnSpec { line_limit: 1000, ..SpawnSpec::shell("head -c 100000 /dev/zero; cat") };
    let (_root, _runtime, mut helper) = start(spec).await;
    let line = helper.read_line(GENEROUS).await;
    assert!(matches!(line, Err(RuntimeError::TooLarge { limit: 1000, .. })), "{line:?}");
}

#[tokio::test]
async fn a_helper_that_is_gone_says_so() {
    let (_root, _runtime, mut helper) = start(SpawnSpec::argv(["true"])).await;
    assert_eq!(helper.read_line(GENEROUS).await.unwrap(), None);
    let written = async {
        while helper.write_line("x").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GENEROUS, written).await.unwrap();
}

#[tokio::test]
async fn dropping_or_killing_takes_the_whole_tree() {
    for explicitly in [false, true] {
        let script = "(setsid sleep 4501 & echo $!); sleep 4502 & echo $!; cat";
        let (_root, _runtime, mut helper) = start(SpawnSpec::shell(script)).await;
        let mut pids = vec![helper.id().unwrap()];
        for _ in 0..2 {
            pids.push(helper.read_line(GENEROUS).await.unwrap().unwrap().parse().unwrap());
        }
        assert!(pids.iter().all(|&pid| alive(pid)), "{pids:?}");
        if explicitly {
            helper.kill().await.unwrap();
        } else {
            drop(helper);
        }
        assert!(!pids.iter().any(|&pid| alive(pid)), "{pids:?}");
    }
}

#[tokio::test]
async fn closing_the_runtime_ends_helpers() {
    // Even one that carries no mark.
    let (_root, runtime, mut helper) = start(SpawnSpec::shell("exec env -i cat")).await;
    helper.write_line("x").await.unwrap();
    assert_eq!(helper.read_line(GENEROUS).await.unwrap().as_deref(), Some("x"));
    runtime.close().await.unwrap();
    assert_eq!(helper.read_line(GENEROUS).await.unwrap(), None);
    assert!(matches!(runtime.spawn(SpawnSpec::argv(["cat"])).await, Err(RuntimeError::Closed)));
}
