//! What `unittest` can do, asked through the warm server.

use smallhands_agent::validation::StopRule;
use smallhands_checks::TestId;

use crate::project::*;

const CALC: &str =
    "LIMIT = 3\n\ndef add(a, b):\n    return a - b\n\ndef spin(n):\n    while n:\n        n -= 1\n";

const KINDS: &str = "import unittest\nimport calc\n\n\
    class A(unittest.TestCase):\n\
    \x20   def test_add(self):\n        self.assertEqual(calc.add(1, 2), 3)\n\
    \x20   def test_error(self):\n        raise RuntimeError('x')\n\
    \x20   def test_sub(self):\n        for i in range(3):\n            with self.subTest(i=i):\n                self.assertEqual(calc.add(0, i), i)\n\
    \x20   @unittest.skip('no')\n    def test_skip(self):\n        pass\n\
    \x20   @unittest.expectedFailure\n    def test_xfail(self):\n        self.fail()\n\
    \x20   @unittest.expectedFailure\n    def test_xpass(self):\n        pass\n\
    \x20   def test_limit(self):\n        self.assertEqual(calc.LIMIT, 3)\n\
    \x20   def test_spin(self):\n        calc.spin(2)\n\n\
    class SetUpFails(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n        raise RuntimeError('x')\n    def test_one(self):\n        pass\n\n\
    class SetUpWorks(unittest.TestCase):\n    @classmethod\n    def setUpClass(cls):\n        cls.value = calc.add(2, 1)\n    def test_value(self):\n        self.assertEqual(self.value, 3)\n\n\
    class Soon(unittest.IsolatedAsyncioTestCase):\n    async def test_later(self):\n        self.assertEqual(calc.add(2, 2), 0)\n";

fn project() -> Project {
    Project::new(&[
        ("calc.py", CALC),
        ("tests/__init__.py", ""),
        ("tests/test_kinds.py", KINDS),
        ("tests/test_broken.py", "import nothing_of_that_name\n"),
    ])
}

fn id(test: &str) -> String {
    format!("tests.test_kinds.{test}")
}

#[tokio::test(flavor = "multi_thread")]
async fn outcomes_are_those_of_the_plain_command() {
    let project = project();
    let plain = project.check(UNITTEST).await;
    let mut session = project.open(UNITTEST).await.warm();
    assert_eq!(session.validator.kind(), "warm-unittest");
    let warm = session.all(&[]).await;
    let expected = [
        ("A.test_add", Failed),
        ("A.test_error", Errored),
        ("A.test_sub", Failed),
        ("A.test_skip", Skipped),
        ("A.test_xfail", Skipped),
        ("A.test_xpass", Failed),
        ("A.test_limit", Passed),
        ("SetUpFails.test_one", Errored),
        ("SetUpWorks.test_value", Failed),
        ("Soon.test_later", Passed),
    ];
    for (test, wanted) in expected {
        let id = id(test);
        expect(&warm, &[(&id, wanted)]);
        assert_eq!(plain.report.tests[&TestId::new(id)].outcome, wanted, "{test}");
    }
    let broken = TestId::new("unittest.loader._FailedTest.tests.test_broken");
    assert_eq!(session.validator.collection_errors().failing(), std::slice::from_ref(&broken));
    assert_eq!(plain.report.tests[&broken].outcome, Errored);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn edits_in_functions_constants_and_tests() {
    let project = project();
    let mut session = project.open(UNITTEST).await.warm();
    let check = |old: &str, new: &str| project.edit("calc.py", old, new);
    assert_eq!(session.outcome(check("a - b", "a + b"), &id("A.test_add")).await, Passed);
    assert_eq!(session.outcome(check("a - b", "b + a"), &id("SetUpWorks.test_value")).await, Passed);
    assert_eq!(session.outcome(check("LIMIT = 3", "LIMIT = 4"), &id("A.test_limit")).await, Failed);
    assert_eq!(session.outcome(check("n -= 1", "n -= 0"), &id("A.test_spin")).await, TimedOut);
    let mended =
        project.edit("tests/test_broken.py", "import nothing_of_that_name", "from .test_kinds import A as B");
    let broken = "unittest.loader._FailedTest.tests.test_broken";
    let outcome = session.ask(&[mended], &[broken], StopRule::Never).await;
    expect(&outcome, &[(broken, Passed)]);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_every_test_also_of_one_that_hangs() {
    let project = project();
    let source = project.read("calc.py").replace("n -= 1", "n -= 0");
    std::fs::write(project.root().join("calc.py"), source).unwrap();
    let mut session = project.open("python3 -m unittest discover -s tests -t .").await.warm();
    let outcome = session.trace().await;
    assert_eq!(outcome.ended, End::TimedOut);
    expect(&outcome, &[(&id("A.test_spin"), TimedOut), (&id("Soon.test_later"), Passed)]);
    let lines = &outcome.coverage[&TestId::new(id("A.test_spin"))]["calc.py"];
    assert_eq!(lines.iter().copied().collect::<Vec<_>>(), [7, 8]);
    let frame = outcome.report.tests[&TestId::new(id("A.test_spin"))].frames.last().cloned().unwrap();
    assert_eq!((frame.file.as_str(), frame.function.as_deref()), ("calc.py", Some("spin")));
    session.close().await;
}
