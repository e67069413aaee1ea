//! What pytest can do, asked through the warm server.

use smallhands_agent::validation::StopRule;
use smallhands_checks::TestId;

use crate::project::*;

const SHOP: &str = "RATE = 3\n\ndef add(a, b):\n    return a - b\n\ndef spin(n):\n    while n:\n        n -= 1\n    return n\n";

const KINDS: &str = "import unittest\nimport pytest\nfrom shop import add, spin, RATE\n\n\
    @pytest.fixture(scope='module')\ndef three():\n    yield 3\n\n\
    @pytest.fixture\ndef broken():\n    raise RuntimeError('no')\n\n\
    @pytest.fixture\ndef leaky():\n    yield 1\n    raise RuntimeError('late')\n\n\
    def test_add():\n    assert add(1, 2) == 3\n\n\
    def test_fixture(three, tmp_path, monkeypatch, capsys):\n    print('x')\n    assert capsys.readouterr().out == 'x\\n' and three == 3 and tmp_path.is_dir()\n\n\
    def test_broken(broken):\n    pass\n\n\
    def test_leaky(leaky):\n    pass\n\n\
    @pytest.mark.skip(reason='why')\ndef test_skip():\n    pass\n\n\
    def test_skip_inside():\n    pytest.skip('inside')\n\n\
    @pytest.mark.xfail\ndef test_xfail():\n    assert 0\n\n\
    @pytest.mark.xfail(strict=True)\ndef test_strict():\n    pass\n\n\
    @pytest.mark.parametrize('n', [0, 'a b'])\ndef test_each(n):\n    assert spin(0) == 0\n\n\
    class TestIn:\n    limit = 2\n    def setup_method(self):\n        self.value = 1\n    def test_method(self):\n        assert self.value < self.limit\n\n\
    class Old(unittest.TestCase):\n    def setUp(self):\n        self.x = 1\n    def test_old(self):\n        self.assertEqual(self.x, RATE)\n\n\
    async def test_async():\n    pass\n";

fn shop() -> Project {
    Project::new(&[("conftest.py", ""), ("shop.py", SHOP), ("tests/test_kinds.py", KINDS)])
}

