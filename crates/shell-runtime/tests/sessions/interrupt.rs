//! Time limits and interrupts: they always win, and the session lives on.

use std::time::Duration;

use smallhands_shell_runtime::{Action, BashAction, BashInterruptAction, Runtime, RuntimeError};

use crate::place::{Place, bounded, eventually, running};

#[tokio::test]
async fn a_timeout_answers_with_the_output_so_far_and_an_interrupt_recovers() {
    let place = Place::new().await;
    let error = place.time_out("echo so far; sleep 4602; echo never").await;
    let RuntimeError::CommandTimeout { output, .. } = &error else { panic!("{error:?}") };
    assert_eq!(output, "so far\n");
    let busy = place.act(BashAction::new("echo next")).await.unwrap_err();
    assert!(matches!(busy, RuntimeError::SessionBusy { .. }), "{busy:?}");
    assert_eq!(place.interrupt().await.unwrap().exit_code, Some(0));
    assert_eq!(running("sleep 4602"), 0);
    assert_eq!(place.output("echo next").await, "next\n");
}

#[tokio::test]
async fn interrupts_escalate_until_the_session_is_free() {
    let place = Place::new().await;
    let stubborn = [
        "while :; do :; done",
        "while :; do sleep 0.01; done",
        "sleep 4603; sleep 4603; sleep 4603",
        "trap '' INT; sleep 4603; trap - INT",
        "bash -c 'trap \"\" INT TSTP TERM; while :; do sleep 4603; done'",
        "x=$(trap '' INT; sleep 4603)",
        "cat",
        "cat | cat",
        "read line",
        "for i in 1 2 3; do (trap '' INT; sleep 4603); done",
        "python3 -c 'import signal,time; signal.signal(signal.SIGINT, signal.SIG_IGN); time.sleep(4603)'",
        "set -e; sleep 4603; true",
    ];
    for command in stubborn {
        place.run("set +e; trap - INT").await;
        assert!(matches!(place.time_out(command).await, RuntimeError::CommandTimeout { .. }), "{command}");
        place.interrupt().await.unwrap_or_else(|error| panic!("{command}: {error:?}"));
        assert_eq!(running("sleep 4603"), 0, "{command}");
        let free = place.output("echo free").await;
        let notices = free.strip_suffix("free\n").unwrap_or_else(|| panic!("{command}: {free:?}"));
        assert!(notices.lines().all(|line| line.contains("Killed")), "{command}: {free:?}");
        assert_eq!(place.output("echo free").await, "free\n", "{command}");
    }
    assert_eq!(place.interrupt().await.unwrap().output, "");
}

#[tokio::test]
async fn a_shell_that_ignores_everything_is_killed_and_said_to_be() {
    let place = Place::new().await;
    place.time_out("trap '' INT; while :; do :; done").await;
    let interrupt = BashInterruptAction {
        timeout: Duration::from_millis(50),
        n_retry: 1,
        ..BashInterruptAction::default()
    };
    let ended = bounded(place.runtime.run_in_session(Action::Interrupt(interrupt))).await.unwrap_err();
    assert!(matches!(ended, RuntimeError::ShellExited { status: 137, .. }), "{ended:?}");
    place.open("default").await.unwrap();
    assert_eq!(place.output("echo again").await, "again\n");
}

#[tokio::test]
async fn an_interrupt_overtakes_the_call_that_waits() {
    let place = Place::new().await;
    let waiting = place.act(BashAction::new("echo begun; sleep 4604"));
    let interrupting = async {
        eventually(|| running("sleep 4604") == 1).await;
        place.interrupt().await.unwrap()
    };
    let (waited, interrupted) = tokio::join!(waiting, interrupting);
    let waited = waited.unwrap();
    assert_eq!(waited.exit_code, Some(130));
    assert!(waited.output.starts_with("begun\n"), "{waited:?}");
    assert_eq!((interrupted.exit_code, interrupted.output.as_str()), (Some(0), ""));
    assert_eq!(place.output("echo $?; echo next").await.lines().last(), Some("next"));
}

#[tokio::test]
async fn interrupts_that_race_with_the_end_lose_no_command() {
    let place = Place::new().await;
    for round in 0..40 {
        let command = format!("sleep 0.0{}; echo round{round}", round % 4);
        let (ran, interrupted) = tokio::join!(place.act(BashAction::new(command)), async {
            tokio::task::yield_now().await;
            place.interrupt().await
        });
        interrupted.unwrap();
        assert!(matches!(ran.unwrap().exit_code, Some(0 | 130)));
        assert_eq!(place.output(&format!("echo check{round}")).await, format!("check{round}\n"));
    }
}

