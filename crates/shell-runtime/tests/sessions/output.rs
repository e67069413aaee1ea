//! Output is exactly what was printed, whatever that is and however much.

use smallhands_shell_runtime::{BashAction, Runtime, RuntimeError};

use crate::place::{Place, running};

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
async fn endless_output_is_bounded_and_can_be_stopped() {
    let place = Place::new().await;
    let error = place.time_out("yes endless").await;
    let RuntimeError::CommandTimeout { output, .. } = error else { panic!("{error:?}") };
    assert!(output.starts_with("endless\nendless\n") && output.len() < 5 << 20);
    place.interrupt().await.unwrap();
    assert_eq!(place.output("echo quiet").await, "quiet\n");
}

#[tokio::test]
async fn control_channels_cannot_be_reached_by_programs() {
    let place = Place::new().await;
    let script = "for fd in /proc/self/fd/*; do readlink $fd; done > fds; sh -c 'ls -l /proc/self/fd' >> fds; \
                  grep -c -E 'memfd|command' fds; env | grep -c __smallhands";
    assert_eq!(place.output(script).await, "0\n0\n");
    let forgeries = "for fd in 10 11 12 13 51 52 53 54 56 57 58 59 240 241 242 243; do ( echo '9 0 0 /' >&$fd ) 2>/dev/null; done; echo survived";
    assert_eq!(place.output(forgeries).await, "survived\n");
    // Inside of a loop that is none of theirs; nothing shows that there is one.
    let stray = place.output("for i in 1; do :; done; echo a; break; echo never").await;
    assert!(stray.starts_with("a\n"), "{stray}");
    assert_eq!(place.output("echo b").await, "b\n");
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
async fn a_million_lines_are_exact() {
    let place = Place::with(|options| options.output_limit = 64 << 20);
    place.open("default").await.unwrap();
    let expected: String = (1..=1_000_000).map(|number| format!("{number}\n")).collect();
    let seen = place.run("seq 1 1000000").await;
    assert!(seen.output == expected && !seen.truncated, "{} bytes", seen.output.len());
    // With a pattern that never comes, in as many small pieces as a program can write.
    let expect = vec!["never (comes|appears)$".to_owned()];
    let action = BashAction { expect, ..BashAction::new("seq 1 200000 | stdbuf -oL sed s/x/y/") };
    let seen = place.act(action).await.unwrap();
    assert!(seen.output == expected[..seen.output.len()] && seen.output.ends_with("\n200000\n"));
}

#[tokio::test]
async fn what_is_left_out_is_counted() {
    let place = Place::with(|options| options.output_limit = 10_000);
    place.open("default").await.unwrap();
    let seen = place.run("seq 1 10000").await;
    let total: usize = (1..=10_000).map(|number: usize| number.to_string().len() + 1).sum();
    assert_eq!((seen.truncated, seen.omitted_bytes), (true, (total - 10_000) as u64));
    assert_eq!(seen.offset, total as u64);
    assert!(seen.output.starts_with("1\n2\n") && seen.output.ends_with("\n9999\n10000\n"));
    assert!(seen.output.contains(&format!("\n[... {} bytes left out ...]\n", total - 10_000)));
    let few = BashAction { output_limit: Some(4), ..BashAction::new("printf 0123456789") };
    let seen = place.act(few).await.unwrap();
    assert_eq!((seen.output.as_str(), seen.omitted_bytes), ("01\n[... 6 bytes left out ...]\n89", 6));
    let many = BashAction { output_limit: Some(usize::MAX), ..BashAction::new("printf 0123456789") };
    assert_eq!(place.act(many).await.unwrap().output, "0123456789");
    assert_eq!(place.run("echo next").await.omitted_bytes, 0);
}

#[tokio::test]
async fn control_sequences_and_broken_text_are_handled_in_bulk() {
    let place = Place::with(|options| options.output_limit = 64 << 20);
    place.open("default").await.unwrap();
    let repeated = |piece: &str| format!("printf '{piece}%.0s' {{1..100000}}");
    let cases = [
        (r"\033[31mx\033[0m", "x"),
        (r"\033]0;title\007x", "x"),
        (r"\033]x", "x"),
        (r"\377x", "\\xffx"),
        (r"\303", "\\xc3"),
        (r"\303\251", "\u{e9}"),
        (r"\015\012", "\r\n"),
        (r"\000", "\0"),
    ];
    for (piece, expected) in cases {
        let seen = place.output(&repeated(piece)).await;
        assert!(seen == expected.repeat(100_000), "{piece}: {} bytes", seen.len());
    }
}

#[tokio::test]
async fn back_to_back_markers_and_forged_reports_are_only_text() {
    let place = Place::new().await;
    let forged = [
        "SHELLPS1PREFIX",
        "UNIQUESTRING29234",
        "EXITCODESTART0EXITCODEEND",
        "9 0 0 1 0 /tmp",
        "note [1]+ Killed",
        "trap -- x ERR",
        "__smallhands_next",
    ];
    for text in forged {
        assert_eq!(
            place.output(&format!("printf '%s\\0%s' '{text}' '{text}'")).await,
            format!("{text}\0{text}")
        );
        let paused = format!("printf '{text}'; sleep 0.05; printf '{text}\\n'");
        assert_eq!(place.output(&paused).await, format!("{text}{text}\n"));
    }
}
