//! Starting a session: what is sourced, what the shell looks like, what can go wrong.

use std::time::Duration;

use smallhands_shell_runtime::{CreateSession, Runtime, RuntimeError};

use crate::place::{GENEROUS, Place, bounded, running};

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
async fn start_up_files_of_interactive_shells_are_read_when_asked_for() {
    let rc = "[ -z \"$PS1\" ] && return\ncase $- in *i*) ;; *) return;; esac\necho from bashrc\nalias hi='echo aliased'\n\
              export FROM_RC=1\nPS1='(env) $ '\nPROMPT_COMMAND='echo prompt'\nHISTFILE=~/history\nset -o history\n\
              trap 'false' DEBUG\nfalse\n";
    let place = Place::with(|options| options.startup_files = true);
    std::fs::write(place.root.path().join(".bashrc"), rc).unwrap();
    let output = place.open("default").await.unwrap();
    assert!(output.ends_with("from bashrc\n"), "{output:?}");
    assert_eq!(place.output("echo $? $FROM_RC").await, "0 1\n");
    assert_eq!(place.output("hi").await, "aliased\n");
    place.run("break").await;
    assert_eq!(place.output("echo x").await, "x\n");
    place.runtime.close_session("default").await.unwrap();
    assert!(!place.root.path().join("history").exists());
    let place = Place::without_session();
    std::fs::write(place.root.path().join(".bashrc"), rc).unwrap();
    assert_eq!(place.open("default").await.unwrap(), "");
}

#[tokio::test]
async fn a_start_that_fails_frees_the_name() {
    let place = Place::with(|options| options.startup_files = true);
    let rc = place.root.path().join(".bashrc");
    for (text, said) in [
        ("echo why; exit 3", "status 3"),
        ("exec sh -c 'echo why; exit 4'", "status 4"),
        ("echo why; kill -9 $$", "137"),
    ] {
        std::fs::write(&rc, text).unwrap();
        let error = place.open("default").await.unwrap_err();
        let RuntimeError::SessionStart { reason, .. } = &error else { panic!("{text}: {error:?}") };
        assert!(reason.contains(said) && reason.contains("why"), "{text}: {reason}");
        assert!(place.runtime.sessions().is_empty());
    }
    std::fs::write(&rc, "echo fine; cat").unwrap();
    let request = CreateSession { startup_timeout: Duration::from_millis(500), ..CreateSession::default() };
    assert!(bounded(place.runtime.create_session(request)).await.is_err());
    std::fs::write(&rc, "set -e; set -u; echo fine").unwrap();
    assert!(place.open("default").await.unwrap().ends_with("fine\n"));
    assert_eq!(place.output("echo ok").await, "ok\n");
}

#[tokio::test]
async fn the_servers_own_terminal_makes_no_difference() {
    let script =
        "tput cols 2>/dev/null; echo $TERM; ls --color=auto; printf 'a\\tb\\n'; python3 -q -i <<< 'print(1)'";
    let mut outputs = Vec::new();
    for terminal in [None, Some("xterm"), Some("dumb"), Some("xterm-256color")] {
        let place = Place::with(|options| {
            options.env.extend(terminal.map(|terminal| ("TERM".to_owned(), terminal.to_owned())));
        });
        place.open("default").await.unwrap();
        place.run("touch file; mkdir folder").await;
        outputs.push(place.output(script).await);
    }
    assert!(
        outputs.iter().all(|output| *output == outputs[0]) && outputs[0].contains("dumb\n"),
        "{outputs:?}"
    );
}

#[tokio::test]
async fn several_files_are_sourced_in_order_and_missing_ones_reported() {
    let place = Place::without_session();
    std::fs::write(place.root.path().join("a"), "echo a; x=1").unwrap();
    std::fs::write(place.root.path().join("b"), "echo b $x; return 5").unwrap();
    let files = ["./a", "./missing", "./b"].map(str::to_owned).to_vec();
    let request =
        CreateSession { startup_source: files, startup_timeout: GENEROUS, ..CreateSession::default() };
    let output = place.runtime.create_session(request).await.unwrap().output;
    assert!(
        output.starts_with("a\n") && output.ends_with("b 1\n") && output.contains("missing: No such file"),
        "{output:?}"
    );
    assert_eq!(place.output("echo $?").await, "0\n");
}
