//! pytest.

use super::{check, run};

#[test]
fn parallel_runs_name_their_worker() {
    let text = "[gw0] [ 33%] PASSED tests/test_a.py::test_x \n[gw1] [ 66%] FAILED tests/test_a.py::test_y \n[gw1] [100%] SKIPPED tests/test_a.py::test_z \n=== 1 failed, 1 passed, 1 skipped in 1.00s ===\n";
    check(
        run("pytest -n 2 -v", 1, text),
        "
        Passed tests/test_a.py::test_x
        Failed tests/test_a.py::test_y
        Skipped tests/test_a.py::test_z
    ",
    );
}

#[test]
fn prints_of_a_test_stand_between_its_name_and_its_outcome() {
    let text = "tests/test_a.py::test_x hello\nworld\nPASSED\ntests/test_a.py::test_y \nFAILED     [100%]\n==== 1 failed, 1 passed in 0.1s ====\n";
    check(
        run("pytest -sv", 1, text),
        "
        Passed tests/test_a.py::test_x
        Failed tests/test_a.py::test_y
    ",
    );
}

#[test]
fn a_test_that_fails_in_its_tear_down_is_an_error() {
    let text = "a.py::test_x PASSED [100%]\na.py::test_x ERROR [100%]\n=== ERRORS ===\n___ ERROR at teardown of test_x ___\nE   OSError: busy\n=== short test summary info ===\nERROR a.py::test_x - OSError: busy\n=== 1 passed, 1 error in 0.1s ===\n";
    check(
        run("pytest -v", 1, text),
        "
        Errored a.py::test_x | OSError: busy
    ",
    );
}

#[test]
fn tests_of_one_name_keep_their_own_explanation() {
    let text = "=== FAILURES ===\n___ test_x ___\n\n>   f()\nE   KeyError: 'a'\n\na/test_m.py:3: KeyError\n___ test_x ___\n>   g()\nE   ValueError: b\n\nb/test_m.py:4: ValueError\n=== short test summary info ===\nFAILED a/test_m.py::test_x - KeyError: 'a'\nFAILED b/test_m.py::test_x - ValueError: b\n2 failed in 0.1s\n";
    check(
        run("pytest -q", 1, text),
        "
        Failed a/test_m.py::test_x | KeyError: 'a' @a/test_m.py:3
        Failed b/test_m.py::test_x | ValueError: b @b/test_m.py:4
    ",
    );
}

#[test]
fn without_a_summary_the_stack_gives_the_file() {
    let text = "=== FAILURES ===\n___ TestA.test_x[1.5] ___\n\n>   f()\nE   KeyError\n\ntests/test_m.py:3: KeyError\n=== 1 failed, 4 passed in 0.1s ===\n";
    check(
        run("pytest --no-summary", 1, text),
        "
        Failed tests/test_m.py::TestA::test_x[1.5] | KeyError @tests/test_m.py:3
        unlisted 4 0 0
    ",
    );
}

#[test]
fn paths_are_relative_to_the_folder_of_the_run() {
    let text = "=== FAILURES ===\n___ test_x ___\ntests/test_m.py:3: in test_x\n    f()\n../lib/m.py:9: in f\nE   KeyError\n=== short test summary info ===\nFAILED tests/test_m.py::test_x - KeyError\n1 failed in 0.1s\n";
    check(
        run("cd app && pytest", 1, text),
        "
        Failed tests/test_m.py::test_x | KeyError @app/tests/test_m.py:3 @lib/m.py:9
    ",
    );
}

#[test]
fn odd_parameters_stay_part_of_the_id() {
    let text = "t.py::test_x[a - b] PASSED [ 25%]\nt.py::test_x[c::d] PASSED [ 50%]\nt.py::test_x[e f (g)] SKIPPED (not here) [ 75%]\nt.py::test_x[FAILED] FAILED [100%]\n=== FAILURES ===\n___ test_x[FAILED] ___\nE   assert 0\n=== 1 failed, 2 passed, 1 skipped in 0.1s ===\n";
    check(
        run("pytest -v", 1, text),
        "
        Failed t.py::test_x[FAILED] | assert 0
        Passed t.py::test_x[a - b]
        Passed t.py::test_x[c::d]
        Skipped t.py::test_x[e f (g)] | not here
    ",
    );
}

