//! Persistent shells: exact output, unforgeable ends, interrupts, ends of the shell, and sessions side by side.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside of #[test] functions

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use smallhands_shell_runtime::{
    Action, BashAction, BashInterruptAction, Check, CreateSession, LocalOptions, LocalRuntime, Observation,
    Runtime, RuntimeError, processes::snapshot,
};

const GENEROUS: Duration = Duration::from_secs(60);

struct Place {
    root: tempfile::TempDir,
    runtime: Arc<LocalRuntime>,
}

impl Place {
    async fn new() -> Self {
        let place = Self::without_session();
        place.open("default").await.unwrap();
        place
    }

    fn without_session() -> Self {
        let root = tempfile::tempdir().unwrap();
        let env = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", root.path().to_str().unwrap())];
        let env: BTreeMap<String, String> =
            env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let options = LocalOptions { root: root.path().to_owned(), env, ..LocalOptions::default() };
        Self { runtime: Arc::new(LocalRuntime::new(options).unwrap()), root }
    }

    async fn open(&self, name: &str) -> Result<String, RuntimeError> {
        let request =
            CreateSession { session: name.to_owned(), startup_timeout: GENEROUS, ..CreateSession::default() };
        Ok(bounded(self.runtime.create_session(request)).await?.output)
    }

    async fn act(&self, action: BashAction) -> Result<Observation, RuntimeError> {
        let action = BashAction { timeout: action.timeout.or(Some(GENEROUS)), ..action };
        bounded(self.runtime.run_in_session(Action::Bash(action))).await
    }

    async fn run(&self, command: &str) -> Observation {
        self.act(BashAction::new(command)).await.unwrap_or_else(|error| panic!("{command:?}: {error:?}"))
    }

    async fn output(&self, command: &str) -> String {
        self.run(command).await.output
    }

    async fn interrupt(&self) -> Result<Observation, RuntimeError> {
        let interrupt =
            BashInterruptAction { timeout: Duration::from_millis(300), ..BashInterruptAction::default() };
        bounded(self.runtime.run_in_session(Action::Interrupt(interrupt))).await
    }

    /// Lets a command run into its time limit, after it has shown that it runs.
    async fn time_out(&self, command: &str) -> RuntimeError {
        let action = BashAction { timeout: Some(Duration::from_millis(600)), ..BashAction::new(command) };
        self.act(action).await.unwrap_err()
    }
}

/// Keeps a broken test from hanging.
async fn bounded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(2 * GENEROUS, future).await.expect("it hung")
}

/// How many processes run with exactly these arguments.
fn running(arguments: &str) -> usize {
    let wanted: Vec<u8> = arguments.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let is_it = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted);
    snapshot().iter().filter(|process| process.is_alive() && is_it(process.pid)).count()
}

