//! Maven and Gradle on the console.

use super::{check, run};

#[test]
fn the_older_form_puts_the_method_first() {
    let text = "Tests run: 2, Failures: 1, Errors: 1, Skipped: 0, Time elapsed: 0.05 sec <<< FAILURE! - in com.acme.CartTest\nadds(com.acme.CartTest)  Time elapsed: 0.01 sec  <<< FAILURE!\njava.lang.AssertionError: expected:<1> but was:<2>\n\tat org.junit.Assert.fail(Assert.java:89)\n\tat com.acme.CartTest.adds(CartTest.java:9)\n\nfirst(com.acme.CartTest)  Time elapsed: 0 sec  <<< ERROR!\njava.lang.NullPointerException\n\tat com.acme.Cart.first(Cart.java:4)\n\nResults :\n\nTests run: 2, Failures: 1, Errors: 1, Skipped: 0\n";
    check(run("mvn test", 1, text), "
        Failed com.acme.CartTest.adds | java.lang.AssertionError: expected:<1> but was:<2> @com/acme/CartTest.java:9
        Errored com.acme.CartTest.first | java.lang.NullPointerException @com/acme/Cart.java:4
    ");
}

#[test]
fn totals_of_modules_add_up() {
    let text = "[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1, Time elapsed: 0.1 s -- in a.ATest\n[INFO] Tests run: 3, Failures: 0, Errors: 0, Skipped: 1\n[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0, Time elapsed: 0.1 s -- in b.BTest\n[INFO] Tests run: 2, Failures: 0, Errors: 0, Skipped: 0\n[INFO] BUILD SUCCESS\n";
    check(
        run("mvn test", 0, text),
        "
        unlisted 4 0 1
    ",
    );
}

#[test]
fn a_class_that_cannot_be_set_up() {
    let text = "[ERROR] com.acme.CartTest -- Time elapsed: 0.01 s <<< ERROR!\njava.lang.ExceptionInInitializerError\n\tat com.acme.CartTest.setUp(CartTest.java:5)\nCaused by: java.io.IOException: no file\n\tat com.acme.Files.open(Files.java:8)\n\n[ERROR] Tests run: 1, Failures: 0, Errors: 1, Skipped: 0\n";
    check(run("mvn test", 1, text), "
        Errored com.acme.CartTest | java.lang.ExceptionInInitializerError @com/acme/CartTest.java:5 @com/acme/Files.java:8
    ");
}

#[test]
fn quiet_success_has_nothing_to_say() {
    check(
        run("mvn -q test", 0, ""),
        "
        Passed mvn -q test
    ",
    );
}

#[test]
fn gradle_lists_nested_classes_and_totals() {
    let text = "> Task :test\n\nCartTest > Inner > deep() FAILED\n    java.lang.IllegalStateException: closed\n        at com.acme.Cart.open(Cart.java:7)\n\nCartTest > quick() SKIPPED\n\n3 tests completed, 1 failed, 1 skipped\n\nBUILD FAILED in 1s\n";
    check(
        run("./gradlew test", 1, text),
        "
        Failed CartTest.Inner.deep | java.lang.IllegalStateException: closed @com/acme/Cart.java:7
        Skipped CartTest.quick
        unlisted 1 0 0
    ",
    );
}

#[test]
fn gradle_compile_errors_are_the_whole_checks_trouble() {
    let errors = "/w/repo/src/main/java/Cart.java:3: error: ';' expected\n    int x\n         ^\n1 error\n\nFAILURE: Build failed with an exception.\n";
    check(
        run("./gradlew test", 1, "> Task :compileJava FAILED\n").errors(errors),
        "
        Failed ./gradlew test | the check exited with status 1 @src/main/java/Cart.java:3
    ",
    );
}
