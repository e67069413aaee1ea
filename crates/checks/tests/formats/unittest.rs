//! unittest and what prints like it.

use super::{check, run};

/// The line under a title, and the one above.
const RULES: (&str, &str) = (
    "----------------------------------------------------------------------",
    "======================================================================",
);

fn failure(title: &str, text: &str) -> String {
    format!("{}\n{title}\n{}\n{text}\n", RULES.1, RULES.0)
}

fn totals(ran: usize, end: &str) -> String {
    format!("{}\nRan {ran} tests in 0.001s\n\n{end}\n", RULES.0)
}

#[test]
fn all_green() {
    let verbose = format!(
        "test_a (t.T.test_a) ... ok\ntest_b (t.T.test_b) ... skipped 'no \"network\"'\n\n{}",
        totals(2, "OK (skipped=1)")
    );
    check(
        run("python3 -m unittest -v", 0, "").errors(&verbose),
        r#"
        Passed t.T.test_a
        Skipped t.T.test_b | no "network"
    "#,
    );
    let dots = format!("..s\n{}", totals(3, "OK (skipped=1)"));
    check(
        run("python3 -m unittest", 0, "").errors(&dots),
        "
        unlisted 2 0 1
    ",
    );
}

#[test]
fn running_nothing_is_no_success() {
    let nothing = totals(0, "NO TESTS RAN");
    check(
        run("python3 -m unittest", 5, "").errors(&nothing),
        "
        Errored python3 -m unittest | the check ran no test
    ",
    );
    check(
        run("python3 -m unittest", 0, "").errors(&totals(0, "OK")),
        "
        Skipped python3 -m unittest | the check ran no test
    ",
    );
}

#[test]
fn buffered_output_follows_the_exception() {
    let trace = "Traceback (most recent call last):\n  File \"/w/repo/t.py\", line 3, in test_a\n    f()\nKeyError: 'x'\n\nStdout:\nhello";
    let text =
        format!("E\n{}{}", failure("ERROR: test_a (t.T.test_a)", trace), totals(1, "FAILED (errors=1)"));
    check(
        run("python3 -m unittest -b", 1, "").errors(&text),
        "
        Errored t.T.test_a | KeyError: 'x' @t.py:3
    ",
    );
}

#[test]
fn chained_exceptions_end_with_the_last() {
    let trace = "Traceback (most recent call last):\n  File \"/w/repo/a.py\", line 1, in f\n    x\nKeyError: 'x'\n\nDuring handling of the above exception, another exception occurred:\n\nTraceback (most recent call last):\n  File \"/w/repo/t.py\", line 3, in test_a\n    f()\n  File \"/w/repo/a.py\", line 5, in f\n    raise ValueError(1)\nValueError: 1\nmore of it";
    let text =
        format!("E\n{}{}", failure("ERROR: test_a (t.T.test_a)", trace), totals(1, "FAILED (errors=1)"));
    check(
        run("python3 -m unittest", 1, "").errors(&text),
        "
        Errored t.T.test_a | ValueError: 1 @a.py:1 @t.py:3 @a.py:5
    ",
    );
}

#[test]
fn rules_inside_messages_end_nothing() {
    let trace = format!(
        "Traceback (most recent call last):\n  File \"/w/repo/t.py\", line 3, in test_a\n    f()\nAssertionError: 'a\\n' != 'b'\n{}\n{}\nend",
        RULES.0, RULES.1
    );
    let text =
        format!("F\n{}{}", failure("FAIL: test_a (t.T.test_a)", &trace), totals(1, "FAILED (failures=1)"));
    check(
        run("python3 -m unittest", 1, "").errors(&text),
        "
        Failed t.T.test_a | AssertionError: 'a\\n' != 'b' @t.py:3
    ",
    );
}

