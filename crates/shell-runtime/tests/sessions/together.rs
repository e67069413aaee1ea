//! Many sessions and many callers.

use std::sync::Arc;

use std::time::Duration;

use smallhands_shell_runtime::{
    Action, BashAction, BashWaitAction, Check, OutputStream, Runtime, RuntimeError,
};

use crate::place::{GENEROUS, Place, bounded, eventually};

#[tokio::test]
async fn sessions_never_wait_for_each_other() {
    let place = Place::without_session();
    for number in 0..10 {
        place.open(&number.to_string()).await.unwrap();
    }
    // Each waits for all the others, so it only works when all run at once.
    let meet = |number: usize| BashAction {
        session: number.to_string(),
        ..BashAction::new(format!(
            "touch m{number}; until [ $(ls m* | wc -l) = 10 ]; do sleep 0.01; done; echo {number}"
        ))
    };
    let place = Arc::new(place);
    let running: Vec<_> = (0..10)
        .map(|number| {
            let place = Arc::clone(&place);
            tokio::spawn(async move { place.act(meet(number)).await.unwrap().output })
        })
        .collect();
    for (number, task) in running.into_iter().enumerate() {
        assert_eq!(task.await.unwrap(), format!("{number}\n"));
    }
}

#[tokio::test]
async fn calls_for_one_session_take_turns() {
    let place = Place::new().await;
    let (first, second) = tokio::join!(place.output("sleep 0.2; echo 1"), place.output("echo 2"));
    assert_eq!((first.as_str(), second.as_str()), ("1\n", "2\n"));
}

#[tokio::test]
async fn thirty_sessions_start_at_once() {
    let place = Arc::new(Place::without_session());
    let starting: Vec<_> = (0..30)
        .map(|number: usize| {
            let place = Arc::clone(&place);
            tokio::spawn(async move {
                let name = number.to_string();
                place.open(&name).await.unwrap();
                let action = BashAction { session: name, ..BashAction::new(format!("echo {number}")) };
                assert_eq!(place.act(action).await.unwrap().output, format!("{number}\n"));
            })
        })
        .collect();
    for session in starting {
        session.await.unwrap();
    }
    place.runtime.close().await.unwrap();
}

fn wait(session: &str) -> Action {
    Action::Wait(BashWaitAction {
        session: session.into(),
        timeout: Some(GENEROUS),
        check: Check::Silent,
        ..BashWaitAction::default()
    })
}

#[tokio::test]
async fn a_caller_that_went_away_can_join_its_command_again() {
    let place = Place::new().await;
    let late = place.time_out("echo one; sleep 0.8; echo two; (exit 3)").await;
    assert!(matches!(late, RuntimeError::CommandTimeout { .. }), "{late:?}");
    let seen = bounded(place.runtime.run_in_session(wait("default"))).await.unwrap();
    assert_eq!((seen.output.as_str(), seen.exit_code), ("two\n", Some(3)));
    let again = bounded(place.runtime.run_in_session(wait("default"))).await.unwrap();
    assert_eq!((again.output.as_str(), again.exit_code), ("", Some(3)));
    // Without an answer to anybody, all of it is there.
    let call = place.act(BashAction::new("echo begun; sleep 0.5; echo ended"));
    let begun = eventually(|| place.runtime.sessions()[0].output_offset >= 14);
    tokio::select! {
        answer = call => panic!("ended by itself: {answer:?}"),
        () = begun => {}
    }
    let seen = bounded(place.runtime.run_in_session(wait("default"))).await.unwrap();
    assert_eq!(seen.output, "begun\nended\n");
}

#[tokio::test]
async fn who_joins_a_call_that_still_waits_gets_the_same_answer() {
    let place = Place::new().await;
    let first = place.run("echo begun; until [ -e go ]; do sleep 0.01; done; echo ended; (exit 4)");
    let joined = async {
        eventually(|| place.runtime.sessions()[0].output_offset >= 6).await;
        let joining = bounded(place.runtime.run_in_session(wait("default")));
        let releasing = async { std::fs::write(place.root.path().join("go"), "").unwrap() };
        tokio::join!(joining, releasing).0
    };
    let (first, joined) = tokio::join!(first, joined);
    let joined = joined.unwrap();
    assert_eq!((first.output.as_str(), joined.output.as_str()), ("begun\nended\n", "begun\nended\n"));
    assert_eq!((first.exit_code, joined.exit_code), (Some(4), Some(4)));
}

#[tokio::test]
async fn joining_is_bounded_and_can_expect() {
    let place = Place::new().await;
    place.time_out("echo a; read x; echo b prompt; read y").await;
    let join = |timeout, expect: &[&str]| {
        Action::Wait(BashWaitAction {
            timeout: Some(timeout),
            expect: expect.iter().map(|&pattern| pattern.to_owned()).collect(),
            ..BashWaitAction::default()
        })
    };
    let late = place.runtime.run_in_session(join(Duration::from_millis(50), &[])).await.unwrap_err();
    let RuntimeError::CommandTimeout { command, .. } = &late else { panic!("{late:?}") };
    assert!(command.starts_with("echo a; read x"), "{command}");
    let typing = place.act(BashAction {
        is_interactive_command: true,
        expect: vec!["b ".into()],
        ..BashAction::new("x")
    });
    assert_eq!(typing.await.unwrap().expect_string, "b ");
    let seen = bounded(place.runtime.run_in_session(join(GENEROUS, &["prompt"]))).await.unwrap();
    assert_eq!(seen.expect_string, "prompt");
    place.interrupt().await.unwrap();
}