#[tokio::test]
async fn interrupts_that_race_with_the_start_lose_no_session() {
    let place = Place::new().await;
    for round in 0..60 {
        let action =
            BashAction { timeout: Some(Duration::from_micros(50 * round)), ..BashAction::new("sleep 4612") };
        place.act(action).await.unwrap_err();
        place.interrupt().await.unwrap();
        assert_eq!(place.output(&format!("echo {round}")).await, format!("{round}\n"));
    }
    assert_eq!(running("sleep 4612"), 0);
}

#[tokio::test]
async fn a_time_limit_of_nothing_is_a_timeout() {
    let place = Place::new().await;
    let action = BashAction { timeout: Some(Duration::ZERO), ..BashAction::new("sleep 4609") };
    let late = place.act(action).await.unwrap_err();
    assert!(
        matches!(late, RuntimeError::CommandTimeout { .. } | RuntimeError::SessionBusy { .. }),
        "{late:?}"
    );
    place.interrupt().await.unwrap();
    assert_eq!(place.output("echo on").await, "on\n");
}

#[tokio::test]
async fn a_command_that_ends_after_its_time_leaves_a_usable_session() {
    let place = Place::new().await;
    let file = place.root.path().join("go");
    let error = place.time_out("until [ -e go ]; do sleep 0.01; done; echo late output; (exit 9)").await;
    assert!(matches!(error, RuntimeError::CommandTimeout { .. }), "{error:?}");
    std::fs::write(file, "").unwrap();
    let next = bounded(async {
        loop {
            match place.act(BashAction::new("echo status $?")).await {
                Err(RuntimeError::SessionBusy { .. }) => tokio::task::yield_now().await,
                answer => return answer.unwrap(),
            }
        }
    });
    // Nothing is lost: what came late is in front of the next answer.
    assert_eq!(next.await.output, "late output\nstatus 9\n");
}

#[tokio::test]
async fn a_call_that_goes_away_leaves_a_session_that_can_be_interrupted() {
    let place = Place::new().await;
    let call = place.act(BashAction::new("echo begun; sleep 4610"));
    let started = eventually(|| running("sleep 4610") == 1);
    tokio::select! {
        answer = call => panic!("ended by itself: {answer:?}"),
        () = started => {}
    }
    assert_eq!(place.interrupt().await.unwrap().output, "begun");
    assert_eq!(place.output("echo on").await, "on\n");
}

#[tokio::test]
async fn a_pager_is_suspended_and_killed_and_the_next_output_says_so() {
    let place = Place::new().await;
    for round in 0..3 {
        let action = BashAction {
            timeout: Some(Duration::from_millis(100)),
            ..BashAction::new("echo 'blargh'|less -+F")
        };
        let late = place.act(action).await.unwrap_err();
        assert!(matches!(late, RuntimeError::CommandTimeout { .. }), "{late:?}");
        let stopped = place.interrupt().await.unwrap();
        assert_eq!(stopped.exit_code, Some(0));
        let next = place.output("echo 'asdf'").await;
        assert!(next.ends_with("asdf\n") && next.to_lowercase().contains("kill"), "{round}: {next:?}");
        assert!(next.starts_with("[1]+  Killed") && next.contains("less -+F"), "{next:?}");
        assert_eq!(place.output("echo 'asdf'; jobs").await, "asdf\n");
    }
}

#[tokio::test]
async fn notices_are_about_killed_jobs_only() {
    let place = Place::new().await;
    place.run("sleep 4613 & sleep 0.01 & sleep 4613 & kill %3").await;
    place.time_out("bash -c 'trap \"\" INT; while :; do sleep 0.05; done'").await;
    place.interrupt().await.unwrap();
    let next = place.output("echo x").await;
    assert_eq!(next.matches("\n").count(), 2, "{next:?}");
    assert!(next.contains("Killed") && next.contains("trap") && next.ends_with("\nx\n"), "{next:?}");
    assert_eq!(running("sleep 4613"), 1);
}

#[tokio::test]
async fn a_killed_job_is_told_of_once_whatever_follows() {
    let place = Place::new().await;
    for next in
        ["echo x", "echo x | cat", "/bin/echo x", "sleep 0; echo x", "(echo x)", "echo $(/bin/echo x)"]
    {
        place.time_out("while :; do bash -c 'trap \"\" INT; sleep 4615; true'; done").await;
        place.interrupt().await.unwrap();
        let output = place.output(next).await;
        assert!(output.starts_with("[1]+  Killed") && output.ends_with("\nx\n"), "{next}: {output:?}");
        assert_eq!(output.matches("Killed").count(), 1, "{next}: {output:?}");
        assert_eq!(place.output(next).await, "x\n", "{next}");
    }
}

