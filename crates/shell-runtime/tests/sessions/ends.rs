//! Shells that end, sessions that are closed, names that are free again.

use smallhands_shell_runtime::{BashAction, Runtime, RuntimeError};

use crate::place::{Place, bounded, eventually, running};

#[tokio::test]
async fn commands_that_end_the_shell_say_so_and_free_the_name() {
    let place = Place::without_session();
    let cases = [
        ("echo out; exit 3", "out\n", 3),
        ("exec sh -c 'echo replaced; exit 4'", "replaced\n", 4),
        ("echo killed; kill -9 $$", "killed\n", 137),
        ("set -e; echo last; false; echo never", "last\n", 1),
        ("exit", "", 0),
    ];
    for (command, output, status) in cases {
        place.open("default").await.unwrap();
        let error = place.act(BashAction::new(command)).await.unwrap_err();
        let RuntimeError::ShellExited { output: seen, status: code, .. } = &error else {
            panic!("{error:?}")
        };
        assert!(seen.starts_with(output), "{command}: {seen:?}");
        assert_eq!(*code, status, "{command}");
        let gone = place.act(BashAction::new("echo x")).await.unwrap_err();
        assert!(matches!(gone, RuntimeError::SessionDoesNotExist { .. }), "{gone:?}");
    }
}

#[tokio::test]
async fn names_are_taken_while_a_session_lives() {
    let place = Place::new().await;
    assert!(matches!(place.open("default").await, Err(RuntimeError::SessionExists { .. })));
    let other = BashAction { session: "other".into(), ..BashAction::new("echo x") };
    assert!(matches!(place.act(other).await, Err(RuntimeError::SessionDoesNotExist { .. })));
    assert!(matches!(
        place.runtime.close_session("other").await,
        Err(RuntimeError::SessionDoesNotExist { .. })
    ));
    place.runtime.close_session("default").await.unwrap();
    place.open("default").await.unwrap();
    assert_eq!(place.output("echo fresh").await, "fresh\n");
}

#[tokio::test]
async fn closing_kills_jobs_and_daemons_of_the_session() {
    let place = Place::new().await;
    place
        .run("nohup sleep 4607 >/dev/null 2>&1 & (setsid sleep 4607 &); setsid nohup sleep 4607 & disown -a")
        .await;
    eventually(|| running("sleep 4607") == 3).await;
    place.runtime.close_session("default").await.unwrap();
    assert_eq!(running("sleep 4607"), 0);
    place.open("default").await.unwrap();
    place.run("(setsid sleep 4608 &)").await;
    eventually(|| running("sleep 4608") == 1).await;
    place.runtime.close().await.unwrap();
    assert_eq!(running("sleep 4608"), 0);
    assert!(matches!(place.open("x").await, Err(RuntimeError::Closed)));
    assert!(matches!(place.act(BashAction::new("x")).await, Err(RuntimeError::Closed)));
}

#[tokio::test]
async fn closing_while_a_command_runs_ends_the_call() {
    let place = Place::new().await;
    let running_call = place.act(BashAction::new("sleep 4611"));
    let closing = async {
        eventually(|| running("sleep 4611") == 1).await;
        place.runtime.close_session("default").await.unwrap();
    };
    let (answer, ()) = tokio::join!(running_call, closing);
    assert!(matches!(answer, Err(RuntimeError::ShellExited { .. })), "{answer:?}");
    assert_eq!(running("sleep 4611"), 0);
}

#[tokio::test]
async fn a_shell_that_was_killed_from_outside_is_noticed() {
    let place = Place::new().await;
    let pid = place.output("echo $$").await;
    place.runtime.execute(smallhands_shell_runtime::Command::shell(format!("kill -9 {pid}"))).await.unwrap();
    let answer = place.act(BashAction::new("echo x")).await;
    assert!(matches!(answer, Err(RuntimeError::ShellExited { status: 137, .. })), "{answer:?}");
    place.open("default").await.unwrap();
    assert_eq!(place.output("echo x").await, "x\n");
}

#[tokio::test]
async fn closing_all_sessions_leaves_a_usable_runtime() {
    let place = Place::new().await;
    place.open("other").await.unwrap();
    place.run("(setsid sleep 4618 &); sleep 4618 &").await;
    eventually(|| running("sleep 4618") == 2).await;
    bounded(place.runtime.close_sessions()).await.unwrap();
    assert_eq!((running("sleep 4618"), place.runtime.sessions().len()), (0, 0));
    let gone = place.refused("echo x").await;
    assert!(matches!(gone, RuntimeError::SessionDoesNotExist { .. }), "{gone:?}");
    place.open("default").await.unwrap();
    assert_eq!(place.output("echo again").await, "again\n");
    assert!(place.runtime.execute(smallhands_shell_runtime::Command::shell("true")).await.is_ok());
    bounded(place.runtime.close_sessions()).await.unwrap();
    bounded(place.runtime.close_sessions()).await.unwrap();
}

#[tokio::test]
async fn the_end_of_a_shell_travels_with_output_and_status() {
    let place = Place::new().await;
    let error = place.refused("printf last; exit 7").await;
    // Interactive shells say "exit" themselves.
    assert_eq!(error.extra_info()["output"], "lastexit\n");
    assert_eq!(error.extra_info()["exit_code"], 7);
    assert_eq!(error.class_path(), "swerex.exceptions.SwerexException");
}
