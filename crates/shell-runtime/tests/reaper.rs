//! Nothing leaves its tree and nothing outlives its time: daemons, stopped processes, fork bombs, killed servers.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside of #[test] functions

use std::collections::{BTreeMap, HashSet};
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use smallhands_shell_runtime::processes::{Process, snapshot};
use smallhands_shell_runtime::{
    BashAction, Command, CommandResponse, CreateSession, LocalOptions, LocalRuntime, Runtime, SpawnSpec,
};

const GENEROUS: Duration = Duration::from_secs(60);

/// Forks twice, leaves the session and cleans its environment; takes what it becomes. Nothing but descent tells where
/// it belongs.
const DAEMON: &str = "daemon() { (env -i /usr/bin/setsid /bin/sh -c \"exec env -i $1\" </dev/null >/dev/null 2>&1 &) & wait; }\n";

fn runtime(root: &Path) -> LocalRuntime {
    let env = BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]);
    LocalRuntime::new(LocalOptions { root: root.to_owned(), env, ..LocalOptions::default() }).unwrap()
}

async fn execute(runtime: &LocalRuntime, script: &str) -> CommandResponse {
    let command = Command::shell(format!("{DAEMON}{script}")).with_timeout(GENEROUS);
    runtime.execute(command).await.unwrap()
}

/// The processes with exactly these arguments.
fn running(arguments: &str) -> Vec<Process> {
    let wanted: Vec<u8> = arguments.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let is_it = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted);
    snapshot().into_iter().filter(|process| process.is_alive() && is_it(process.pid)).collect()
}

fn runs(arguments: &str) -> bool {
    !running(arguments).is_empty()
}

/// Looks until `condition` holds; the bound only keeps a broken test from hanging.
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < GENEROUS, "{what}: it never happened");
        std::thread::yield_now();
    }
}

/// Everything below a process, zombies included.
fn below(pid: i32) -> Vec<Process> {
    let table = snapshot();
    let mut family = HashSet::from([pid]);
    loop {
        let before = family.len();
        let children = table.iter().filter(|process| family.contains(&process.parent));
        family.extend(children.map(|process| process.pid).collect::<Vec<_>>());
        if family.len() == before {
            return table.into_iter().filter(|it| it.pid != pid && family.contains(&it.pid)).collect();
        }
    }
}

#[tokio::test]
async fn a_timeout_takes_daemons_that_left_everything_behind() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    let script = format!("{DAEMON}daemon 'sleep 4601'; daemon 'sleep 4602'; echo up; sleep 4603");
    let started = async {
        while !runs("sleep 4601") || !runs("sleep 4602") || !runs("sleep 4603") {
            tokio::task::yield_now().await;
        }
    };
    let command = Command::shell(script).with_timeout(Duration::from_secs(2));
    let (answer, ()) = tokio::join!(runtime.execute(command), started);
    let answer = answer.unwrap();
    assert!(answer.timed_out && answer.signal == Some(9));
    assert!(!runs("sleep 4601") && !runs("sleep 4602") && !runs("sleep 4603"));
}

#[tokio::test]
async fn what_a_command_leaves_lives_until_the_runtime_is_closed() {
    let dir = tempfile::tempdir().unwrap();
    for closing in [true, false] {
        let runtime = runtime(dir.path());
        let answer = execute(&runtime, "daemon 'sleep 4611'; sleep 4612 & echo done").await;
        assert_eq!(answer.stdout_text(), "done\n");
        eventually("the daemon", || runs("sleep 4611"));
        execute(&runtime, "true").await;
        assert!(runs("sleep 4611") && runs("sleep 4612"));
        if closing {
            runtime.close().await.unwrap();
        } else {
            drop(runtime);
        }
        assert!(!runs("sleep 4611") && !runs("sleep 4612"), "{closing}");
    }
}

#[tokio::test]
async fn closing_a_session_takes_its_daemons_and_no_others() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    for (session, number) in [("a", 4621), ("b", 4622)] {
        let request = CreateSession { session: session.to_owned(), ..CreateSession::default() };
        runtime.create_session(request).await.unwrap();
        let text = format!("{DAEMON}daemon 'sleep {number}'; sleep {number}0 & ");
        let action = BashAction { session: session.to_owned(), ..BashAction::new(text) };
        runtime.run_in_session(smallhands_shell_runtime::Action::Bash(action)).await.unwrap();
        eventually("the daemon", || runs(&format!("sleep {number}")) && runs(&format!("sleep {number}0")));
    }
    runtime.close_session("a").await.unwrap();
    assert!(!runs("sleep 4621") && !runs("sleep 46210"));
    assert!(runs("sleep 4622") && runs("sleep 46220"));
    runtime.close_session("b").await.unwrap();
    assert!(!runs("sleep 4622") && !runs("sleep 46220"));
}

