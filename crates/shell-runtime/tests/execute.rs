//! One-shot commands: output, environment, limits, and that nothing outlives its time.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::type_complexity)] // helpers outside of #[test] functions

use std::collections::BTreeMap;
use std::future::Future;
use std::path::Path;
use std::time::Duration;

use smallhands_shell_runtime::{
    Command, CommandResponse, Limits, LocalOptions, LocalRuntime, Runtime, RuntimeError, processes::snapshot,
};

const GENEROUS: Duration = Duration::from_secs(60);

fn env() -> BTreeMap<String, String> {
    BTreeMap::from([
        ("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned()),
        ("A".to_owned(), "1".to_owned()),
    ])
}

fn runtime(root: &Path, limits: Limits) -> LocalRuntime {
    LocalRuntime::new(LocalOptions { root: root.to_owned(), env: env(), limits, ..LocalOptions::default() })
        .unwrap()
}

async fn run(command: Command) -> Result<CommandResponse, RuntimeError> {
    let dir = tempfile::tempdir().unwrap();
    let answer =
        tokio::time::timeout(GENEROUS, runtime(dir.path(), Limits::default()).execute(command)).await;
    answer.expect("the command hung")
}

async fn sh(text: &str) -> CommandResponse {
    run(Command::shell(text)).await.unwrap()
}

/// Looks until `condition` holds; the bound only keeps a broken test from hanging.
async fn eventually<F: Future<Output = bool>>(mut condition: impl FnMut() -> F) {
    let looking = async {
        while !condition().await {
            tokio::task::yield_now().await
        }
    };
    tokio::time::timeout(GENEROUS, looking).await.expect("it never happened");
}

/// Whether a process with exactly these arguments runs.
fn runs(arguments: &str) -> bool {
    let wanted: Vec<u8> = arguments.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let is_it = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted);
    snapshot().iter().any(|process| process.is_alive() && is_it(process.pid))
}

#[tokio::test]
async fn answers_carry_streams_and_status() {
    let cases: &[(&str, &str, &str, Option<i32>, Option<i32>)] = &[
        ("echo out; echo err >&2; exit 3", "out\n", "err\n", Some(3), None),
        ("printf x", "x", "", Some(0), None),
        ("kill -9 $$", "", "", None, Some(9)),
        ("cat", "", "", Some(0), None),
        ("echo $A", "1\n", "", Some(0), None),
    ];
    for (script, stdout, stderr, exit_code, signal) in cases {
        let answer = sh(script).await;
        let seen = (answer.stdout_text(), answer.stderr_text(), answer.exit_code, answer.signal);
        assert_eq!(seen, ((*stdout).into(), (*stderr).into(), *exit_code, *signal), "{script}");
        assert!(!answer.timed_out && !answer.truncated);
    }
}

#[tokio::test]
async fn bytes_pass_unchanged_and_input_is_fed() {
    let input: Vec<u8> = (0..=255).cycle().take(1 << 20).collect();
    let command = Command { stdin: Some(input.clone()), ..Command::argv(["cat"]) };
    assert_eq!(run(command).await.unwrap().stdout, input);
    let unread = Command { stdin: Some(input), ..Command::argv(["true"]) };
    assert_eq!(run(unread).await.unwrap().exit_code, Some(0));
}

#[tokio::test]
async fn the_environment_is_the_one_given() {
    let only = Command { clear_env: true, ..Command::argv(["/usr/bin/env"]).with_env("B", "2") };
    let text = run(only).await.unwrap().stdout_text();
    let mut names: Vec<&str> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["B", "SMALLHANDS_LEASE", "SMALLHANDS_ORIGIN"]);
    let added = run(Command::argv(["env"]).with_env("B", "2")).await.unwrap().stdout_text();
    assert!(added.contains("A=1\n") && added.contains("B=2\n"));
}

#[tokio::test]
async fn streams_can_be_merged_in_order() {
    let command = Command { merge_output_streams: true, ..Command::shell("echo 1; echo 2 >&2; echo 3") };
    let answer = run(command).await.unwrap();
    assert_eq!((answer.stdout_text(), answer.stderr_text()), ("1\n2\n3\n".into(), String::new()));
}

