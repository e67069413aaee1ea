//! Descriptors and processes after many commands; alone in its program, because it counts what the program has open.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside of #[test] functions

use std::collections::BTreeMap;
use std::time::Duration;

use smallhands_shell_runtime::processes::snapshot;
use smallhands_shell_runtime::{Command, CreateSession, LocalOptions, LocalRuntime, Runtime};

const GENEROUS: Duration = Duration::from_secs(60);

fn descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn named(pid: i32, name: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
}

/// Process ids of this program's nurseries, and of the reapers below those.
fn helpers() -> (Vec<i32>, Vec<i32>) {
    let me = i32::try_from(std::process::id()).unwrap();
    let table = snapshot();
    let below = |parents: &[i32], name: &str| -> Vec<i32> {
        let children = table.iter().filter(|it| parents.contains(&it.parent) && named(it.pid, name));
        children.map(|it| it.pid).collect()
    };
    let nurseries = below(&[me], "smallhands-nest");
    let reapers = below(&nurseries, "smallhands-reap");
    (nurseries, reapers)
}

async fn settle(what: &str, condition: impl Fn() -> bool) {
    let settling = async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(GENEROUS, settling).await.unwrap_or_else(|_| panic!("{what} never settled"));
}

#[tokio::test]
async fn nothing_is_left_behind_by_many_commands() {
    let dir = tempfile::tempdir().unwrap();
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]);
    let options = LocalOptions { root: dir.path().to_owned(), env, ..LocalOptions::default() };
    let runtime = LocalRuntime::new(options).unwrap();
    runtime.execute(Command::shell("true")).await.unwrap();
    // Until its reaper's socket is closed.
    settle("the first reaper", || helpers().1.is_empty()).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    let before = descriptors();
    for number in 0..500 {
        let script = if number % 50 == 0 { "sleep 4651 & exit 1" } else { "exit 1" };
        let mut command = Command::shell(script);
        command.stdin = (number % 2 == 0).then(Vec::new);
        assert_eq!(runtime.execute(command).await.unwrap().exit_code, Some(1));
    }
    // Ten commands left something that holds both their streams; each has a reaper and its socket.
    settle("reapers", || helpers().1.len() == 10).await;
    settle("descriptors", || descriptors() <= before + 10 * 3).await;
    for number in 0..20 {
        let session = number.to_string();
        runtime.create_session(CreateSession { session, ..CreateSession::default() }).await.unwrap();
    }
    for number in 0..20 {
        runtime.close_session(&number.to_string()).await.unwrap();
    }
    settle("descriptors", || descriptors() <= before + 10 * 3).await;
    assert_eq!(helpers().0.len(), 1);
    runtime.close().await.unwrap();
    settle("descriptors", || descriptors() < before).await;
    assert_eq!(helpers(), (vec![], vec![]));
    let me = i32::try_from(std::process::id()).unwrap();
    assert!(snapshot().iter().all(|process| process.parent != me));
}
