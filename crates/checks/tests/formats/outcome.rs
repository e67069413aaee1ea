//! How the end of a check and the tests it named go together.

use super::{check, run};

const PASSING: &str = "t.py::test_a PASSED [100%]\n=== 1 passed in 0.1s ===\n";
const FAILING: &str = "t.py::test_a FAILED [100%]\n=== 1 failed in 0.1s ===\n";

#[test]
fn a_check_without_visible_tests_is_one_test() {
    check(
        run("./check.sh", 0, "fine\n"),
        "
        Passed ./check.sh
    ",
    );
    check(
        run("./check.sh", 3, "").errors("it broke\n"),
        "
        Failed ./check.sh | the check exited with status 3
    ",
    );
    check(
        run("./check.sh", 0, "").stopped(),
        "
        TimedOut ./check.sh | the check did not end in time
    ",
    );
    check(
        run("./check.sh", 0, "half").killed(),
        "
        Crashed ./check.sh | the check was killed by a signal
    ",
    );
    check(
        run("bash -c ./check.sh", 139, ""),
        "
        Crashed bash -c ./check.sh | the check was killed by a signal
    ",
    );
}

#[test]
fn the_exit_status_has_the_last_word() {
    check(
        run("pytest -v", 0, PASSING),
        "
        Passed t.py::test_a
    ",
    );
    check(
        run("pytest -v", 1, FAILING),
        "
        Failed t.py::test_a
    ",
    );
    check(
        run("pytest -v", 1, PASSING),
        "
        Failed pytest -v | the check exited with status 1 although no test is known to have failed
        Passed t.py::test_a
    ",
    );
    check(
        run("pytest -v || true", 0, FAILING),
        "
        Failed t.py::test_a
        note the check exited with status 0 although tests failed
    ",
    );
}

#[test]
fn interruptions_show_even_beside_failures() {
    check(
        run("pytest -v", 0, PASSING).stopped(),
        "
        TimedOut pytest -v | the check did not end in time
        Passed t.py::test_a
    ",
    );
    check(
        run("pytest -v", 0, FAILING).stopped(),
        "
        TimedOut pytest -v | the check did not end in time
        Failed t.py::test_a
    ",
    );
    check(
        run("pytest -v", 0, FAILING).killed(),
        "
        Crashed pytest -v | the check was killed by a signal
        Failed t.py::test_a
    ",
    );
    // Some runners exit with the number of failures.
    check(
        run("pytest -v", 130, FAILING),
        "
        Failed t.py::test_a
    ",
    );
}

#[test]
fn messages_end_with_the_last_words() {
    let long = "line\n".repeat(2000) + "the end";
    let report = run("./check.sh", 1, &long).report();
    let message = report.tests[&"./check.sh".into()].message.clone().unwrap();
    assert!(message.starts_with("the check exited with status 1\nline") && message.ends_with("the end"));
    assert!(message.len() <= smallhands_checks::MESSAGE_LIMIT);
}

#[test]
fn a_stack_in_plain_output_locates_the_fault() {
    let errors = "Traceback (most recent call last):\n  File \"/w/repo/run.py\", line 3, in <module>\n    main()\n  File \"/w/repo/app/main.py\", line 9, in main\n    x\nNameError: name 'x' is not defined\n";
    check(
        run("python3 run.py", 1, "").errors(errors),
        "
        Failed python3 run.py | the check exited with status 1 @run.py:3 @app/main.py:9
    ",
    );
}