fn id(test: &str) -> String {
    format!("tests/test_kinds.py::{test}")
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_those_of_the_plain_command() {
    if pytest_is_missing() {
        return;
    }
    let project = shop();
    let plain = project.check(PYTEST).await;
    let mut session = project.open(PYTEST).await.warm();
    let warm = session.all(&[]).await;
    let traced = session.trace().await;
    let expected = [
        ("test_add", Failed),
        ("test_fixture", Passed),
        ("test_broken", Errored),
        ("test_leaky", Errored),
        ("test_skip", Skipped),
        ("test_skip_inside", Skipped),
        ("test_xfail", Skipped),
        ("test_strict", Failed),
        ("test_each[0]", Passed),
        ("test_each[a b]", Passed),
        ("TestIn::test_method", Passed),
        ("Old::test_old", Failed),
    ];
    for (test, wanted) in expected {
        let id = id(test);
        expect(&warm, &[(&id, wanted)]);
        assert_eq!(plain.report.tests[&TestId::new(id)].outcome, wanted, "{test}");
    }
    let plainly: std::collections::BTreeMap<_, _> =
        plain.report.tests.iter().map(|(id, result)| (id.0.clone(), result.outcome)).collect();
    assert_eq!(outcomes(&warm), plainly);
    assert_eq!(outcomes(&traced), plainly);
    assert_eq!((plain.exit_code, plain.timed_out), (Some(1), false));
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_say_where_and_lines_are_recorded() {
    if pytest_is_missing() {
        return;
    }
    let project = shop();
    let mut session = project.open(PYTEST).await.warm();
    let outcome = session.trace().await;
    let failed = &outcome.report.tests[&TestId::new(id("test_add"))];
    assert!(failed.message.as_deref().unwrap().contains("assert -1 == 3"), "{failed:?}");
    assert_eq!(failed.frames.last().unwrap().file, "tests/test_kinds.py");
    let lines =
        |test: &str| outcome.coverage[&TestId::new(id(test))]["shop.py"].iter().copied().collect::<Vec<_>>();
    assert_eq!(lines("test_add"), [4]);
    assert_eq!(lines("test_each[0]"), [7, 9]);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suite_stops_at_the_first_failure_and_keeps_the_asked_order() {
    if pytest_is_missing() {
        return;
    }
    let project = shop();
    let mut session = project.open(PYTEST).await.warm();
    let tests = [id("TestIn::test_method"), id("test_add"), id("test_each[0]")];
    let tests: Vec<&str> = tests.iter().map(String::as_str).collect();
    let stopped = session.ask(&[], &tests, StopRule::FirstFailure).await;
    assert_eq!(outcomes(&stopped).into_values().collect::<Vec<_>>(), [Passed, Failed]);
    let fixed =
        session.ask(&[project.edit("shop.py", "a - b", "a + b")], &tests, StopRule::FirstFailure).await;
    let ids: Vec<TestId> = tests.iter().map(|test| TestId::new(*test)).collect();
    assert!(fixed.passes(&ids), "{fixed:?}");
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_collected_are_errors_that_an_edit_can_mend() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("pkg/__init__.py", ""),
        ("pkg/bad.py", "import nothing_of_that_name\n\ndef two():\n    return 2\n"),
        ("pkg/worse.py", "def f(:\n    pass\n"),
        (
            "test_bad.py",
            "from pkg.bad import two\n\ndef test_two():\n    assert two() == 2\n\ndef test_three():\n    assert two() == 3\n",
        ),
        ("test_worse.py", "import pkg.worse\n\ndef test_f():\n    pass\n"),
        ("test_good.py", "def test_good():\n    pass\n"),
    ]);
    let mut session = project.open(PYTEST).await.warm();
    assert_eq!(session.validator.tests(), [TestId::new("test_good.py::test_good")]);
    let errors = session.validator.collection_errors().clone();
    assert_eq!(errors.failing(), [TestId::new("test_bad.py"), TestId::new("test_worse.py")]);
    let frame = errors.tests[&TestId::new("test_worse.py")].frames.last().unwrap().clone();
    assert_eq!((frame.file.as_str(), frame.line), ("pkg/worse.py", 1));
    let mended = project.edit("pkg/bad.py", "import nothing_of_that_name\n", "");
    let outcome = session.ask(&[mended], &["test_bad.py"], StopRule::Never).await;
    expect(
        &outcome,
        &[("test_bad.py", Passed), ("test_bad.py::test_two", Passed), ("test_bad.py::test_three", Failed)],
    );
    let still = project.edit("pkg/bad.py", "nothing_of_that_name", "nothing_either");
    expect(&session.ask(&[still], &["test_bad.py"], StopRule::Never).await, &[("test_bad.py", Errored)]);
    let syntax = project.edit("pkg/worse.py", "def f(:", "def f():");
    let outcome = session.ask(&[syntax], &["test_worse.py"], StopRule::FirstFailure).await;
    expect(&outcome, &[("test_worse.py", Passed), ("test_worse.py::test_f", Passed)]);
    let broken = [project.edit("pkg/bad.py", "return 2", "return )")];
    assert_eq!(session.ask(&broken, &["test_good.py::test_good"], StopRule::Never).await.ended, End::Invalid);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_own_folder_options_and_layout_apply() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("app/pytest.ini", "[pytest]\npythonpath = src\naddopts = -p no:cacheprovider\ntestpaths = checks\n"),
        ("app/src/lib/__init__.py", "def read():\n    return open('data.txt').read()\n"),
        ("app/data.txt", "hello"),
        (
            "app/checks/test_read.py",
            "from lib import read\n\ndef test_read():\n    assert read() == 'hello!'\n\ndef test_left_out():\n    assert 0\n",
        ),
    ]);
    let command = "cd app && python3 -m pytest -x -k 'not left_out'";
    let mut session = project.open(command).await.warm();
    assert_eq!(session.validator.tests(), [TestId::new("checks/test_read.py::test_read")]);
    let wanted = "checks/test_read.py::test_read";
    assert_eq!(
        session.outcome(project.edit("app/src/lib/__init__.py", "read()\n", "read() + '!'\n"), wanted).await,
        Passed
    );
    assert_eq!(session.outcome(project.edit("app/data.txt", "hello", "hello!"), wanted).await, Passed);
    assert_eq!(session.outcome(project.edit("app/data.txt", "hello", "hell"), wanted).await, Failed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_files_of_the_wanted_tests_are_collected() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("tests/test_a.py", "def test_a():\n    pass\n"),
        ("tests/test_b.py", "raise SystemExit('never import me')\n"),
    ]);
    let session = project.open_only(PYTEST, &["tests/test_a.py::test_a"]).await.warm();
    assert_eq!(session.validator.tests(), [TestId::new("tests/test_a.py::test_a")]);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_started_by_a_test_sees_the_edit() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("tool.py", "def main():\n    print('old')\n\nif __name__ == '__main__':\n    main()\n"),
        (
            "test_tool.py",
            "import subprocess, sys, tool\n\ndef test_tool():\n    out = subprocess.run([sys.executable, 'tool.py'], capture_output=True, text=True)\n    assert out.stdout == 'new\\n'\n",
        ),
    ]);
    let mut session = project.open(PYTEST).await.warm();
    assert_eq!(
        session.outcome(project.edit("tool.py", "'old'", "'new'"), "test_tool.py::test_tool").await,
        Passed
    );
    assert_eq!(
        session.outcome(project.edit("tool.py", "'old'", "'odd'"), "test_tool.py::test_tool").await,
        Failed
    );
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn doctests_and_their_failures() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[(
        "calc.py",
        "def twice(n):\n    \"\"\"Doubles.\n\n    >>> twice(2)\n    4\n    \"\"\"\n    return n * 3\n",
    )]);
    let mut session = project.open("python3 -m pytest --doctest-modules").await.warm();
    expect(&session.all(&[]).await, &[("calc.py::calc.twice", Failed)]);
    assert_eq!(
        session.outcome(project.edit("calc.py", "n * 3", "n * 2"), "calc.py::calc.twice").await,
        Passed
    );
    // the text of the test itself is part of the function
    assert_eq!(
        session.outcome(project.edit("calc.py", "    4\n", "    6\n"), "calc.py::calc.twice").await,
        Passed
    );
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_cannot_be_served_falls_back_and_says_why() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("calc.py", "def two():\n    return 3\n"),
        ("test_calc.py", "from calc import two\n\ndef test_two():\n    assert two() == 2\n"),
    ]);
    // an environment that hides our modules from the interpreter
    let command = "env -u PYTHONPATH -u PYTEST_PLUGINS python3 -m pytest -q";
    let mut session = project.open(command).await;
    assert_eq!(session.validator.kind(), "command");
    assert!(
        session.validator.fallback().unwrap().contains("before its tests were collected"),
        "{:?}",
        session.validator.fallback()
    );
    assert_eq!(session.outcome(project.edit("calc.py", "3", "2"), "test_calc.py::test_two").await, Passed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn pytest_behind_make_is_served_warm_and_recorded() {
    let make = std::process::Command::new("make").arg("--version").output();
    if pytest_is_missing() || !make.is_ok_and(|output| output.status.success()) {
        eprintln!("SKIPPED: make is not installed");
        return;
    }
    let project = Project::new(&[
        ("Makefile", "test:\n\t@python3 -m pytest -q\n"),
        ("calc.py", "def two():\n    return 3\n"),
        ("test_calc.py", "from calc import two\n\ndef test_two():\n    assert two() == 2\n"),
    ]);
    let run = project.check("make test").await;
    assert_eq!(run.report.failing(), [TestId::new("test_calc.py::test_two")]);
    let mut session = project.open("make test").await.warm();
    assert_eq!(session.outcome(project.edit("calc.py", "3", "2"), "test_calc.py::test_two").await, Passed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_folders_output_and_warnings_are_as_in_a_plain_run() {
    if pytest_is_missing() {
        return;
    }
    let tests = "import os, warnings\nimport pytest\n\n\
        def test_folders(tmp_path, tmp_path_factory):\n    (tmp_path / 'a').write_text('x')\n    assert tmp_path_factory.mktemp('b').is_dir()\n\n\
        def test_capture(capfd):\n    os.system('echo out')\n    print('more')\n    assert capfd.readouterr().out == 'out\\nmore\\n'\n\n\
        def test_log(caplog):\n    import logging\n    logging.getLogger('a').warning('w')\n    assert caplog.messages == ['w']\n\n\
        def test_recorded():\n    with warnings.catch_warnings(record=True) as seen:\n        warnings.warn('x')\n    assert len(seen) == 1\n\n\
        def test_warns():\n    with pytest.warns(DeprecationWarning):\n        warnings.warn('x', DeprecationWarning)\n\n\
        def test_input():\n    with pytest.raises(OSError):\n        input()\n\n\
        def test_environment():\n    assert not [name for name in os.environ if name.startswith('SMALLHANDS_USER')]\n    assert 'PYTEST_PLUGINS' not in os.environ\n\n\
        def test_arguments(request):\n    assert request.node.name == 'test_arguments'\n";
    let project = Project::new(&[("test_ways.py", tests)]);
    let mut session = project.open(PYTEST).await.warm();
    for outcome in [session.all(&[]).await, session.trace().await, session.all(&[]).await] {
        assert_eq!(
            (outcome.report.failing(), outcome.report.tests.len()),
            (vec![], 8),
            "{:?}",
            outcome.report
        );
    }
    session.close().await;
}
