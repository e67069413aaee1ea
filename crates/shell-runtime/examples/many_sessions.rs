//! Many sessions at once: `cargo run --release --example many_sessions [how many]`. Prints what creating, using and
//! closing them costs, and what memory reapers take.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a measuring program

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallhands_shell_runtime::{
    Action, BashAction, CreateSession, LocalOptions, LocalRuntime, Runtime, processes::snapshot,
};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let count: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000);
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let options = LocalOptions { root: std::env::temp_dir(), env, ..LocalOptions::default() };
    let runtime = Arc::new(LocalRuntime::new(options).unwrap());
    let lag = tokio::spawn(worst_lag());

    let start = Instant::now();
    each(count, &runtime, |runtime, session| async move {
        let startup_timeout = Duration::from_secs(300);
        let request = CreateSession { session, startup_timeout, ..CreateSession::default() };
        runtime.create_session(request).await.unwrap();
    })
    .await;
    println!("{count} sessions created at once: {:?}", start.elapsed());
    let start = Instant::now();
    each(count, &runtime, |runtime, session| async move {
        let action = BashAction { session, ..BashAction::new("sleep 999 & echo hi") };
        runtime.run_in_session(Action::Bash(action)).await.unwrap();
    })
    .await;
    println!("a command in each, at once: {:?}", start.elapsed());
    memory("smallhands-reap");
    memory("smallhands-nest");
    memory("bash");
    println!("worst wait of an idle task: {:?}", lag.await.unwrap());

    let start = Instant::now();
    runtime.close_session("0").await.unwrap();
    println!("one session with a background job closed among the others: {:?}", start.elapsed());
    let start = Instant::now();
    runtime.close().await.unwrap();
    println!("all others closed: {:?}", start.elapsed());
    let left = snapshot().iter().filter(|it| it.is_alive() && comm(it.pid) == "smallhands-reap").count();
    println!("reapers left on this machine: {left}");
}

async fn each<F: Future<Output = ()> + Send + 'static>(
    count: usize,
    runtime: &Arc<LocalRuntime>,
    action: impl Fn(Arc<LocalRuntime>, String) -> F,
) {
    let tasks: Vec<_> =
        (0..count).map(|number| tokio::spawn(action(Arc::clone(runtime), number.to_string()))).collect();
    for task in tasks {
        task.await.unwrap();
    }
}

/// The longest that a task which only sleeps for a millisecond was kept waiting within twenty seconds.
async fn worst_lag() -> Duration {
    let begin = Instant::now();
    let mut worst = Duration::ZERO;
    while begin.elapsed() < Duration::from_secs(20) {
        let start = Instant::now();
        tokio::time::sleep(Duration::from_millis(1)).await;
        worst = worst.max(start.elapsed());
    }
    worst
}

fn comm(pid: i32) -> String {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default().trim().to_owned()
}

fn memory(name: &str) {
    let all: Vec<i32> = snapshot().iter().map(|it| it.pid).filter(|&pid| comm(pid) == name).collect();
    let field = |pid: i32, file: &str, field: &str| -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix(field));
        line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse().ok()).unwrap_or(0)
    };
    let mean = |file: &str, name: &str| {
        all.iter().map(|&pid| field(pid, file, name)).sum::<u64>() / (all.len() as u64).max(1)
    };
    println!(
        "{} {name}: in the mean {} kB resident, {} kB proportional, {} kB private, {} kB page tables",
        all.len(),
        mean("status", "VmRSS:"),
        mean("smaps_rollup", "Pss:"),
        mean("smaps_rollup", "Private_Dirty:"),
        mean("status", "VmPTE:"),
    );
}
