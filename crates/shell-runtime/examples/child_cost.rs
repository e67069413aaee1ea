//! What starting and ending children costs: `cargo run --release --example child_cost [megabytes held meanwhile]`.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a measuring program

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallhands_shell_runtime::{Command, CreateSession, LocalOptions, LocalRuntime, Runtime};

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let megabytes: usize = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(0);
    let ballast = vec![1_u8; megabytes << 20];
    let root = std::env::temp_dir();
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/bin:/bin".to_owned())]);
    let runtime = Arc::new(LocalRuntime::new(LocalOptions { root, env, ..LocalOptions::default() }).unwrap());
    println!("held meanwhile: {} MB", ballast.len() >> 20);

    let run = |command: Command| async { drop(runtime.execute(command).await.unwrap()) };
    report("execute `true` without a shell", times(300, || run(Command::argv(["/bin/true"]))).await);
    report("execute `true` in sh", times(300, || run(Command::shell("true"))).await);
    report("execute `/bin/true` in sh", times(300, || run(Command::shell("/bin/true; true"))).await);
    let short = || run(Command::shell("sleep 9").with_timeout(Duration::from_millis(1)));
    report("execute, killed after 1 ms", times(100, short).await);
    let daemon = "(env -i setsid sleep 9 &); sleep 9";
    let daemons = || run(Command::shell(daemon).with_timeout(Duration::from_millis(20)));
    report("the same with a daemon, after 20 ms", times(30, daemons).await);

    let large = Command { output_limit: 256 << 20, ..Command::shell("head -c 100000000 /dev/zero") };
    report("execute with 100 MB of output, all kept", times(10, || run(large.clone())).await);
    let bounded = Command { output_limit: 4 << 20, ..large.clone() };
    report("the same, 4 MiB kept", times(10, || run(bounded.clone())).await);

    let start = Instant::now();
    let all: Vec<_> = (0..30)
        .map(|_| {
            let runtime = Arc::clone(&runtime);
            tokio::spawn(async move { runtime.execute(Command::argv(["/bin/true"])).await.unwrap() })
        })
        .collect();
    for one in all {
        one.await.unwrap();
    }
    println!("{:44} {:8.2} ms", "30 at once", start.elapsed().as_secs_f64() * 1e3);
    sessions(&runtime).await;
    runtime.close().await.unwrap();
}

async fn sessions(runtime: &Arc<LocalRuntime>) {
    let mut number = 0;
    let mut next = || {
        number += 1;
        CreateSession { session: number.to_string(), ..CreateSession::default() }
    };
    let create = |request| async { drop(runtime.create_session(request).await.unwrap()) };
    report("create a session", times(50, || create(next())).await);
    let mut number = 0;
    let close = |name: String| async move { runtime.close_session(&name).await.unwrap() };
    let mut last = || {
        number += 1;
        close(number.to_string())
    };
    report("close it", times(50, &mut last).await);
}

async fn times<F: Future<Output = ()>>(count: usize, mut action: impl FnMut() -> F) -> Vec<Duration> {
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        action().await;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    times
}

fn report(what: &str, times: Vec<Duration>) {
    let at = |part: usize| times[(times.len() - 1) * part / 100].as_secs_f64() * 1e3;
    println!("{what:44} {:8.2} ms median, {:8.2} ms p95", at(50), at(95));
}
