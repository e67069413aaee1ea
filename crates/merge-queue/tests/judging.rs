//! Diffs, and the flags that they get.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use smallhands_merge_queue::judging::{Flag, Level, Reason, flags, worst};

/// A diff of one file with one hunk.
fn diff(path: &str, lines: &str) -> String {
    let count = |signs: [char; 2]| lines.lines().filter(|line| line.starts_with(signs)).count();
    let (old, new) = (count([' ', '-']), count([' ', '+']));
    format!("diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,{old} +1,{new} @@\n{lines}")
}

fn deleted(path: &str) -> String {
    format!(
        "diff --git a/{path} b/{path}\ndeleted file mode 100644\n--- a/{path}\n+++ /dev/null\n@@ -1 +0,0 @@\n-x\n"
    )
}

fn added(path: &str, lines: &str) -> String {
    let count = lines.lines().count();
    format!(
        "diff --git a/{path} b/{path}\nnew file mode 100644\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1,{count} @@\n{lines}"
    )
}

fn seen(flags: &[Flag]) -> Vec<(Level, Reason)> {
    flags.iter().map(|flag| (flag.level, flag.reason)).collect()
}

use Level::{Alarm, Note, Warning};

fn check(cases: Vec<(String, Vec<(Level, Reason)>)>) {
    for (patch, expected) in cases {
        assert_eq!(seen(&flags(&patch)), expected, "{patch}");
    }
}

#[test]
fn changes_to_tests_have_their_levels() {
    check(vec![
        (diff("src/a.py", "-x = 1\n+x = 2\n"), vec![]),
        (
            added("tests/test_new.py", "+def test_a():\n+    assert f() == 1\n"),
            vec![(Note, Reason::TestAdded)],
        ),
        (diff("tests/test_a.py", " def test_a():\n+    assert f() == 1\n"), vec![(Note, Reason::TestAdded)]),
        (deleted("tests/test_a.py"), vec![(Alarm, Reason::TestDeleted)]),
        (
            diff("tests/test_a.py", "-def test_a():\n-    assert f() == 1\n x = 1\n"),
            vec![
                (Alarm, Reason::TestRemoved),
                (Alarm, Reason::AssertionRemoved),
                (Warning, Reason::TestChanged),
            ],
        ),
        (
            diff("tests/test_a.py", "-    assert f() == 1\n+    assert f() == 2\n"),
            vec![(Warning, Reason::TestChanged), (Warning, Reason::AssertionChanged)],
        ),
        (
            diff("tests/test_a.py", "-    assert f() == 1\n+    assert f() is not None\n"),
            vec![(Alarm, Reason::AssertionWeakened), (Warning, Reason::TestChanged)],
        ),
        (
            diff("tests/test_a.py", "-    assert f() == 1\n+    # assert f() == 1\n"),
            vec![(Alarm, Reason::AssertionRemoved), (Warning, Reason::TestChanged)],
        ),
        (
            diff("tests/test_a.py", "+@pytest.mark.skip\n def test_a():\n"),
            vec![(Alarm, Reason::Skipped), (Warning, Reason::TestChanged)],
        ),
        (diff("src/lib.rs", " #[test]\n+#[ignore]\n fn a() {\n"), vec![(Alarm, Reason::Skipped)]),
        (
            diff(
                "src/lib.rs",
                " mod tests {\n-    #[test]\n-    fn gone() {\n-        assert_eq!(1, f());\n-    }\n }\n",
            ),
            vec![(Alarm, Reason::TestRemoved), (Alarm, Reason::AssertionRemoved)],
        ),
        (diff("src/lib.rs", " fn f() {\n-    assert!(x > 1);\n }\n"), vec![]),
    ]);
}

#[test]
fn changes_to_what_steers_tests_have_their_levels() {
    check(vec![
        (diff("conftest.py", "-a\n+b\n"), vec![(Warning, Reason::Configuration)]),
        (
            diff("setup.cfg", " [coverage:report]\n-fail_under = 90\n+fail_under = 50\n"),
            vec![(Alarm, Reason::ThresholdLowered), (Warning, Reason::Configuration)],
        ),
        (
            diff(".coveragerc", " [report]\n-fail_under = 90\n"),
            vec![(Alarm, Reason::ThresholdLowered), (Warning, Reason::Configuration)],
        ),
        (
            diff("pytest.ini", "-addopts = -q --cov-fail-under=90\n+addopts = -q --cov-fail-under=80\n"),
            vec![(Alarm, Reason::ThresholdLowered), (Warning, Reason::Configuration)],
        ),
        (
            diff("jest.config.js", "-      branches: 80,\n+      branches: 60,\n"),
            vec![(Alarm, Reason::ThresholdLowered), (Warning, Reason::Configuration)],
        ),
        (
            diff("jest.config.js", "-      branches: 80,\n+      branches: 90,\n"),
            vec![(Warning, Reason::Configuration)],
        ),
        (diff("pyproject.toml", " [project]\n-version = \"1\"\n+version = \"2\"\n"), vec![]),
        (
            diff("pyproject.toml", " [tool.pytest.ini_options]\n-xfail_strict = true\n"),
            vec![(Warning, Reason::Configuration)],
        ),
        (diff("Cargo.toml", "+[[test]]\n+name = \"a\"\n"), vec![(Warning, Reason::Configuration)]),
        (
            diff("package.json", "-    \"test\": \"jest\"\n+    \"test\": \"jest || true\"\n"),
            vec![(Alarm, Reason::Silenced), (Warning, Reason::Configuration)],
        ),
        (
            diff(".github/workflows/ci.yml", "+        continue-on-error: true\n"),
            vec![(Alarm, Reason::Silenced), (Warning, Reason::ContinuousIntegration)],
        ),
        (diff("tests/__snapshots__/a.snap", "-x\n+y\n"), vec![(Warning, Reason::Snapshot)]),
        (diff("Cargo.lock", "-x\n+y\n"), vec![(Warning, Reason::Lock)]),
        (
            diff("Cargo.lock", "-x\n+y\n") + &diff("crates/a/Cargo.toml", "+serde = \"1\"\n"),
            vec![(Note, Reason::Lock)],
        ),
    ]);
}

#[test]
fn what_is_only_moved_is_not_removed() {
    let from = diff("tests/test_a.py", "-def test_a():\n-    assert f() == 1\n x\n");
    let to = diff("tests/test_b.py", " x\n+def test_a():\n+    assert f() == 1\n");
    let flags = flags(&(from + &to));
    assert_eq!(worst(&flags), Some(Level::Warning), "{flags:?}");
}

#[test]
fn a_flag_says_where_and_shows_the_line() {
    let flags = flags(&diff("tests/test_a.py", " def test_a():\n-    assert f() == 1\n+    assert f()\n"));
    assert_eq!(flags[0].to_string(), "tests/test_a.py:2: an assertion says less than before: `assert f()`");
    assert_eq!(serde_json::from_str::<Vec<Flag>>(&serde_json::to_string(&flags).unwrap()).unwrap(), flags);
}

#[test]
fn anything_may_be_fed_to_it() {
    for text in
        ["", "\n", "@@ -1 +1 @@", "diff --git", "diff --git a/x b/x\n@@ -1,9 +1,9 @@\n+", "+++ b/ä\n---"]
    {
        let _ = flags(text);
    }
}
