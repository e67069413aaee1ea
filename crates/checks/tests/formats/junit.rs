//! JUnit files together with the console.

use super::{check, run};

fn suite(name: &str, cases: &str) -> String {
    format!("<?xml version=\"1.0\"?><testsuites><testsuite name=\"{name}\">{cases}</testsuite></testsuites>")
}

#[test]
fn the_console_tells_how_odd_modules_are_called() {
    let xml = suite(
        "pytest",
        "<testcase classname=\"checks.lower.group\" name=\"test_x\"><failure message=\"no\"/></testcase>",
    );
    let console =
        "=== short test summary info ===\nFAILED checks/lower.py::group::test_x - no\n1 failed in 0.1s\n";
    check(
        run("pytest", 1, console).junit(&xml),
        "
        Failed checks/lower.py::group::test_x | no
    ",
    );
}

#[test]
fn the_console_adds_the_test_that_hung() {
    let xml = suite("pytest", "<testcase classname=\"t\" name=\"test_a\" time=\"0.5\"/>");
    check(
        run("pytest -v", 0, "t.py::test_a PASSED [ 50%]\nt.py::test_b ").junit(&xml).stopped(),
        "
        Passed t.py::test_a
        TimedOut t.py::test_b | started and did not finish
    ",
    );
}

#[test]
fn a_different_spelling_on_the_console_adds_nothing() {
    let xml = suite(
        "total",
        "<testcase classname=\"total adds\" name=\"total adds\"><failure>Error: no</failure></testcase>",
    );
    let console = "FAIL src/a.test.js\n  ● total › adds\n\n    no\n\nTests:       1 failed, 1 total\n";
    check(
        run("npx jest", 1, "").errors(console).junit(&xml),
        "
        Failed total adds | Error: no
    ",
    );
}

#[test]
fn several_files_are_added_up() {
    let first = suite("a", "<testcase classname=\"a.ATest\" name=\"x\"/>");
    let second = suite("b", "<testcase classname=\"b.BTest\" name=\"y()\"><skipped/></testcase>");
    check(
        run("mvn -q test", 0, "").junit(&first).junit(&second),
        "
        Passed a.ATest.x
        Skipped b.BTest.y
    ",
    );
}

#[test]
fn all_verdicts_and_their_details() {
    let xml = suite(
        "t",
        "<testcase classname='t.T' name='failed'><failure type='AssertionError'/></testcase>\
         <testcase classname='t.T' name='errored'><error message='a &lt; b &amp; c&#10;more'/></testcase>\
         <testcase classname='t.T' name='both'><failure message='first'/><error message='second'/></testcase>\
         <testcase classname='t.T' name='skipped'><skipped message='later'/></testcase>\
         <testcase classname='t.T' name='disabled' status='disabled'/>\
         <testcase classname='t.T' name='slow'><error type='TimeoutException' message='too long'/></testcase>\
         <testcase classname='t.T' name='aborted'><failure type='test abort with signal 6'/></testcase>\
         <testcase name='bare'/>",
    );
    check(
        run("./check.sh", 1, "").junit(&xml),
        "
        Passed bare
        Crashed t.T.aborted | test abort with signal 6
        Errored t.T.both | second
        Skipped t.T.disabled | disabled
        Errored t.T.errored | a < b & c
        Failed t.T.failed | AssertionError
        Skipped t.T.skipped | later
        TimedOut t.T.slow | too long
    ",
    );
}

#[test]
fn what_tests_print_is_not_read() {
    let xml = suite(
        "t",
        "<testcase classname='t.T' name='a'><system-out>File \"/w/repo/x.py\", line 3, in f\n<![CDATA[<failure/>]]></system-out></testcase>",
    );
    check(
        run("./check.sh", 0, "").junit(&xml),
        "
        Passed t.T.a
    ",
    );
}

#[test]
fn files_that_are_no_junit_are_passed_over() {
    check(
        run("./check.sh", 0, "").junit("<html><body>hello</body></html>").junit("").junit("not xml at all"),
        "
            Passed ./check.sh
        ",
    );
    check(
        run("./check.sh", 1, "").junit("<testsuite><testcase name='a'/><testcase name='b'><failure"),
        "
        Failed ./check.sh | the check exited with status 1 although no test is known to have failed
        Passed a
        note a JUnit file is broken or cut; its tests were read up to there
    ",
    );
}
