//! Node's spec reporter, jest, vitest and mocha.

use super::{check, run};

#[test]
fn newer_nodes_explain_failures_only_at_the_end() {
    let text = "▶ total\n  ✔ adds (0.5ms)\n  ✖ multiplies (1.2ms)\n✖ total (2.0ms)\n▶ other\n  ✖ multiplies (0.3ms)\n✖ other (0.4ms)\nℹ tests 3\nℹ fail 2\n\n✖ failing tests:\n\ntest at test/a.test.js:8:3\n✖ multiplies (1.2ms)\n  AssertionError: 1 !== 2\n      at TestContext.<anonymous> (file:///w/repo/test/a.test.js:9:12)\n\ntest at test/a.test.js:20:3\n✖ multiplies (0.3ms)\n  'no stack'\n";
    check(
        run("node --test", 1, text),
        "
        Failed other > multiplies | no stack @test/a.test.js:20
        Passed total > adds
        Failed total > multiplies | AssertionError: 1 !== 2 @test/a.test.js:9
    ",
    );
}

#[test]
fn a_green_spec_run() {
    check(
        run(
            "node --test",
            0,
            "✔ adds (0.5ms)\n﹣ later (0.1ms) # SKIP\n▶ group\n  ✔ adds (0.1ms)\n✔ group (0.3ms)\nℹ tests 3\nℹ pass 2\n",
        ),
        "
            Passed adds
            Passed group > adds
            Skipped later | SKIP
        ",
    );
}

#[test]
fn check_marks_in_prose_are_no_tests() {
    check(
        run("npm test", 0, "✔ Downloaded everything\n✔ All good\n"),
        "
        Passed npm test
    ",
    );
}

#[test]
fn jest_names_files_and_groups() {
    let text = "PASS src/a.test.js\nFAIL src/b.test.ts (5.3 s)\n  ● Console\n\n    console.log\n      noise\n\n  ● total › adds\n\n    expect(1).toBe(2)\n\n      3 | code\n    > 4 | code\n\n      at Object.<anonymous> (src/b.test.ts:4:9)\n\nTest Suites: 1 failed, 1 passed, 2 total\nTests:       1 failed, 3 passed, 4 total\n";
    check(
        run("npx jest", 1, "").errors(text),
        "
        Failed src/b.test.ts > total > adds | expect(1).toBe(2) @src/b.test.ts:4
        unlisted 3 0 0
    ",
    );
}

#[test]
fn jest_repeats_failures_at_the_end() {
    let part = "FAIL src/b.test.js\n  ● adds\n\n    boom\n\n      at f (src/b.js:1:1)\n\n";
    let text = format!(
        "{part}Summary of all failing tests\n{part}Test Suites: 1 failed, 1 total\nTests:       1 failed, 1 total\n"
    );
    check(
        run("npm test", 1, "> jest\n").errors(&text),
        "
        Failed src/b.test.js > adds | boom @src/b.js:1
    ",
    );
}

#[test]
fn vitest_headings_may_share_an_explanation() {
    let text = " RUN  v3.0.0 /w/repo\n\n ❯ src/a.test.ts (3 tests | 2 failed) 5ms\n\n⎯⎯⎯⎯⎯⎯⎯ Failed Tests 2 ⎯⎯⎯⎯⎯⎯⎯\n\n FAIL  src/a.test.ts > one\n FAIL  |web| src/a.test.ts > group > two\nError: shared\n ❯ f src/a.ts:3:4\n\n⎯⎯⎯⎯⎯⎯⎯⎯⎯⎯[1/2]⎯\n\n Test Files  1 failed (1)\n      Tests  2 failed | 1 passed (3)\n";
    check(
        run("npx vitest run", 1, text),
        "
        Failed src/a.test.ts > group > two | Error: shared @src/a.ts:3
        Failed src/a.test.ts > one | Error: shared @src/a.ts:3
        unlisted 1 0 0
    ",
    );
}

#[test]
fn vitest_prints_failures_to_the_other_stream() {
    let errors = "\n⎯⎯⎯⎯ Failed Tests 1 ⎯⎯⎯⎯\n\n FAIL  a.test.ts > one\nError: x\n ❯ a.test.ts:3:4\n\n";
    let text = " RUN  v3.0.0 /w/repo\n\n Test Files  1 failed (1)\n      Tests  1 failed | 1 passed (2)\n";
    check(
        run("npx vitest run", 1, text).errors(errors),
        "
        Failed a.test.ts > one | Error: x @a.test.ts:3
        unlisted 1 0 0
    ",
    );
}

#[test]
fn mocha_numbers_failures_over_groups() {
    let text = "\n  one\n    ✔ a (25ms)\n    1) b\n  two\n    deep\n      2) b\n\n\n  1 passing (30ms)\n  2 failing\n\n  1) one\n       b:\n     Error: first\n      at Context.<anonymous> (test/a.js:3:4)\n\n  2) two\n       deep\n         b:\n     Error: second\n      at Context.<anonymous> (test/a.js:9:4)\n";
    check(
        run("npx mocha", 2, text),
        "
        Passed one > a
        Failed one > b | Error: first @test/a.js:3
        Failed two > deep > b | Error: second @test/a.js:9
    ",
    );
}

#[test]
fn a_runner_that_is_missing() {
    check(
        run("npm test", 127, "> shop@1.0.0 test\n> jest\n").errors("sh: 1: jest: not found\n"),
        "
        Failed npm test | the check exited with status 127
    ",
    );
}