#[tokio::test]
async fn bad_requests_are_told_apart() {
    let missing_program = run(Command::argv(["no-such-program-here"])).await;
    assert!(matches!(missing_program, Err(RuntimeError::Spawn { .. })), "{missing_program:?}");
    let missing_directory = run(Command::shell("true").with_cwd("no/such")).await;
    assert!(matches!(missing_directory, Err(RuntimeError::WorkingDirectory { .. })), "{missing_directory:?}");
    let empty = run(Command::argv(Vec::<String>::new())).await;
    assert!(matches!(empty, Err(RuntimeError::InvalidCommand { .. })), "{empty:?}");
}

#[tokio::test]
async fn endless_output_is_bounded_and_ends_with_its_time() {
    let command = Command { output_limit: 1000, ..Command::shell("echo first; yes") };
    let answer = run(command.with_timeout(Duration::from_millis(300))).await.unwrap();
    assert!(answer.timed_out && answer.truncated);
    assert!(answer.stdout.starts_with(b"first\ny\n") && answer.stdout.len() < 1100);
}

#[tokio::test]
async fn a_timeout_answers_with_the_output_so_far_and_kills_the_tree() {
    let script = "echo so far; sleep 4101 & (setsid sleep 4102 &); nohup sleep 4103 >/dev/null 2>&1 & \
                  sh -c 'sleep 4104; true'; true";
    let answer = run(Command::shell(script).with_timeout(Duration::from_millis(400))).await.unwrap();
    assert!(answer.timed_out && answer.signal == Some(9), "{answer:?}");
    assert_eq!(answer.stdout_text(), "so far\n");
    for number in 4101..=4104 {
        assert!(!runs(&format!("sleep {number}")), "{number}");
    }
}

#[tokio::test]
async fn dropping_the_call_kills_the_tree() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    let call = runtime.execute(Command::shell("sleep 4201 & setsid sleep 4202 & wait"));
    let started = eventually(async || runs("sleep 4201") && runs("sleep 4202"));
    tokio::select! {
        answer = call => panic!("ended by itself: {answer:?}"),
        () = started => {}
    }
    assert!(!runs("sleep 4201") && !runs("sleep 4202"));
}

#[tokio::test]
async fn background_processes_delay_nothing_and_die_with_the_runtime() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    let answer =
        runtime.execute(Command::shell("(setsid sleep 4301 &); sleep 4302 & echo done")).await.unwrap();
    assert_eq!(answer.stdout_text(), "done\n");
    assert!(runs("sleep 4301") && runs("sleep 4302"));
    runtime.close().await.unwrap();
    assert!(!runs("sleep 4301") && !runs("sleep 4302"));
    let refused = runtime.execute(Command::shell("true")).await;
    assert!(matches!(refused, Err(RuntimeError::Closed)), "{refused:?}");
}

#[tokio::test]
async fn processes_without_a_mark_are_found_by_their_session() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    let script = "(env -i sleep 4405 &); sleep 4406 & echo started";
    runtime.execute(Command::shell(script)).await.unwrap();
    eventually(async || runs("sleep 4405") && runs("sleep 4406")).await;
    runtime.close().await.unwrap();
    assert!(!runs("sleep 4405") && !runs("sleep 4406"));
}

#[tokio::test]
async fn dropping_the_runtime_kills_what_it_started() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    runtime.execute(Command::shell("(setsid sleep 4401 >/dev/null 2>&1 &)")).await.unwrap();
    eventually(async || runs("sleep 4401")).await;
    drop(runtime);
    assert!(!runs("sleep 4401"));
}

