//! What every runtime does alike.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use smallhands_shell_runtime::{
    Action, BashAction, BashInterruptAction, Check, Command, CreateSession, Observation, Runtime,
    RuntimeError,
};

pub type Port = Arc<dyn Runtime>;
type Run = fn(Port) -> Pin<Box<dyn Future<Output = ()> + Send>>;

/// One behaviour.
pub struct Case {
    pub name: &'static str,
    /// Why the original server is not held to it; empty where it is.
    pub original_differs: &'static str,
    pub run: Run,
}

macro_rules! cases {
    ($($name:ident $(($why:literal))?),* $(,)?) => {
        pub const CASES: &[Case] = &[$(Case {
            name: stringify!($name),
            original_differs: concat!("", $($why)?),
            run: |port| Box::pin($name(port)),
        }),*];
    };
}

cases! {
    output_and_status_of_a_command,
    state_persists_in_a_session,
    sessions_are_separate,
    a_failed_command_is_an_error_when_asked,
    an_ignored_status_is_not_reported,
    syntax_errors_run_nothing,
    names_are_unique_and_free_after_closing,
    unknown_sessions_are_named,
    a_timeout_is_told_apart_and_an_interrupt_recovers,
    a_timeout_keeps_the_output("partial output is lost"),
    tabs_and_exclamation_marks_arrive("the command is typed into a line editor"),
    here_documents_and_what_follows("commands are joined with semicolons"),
    the_end_of_the_shell_is_told_with_its_status("the end surfaces as a dump of the terminal library"),
    programs_that_talk_are_talked_to,
    bad_patterns_are_named,
    one_shot_commands_have_streams_and_a_status,
    merged_streams_are_in_order,
    the_environment_is_added_to_or_replaced,
    the_directory_of_a_command,
    a_missing_directory_is_named,
    a_program_that_is_not_there,
    a_time_limit_of_a_one_shot_command,
    a_signal_is_not_a_status,
    an_input_is_read("it has no input for commands"),
    files_are_exact_bytes,
    directories_above_a_file_are_made,
    a_missing_file_is_told_apart,
    a_directory_is_not_a_file,
    helpers_or_a_clear_refusal,
    a_closed_runtime_says_so,
}

async fn open(port: &Port, name: &str) {
    let request = CreateSession { session: name.to_owned(), ..CreateSession::default() };
    port.create_session(request).await.unwrap();
}

async fn act(port: &Port, action: BashAction) -> Result<Observation, RuntimeError> {
    port.run_in_session(Action::Bash(BashAction { timeout: action.timeout.or(Some(TIME)), ..action })).await
}

async fn run(port: &Port, command: &str) -> Observation {
    act(port, BashAction::new(command)).await.unwrap()
}

const TIME: Duration = Duration::from_secs(20);

async fn output_and_status_of_a_command(port: Port) {
    open(&port, "default").await;
    for (command, output, status) in [
        ("echo hi", "hi\n", 0),
        ("printf x", "x", 0),
        ("false", "", 1),
        ("echo a; sh -c 'exit 7'", "a\n", 7),
        ("echo out; echo err >&2", "out\nerr\n", 0),
        ("printf '\u{fc}\u{20ac}\\n'", "\u{fc}\u{20ac}\n", 0),
        ("printf 'a\\377b'", "a\\xffb", 0),
    ] {
        let seen = run(&port, command).await;
        assert_eq!((seen.output.as_str(), seen.exit_code), (output, Some(status)), "{command}");
    }
}

async fn state_persists_in_a_session(port: Port) {
    open(&port, "default").await;
    run(&port, "cd /; export A=1; f() { echo \"f$1\"; }").await;
    assert_eq!(run(&port, "pwd; echo $A; f 2").await.output, "/\n1\nf2\n");
}