#[tokio::test]
async fn stopped_processes_die_too() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    std::fs::write(dir.path().join("stopped"), "kill -STOP $$; sleep 4631").unwrap();
    let script = "setsid sh stopped & sleep 4632 & kill -STOP $!; kill -STOP $$; true";
    let command = Command::shell(script).with_timeout(Duration::from_millis(500));
    assert!(runtime.execute(command).await.unwrap().timed_out);
    assert!(!runs("sleep 4631") && !runs("sleep 4632") && !runs("sh stopped"));
}

#[tokio::test]
async fn fork_bombs_end_even_where_each_process_has_a_session_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let bomb = "if [ $1 -gt 7 ]; then exec sleep 4641; fi\n\
                setsid sh bomb $(($1 + 1)) & setsid sh bomb $(($1 + 1)) & exec sleep 4641";
    std::fs::write(dir.path().join("bomb"), bomb).unwrap();
    let runtime = runtime(dir.path());
    for limit in [20, 60, 200] {
        let command = Command::shell("sh bomb 0").with_timeout(Duration::from_millis(limit));
        assert!(runtime.execute(command).await.unwrap().timed_out);
        let left: Vec<i32> =
            (0..9).flat_map(|depth| running(&format!("sh bomb {depth}"))).map(|it| it.pid).collect();
        assert!(left.is_empty() && !runs("sleep 4641"), "{limit}: {left:?}");
    }
}

#[tokio::test]
async fn the_end_of_a_command_is_reported_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    for code in [0, 1, 2, 77, 126, 127, 128, 137, 254, 255] {
        let answer = execute(&runtime, &format!("(exit 3) & wait; exit {code}")).await;
        assert_eq!((answer.exit_code, answer.signal), (Some(code), None));
    }
    for signal in [1, 2, 3, 6, 9, 10, 11, 13, 14, 15, 34, 64] {
        let answer = execute(&runtime, &format!("kill -{signal} $$; sleep 1")).await;
        assert_eq!((answer.exit_code, answer.signal), (None, Some(signal)));
    }
    for (program, content, expected) in
        [("script", "#!/bin/sh\nexit 5", 5), ("bare", "echo \"$0 $1\"; exit 6", 6)]
    {
        let path = dir.path().join(program);
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let answer = runtime.execute(Command::argv([path.to_str().unwrap(), "x"])).await.unwrap();
        assert_eq!(answer.exit_code, Some(expected), "{program}");
        if program == "bare" {
            assert_eq!(answer.stdout_text(), format!("{} x\n", path.display()));
        }
    }
}

#[tokio::test]
async fn what_cannot_be_run_says_why() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("data"), "x").unwrap();
    let runtime = runtime(dir.path());
    let error = async |word: &str| runtime.execute(Command::argv([word])).await.unwrap_err().to_string();
    assert!(error("no-such-program").await.contains("No such file"));
    assert!(error("./data").await.contains("Permission denied"));
    assert!(error("/etc").await.contains("Permission denied"));
    let huge = "x".repeat(200_000);
    let too_long = runtime.execute(Command::argv(["echo", &huge])).await.unwrap_err().to_string();
    assert!(too_long.contains("Argument list too long"), "{too_long}");
    let null = runtime.execute(Command::argv(["true"]).with_env("A", "b\0c")).await.unwrap_err();
    assert!(null.to_string().contains("null byte"), "{null}");
}

#[tokio::test]
async fn what_a_command_used_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    let small = execute(&runtime, "true").await.usage.unwrap();
    assert!(small.peak_memory_bytes > 100_000 && small.peak_memory_bytes < 8 << 20, "{small:?}");
    let memory = execute(&runtime, "head -c 60000000 /dev/zero | tail -n 1 | wc -c").await.usage.unwrap();
    assert!(memory.peak_memory_bytes > 50_000_000, "{memory:?}");
    let script = "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done";
    let busy = execute(&runtime, script).await.usage.unwrap();
    assert!(busy.cpu_seconds > 0.05 && busy.cpu_seconds < 60.0, "{busy:?}");
    // Also of those that were killed.
    let command = Command::shell("while :; do :; done").with_timeout(Duration::from_millis(500));
    assert!(runtime.execute(command).await.unwrap().usage.unwrap().cpu_seconds > 0.0);
}