#[tokio::test]
async fn signal_handlers_do_not_help() {
    let place = Place::new().await;
    let python = |handler: &str| {
        format!(
            "python3 -c 'import signal,time\nfor s in (2, 15, 20): signal.signal(s, {handler})\nwhile True: time.sleep(4614)'"
        )
    };
    let stubborn = [
        python("lambda *a: None"),
        python("signal.SIG_IGN"),
        python("lambda *a: print(\"no\", flush=True)"),
        "bash -c 'trap \"echo no\" INT TSTP TERM HUP; while :; do sleep 0.1; done'".to_owned(),
        "trap '' INT TSTP; sleep 4614; trap - INT TSTP".to_owned(),
        "stty -isig raw; cat".to_owned(),
        "(setsid sleep 4614 & wait)".to_owned(),
    ];
    for command in stubborn {
        place.time_out(&command).await;
        place.interrupt().await.unwrap_or_else(|error| panic!("{command}: {error:?}"));
        place.run("trap - INT TSTP").await;
        assert_eq!(place.output("echo free").await, "free\n", "{command}");
    }
}

#[tokio::test]
async fn an_interrupt_may_expect_what_the_program_says_of_it() {
    let place = Place::new().await;
    let action = BashAction {
        is_interactive_command: true,
        expect: vec![">>> ".into()],
        ..BashAction::new("python3 -q -i")
    };
    place.act(action).await.unwrap();
    let action = BashAction {
        is_interactive_command: true,
        expect: vec![">>> ".into()],
        timeout: Some(Duration::from_millis(300)),
        ..BashAction::new("import time; time.sleep(4615)")
    };
    place.act(action).await.unwrap_err();
    let interrupt = BashInterruptAction {
        expect: vec![">>> ".into()],
        timeout: Duration::from_secs(20),
        ..BashInterruptAction::default()
    };
    let seen = bounded(place.runtime.run_in_session(Action::Interrupt(interrupt))).await.unwrap();
    assert!(seen.output.contains("KeyboardInterrupt"), "{seen:?}");
    assert_eq!((seen.expect_string.as_str(), seen.exit_code), (">>> ", Some(0)));
    let action = BashAction {
        is_interactive_command: true,
        expect: vec![">>> ".into()],
        ..BashAction::new("print(6*7)")
    };
    assert_eq!(place.act(action).await.unwrap().output, "42");
    let quit = BashAction { is_interactive_quit: true, ..BashAction::new("quit()") };
    place.act(quit).await.unwrap();
    assert_eq!(place.output("echo back").await, "back\n");
}

#[tokio::test]
async fn impatient_and_endless_interrupts_are_bounded() {
    let place = Place::new().await;
    for (timeout, n_retry) in [(Duration::ZERO, 0), (Duration::from_millis(1), 1), (Duration::ZERO, 3)] {
        place.time_out("trap '' INT; sleep 4616; trap - INT").await;
        let interrupt = BashInterruptAction { timeout, n_retry, ..BashInterruptAction::default() };
        bounded(place.runtime.run_in_session(Action::Interrupt(interrupt))).await.unwrap();
        assert!(place.output("trap - INT; echo on").await.ends_with("on\n"));
    }
    let bad = BashInterruptAction { expect: vec!["(".into()], ..BashInterruptAction::default() };
    let refused = place.runtime.run_in_session(Action::Interrupt(bad)).await.unwrap_err();
    assert_eq!(refused.class_path(), "re.error");
}

#[tokio::test]
async fn silence_can_be_limited() {
    let place = Place::new().await;
    let silence = Some(Duration::from_millis(300));
    let action = BashAction { no_output_timeout: silence, ..BashAction::new("echo begun; sleep 4617") };
    let error = place.act(action).await.unwrap_err();
    let RuntimeError::NoOutputTimeout { output, truncated: false, .. } = &error else { panic!("{error:?}") };
    assert_eq!((output.as_str(), error.class_path()), ("begun\n", "swerex.exceptions.CommandTimeoutError"));
    assert!(
        error.to_string().contains("no output for 0.3 seconds") && error.to_string().ends_with("begun\n")
    );
    place.interrupt().await.unwrap();
    let talkative = "for i in 1 2 3 4 5 6; do echo $i; sleep 0.1; done";
    let action =
        BashAction { no_output_timeout: Some(Duration::from_secs(20)), ..BashAction::new(talkative) };
    assert_eq!(place.act(action).await.unwrap().output, "1\n2\n3\n4\n5\n6\n");
}
