//! What a session remembers, and what commands may do to their shell.

use smallhands_shell_runtime::{BashAction, Check, Runtime, RuntimeError};

use crate::place::Place;

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
async fn prompts_never_show_even_after_the_shells_loop_was_left() {
    let place = Place::new().await;
    let prompts = "PS1='P1> '; PS2='P2> '; PS0=P0; PS4='trace '; PROMPT_COMMAND='echo from prompt'";
    for command in
        [prompts, "PROMPT_COMMAND=('echo a' 'echo b')", "readonly PS1='fixed> '", "export PS1=exported"]
    {
        place.run(command).await;
        for leaving in ["break", "echo ${nothing:?missing} 2>/dev/null", "while :; do break 5; done"] {
            place.run(leaving).await;
            assert_eq!(place.output("echo x").await, "x\n", "{command}; {leaving}");
        }
    }
    assert_eq!(
        place.output("[ -n \"$PS1\" ] && case $- in *i*) echo interactive;; esac").await,
        "interactive\n"
    );
}

#[tokio::test]
async fn all_exported_variables_are_the_commands_own() {
    let place = Place::new().await;
    place.run("set -a; mine=1").await;
    assert_eq!(place.output("env | grep -c -e __smallhands; env | grep mine").await, "0\nmine=1\n");
    place.run("false").await;
    assert_eq!(place.output("other=2; sh -c 'echo $other'").await, "2\n");
    place.run("set +a; third=3").await;
    assert_eq!(place.output("sh -c 'echo \"<$third>\"'").await, "<>\n");
}

#[tokio::test]
async fn traps_stay_the_commands_own() {
    let place = Place::new().await;
    place.run("trap 'echo trapped $?' ERR").await;
    for (command, expected) in
        [("true", ""), ("false", "trapped 1\n"), ("(exit 4)", "trapped 4\n"), ("echo a", "a\n")]
    {
        assert_eq!(place.output(command).await, expected, "{command}");
    }
    place.run("trap - ERR; trap 'echo usr1' USR1").await;
    assert_eq!(place.output("kill -USR1 $$; true").await, "usr1\n");
    place.run("trap 'echo returned' RETURN; trap 'n=$((n+1))' DEBUG").await;
    assert_eq!(place.output("echo plain").await, "plain\n");
    place.run("trap - RETURN DEBUG; trap 'echo bye' EXIT").await;
    let end = place.refused("exit 2").await;
    assert!(
        matches!(&end, RuntimeError::ShellExited { status: 2, output, .. } if output.contains("bye")),
        "{end:?}"
    );
}
