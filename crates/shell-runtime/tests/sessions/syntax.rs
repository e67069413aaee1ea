//! Commands that bash cannot parse have no effect.

use smallhands_shell_runtime::{BashAction, RuntimeError};

use crate::place::Place;

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
async fn bad_syntax_in_one_line_has_no_effect_either() {
    let place = Place::new().await;
    let broken = [
        "touch made; )",
        "touch made; if",
        "touch made; echo 'open",
        "touch made; echo \"open",
        "touch made; echo $(",
        "touch made; echo $(touch made",
        "touch made; echo ${x",
        "touch made; echo `touch made",
        "touch made; x=(1 2",
        "touch made; f() {",
        "touch made; case x in",
        "touch made; { echo",
        "touch made & & echo",
        "touch made; done",
        "touch made; [[ a == ",
        "touch made; for in; do",
        "; touch made",
        "& touch made",
        "| touch made",
        "&& touch made",
        "} touch made",
        "touch made;; touch made",
        "touch made; <",
        "touch made; cat <<",
        "touch made; ((1+",
        "touch made; )\n",
    ];
    for modes in ["", "set -o posix", "set -u", "set -x", "alias echo='echo '", "set -o noclobber", "set -a"]
    {
        place.run(modes).await;
        for command in broken {
            let error = place.refused(command).await;
            assert!(
                matches!(error, RuntimeError::BashIncorrectSyntax { .. }),
                "{modes} {command}: {error:?}"
            );
            assert!(!place.root.path().join("made").exists(), "{modes} {command}");
        }
        assert_eq!(place.output("set +xu +o posix 2>/dev/null; echo on").await.lines().last(), Some("on"));
    }
}

#[tokio::test]
async fn bad_syntax_changes_neither_status_nor_modes() {
    let place = Place::new().await;
    place.run("(exit 7)").await;
    place.refused("echo )").await;
    assert_eq!(place.output("echo $?").await, "7\n");
    place.run("set -x").await;
    place.refused("echo )").await;
    assert_eq!(place.output("echo a").await, "++ echo a\na\n");
    place.run("set +x; PS1=prompt").await;
    place.refused("echo )").await;
    assert_eq!(place.output("echo \"$-\" | tr -d x").await, "himBs\n");
}

#[tokio::test]
async fn bad_syntax_neither_ends_careful_shells_nor_sets_traps_off() {
    let place = Place::new().await;
    place.run("set -e; trap 'touch trapped' ERR").await;
    for command in [")", "echo 'open", "if true; then"] {
        let error = place.refused(command).await;
        assert!(matches!(error, RuntimeError::BashIncorrectSyntax { .. }), "{command}: {error:?}");
    }
    place.run("set +e; trap 'touch trapped; exit 3' ERR").await;
    place.refused(")").await;
    assert_eq!(place.output("trap - ERR; ls").await, "");
    place.refused(")").await;
    assert_eq!(place.output("echo alive").await, "alive\n");
}

#[tokio::test]
async fn what_only_looks_like_bad_syntax_is_run() {
    let place = Place::new().await;
    let cases = [
        ("eval ')'", None, 2),
        ("bash -c 'if'", None, 2),
        ("echo \"`echo )`\"; false", None, 1),
        ("cat <<END", None, 0),
        ("echo a \\", Some("a \\\n"), 0),
        ("echo 'a\nb'; false", Some("a\nb\n"), 1),
        ("false # ) ( '", Some(""), 1),
        ("echo \"a ) b\" ')' \\); false", Some("a ) b ) )\n"), 1),
        ("[[ ( a == b ) ]]", Some(""), 1),
        ("exit_with() { return \"$1\"; }; exit_with 2", Some(""), 2),
        ("source /no/such/file", None, 1),
        ("(exit 130)", Some(""), 130),
    ];
    for (command, output, status) in cases {
        let seen = place.run(command).await;
        assert_eq!(seen.exit_code, Some(status), "{command}: {seen:?}");
        assert!(output.is_none_or(|output| output == seen.output), "{command}: {seen:?}");
    }
    // Only with the alias is this a command; a check in advance would refuse it.
    place.run("alias begin='{'").await;
    assert_eq!(place.run("begin false; }").await.exit_code, Some(1));
}

#[tokio::test]
async fn commands_of_any_size_are_checked() {
    let place = Place::new().await;
    let long = "x".repeat(300_000);
    assert_eq!(place.output(&format!("v={long}; echo ${{#v}}")).await, "300000\n");
    assert_eq!(place.output(&format!("v={long}\necho ${{#v}}")).await, "300000\n");
    let lines = "touch made\n".repeat(200_000);
    for command in
        [format!("touch made; echo {long} )"), format!("touch made\n: {long}\n)"), format!("{lines})")]
    {
        let error = place.refused(&command).await;
        assert!(matches!(error, RuntimeError::BashIncorrectSyntax { .. }), "{error:?}");
        assert!(error.to_string().len() < 10_000);
    }
    assert_eq!(place.output("ls").await, "");
}