#[tokio::test]
async fn a_command_that_kills_its_reaper_dies_and_its_children_with_it() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    let answer = execute(&runtime, "sleep 4661 & setsid sleep 4662 & kill -9 $PPID; sleep 4663").await;
    assert_eq!((answer.signal, answer.usage), (Some(9), None));
    eventually("their end", || !runs("sleep 4661") && !runs("sleep 4662") && !runs("sleep 4663"));
}

#[tokio::test]
async fn stopping_the_reaper_does_not_help() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    let command = Command::shell("kill -STOP $PPID; sleep 4671");
    assert!(runtime.execute(command.with_timeout(Duration::from_millis(300))).await.unwrap().timed_out);
    assert!(!runs("sleep 4671"));
}

#[tokio::test]
async fn a_nursery_that_was_killed_or_stopped_is_no_hindrance() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    let parent_of_parent = "cut -d' ' -f4 /proc/$PPID/stat";
    let nursery = execute(&runtime, parent_of_parent).await.stdout_text();
    for signal in ["STOP", "KILL"] {
        execute(&runtime, &format!("kill -{signal} $({parent_of_parent})")).await;
        assert_eq!(execute(&runtime, "echo on").await.stdout_text(), "on\n", "{signal}");
    }
    assert_ne!(execute(&runtime, parent_of_parent).await.stdout_text(), nursery);
}

#[tokio::test]
async fn signals_for_everybody_do_not_reach_reapers() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    let script =
        "for s in HUP INT QUIT TERM USR1 ALRM PIPE; do kill -$s $PPID; done; daemon 'sleep 4681'; exit 4";
    assert_eq!(execute(&runtime, script).await.exit_code, Some(4));
    eventually("the daemon", || runs("sleep 4681"));
    runtime.close().await.unwrap();
    assert!(!runs("sleep 4681"));
}

/// Not a test: the server that the next test kills.
#[tokio::test]
#[ignore = "is run by another test, in a process of its own"]
async fn server() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    execute(&runtime, "daemon 'sleep 4691'").await;
    let _helper = runtime.spawn(SpawnSpec::shell("setsid sleep 4692 & exec cat")).await.unwrap();
    runtime.create_session(CreateSession::default()).await.unwrap();
    let action = BashAction::new(format!("{DAEMON}daemon 'sleep 4693'; sleep 4694 &"));
    runtime.run_in_session(smallhands_shell_runtime::Action::Bash(action)).await.unwrap();
    eventually("the daemons", || (4691..=4694).all(|number| runs(&format!("sleep {number}"))));
    println!("up {}", dir.path().display());
    let tidy = "trap 'rm lock; exit' HUP; echo > lock; sleep 4695 & wait";
    let _ = runtime.execute(Command::shell(tidy).with_timeout(GENEROUS)).await;
}

#[test]
fn a_server_that_is_killed_leaves_nothing() {
    let mut server = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["server", "--exact", "--ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(server.stdout.take().unwrap()).lines();
    let lock = loop {
        if let Some((_, place)) = lines.next().unwrap().unwrap().split_once("up /") {
            break Path::new("/").join(place).join("lock");
        }
    };
    eventually("the last command", || runs("sleep 4695"));
    let family = below(i32::try_from(server.id()).unwrap());
    assert!(family.len() > 10, "{family:?}");
    assert!(lock.exists());
    server.kill().unwrap();
    server.wait().unwrap();
    let is_left = |one: &Process| {
        snapshot().iter().any(|it| it.is_alive() && (it.pid, it.started) == (one.pid, one.started))
    };
    eventually("their end", || !family.iter().any(is_left));
    assert!(!lock.exists(), "what was killed had no time to put away its lock");
    std::fs::remove_dir_all(lock.parent().unwrap()).unwrap();
}

#[tokio::test]
async fn closing_leaves_neither_reapers_nor_zombies() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path());
    execute(&runtime, "daemon 'sleep 4701'; sleep 4702 &").await;
    let nursery: i32 =
        execute(&runtime, "cut -d' ' -f4 /proc/$PPID/stat").await.stdout_text().trim().parse().unwrap();
    assert!(!below(nursery).is_empty());
    runtime.close().await.unwrap();
    assert!(snapshot().iter().all(|process| process.pid != nursery && process.parent != nursery));
}