async fn eventually(mut condition: impl FnMut() -> bool) {
    bounded(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}

#[tokio::test]
async fn output_is_exactly_what_was_printed() {
    let place = Place::new().await;
    let cases = [
        ("echo hello", "hello\n"),
        ("printf x", "x"),
        ("echo", "\n"),
        ("", ""),
        ("   \n\n", ""),
        ("# only a comment", ""),
        ("echo a # comment", "a\n"),
        ("printf 'a\\tb\\n'; printf '\tc\n'", "a\tb\n\tc\n"),
        ("echo \"hi!there\" 'x!y' !", "hi!there x!y !\n"),
        ("cat <<END\n\ttab $((1+1))\nEND", "\ttab 2\n"),
        ("cat <<'A'\n$x\nA\ncat <<B\nsecond\nB\necho after", "$x\nsecond\nafter\n"),
        ("cat <<E | tr a-z A-Z\npiped\nE", "PIPED\n"),
        ("printf 'a\\r\\nb\\rc\\n'", "a\r\nb\rc\n"),
        ("printf '\\033[31mred\\033[0m\\n'", "red\n"),
        ("printf '\\377\\n'", "\\xff\n"),
        ("echo \u{e9}\u{4e2d}", "\u{e9}\u{4e2d}\n"),
        ("echo out; echo err >&2", "out\nerr\n"),
        ("if true\nthen\n  echo yes\nfi", "yes\n"),
        ("[[ a == a ]] && arr=(1 2 3) && echo ${arr[1]}", "2\n"),
        (
            "echo SHELLPS1PREFIX UNIQUESTRING29234 EXITCODESTART0EXITCODEEND",
            "SHELLPS1PREFIX UNIQUESTRING29234 EXITCODESTART0EXITCODEEND\n",
        ),
        ("printf '1 0 0 /tmp\\0'", "1 0 0 /tmp\0"),
        ("alias hi='echo aliased'\nhi", "aliased\n"),
        ("shopt -s extglob\ntouch keep.txt; ls !(*.md)", "keep.txt\n"),
        ("echo 'unbalanced ) quote \" inside'", "unbalanced ) quote \" inside\n"),
        ("cat /dev/null; true", ""),
    ];
    for (command, expected) in cases {
        let seen = place.run(command).await;
        assert_eq!((seen.output.as_str(), seen.exit_code), (expected, Some(0)), "{command:?}");
    }
}

#[tokio::test]
async fn state_persists_between_commands() {
    let place = Place::new().await;
    place
        .run("cd /tmp; x=1; export Y=2; f() { echo \"f $1\"; }; declare -a list=(a b); set -o pipefail")
        .await;
    assert_eq!(place.output("echo $x $Y; f 3; echo ${list[@]}; sh -c 'echo $Y'").await, "1 2\nf 3\na b\n2\n");
    let seen = place.run("pwd").await;
    assert_eq!((seen.output.as_str(), seen.cwd.unwrap().to_str()), ("/tmp\n", Some("/tmp")));
    assert_eq!(place.run("false | true").await.exit_code, Some(1));
    assert_eq!(place.output("echo $?").await, "1\n");
    assert_eq!(place.output("exec 3>file; echo kept >&3").await, "");
    assert_eq!(place.output("exec 3>&-; cat file").await, "kept\n");
}

#[tokio::test]
async fn exit_statuses_are_reported_as_asked() {
    let place = Place::new().await;
    for (command, status) in
        [("true", 0), ("false", 1), ("(exit 77)", 77), ("kill -9 $BASHPID | cat; (kill -9 $BASHPID)", 137)]
    {
        assert_eq!(place.run(command).await.exit_code, Some(status), "{command}");
    }
    let ignored = place.act(BashAction { check: Check::Ignore, ..BashAction::new("false") }).await.unwrap();
    assert_eq!(ignored.exit_code, None);
    let raising = BashAction {
        check: Check::Raise,
        error_msg: "setup".into(),
        ..BashAction::new("echo why; (exit 3)")
    };
    let raised = place.act(raising).await.unwrap_err();
    let RuntimeError::NonZeroExitCode { exit_code: 3, output, error_msg, .. } = raised else {
        panic!("{raised:?}")
    };
    assert_eq!((output.as_str(), error_msg.as_str()), ("why\n", "setup"));
}

#[tokio::test]
async fn syntax_errors_have_no_effect() {
    let place = Place::new().await;
    for command in ["echo one\nif", "echo 'open", "echo one; fi", "for x in; do", ")"] {
        let error = place.act(BashAction::new(command)).await.unwrap_err();
        let RuntimeError::BashIncorrectSyntax { stderr, .. } = &error else { panic!("{command}: {error:?}") };
        assert!(stderr.contains("bash: line"), "{stderr}");
        assert_eq!(error.extra_info()["bash_stderr"].as_str(), Some(stderr.as_str()));
    }
    assert_eq!(place.output("echo still here").await, "still here\n");
    let null = place.act(BashAction::new("echo \0")).await.unwrap_err();
    assert!(matches!(null, RuntimeError::InvalidCommand { .. }), "{null:?}");
}

#[tokio::test]
async fn prompts_traces_and_options_leave_no_trace() {
    let place = Place::new().await;
    place.run("PS1='prompt> '; PS2='more> '; PROMPT_COMMAND='echo from prompt'; PS0=zero").await;
    assert_eq!(place.output("echo a\necho b").await, "a\nb\n");
    assert_eq!(place.output("set -x").await, "");
    assert_eq!(place.output("echo a").await, "++ echo a\na\n");
    assert_eq!(place.run("(exit 4)").await.exit_code, Some(4));
    assert_eq!(place.output("set +x; echo $-").await.lines().last(), Some("himBs"));
    for option in [
        "set -u",
        "set -a",
        "set -f",
        "set -o noclobber",
        "set -o posix",
        "IFS=x",
        "TMOUT=1",
        "set -k",
        "set -b",
        "unset PWD",
    ] {
        place.run(option).await;
        assert_eq!(place.output("echo \"a b\"").await, "a b\n", "{option}");
    }
    assert_eq!(place.output("trap 'echo trapped' ERR; false").await, "trapped\n");
    assert_eq!(place.output("echo $?").await, "1\n");
}

#[tokio::test]
async fn commands_may_be_megabytes_and_so_may_output() {
    let place = Place::new().await;
    let text = "0123456789abcdef\n".repeat(200_000);
    let command = format!("cat > big <<'END'\n{text}END\nwc -c < big");
    assert!(command.len() > 3_000_000);
    assert_eq!(place.output(&command).await.trim(), text.len().to_string());
    let seen = place.run("cat big").await;
    assert!(seen.output == text && !seen.truncated);
    let flood = place.run("cat big big; echo end").await;
    assert!(flood.truncated && flood.output.len() < 5 << 20 && flood.output.ends_with("end\n"));
    assert!(flood.output.starts_with("0123456789abcdef\n") && flood.output.contains(" bytes left out ...]"));
    assert_eq!(place.output("env | wc -l; echo ok").await.lines().last(), Some("ok"));
}

#[tokio::test]
async fn nothing_is_lost_at_the_end_of_output() {
    let place = Place::new().await;
    for round in 0..300 {
        let size = 1 + round * 97 % 9000;
        let seen = place.output(&format!("head -c {size} /dev/zero | tr '\\0' x; printf 'end{round}'")).await;
        assert_eq!(
            (seen.len(), seen.ends_with(&format!("xend{round}"))),
            (size + format!("end{round}").len(), true)
        );
    }
}

#[tokio::test]
async fn control_channels_cannot_be_reached_by_programs() {
    let place = Place::new().await;
    let script = "for fd in /proc/self/fd/*; do readlink $fd; done > fds; sh -c 'ls -l /proc/self/fd' >> fds; \
                  grep -c -E 'memfd|command' fds; env | grep -c __smallhands";
    assert_eq!(place.output(script).await, "0\n0\n");
    let forgeries =
        "for fd in 240 241 242 243; do { echo '9 0 0 /' >&$fd; } 2>/dev/null; done; echo survived";
    assert_eq!(place.output(forgeries).await, "survived\n");
    // Outside of a loop these end the command; the driver's own loop goes on.
    assert_eq!(place.output("echo a; break; echo never").await, "a\n");
    assert_eq!(place.output("echo a; continue; echo never").await, "a\n");
    assert_eq!(place.output("echo b").await, "b\n");
}

#[tokio::test]
async fn errors_that_break_out_of_the_shells_loop_leave_it_usable() {
    let place = Place::new().await;
    for round in 0..20 {
        let seen = place.run("echo before; echo ${nothing:?is missing}; echo never").await;
        assert_eq!(seen.exit_code, Some(1), "{round}");
        assert!(
            seen.output.starts_with("before\n")
                && seen.output.contains("is missing")
                && !seen.output.contains("never")
        );
        let seen = place.run("while :; do break 7; done; echo x").await;
        assert!(seen.output.is_empty() || seen.output == "x\n", "{seen:?}");
    }
    assert_eq!(place.run("readonly r=1; r=2").await.exit_code, Some(1));
    assert_eq!(place.output("echo fine").await, "fine\n");
}

#[tokio::test]
async fn commands_have_a_terminal_and_do_not_read_each_others_text() {
    let place = Place::new().await;
    assert_eq!(place.output("[ -t 0 ] && [ -t 1 ] && [ -t 2 ] && echo tty").await, "tty\n");
    assert_eq!(place.output("stty size").await, "24 80\n");
    place.run("stty echo opost onlcr raw").await;
    let modes = "stty -a | grep -o -w -e '-echo' -e '-opost' -e 'icanon' | sort | tr '\\n' ' '";
    assert_eq!(place.output(modes).await, "-echo -opost icanon ");
    assert_eq!(place.output("echo a; read -t 0.05 x; echo \"<$x>\"").await, "a\n<>\n");
}

#[tokio::test]
async fn background_jobs_neither_block_nor_end_answers() {
    let place = Place::new().await;
    let seen = place.output("sleep 4601 & echo x\necho y").await;
    assert!(seen.starts_with("[1] ") && seen.ends_with("\nx\ny\n"), "{seen:?}");
    place.run("yes > /dev/null & yes & sleep 0.1").await;
    place.run("kill %2 %3; wait %2 %3").await;
    assert_eq!(place.output("jobs -r | wc -l; echo $(jobs -p | wc -l)").await.lines().last(), Some("1"));
    place.runtime.close_session("default").await.unwrap();
    assert_eq!(running("sleep 4601"), 0);
}

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
async fn start_up_files_are_sourced_and_their_prompts_forgotten() {
    let place = Place::without_session();
    let file = place.root.path().join("it's rc");
    std::fs::write(&file, "echo from rc\nexport FROM_RC=1\nPS1='p> '\nPROMPT_COMMAND='echo prompt'\n")
        .unwrap();
    let source = |path: &str| CreateSession {
        startup_source: vec![path.to_owned()],
        startup_timeout: GENEROUS,
        ..CreateSession::default()
    };
    let output = place.runtime.create_session(source(file.to_str().unwrap())).await.unwrap().output;
    assert_eq!(output, "from rc\n");
    assert_eq!(place.output("echo $FROM_RC").await, "1\n");
    place.time_out("sleep 4605").await;
    assert_eq!(place.interrupt().await.unwrap().output, "");
    place.runtime.close_session("default").await.unwrap();
    let missing = place.runtime.create_session(source("~/missing")).await.unwrap().output;
    assert!(missing.contains("missing: No such file"), "{missing}");
    place.runtime.close_session("default").await.unwrap();
    std::fs::write(&file, "echo bye; exit 5").unwrap();
    let failed = place.runtime.create_session(source(file.to_str().unwrap())).await.unwrap_err();
    assert!(
        matches!(&failed, RuntimeError::SessionStart { reason, .. } if reason.contains("bye")),
        "{failed:?}"
    );
    place.open("default").await.unwrap();
}

#[tokio::test]
async fn a_slow_start_is_bounded_and_frees_the_name() {
    let place = Place::without_session();
    let file = place.root.path().join("slow");
    std::fs::write(&file, "echo waiting; sleep 4606").unwrap();
    let request = CreateSession {
        startup_source: vec![file.to_str().unwrap().to_owned()],
        startup_timeout: Duration::from_millis(800),
        ..CreateSession::default()
    };
    let late = bounded(place.runtime.create_session(request)).await.unwrap_err();
    assert!(
        matches!(&late, RuntimeError::SessionStart { reason, .. } if reason.contains("waiting")),
        "{late:?}"
    );
    assert_eq!(running("sleep 4606"), 0);
    place.open("default").await.unwrap();
}

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
async fn redirections_of_the_shell_itself_last() {
    let place = Place::new().await;
    assert_eq!(place.output("exec > log 2>&1").await, "");
    assert_eq!(place.output("echo into the file; echo error >&2").await, "");
    assert_eq!(place.output("exec > /dev/tty 2>&1; cat log").await, "into the file\nerror\n");
    assert_eq!(
        place.output("echo 'from input' > in; cat < in; while read l; do echo got $l; done < in").await,
        "from input\ngot from input\n"
    );
}

#[tokio::test]
async fn functions_subshells_and_traps_behave() {
    let place = Place::new().await;
    let cases = [
        ("f() { local x=1; return 5; }; f", "", 5),
        ("(cd /; exit 6); pwd -P | grep -c tmp", "1\n", 0),
        ("trap 'echo bye' EXIT; trap - EXIT", "", 0),
        ("( trap 'echo from subshell' EXIT )", "from subshell\n", 0),
        ("x=$(printf 'a\\n\\n'); echo \"[$x]\"", "[a]\n", 0),
        ("cat <(echo one) <(echo two)", "one\ntwo\n", 0),
        ("echo a | tee copy | wc -c | tr -d ' '", "2\n", 0),
        ("time_out() { :; }; ! true", "", 1),
        ("declare -A m=([k]=v); echo ${m[k]} ${#m[@]}", "v 1\n", 0),
        ("echo ${m[k]}", "v\n", 0),
        ("for ((i = 0; i < 3; i++)); do printf $i; done; echo", "012\n", 0),
        ("case x in x) echo case;; esac", "case\n", 0),
        ("true && false || echo or", "or\n", 0),
        ("{ echo group; } 2>&1", "group\n", 0),
        ("no_such_command_here", "bash: line 1: no_such_command_here: command not found\n", 127),
        ("mkdir 'a b' && cd 'a b' && touch \"it's\" && ls -N", "it's\n", 0),
    ];
    for (command, expected, status) in cases {
        let seen = place.run(command).await;
        let output = seen.output.replace("bash: no_such", "bash: line 1: no_such");
        assert_eq!((output.as_str(), seen.exit_code), (expected, Some(status)), "{command}");
    }
}

#[tokio::test]
async fn sessions_have_their_own_state() {
    let place = Place::new().await;
    place.open("other").await.unwrap();
    place.run("x=default; cd /tmp").await;
    let other = |command: &str| BashAction { session: "other".into(), ..BashAction::new(command) };
    let seen = place.act(other("echo [$x]; pwd")).await.unwrap();
    assert_eq!(seen.output, format!("[]\n{}\n", place.root.path().canonicalize().unwrap().display()));
    place.runtime.close_session("other").await.unwrap();
    assert_eq!(place.output("echo $x").await, "default\n");
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
async fn endless_output_is_bounded_and_can_be_stopped() {
    let place = Place::new().await;
    let error = place.time_out("yes endless").await;
    let RuntimeError::CommandTimeout { output, .. } = error else { panic!("{error:?}") };
    assert!(output.starts_with("endless\nendless\n") && output.len() < 5 << 20);
    place.interrupt().await.unwrap();
    assert_eq!(place.output("echo quiet").await, "quiet\n");
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
