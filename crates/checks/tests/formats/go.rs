//! go test, as text and as events.

use super::{check, run};

#[test]
fn a_package_that_only_says_ok_is_one_test() {
    check(
        run(
            "go test ./...",
            0,
            "ok  \tx/shop\t0.01s\nok  \tx/shop/cart\t(cached)\n?   \tx/shop/doc\t[no test files]\n",
        ),
        "
            Passed x/shop
            Passed x/shop/cart
        ",
    );
}

#[test]
fn no_test_files_at_all() {
    check(
        run("go test ./...", 0, "?   \tx/shop\t[no test files]\n"),
        "
        Skipped go test ./... | the check ran no test
    ",
    );
}

#[test]
fn parallel_tests_find_back_to_their_lines() {
    let text = "=== RUN   TestA\n=== PAUSE TestA\n=== RUN   TestB\n    b_test.go:4: from b\n--- PASS: TestB (0.00s)\n=== CONT  TestA\n    a_test.go:9: from a\n--- FAIL: TestA (0.10s)\nFAIL\nFAIL\tx/shop\t0.1s\n";
    check(
        run("go test -v ./...", 1, text),
        "
        Failed x/shop.TestA | a_test.go:9: from a @a_test.go:9
        Passed x/shop.TestB
    ",
    );
}

#[test]
fn a_panic_outside_any_test_is_charged_to_the_package() {
    let text = "panic: no configuration\n\ngoroutine 1 [running]:\nx/shop.init.0()\n\t/w/repo/shop.go:7 +0x1d\nFAIL\tx/shop\t0.003s\nFAIL\n";
    check(
        run("go test ./...", 1, text),
        "
        Crashed x/shop | panic: no configuration @shop.go:7
    ",
    );
}

#[test]
fn deep_sub_tests_hide_their_parents() {
    let text = "=== RUN   TestA\n=== RUN   TestA/b\n=== RUN   TestA/b/c\n    a_test.go:4: no\n--- FAIL: TestA (0.00s)\n    --- FAIL: TestA/b (0.00s)\n        --- FAIL: TestA/b/c (0.00s)\nFAIL\nFAIL\tx/a/b\t0.1s\n";
    check(
        run("go test -v ./...", 1, text),
        "
        Failed x/a/b.TestA/b/c | a_test.go:4: no @a_test.go:4
    ",
    );
}

#[test]
fn a_parent_that_fails_by_itself_stays() {
    let text = "--- FAIL: TestA (0.00s)\n    a_test.go:9: set-up\n    --- PASS: TestA/b (0.00s)\nFAIL\nFAIL\tx/shop\t0.1s\n";
    check(
        run("go test -v ./...", 1, text),
        "
        Failed x/shop.TestA | a_test.go:9: set-up @a_test.go:9
        Passed x/shop.TestA/b
    ",
    );
}

#[test]
fn a_stopped_run_names_the_test_that_ran() {
    check(
        run("go test -v ./...", 0, "=== RUN   TestA\n--- PASS: TestA (0.00s)\n=== RUN   TestSpin\n")
            .stopped(),
        "
            Passed TestA
            TimedOut TestSpin
        ",
    );
}

#[test]
fn prose_is_no_test() {
    check(
        run("make test", 2, "--- FAIL: something else\n# heading\nFAIL\n"),
        "
        Failed make test | the check exited with status 2
    ",
    );
}

#[test]
fn events_without_an_end_are_unfinished() {
    let text = "{\"Action\":\"run\",\"Package\":\"x/shop\",\"Test\":\"TestSpin\"}\n{\"Action\":\"output\",\"Package\":\"x/shop\",\"Test\":\"TestSpin\",\"Output\":\"=== RUN   TestSpin\\n\"}\nnot json\n{\"Action\":\"pa";
    check(
        run("go test -json ./...", 0, text).stopped(),
        "
        TimedOut x/shop.TestSpin
    ",
    );
}

#[test]
fn events_of_a_passing_package_without_tests() {
    let text = "{\"Action\":\"pass\",\"Package\":\"x/shop\",\"Elapsed\":0.1}\n{\"Action\":\"fail\",\"Package\":\"x/cart\",\"Elapsed\":0.1}\n";
    check(
        run("go test -json ./...", 1, text),
        "
        Failed x/cart
        Passed x/shop
    ",
    );
}