async fn sessions_are_separate(port: Port) {
    open(&port, "one").await;
    open(&port, "two").await;
    let on =
        |session: &str, command: &str| BashAction { session: session.to_owned(), ..BashAction::new(command) };
    act(&port, on("one", "A=1")).await.unwrap();
    assert_eq!(act(&port, on("two", "echo \"<$A>\"")).await.unwrap().output, "<>\n");
    assert_eq!(act(&port, on("one", "echo \"<$A>\"")).await.unwrap().output, "<1>\n");
}

async fn a_failed_command_is_an_error_when_asked(port: Port) {
    open(&port, "default").await;
    let action = BashAction {
        check: Check::Raise,
        error_msg: "setting up".to_owned(),
        ..BashAction::new("echo before; (exit 3)")
    };
    match act(&port, action).await.unwrap_err() {
        RuntimeError::NonZeroExitCode { exit_code, output, error_msg, .. } => {
            assert_eq!((exit_code, error_msg.as_str()), (3, "setting up"));
            assert!(output.contains("before"), "{output}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(run(&port, "echo after").await.output, "after\n");
}

async fn an_ignored_status_is_not_reported(port: Port) {
    open(&port, "default").await;
    let action = BashAction { check: Check::Ignore, ..BashAction::new("echo x; false") };
    let seen = act(&port, action).await.unwrap();
    assert_eq!((seen.output.as_str(), seen.exit_code), ("x\n", None));
}

async fn syntax_errors_run_nothing(port: Port) {
    open(&port, "default").await;
    for broken in ["A=ran; if", "A=ran\nfor x in; do", "A=ran; echo $(", "A=ran; echo 'x"] {
        match act(&port, BashAction::new(broken)).await.unwrap_err() {
            RuntimeError::BashIncorrectSyntax { stderr, .. } => assert!(!stderr.is_empty(), "{broken}"),
            other => panic!("{broken}: {other:?}"),
        }
    }
    assert_eq!(run(&port, "echo \"<$A>\"").await.output, "<>\n");
}

async fn names_are_unique_and_free_after_closing(port: Port) {
    open(&port, "a b").await;
    let again = CreateSession { session: "a b".to_owned(), ..CreateSession::default() };
    let error = port.create_session(again.clone()).await.unwrap_err();
    assert!(matches!(error, RuntimeError::SessionExists { .. }), "{error:?}");
    port.close_session("a b").await.unwrap();
    port.create_session(again).await.unwrap();
}

async fn unknown_sessions_are_named(port: Port) {
    let on_missing = BashAction { session: "missing".to_owned(), ..BashAction::new("true") };
    let interrupt = BashInterruptAction { session: "missing".to_owned(), ..BashInterruptAction::default() };
    for error in [
        act(&port, on_missing).await.unwrap_err(),
        port.run_in_session(Action::Interrupt(interrupt)).await.unwrap_err(),
        port.close_session("missing").await.unwrap_err(),
    ] {
        let named = matches!(&error, RuntimeError::SessionDoesNotExist { session } if session == "missing");
        assert!(named, "{error:?}");
    }
}

async fn time_out(port: &Port, command: &str) -> RuntimeError {
    let action = BashAction { timeout: Some(Duration::from_millis(700)), ..BashAction::new(command) };
    act(port, action).await.unwrap_err()
}

async fn interrupt(port: &Port) {
    port.run_in_session(Action::Interrupt(BashInterruptAction::default())).await.unwrap();
}

async fn a_timeout_is_told_apart_and_an_interrupt_recovers(port: Port) {
    open(&port, "default").await;
    let error = time_out(&port, "sleep 30").await;
    assert!(matches!(error, RuntimeError::CommandTimeout { .. }), "{error:?}");
    interrupt(&port).await;
    assert_eq!(run(&port, "echo back").await.output, "back\n");
}

async fn a_timeout_keeps_the_output(port: Port) {
    open(&port, "default").await;
    match time_out(&port, "echo so far; sleep 30").await {
        RuntimeError::CommandTimeout { output, limit, .. } => {
            assert_eq!((output.as_str(), limit), ("so far\n", Duration::from_millis(700)));
        }
        other => panic!("{other:?}"),
    }
    interrupt(&port).await;
    assert_eq!(run(&port, "echo back").await.output, "back\n");
}

async fn tabs_and_exclamation_marks_arrive(port: Port) {
    open(&port, "default").await;
    assert_eq!(run(&port, "printf '%s\\n' 'a\tb' \"hi!there\"").await.output, "a\tb\nhi!there\n");
}

async fn here_documents_and_what_follows(port: Port) {
    open(&port, "default").await;
    let command = "cat <<'ONE'\n\tx $y\nONE\ncat <<TWO | tr a b\naa\nTWO\necho end";
    assert_eq!(run(&port, command).await.output, "\tx $y\nbb\nend\n");
}

async fn the_end_of_the_shell_is_told_with_its_status(port: Port) {
    for (command, status) in
        [("echo bye; exit 4", 4), ("exec sh -c 'echo bye; exit 5'", 5), ("echo bye; kill -9 $$", 137)]
    {
        open(&port, "default").await;
        match act(&port, BashAction::new(command)).await.unwrap_err() {
            RuntimeError::ShellExited { output, status: seen, .. } => {
                // An interactive bash that is told to exit also writes "exit".
                assert_eq!(output.trim_end_matches("exit\n"), "bye\n", "{command}");
                assert_eq!(seen, status, "{command}");
            }
            other => panic!("{command}: {other:?}"),
        }
    }
    open(&port, "default").await;
}

async fn programs_that_talk_are_talked_to(port: Port) {
    open(&port, "default").await;
    let talk = |command: &str, expect: &[&str]| BashAction {
        is_interactive_command: true,
        expect: expect.iter().map(|&pattern| pattern.to_owned()).collect(),
        ..BashAction::new(command)
    };
    let started = act(&port, talk("python3 -q", &[">>> "])).await.unwrap();
    assert_eq!(started.expect_string, ">>> ");
    let answer = act(&port, talk("print(6 * 7)", &[">>> "])).await.unwrap();
    assert_eq!((answer.output.as_str(), answer.exit_code), ("42", Some(0)));
    let quit = BashAction { is_interactive_quit: true, ..BashAction::new("quit()\n") };
    act(&port, quit).await.unwrap();
    assert_eq!(run(&port, "echo shell").await.output, "shell\n");
}

async fn bad_patterns_are_named(port: Port) {
    open(&port, "default").await;
    let action = BashAction { expect: vec!["(".to_owned()], ..BashAction::new("echo x") };
    let error = act(&port, action).await.unwrap_err();
    assert!(matches!(error, RuntimeError::BadPattern { .. }), "{error:?}");
}

async fn execute(port: &Port, command: Command) -> (Option<i32>, String, String) {
    let done = port.execute(command.with_timeout(TIME)).await.unwrap();
    (done.exit_code, done.stdout_text(), done.stderr_text())
}

async fn one_shot_commands_have_streams_and_a_status(port: Port) {
    let some = |status, out: &str, err: &str| (Some(status), out.to_owned(), err.to_owned());
    for (command, expected) in [
        (Command::shell("echo out; echo err >&2; exit 3"), some(3, "out\n", "err\n")),
        (Command::argv(["printf", "%s|", "a b", "$c", "*"]), some(0, "a b|$c|*|", "")),
        (Command::shell("cat"), some(0, "", "")),
        (Command::shell("printf 'a\\r\\n\\0b'"), some(0, "a\r\n\0b", "")),
    ] {
        assert_eq!(execute(&port, command).await, expected);
    }
}

async fn merged_streams_are_in_order(port: Port) {
    let command = Command { merge_output_streams: true, ..Command::shell("echo a; echo b >&2; echo c") };
    assert_eq!(execute(&port, command).await, (Some(0), "a\nb\nc\n".to_owned(), String::new()));
}

async fn the_environment_is_added_to_or_replaced(port: Port) {
    let added = Command::shell("echo \"$A\"; test -n \"$PATH\"").with_env("A", "x y");
    assert_eq!(execute(&port, added).await, (Some(0), "x y\n".to_owned(), String::new()));
    let env = BTreeMap::from([("A".to_owned(), "1".to_owned())]);
    let replaced = Command { clear_env: true, env, ..Command::argv(["/bin/sh", "-c", "echo \"$A<$HOME>\""]) };
    assert_eq!(execute(&port, replaced).await.1, "1<>\n");
}

async fn the_directory_of_a_command(port: Port) {
    assert_eq!(execute(&port, Command::shell("pwd").with_cwd("/usr")).await.1, "/usr\n");
}

async fn a_missing_directory_is_named(port: Port) {
    let error = port.execute(Command::shell("pwd").with_cwd("/no/such")).await.unwrap_err();
    assert_eq!(error.class_path(), "builtins.FileNotFoundError");
    assert!(error.to_string().contains("/no/such"), "{error}");
}

async fn a_program_that_is_not_there(port: Port) {
    let error = port.execute(Command::argv(["no-such-program"])).await.unwrap_err();
    assert_eq!(error.class_path(), "builtins.FileNotFoundError");
    assert!(error.to_string().contains("no-such-program"), "{error}");
}

async fn a_time_limit_of_a_one_shot_command(port: Port) {
    let command = Command::argv(["sleep", "30"]).with_timeout(Duration::from_millis(300));
    let done = port.execute(command).await.unwrap();
    assert!(done.timed_out && done.exit_code.is_none(), "{done:?}");
}

async fn a_signal_is_not_a_status(port: Port) {
    let done = port.execute(Command::shell("kill -9 $$").with_timeout(TIME)).await.unwrap();
    assert_eq!((done.exit_code, done.signal), (None, Some(9)));
}

async fn an_input_is_read(port: Port) {
    let command = Command { stdin: Some(b"one\ntwo\n".to_vec()), ..Command::argv(["tac"]) };
    assert_eq!(execute(&port, command).await.1, "two\none\n");
}

async fn files_are_exact_bytes(port: Port) {
    let all: Vec<u8> = (0..=255).chain("\r\n\u{e9}\r".bytes()).cycle().take(100_000).collect();
    for content in [all.as_slice(), b"", b"\r\n"] {
        port.write_file("some file", content).await.unwrap();
        assert!(port.read_file("some file").await.unwrap() == content, "{} bytes differ", content.len());
    }
}

async fn directories_above_a_file_are_made(port: Port) {
    port.write_file("a/b/c.txt", b"x").await.unwrap();
    assert_eq!(execute(&port, Command::argv(["cat", "a/b/c.txt"])).await.1, "x");
}

async fn a_missing_file_is_told_apart(port: Port) {
    let error = port.read_file("missing.txt").await.unwrap_err();
    assert_eq!(error.class_path(), "builtins.FileNotFoundError");
    assert!(error.to_string().contains("missing.txt"), "{error}");
}

async fn a_directory_is_not_a_file(port: Port) {
    port.write_file("folder/file", b"x").await.unwrap();
    assert_eq!(port.read_file("folder").await.unwrap_err().class_path(), "builtins.IsADirectoryError");
}

/// Only a runtime in this process can hand out a helper; the others say so.
async fn helpers_or_a_clear_refusal(port: Port) {
    let spec = smallhands_shell_runtime::SpawnSpec::argv(["cat"]);
    match port.spawn(spec).await {
        Ok(mut helper) => {
            helper.write_line("hello").await.unwrap();
            assert_eq!(helper.read_line(TIME).await.unwrap().as_deref(), Some("hello"));
        }
        Err(error) => assert!(matches!(error, RuntimeError::Unsupported { .. }), "{error:?}"),
    }
}

async fn a_closed_runtime_says_so(port: Port) {
    open(&port, "default").await;
    port.close().await.unwrap();
    let error = act(&port, BashAction::new("true")).await.unwrap_err();
    assert!(matches!(error, RuntimeError::Closed), "{error:?}");
}