#[tokio::test]
async fn limits_hold_in_the_child() {
    let dir = tempfile::tempdir().unwrap();
    let mebibyte = 1 << 20;
    let limits = Limits {
        memory_bytes: Some(256 * mebibyte),
        processes: Some(100),
        cpu_seconds: Some(1),
        file_bytes: Some(mebibyte),
        open_files: Some(64),
    };
    let runtime = runtime(dir.path(), limits);
    let run = async |text: &str| runtime.execute(Command::shell(text).with_timeout(GENEROUS)).await.unwrap();
    let shown = run("bash -c 'ulimit -d; ulimit -t; ulimit -f; ulimit -c; ulimit -Sn'").await.stdout_text();
    assert_eq!(shown, "262144\n1\n1024\n0\n64\n");
    let hog = run("exec head -c 900000000 /dev/zero | tail").await;
    assert_ne!(hog.exit_code, Some(0), "{hog:?}");
    let file = run("exec head -c 5000000 /dev/zero > big").await;
    assert_eq!(
        (file.signal, std::fs::metadata(dir.path().join("big")).unwrap().len()),
        (Some(libc_sigxfsz()), mebibyte)
    );
    let burn = run("exec sh -c 'while :; do :; done'").await;
    assert_eq!((burn.timed_out, burn.signal), (false, Some(24)));
}

/// SIGXFSZ on Linux.
fn libc_sigxfsz() -> i32 {
    25
}

#[tokio::test]
async fn commands_do_not_wait_for_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    // Each waits for the other's file, so they only end when both run at once.
    let meet = |mine: &str, other: &str| format!("touch {mine}; until [ -e {other} ]; do :; done; echo met");
    let (first, second) = tokio::join!(
        runtime.execute(Command::shell(meet("a", "b")).with_timeout(GENEROUS)),
        runtime.execute(Command::shell(meet("b", "a")).with_timeout(GENEROUS)),
    );
    assert_eq!(
        (first.unwrap().stdout_text(), second.unwrap().stdout_text()),
        ("met\n".into(), "met\n".into())
    );
}

#[tokio::test]
async fn files_are_read_and_written_below_the_root() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    runtime.write_file("a/b/c.bin", b"\xff\0\r\n").await.unwrap();
    assert_eq!(runtime.read_file("a/b/../b/c.bin").await.unwrap(), b"\xff\0\r\n");
    runtime.write_file("a/b/c.bin", b"short").await.unwrap();
    assert_eq!(runtime.read_file("a/b/c.bin").await.unwrap(), b"short");
    for path in ["../x", "/etc/passwd"] {
        assert!(matches!(runtime.read_file(path).await, Err(RuntimeError::OutsideRoot { .. })), "{path}");
        assert!(
            matches!(runtime.write_file(path, b"").await, Err(RuntimeError::OutsideRoot { .. })),
            "{path}"
        );
    }
    let class = async |path: &str| runtime.read_file(path).await.unwrap_err().class_path().to_owned();
    assert_eq!(class("missing").await, "builtins.FileNotFoundError");
    assert_eq!(class("a").await, "builtins.IsADirectoryError");
    runtime.execute(Command::argv(["mkfifo", "pipe"])).await.unwrap();
    assert_eq!(class("pipe").await, "builtins.OSError");
}

#[tokio::test]
async fn a_root_that_is_no_directory_is_refused() {
    let options = LocalOptions { root: "/no/such/root".into(), ..LocalOptions::default() };
    assert!(matches!(LocalRuntime::new(options), Err(RuntimeError::WorkingDirectory { .. })));
}

#[tokio::test]
async fn large_output_on_both_streams_is_taken_whole() {
    let script = "head -c 3000000 /dev/zero | tr '\\0' o; head -c 3000000 /dev/zero | tr '\\0' e >&2";
    let answer = sh(script).await;
    assert_eq!((answer.stdout.len(), answer.stderr.len(), answer.truncated), (3_000_000, 3_000_000, false));
    assert!(answer.stdout.iter().all(|&byte| byte == b'o') && answer.stderr.iter().all(|&byte| byte == b'e'));
}

#[tokio::test]
async fn each_stream_is_bounded_by_itself() {
    let script = "echo short; head -c 100000 /dev/zero >&2; echo end >&2";
    let answer = run(Command { output_limit: 100, ..Command::shell(script) }).await.unwrap();
    assert_eq!(answer.stdout_text(), "short\n");
    assert!(answer.truncated && answer.stderr.ends_with(b"end\n") && answer.stderr.len() < 200);
    assert_eq!(answer.omitted_bytes, 100_004 - 100);
    let nothing = run(Command { output_limit: 0, ..Command::shell("echo x") }).await.unwrap();
    assert_eq!((nothing.exit_code, nothing.truncated), (Some(0), true));
}