#[tokio::test]
async fn sessions_are_listed_with_what_they_do() {
    let place = Place::new().await;
    place.open("another").await.unwrap();
    place.run("cd /tmp; echo x; (exit 3)").await;
    let command = format!("sleep 4619; echo {}", "y".repeat(3000));
    let other = BashAction {
        session: "another".into(),
        timeout: Some(Duration::from_millis(300)),
        ..BashAction::new(command)
    };
    place.act(other).await.unwrap_err();
    let listed = place.runtime.sessions();
    let [another, default] = listed.as_slice() else { panic!("{listed:?}") };
    assert_eq!((another.name.as_str(), another.state.as_str()), ("another", "running"));
    assert!(
        another
            .command
            .as_ref()
            .is_some_and(|command| command.starts_with("sleep 4619") && command.len() < 1000)
    );
    assert!(another.seconds >= 0.3 && another.pid > 1);
    assert_eq!(
        (default.name.as_str(), default.state.as_str(), default.last_exit_code),
        ("default", "idle", Some(3))
    );
    assert_eq!((default.command.as_ref(), default.output_offset), (None, 2));
    assert_eq!(default.cwd.as_ref().and_then(|cwd| cwd.to_str()), Some("/tmp"));
}

async fn collect(stream: &mut OutputStream, until: &str) -> String {
    let mut all = Vec::new();
    while !String::from_utf8_lossy(&all).contains(until) {
        match bounded(stream.next()).await {
            Some(chunk) => all.extend(chunk.bytes),
            None => break,
        }
    }
    String::from_utf8(all).unwrap()
}

#[tokio::test]
async fn output_can_be_watched_as_it_comes_and_again() {
    let place = Place::new().await;
    place.run("echo past").await;
    let mut all = place.runtime.output("default", Some(0)).unwrap();
    let mut new = place.runtime.output("default", None).unwrap();
    let watching = async { (collect(&mut new, "two\n").await, collect(&mut all, "two\n").await) };
    let (seen, (new_text, all_text)) = tokio::join!(place.run("echo one; sleep 0.1; echo two"), watching);
    assert_eq!(seen.output, "one\ntwo\n");
    assert_eq!((new_text.as_str(), all_text.as_str()), ("one\ntwo\n", "past\none\ntwo\n"));
    let mut middle = place.runtime.output("default", Some(seen.offset - 4)).unwrap();
    let chunk = bounded(middle.next()).await.unwrap();
    assert_eq!(
        (chunk.offset, chunk.missed, chunk.bytes.as_slice()),
        (seen.offset - 4, 0, b"two\n".as_slice())
    );
    place.runtime.close_session("default").await.unwrap();
    assert_eq!(bounded(middle.next()).await, None);
    assert!(matches!(place.runtime.output("default", None), Err(RuntimeError::SessionDoesNotExist { .. })));
}

#[tokio::test]
async fn watchers_learn_what_they_missed() {
    let place = Place::new().await;
    place.run("printf start; seq 1 400000").await;
    let mut stream = place.runtime.output("default", Some(2)).unwrap();
    let first = bounded(stream.next()).await.unwrap();
    assert!(
        first.missed > 1_000_000 && first.offset == first.missed + 2,
        "{} {}",
        first.missed,
        first.offset
    );
    let rest = collect(&mut stream, "\n400000\n").await;
    assert!(rest.ends_with("\n399999\n400000\n"));
}

#[tokio::test]
async fn usage_is_measured_when_asked_for() {
    let place = Place::new().await;
    assert_eq!(place.run("true").await.usage, None);
    let measured = |command: &str| BashAction { usage: true, ..BashAction::new(command) };
    let busy = "python3 -c 'x = bytearray(60_000_000); x[::4096] = b\"1\" * len(x[::4096])\nfor i in range(4_000_000): pass\nimport time; time.sleep(0.3)'";
    let usage = place.act(measured(busy)).await.unwrap().usage.unwrap();
    assert!(usage.cpu_seconds > 0.02 && usage.cpu_seconds < 60.0, "{usage:?}");
    assert!(usage.peak_memory_bytes > 60_000_000, "{usage:?}");
    let usage = place.act(measured("true")).await.unwrap().usage.unwrap();
    assert!(usage.peak_memory_bytes > 100_000 && usage.peak_memory_bytes < 60_000_000, "{usage:?}");
}

#[tokio::test]
async fn few_descriptors_are_held_per_session() {
    let place = Place::new().await;
    let count = || std::fs::read_dir("/proc/self/fd").unwrap().count();
    let before = count();
    for number in 0..20 {
        place.open(&number.to_string()).await.unwrap();
    }
    // Other tests of this process open sessions of their own meanwhile, so this is only printed exactly.
    println!("{} descriptors for 20 sessions", count().saturating_sub(before));
    bounded(place.runtime.close_sessions()).await.unwrap();
}