#[test]
fn names_that_cannot_be_loaded() {
    let text = format!(
        "EE\n{}{}{}",
        failure(
            "ERROR: nope (unittest.loader._FailedTest)",
            "AttributeError: module 't' has no attribute 'nope'"
        ),
        failure(
            "ERROR: t_missing (unittest.loader._FailedTest.t_missing)",
            "ModuleNotFoundError: No module named 't_missing'"
        ),
        totals(2, "FAILED (errors=2)")
    );
    check(
        run("python3 -m unittest t.nope t_missing", 1, "").errors(&text),
        "
        Errored nope | AttributeError: module 't' has no attribute 'nope'
        Errored t_missing | ModuleNotFoundError: No module named 't_missing'
    ",
    );
}

#[test]
fn a_description_stands_on_its_own_line() {
    let text = format!(
        "test_a (t.T.test_a)\nAdds two numbers. ... ok\ntest_b (t.T.test_b)\nTakes away ... and so on. ... FAIL\n\n{}{}",
        failure("FAIL: test_b (t.T.test_b)\nTakes away ... and so on.", "AssertionError: 1"),
        totals(2, "FAILED (failures=1)")
    );
    check(
        run("python3 -m unittest -v", 1, "").errors(&text),
        "
        Passed t.T.test_a
        Failed t.T.test_b | AssertionError: 1
    ",
    );
}

#[test]
fn sub_tests_count_for_their_test() {
    let text = format!(
        "test_a (t.T.test_a) ... ok\ntest_b (t.T.test_b) ... \n  test_b (t.T.test_b) (n=2) ... ERROR\ntest_c (t.T.test_c) ... ok\n\n{}{}",
        failure("ERROR: test_b (t.T.test_b) (n=2)", "KeyError: 2"),
        totals(3, "FAILED (errors=1)")
    );
    check(
        run("python3 -m unittest -v", 1, "").errors(&text),
        "
        Passed t.T.test_a
        Errored t.T.test_b | KeyError: 2
        Passed t.T.test_c
    ",
    );
}

#[test]
fn what_a_test_prints_may_hide_its_outcome() {
    let text = format!(
        "test_a (t.T.test_a) ... noise without an endok\ntest_b (t.T.test_b) ... noise\nok\n\n{}",
        totals(2, "OK")
    );
    check(
        run("python3 -m unittest -v", 0, "").errors(&text),
        "
        Passed t.T.test_a
        Passed t.T.test_b
    ",
    );
}

#[test]
fn a_hanging_test_is_the_last_that_started() {
    check(
        run("python3 -m unittest -v", 0, "")
            .errors("test_a (t.T.test_a) ... ok\ntest_b (t.T.test_b)\nWaits for long. ... ")
            .stopped(),
        "
            Passed t.T.test_a
            TimedOut t.T.test_b | started and did not finish
        ",
    );
    check(
        run("python3 -m unittest", 0, "").errors("..F.").stopped(),
        "
        TimedOut python3 -m unittest | the check did not end in time
    ",
    );
}

#[test]
fn django_prints_alike() {
    let text = format!(
        "Creating test database for alias 'default'...\n.F\n{}{}Destroying test database for alias 'default'...\n",
        failure(
            "FAIL: test_total (shop.tests.CartTest.test_total)",
            "Traceback (most recent call last):\n  File \"/w/repo/shop/tests.py\", line 9, in test_total\n    self.assertEqual(1, 2)\nAssertionError: 1 != 2\n"
        ),
        totals(2, "FAILED (failures=1)")
    );
    check(
        run("python manage.py test", 1, "Found 2 test(s).\n").errors(&text),
        "
        Failed shop.tests.CartTest.test_total | AssertionError: 1 != 2 @shop/tests.py:9
        unlisted 1 0 0
    ",
    );
}

#[test]
fn redirected_output_is_found_on_the_other_stream() {
    let text = format!("test_a (t.T.test_a) ... ok\n\n{}", totals(1, "OK"));
    check(
        run("python3 -m unittest -v 2>&1", 0, &text),
        "
        Passed t.T.test_a
    ",
    );
}
