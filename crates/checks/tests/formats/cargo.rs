//! cargo test and nextest.

use super::{check, run};

#[test]
fn binaries_are_matched_with_their_announcements_in_order() {
    let announced = "     Running unittests src/lib.rs (target/debug/deps/shop_core-0123456789abcdef)\n     Running tests/buy.rs (target/debug/deps/buy-fedcba9876543210)\n   Doc-tests shop_core\n";
    let text = "\nrunning 1 test\ntest a::b ... ok\n\ntest result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s\n\n\nrunning 1 test\ntest a::b ... ok\n\ntest result: ok. 1 passed; 0 failed\n\nrunning 0 tests\n\ntest result: ok. 0 passed; 0 failed\n";
    check(
        run("cargo test", 0, text).errors(announced),
        "
        Passed buy::a::b
        Passed shop_core::a::b
    ",
    );
}

#[test]
fn a_binary_with_its_own_harness_breaks_the_order() {
    let announced = "     Running unittests src/lib.rs (target/debug/deps/shop-0123456789abcdef)\n     Running tests/own.rs (target/debug/deps/own-fedcba9876543210)\n";
    let text =
        "own harness says hello\n\nrunning 1 test\ntest a::b ... ok\n\ntest result: ok. 1 passed; 0 failed\n";
    check(
        run("cargo test", 0, text).errors(announced),
        "
        Passed a::b
    ",
    );
}

#[test]
fn older_announcements_and_panics_are_understood() {
    let text = "     Running target/debug/deps/shop-0123456789abcdef\n\nrunning 1 test\ntest a ... FAILED\n\nfailures:\n\n---- a stdout ----\nthread 'a' panicked at 'boom', src/lib.rs:3:5\nnote: run with `RUST_BACKTRACE=1`\n\n\nfailures:\n    a\n\ntest result: FAILED. 0 passed; 1 failed\n";
    check(
        run("cargo test 2>&1", 101, text),
        "
        Failed shop::a | boom @src/lib.rs:3
    ",
    );
}

#[test]
fn remarks_are_no_part_of_a_name() {
    let text = "running 6 tests\ntest a - should panic ... ok\ntest src/lib.rs - f (line 3) - compile ... ok\ntest src/lib.rs - g (line 9) - compile fail ... ok\ntest later ... ignored, needs network\ntest timed ... ok <0.250s>\ntest fast ... bench:         120 ns/iter (+/- 3)\n\ntest result: ok. 5 passed; 0 failed; 1 ignored\n";
    check(
        run("cargo test", 0, text),
        "
        Passed a
        Passed fast
        Skipped later | needs network
        Passed src/lib.rs - f (line 3)
        Passed src/lib.rs - g (line 9)
        Passed timed
    ",
    );
}

#[test]
fn captured_output_may_split_a_result() {
    let text = "running 2 tests\ntest a ... printed by a\nok\ntest b ... FAILED\n\nfailures:\n    b\n\ntest result: FAILED. 1 passed; 1 failed\n";
    check(
        run("cargo test -- --nocapture", 101, text),
        "
        Passed a
        Failed b
    ",
    );
}

#[test]
fn slow_tests_are_known_to_have_started() {
    let text = "running 2 tests\ntest a ... ok\ntest b has been running for over 60 seconds\n";
    check(
        run("cargo test", 0, text).stopped(),
        "
        Passed a
        TimedOut b | started and did not finish
    ",
    );
    let ended = format!("{text}test b ... ok\n\ntest result: ok. 2 passed; 0 failed\n");
    check(
        run("cargo test", 0, &ended),
        "
        Passed a
        Passed b
    ",
    );
}

#[test]
fn a_crash_without_a_name_is_charged_to_the_binary() {
    let announced = "     Running unittests src/lib.rs (target/debug/deps/shop-0123456789abcdef)\nerror: test failed, to rerun pass `--lib`\n\nCaused by:\n  process didn't exit successfully: `target/debug/deps/shop-0123456789abcdef` (signal: 11, SIGSEGV: invalid memory reference)\n";
    check(
        run("cargo test", 101, "\nrunning 2 tests\ntest a ... ok\n").errors(announced),
        "
        Crashed shop | the tests of this binary did not come to their end
        Passed shop::a
    ",
    );
}

#[test]
fn what_does_not_compile_is_charged_to_its_target() {
    let text = "warning: unused variable\n --> src/a.rs:1:1\n\nerror[E0425]: cannot find value `x` in this scope\n --> tests/buy.rs:4:5\n  |\n4 |     x\n  |     ^\n\nerror: could not compile `shop-core` (test \"buy\") due to 1 previous error; 1 warning emitted\n";
    check(
        run("cargo test", 101, "").errors(text),
        "
        Errored buy | error[E0425]: cannot find value `x` in this scope @tests/buy.rs:4
    ",
    );
    check(
        run("cargo nextest run", 101, "").errors(&text.replace("(test \"buy\")", "(lib)")),
        "
        Errored shop_core | error[E0425]: cannot find value `x` in this scope @tests/buy.rs:4
    ",
    );
}

#[test]
fn a_broken_manifest_is_the_whole_checks_trouble() {
    check(
        run("cargo test", 101, "").errors("error: failed to parse manifest at `/w/repo/Cargo.toml`\n"),
        "
            Failed cargo test | the check exited with status 101
        ",
    );
}

#[test]
fn retries_that_succeed_are_passes() {
    let text = "    Starting 2 tests across 1 binary\n  TRY 1 FAIL [   0.010s] shop a::b\n  stderr ───\n    thread 'a::b' panicked at src/a.rs:3:4:\n    boom\n\n  TRY 2 PASS [   0.011s] shop a::b\n        PASS [   0.002s] shop a::c\n────────────\n     Summary [   0.03s] 2 tests run: 2 passed (1 flaky), 0 skipped\n   FLAKY 2/2 [   0.011s] shop a::b\n";
    check(
        run("cargo nextest run --retries 1", 0, "").errors(text),
        "
        Passed shop::a::b
        Passed shop::a::c
    ",
    );
}

#[test]
fn every_way_to_fail_has_its_outcome() {
    let text = "     SIGSEGV [   0.010s] (1/4) shop a::crash\n     TIMEOUT [   1.000s] (2/4) shop a::spin\n        LEAK [   0.100s] (3/4) shop a::leak\n        FAIL [   0.001s] (4/4) shop::bin/shop b::fail\n────────────\n     Summary [   1.1s] 4 tests run: 1 passed (1 leaky), 1 failed, 1 timed out, 3 skipped\n";
    check(
        run("cargo nextest run", 100, "").errors(text),
        "
        Crashed shop::a::crash
        Passed shop::a::leak
        TimedOut shop::a::spin
        Failed shop::bin/shop::b::fail
        unlisted 0 0 3
    ",
    );
}

#[test]
fn a_stopped_run_shows_what_was_slow() {
    let text = "        PASS [   0.002s] shop a::c\n        SLOW [> 60.000s] shop a::spin\n";
    check(
        run("cargo nextest run", 0, "").errors(text).stopped(),
        "
        Passed shop::a::c
        TimedOut shop::a::spin | started and did not finish
    ",
    );
}