#[test]
fn time_limits_of_the_plugin_are_told_apart() {
    let by_signal = "=== FAILURES ===\n___ test_x ___\nE   Failed: Timeout (>1.0s) from pytest-timeout.\n\nt.py:3: Failed\n=== short test summary info ===\nFAILED t.py::test_x - Failed: Timeout (>1.0s) from pytest-timeout.\n1 failed in 1.1s\n";
    check(
        run("pytest", 1, by_signal),
        "
        TimedOut t.py::test_x | Failed: Timeout (>1.0s) from pytest-timeout. @t.py:3
    ",
    );
    let by_thread = "t.py::test_a PASSED [ 50%]\nt.py::test_x \n+++++++++ Timeout +++++++++\n~~~ Stack of MainThread ~~~\n  File \"/w/repo/t.py\", line 3, in test_x\n";
    check(
        run("pytest -v", 1, by_thread),
        "
        Passed t.py::test_a
        TimedOut t.py::test_x | started and did not finish
    ",
    );
}

#[test]
fn a_process_that_dies_leaves_its_test_behind() {
    let text = "t.py::test_a PASSED [ 50%]\nt.py::test_x ";
    check(
        run("pytest -v", 139, text).errors("Fatal Python error: Segmentation fault\n"),
        "
        Passed t.py::test_a
        Crashed t.py::test_x | started and did not finish
    ",
    );
    check(
        run("pytest -v", 0, text).killed(),
        "
        Passed t.py::test_a
        Crashed t.py::test_x | started and did not finish
    ",
    );
}

#[test]
fn nothing_collected_is_no_success() {
    check(
        run("pytest", 5, "collected 0 items\n\n=== no tests ran in 0.01s ===\n"),
        "
        Errored pytest | the check ran no test
    ",
    );
    check(
        run("pytest nowhere", 4, "").errors("ERROR: file or directory not found: nowhere\n"),
        "
        Failed pytest nowhere | the check exited with status 4
    ",
    );
}

#[test]
fn trouble_outside_the_tests_keeps_the_check_red() {
    let uncovered = "t.py::test_a PASSED [100%]\nFAIL Required test coverage of 90% not reached. Total coverage: 80.00%\n=== 1 passed in 0.1s ===\n";
    check(
        run("pytest -v --cov", 1, uncovered),
        "
        Failed pytest -v --cov | the check exited with status 1 although no test is known to have failed
        Passed t.py::test_a
    ",
    );
    let internal = "INTERNALERROR> Traceback (most recent call last):\nINTERNALERROR>   File \"/w/repo/conftest.py\", line 3, in f\n";
    check(
        run("pytest", 3, internal),
        "
        Failed pytest | the check exited with status 3
    ",
    );
}

#[test]
fn repeated_and_deselected_tests_are_not_counted() {
    let text = "t.py::test_a RERUN [ 50%]\nt.py::test_a PASSED [ 50%]\nt.py::test_b PASSED [100%]\n=== 2 passed, 7 deselected, 1 rerun, 3 warnings in 0.1s ===\n";
    check(
        run("pytest -v", 0, text),
        "
        Passed t.py::test_a
        Passed t.py::test_b
    ",
    );
}

#[test]
fn output_that_tests_printed_is_no_explanation() {
    let text = "=== FAILURES ===\n___ test_x ___\nE   assert 0\n\nt.py:3: AssertionError\n----- Captured stdout call -----\nother.py:9: ValueError\nE   not this\n=== short test summary info ===\nFAILED t.py::test_x - assert 0\n1 failed in 0.1s\n";
    check(
        run("pytest", 1, text),
        "
        Failed t.py::test_x | assert 0 @t.py:3
    ",
    );
}
