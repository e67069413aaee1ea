//! Programs that talk: patterns, typing, waiting for input.

use smallhands_shell_runtime::{BashAction, Check, RuntimeError};

use crate::place::{Place, eventually};

#[tokio::test]
async fn programs_that_talk_are_typed_to() {
    let place = Place::new().await;
    let talk = |text: &str, expect: &[&str]| BashAction {
        is_interactive_command: true,
        expect: expect.iter().map(|&pattern| pattern.to_owned()).collect(),
        check: Check::Raise,
        ..BashAction::new(text)
    };
    let begun = place.act(talk("python3 -q -i", &[">>> "])).await.unwrap();
    assert_eq!((begun.expect_string.as_str(), begun.exit_code), (">>> ", Some(0)));
    let product = place.act(talk("print(6*7)", &[">>> "])).await.unwrap();
    assert_eq!(product.output, "42");
    let quit = BashAction { is_interactive_quit: true, ..BashAction::new("quit()\n") };
    assert_eq!(place.act(quit).await.unwrap().exit_code, Some(0));
    assert_eq!(place.output("echo back").await, "back\n");
    let both = BashAction { is_interactive_quit: true, ..talk("x", &[]) };
    assert!(matches!(place.act(both).await, Err(RuntimeError::InvalidCommand { .. })));
    let bad = place.act(talk("echo", &["("])).await.unwrap_err();
    assert_eq!(bad.class_path(), "re.error");
}

#[tokio::test]
async fn an_expected_pattern_ends_the_wait_and_nothing_is_lost() {
    let place = Place::new().await;
    let action = BashAction {
        expect: vec!["re[a]dy".into()],
        ..BashAction::new("echo is ready now; read x; echo got $x")
    };
    let seen = place.act(action).await.unwrap();
    assert_eq!((seen.output.as_str(), seen.exit_code, seen.expect_string.as_str()), ("is ", None, "re[a]dy"));
    let answer = BashAction { is_interactive_command: true, ..BashAction::new("yes") };
    assert_eq!(place.act(answer).await.unwrap().output, "now\ngot yes");
}

#[tokio::test]
async fn waiting_for_input_is_noticed() {
    let place = Place::new().await;
    let waits = [
        "echo name?; read name",
        "cat",
        "cat | cat",
        "echo '>>>'; python3 -c 'input()'",
        "python3 -q -i",
        "python3 -c 'import select,sys; select.select([sys.stdin],[],[])'",
        "python3 -c 'import select,sys; p=select.poll(); p.register(0, select.POLLIN); p.poll()'",
        "python3 -c 'import select,sys; p=select.epoll(); p.register(0, select.EPOLLIN); p.poll()'",
        "bash -c 'read x'",
        "(read x)",
        "head -1 >/dev/null",
        "cat /dev/tty",
        "sleep 0.3; read x",
    ];
    for command in waits {
        let action = BashAction { until_input: true, ..BashAction::new(command) };
        let seen = place.act(action).await.unwrap_or_else(|error| panic!("{command}: {error:?}"));
        assert!(seen.waiting_for_input && seen.exit_code.is_none(), "{command}: {seen:?}");
        place.interrupt().await.unwrap();
    }
    let action = BashAction {
        until_input: true,
        ..BashAction::new("printf 'name? '; read name; echo hello $name; (exit 3)")
    };
    assert_eq!(place.act(action).await.unwrap().output, "name? ");
    let answer = BashAction { is_interactive_command: true, until_input: true, ..BashAction::new("you") };
    let seen = place.act(answer).await.unwrap();
    assert_eq!((seen.output.as_str(), seen.waiting_for_input), ("hello you", false));
}

#[tokio::test]
async fn what_does_not_read_the_terminal_is_not_waiting_for_input() {
    let place = Place::new().await;
    let busy = [
        "sleep 0.3",
        "sleep 0.3 | cat",
        "python3 -c 'import time; time.sleep(0.3)'",
        "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done",
        "sh -c 'sleep 0.3' < /dev/null",
        "mkfifo f; (sleep 0.3; echo x > f) & cat f",
        "(sleep 0.2; echo x) | (read y; echo $y)",
        "cat & sleep 0.3; kill %1",
    ];
    for command in busy {
        let action = BashAction { until_input: true, ..BashAction::new(command) };
        let seen = place.act(action).await.unwrap_or_else(|error| panic!("{command}: {error:?}"));
        assert!(!seen.waiting_for_input && seen.exit_code.is_some(), "{command}: {seen:?}");
    }
}

#[tokio::test]
async fn patterns_are_those_of_python() {
    let place = Place::new().await;
    let cases = [
        (r"\$ $", "printf 'user$ '; read x", "user"),
        (r"(?<=a)b", "printf 'bab'; read x", "ba"),
        (r"ready\r\n", "printf 'is ready\\n'; read x", "is "),
        (r"{prompt}", "printf 'a {prompt}'; read x", "a "),
        (r"(?i)PASSWORD:\s*\Z", "printf 'the password: '; read x", "the "),
        (r"[[]y/N[]] ", "printf 'go on? [y/N] '; read x", "go on? "),
    ];
    for (pattern, command, before) in cases {
        let action =
            BashAction { expect: vec!["nothing".into(), pattern.into()], ..BashAction::new(command) };
        let seen = place.act(action).await.unwrap();
        assert_eq!((seen.output.as_str(), seen.expect_string.as_str()), (before, pattern));
        place.interrupt().await.unwrap();
    }
    for pattern in ["(", "[", "*", "(?P<n", r"\q"] {
        let action = BashAction { expect: vec![pattern.into()], ..BashAction::new("touch made") };
        assert_eq!(place.act(action).await.unwrap_err().class_path(), "re.error");
    }
    assert_eq!(place.output("ls").await, "");
}

#[tokio::test]
async fn a_pattern_is_found_late_and_early() {
    let place = Place::new().await;
    let flood = "seq 1 300000; echo here; read x";
    let action =
        BashAction { expect: vec!["here".into()], output_limit: Some(1000), ..BashAction::new(flood) };
    let seen = place.act(action).await.unwrap();
    assert!(seen.output.ends_with("300000\n") && seen.omitted_bytes > 1_000_000, "{}", seen.output.len());
    place.interrupt().await.unwrap();
    let action =
        BashAction { expect: vec!["x".into(), "y".into()], ..BashAction::new("echo before y then x") };
    let seen = place.act(action).await.unwrap();
    assert_eq!((seen.output.as_str(), seen.expect_string.as_str()), ("before ", "y"));
    eventually(|| place.runtime.sessions()[0].state == "idle").await;
    assert_eq!(place.output("echo next").await, " then x\nnext\n");
}

#[tokio::test]
async fn long_conversations_work() {
    let place = Place::new().await;
    let action = BashAction {
        is_interactive_command: true,
        expect: vec![">>> ".into()],
        ..BashAction::new("python3 -q -i")
    };
    place.act(action).await.unwrap();
    for number in 0..50 {
        let action = BashAction {
            is_interactive_command: true,
            expect: vec![">>> ".into()],
            ..BashAction::new(format!("print('{}', {number} + 1)", "x".repeat(number * 50)))
        };
        let expected = format!("{} {}", "x".repeat(number * 50), number + 1);
        assert_eq!(place.act(action).await.unwrap().output, expected.trim());
    }
    let quit = BashAction { is_interactive_quit: true, ..BashAction::new("quit()\n") };
    assert_eq!(place.act(quit).await.unwrap().output, "");
}
