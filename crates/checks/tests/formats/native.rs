//! CTest, GoogleTest and plain makefiles.

use super::{check, run};

#[test]
fn names_may_contain_blanks_and_dots() {
    let text = "    Start 1: adds two. numbers\n1/1 Test #1: adds two. numbers ......   Passed    0.01 sec\n\n100% tests passed, 0 tests failed out of 1\n";
    check(
        run("ctest", 0, text),
        "
        Passed adds two. numbers
    ",
    );
}

#[test]
fn a_skip_code_is_a_skip() {
    let text = "      Start  9: gpu\n 9/12 Test  #9: gpu ....***Skipped   0.01 sec\n";
    check(
        run("ctest", 0, text),
        "
        Skipped gpu
    ",
    );
}

#[test]
fn no_tests_were_found() {
    check(
        run("ctest", 0, "Test project /w/repo/build\n").errors("No tests were found!!!\n"),
        "
        Skipped ctest | the check ran no test
    ",
    );
}

#[test]
fn google_tests_listed_at_the_end_are_not_counted_twice() {
    let text = "[ RUN      ] A.b\n[       OK ] A.b (3 ms)\n[ RUN      ] A.c/0\nt.cc:4: Failure\nValue of: x\n[  FAILED  ] A.c/0, where GetParam() = 1 (0 ms)\n[==========] 2 tests from 1 test suite ran. (3 ms total)\n[  PASSED  ] 1 test.\n[  FAILED  ] 1 test, listed below:\n[  FAILED  ] A.c/0, where GetParam() = 1\n";
    check(
        run("./build/tests", 1, text),
        "
        Passed A.b
        Failed A.c/0 | t.cc:4: Failure @t.cc:4
    ",
    );
}

#[test]
fn compiler_errors_point_at_the_source() {
    let errors = "src/cart.c: In function 'total':\nsrc/cart.c:12:5: error: expected ';' before 'return'\nmake: *** [Makefile:4: cart.o] Error 1\n";
    check(
        run("make test", 2, "cc -c src/cart.c\n").errors(errors),
        "
        Failed make test | the check exited with status 2 @src/cart.c:12
    ",
    );
}

#[test]
fn several_runners_in_one_check_are_all_read() {
    let text = "ok  \tx/shop\t0.01s\nt.py::test_a PASSED [100%]\n=== 1 passed in 0.1s ===\n";
    check(
        run("make test", 0, text),
        "
        Passed t.py::test_a
        Passed x/shop
    ",
    );
}
