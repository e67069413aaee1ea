//! TAP producers other than Node.

use super::{check, run};

#[test]
fn a_plan_or_a_version_is_needed() {
    check(
        run("./t.sh", 0, "ok 1 - adds\nok 2 - takes away\n"),
        "
        Passed ./t.sh
    ",
    );
    check(
        run("./t.sh", 1, "1..2\nok 1 - adds\nnot ok 2 - takes away\n"),
        "
        Passed adds
        Failed takes away
    ",
    );
    check(
        run("./t.sh", 1, "TAP version 12\nok adds\nnot ok takes away\n"),
        "
        Passed adds
        Failed takes away
    ",
    );
}

#[test]
fn everything_may_be_skipped() {
    check(
        run("./t.sh", 0, "1..0 # SKIP no database\n"),
        "
        Skipped ./t.sh | the check ran no test
    ",
    );
}

#[test]
fn diagnostics_in_the_style_of_node_tap() {
    let text = "TAP version 14\nnot ok 1 - adds\n  ---\n  message: \"should be equal\"\n  stack: |\n    f (src/a.js:3:4)\n    Test.<anonymous> (test/a.js:9:1)\n  found: 1\n  ...\n1..1\n";
    check(
        run("npx tap", 1, text),
        "
        Failed adds | should be equal @test/a.js:9 @src/a.js:3
    ",
    );
}

#[test]
fn an_unfinished_block_is_read_to_the_end() {
    check(
        run("./t.sh", 1, "1..2\nok 1 - a\nnot ok 2 - b\n  ---\n  message: 'cut"),
        "
        Passed a
        Failed b | 'cut
    ",
    );
}

#[test]
fn a_subtest_without_a_result_was_running() {
    check(
        run("./t.sh", 0, "TAP version 14\nok 1 - a\n# Subtest: b\n    # Subtest: c\n").stopped(),
        "
        Passed a
        TimedOut b > c | started and did not finish
    ",
    );
}

#[test]
fn names_and_directives() {
    let text =
        "1..4\nok 1 - C\\# is fine\nok 2 - x # TIME 5ms\nnot ok 3 y # todo soon\nok 4 - z#not a directive\n";
    check(
        run("./t.sh", 0, text),
        "
        Passed C# is fine
        Passed x
        Skipped y | soon
        Passed z#not a directive
    ",
    );
}