#[tokio::test]
async fn commands_start_where_they_are_told() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("a/b")).unwrap();
    let root = dir.path().canonicalize().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    let cases = [(None, root.clone()), (Some("a/b"), root.join("a/b")), (Some("/usr"), "/usr".into())];
    for (cwd, expected) in cases {
        let command = Command { cwd: cwd.map(Into::into), ..Command::argv(["pwd", "-P"]) };
        let seen = runtime.execute(command).await.unwrap().stdout_text();
        assert_eq!(Path::new(seen.trim()), expected);
    }
    assert_eq!(runtime.root(), root);
}

#[tokio::test]
async fn children_get_default_signals_and_a_session_of_their_own() {
    let answer =
        sh("grep -E '^Sig(Ign|Blk)' /proc/self/status; echo $$; cut -d' ' -f5,6 /proc/$$/stat").await;
    let text = answer.stdout_text();
    let lines: Vec<&str> = text.lines().collect();
    for line in &lines[..2] {
        // The upper half are signals of threading libraries and applications.
        let standard = u64::from_str_radix(line.split('\t').nth(1).unwrap(), 16).unwrap() & 0x7fff_ffff;
        assert_eq!(standard, 0, "{line}");
    }
    assert_eq!(lines[3], format!("{0} {0}", lines[2]));
}

#[tokio::test]
async fn no_descriptor_of_this_process_reaches_a_child() {
    let _open = std::fs::File::open("/etc/hostname").unwrap();
    let answer = sh("ls /proc/self/fd | tr '\\n' ' '").await;
    assert_eq!(answer.stdout_text(), "0 1 2 3 ");
}

#[tokio::test]
async fn a_command_with_input_that_runs_out_of_time_is_killed_too() {
    let input = Some(vec![b'x'; 4 << 20]);
    let command = Command { stdin: input, ..Command::shell("read line; sleep 4407") };
    let answer = run(command.with_timeout(Duration::from_millis(300))).await.unwrap();
    assert!(answer.timed_out && !runs("sleep 4407"));
}

#[tokio::test]
async fn many_commands_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = std::sync::Arc::new(runtime(dir.path(), Limits::default()));
    let tasks: Vec<_> = (0..60)
        .map(|number| {
            let runtime = std::sync::Arc::clone(&runtime);
            let command = Command::shell(format!("echo {number}; echo {number} >&2; exit {number}"));
            tokio::spawn(async move { runtime.execute(command).await.unwrap() })
        })
        .collect();
    for (number, task) in (0..).zip(tasks) {
        let answer = task.await.unwrap();
        let expected = format!("{number}\n");
        let seen = (answer.stdout_text(), answer.stderr_text(), answer.exit_code);
        assert_eq!(seen, (expected.clone(), expected, Some(number)));
    }
}

#[tokio::test]
async fn a_lease_that_is_given_is_the_one_that_children_carry() {
    let dir = tempfile::tempdir().unwrap();
    let mut env = env();
    env.insert("SMALLHANDS_LEASE".to_owned(), "given".to_owned());
    let options = LocalOptions { root: dir.path().to_owned(), env, ..LocalOptions::default() };
    let runtime = LocalRuntime::new(options).unwrap();
    let command = Command::shell("echo $SMALLHANDS_LEASE").with_env("SMALLHANDS_LEASE", "forged");
    assert_eq!(runtime.execute(command).await.unwrap().stdout_text(), "given\n");
}

#[tokio::test]
async fn killing_a_command_does_not_let_its_script_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let runtime = runtime(dir.path(), Limits::default());
    for round in 0..20 {
        let script = "for i in 1 2 3 4 5 6 7 8; do sh -c 'sleep 4408; touch wrong'; done; touch wrong";
        let command = Command::shell(script).with_timeout(Duration::from_millis(30));
        assert!(runtime.execute(command).await.unwrap().timed_out);
        assert!(!dir.path().join("wrong").exists(), "{round}");
    }
}
