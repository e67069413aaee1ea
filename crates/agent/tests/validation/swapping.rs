//! Edits of every shape, each compared with what a fresh import makes of it.

use smallhands_agent::validation::StopRule;

use crate::project::*;

const LIB: &str = r#"import functools
from dataclasses import dataclass

LIMIT = 10
TABLE = {}

def traced(function):
    @functools.wraps(function)
    def wrapper(*args):
        return function(*args) + 0
    return wrapper

def register(function):
    TABLE[function.__name__] = function
    return function

def build():
    return 5

BUILT = build()

def plain(a, b=2):
    return a - b

@traced
def decorated(a):
    return a - 1

@functools.lru_cache(maxsize=None)
def cached(a):
    return a - 1

@register
def registered(a):
    return a - 1

def counter(start):
    def step(by):
        nonlocal start
        start = start - by
        return start
    return step

def numbers(n):
    for i in range(n):
        yield i - 1

class Box:
    """A box."""
    size = 3
    def __init__(self, value):
        self.value = value - 1
    def method(self):
        return self.value - 1
    @staticmethod
    def fixed(a):
        return a - 1
    @classmethod
    def made(cls, a):
        return cls(a - 1)
    @property
    def half(self):
        return self.value // 3
    class Inner:
        def deep(self):
            return 1 - 1

class Derived(Box):
    def method(self):
        return super().method() - 5

@dataclass
class Point:
    x: int = 0
    def norm(self):
        return self.x - 1

square = lambda x: x * 3
"#;

const TESTS: &str = r#"import pytest
import lib
from lib import plain, decorated, cached, registered, counter, numbers, Box, Derived, Point, square

def test_plain(): assert plain(3, 1) == 4
def test_default(): assert plain(3) == 2
def test_decorated(): assert decorated(1) == 2
def test_cached(): assert cached(1) == 2
def test_registered(): assert lib.TABLE['registered'](1) == 2
def test_counter(): assert counter(1)(1) == 2
def test_numbers(): assert list(numbers(2)) == [1, 2]
def test_init(): assert Box(1).value == 2
def test_method(): assert Box(1).method() == 1
def test_fixed(): assert Box.fixed(1) == 2
def test_made(): assert Box.made(1).value == 1
def test_half(): assert Box(5).half == 2
def test_deep(): assert Box.Inner().deep() == 2
def test_super(): assert Derived(1).method() == 4
def test_norm(): assert Point(1).norm() == 2
def test_square(): assert square(2) == 4
def test_limit(): assert lib.LIMIT == 11
def test_size(): assert Box.size == 4
def test_built(): assert lib.BUILT == 6
def test_wrapper(): assert decorated(1) == 1
def test_point(): assert Point().x == 1
"#;

/// (old, new, test that fails before and passes with it); the last ones need a fresh import.
const EDITS: &[(&str, &str, &str)] = &[
    ("return a - b", "return a + b", "test_plain"),
    (
        "@traced\ndef decorated(a):\n    return a - 1",
        "@traced\ndef decorated(a):\n    return a + 1",
        "test_decorated",
    ),
    ("def cached(a):\n    return a - 1", "def cached(a):\n    return a + 1", "test_cached"),
    ("def registered(a):\n    return a - 1", "def registered(a):\n    return a + 1", "test_registered"),
    ("start = start - by", "start = start + by", "test_counter"),
    ("yield i - 1", "yield i + 1", "test_numbers"),
    ("self.value = value - 1", "self.value = value + 1", "test_init"),
    ("return self.value - 1", "return self.value + 1", "test_method"),
    ("def fixed(a):\n        return a - 1", "def fixed(a):\n        return a + 1", "test_fixed"),
    ("cls(a - 1)", "cls(a + 1)", "test_made"),
    ("// 3", "// 2", "test_half"),
    ("return 1 - 1", "return 1 + 1", "test_deep"),
    ("super().method() - 5", "super().method() + 5", "test_super"),
    ("return self.x - 1", "return self.x + 1", "test_norm"),
    ("x * 3", "x * 2", "test_square"),
    ("function(*args) + 0", "function(*args) + 1", "test_wrapper"),
    ("def plain(a, b=2):", "def plain(a, b=1):", "test_default"),
    ("LIMIT = 10", "LIMIT = 11", "test_limit"),
    ("size = 3", "size = 4", "test_size"),
    ("return 5", "return 6", "test_built"),
    ("x: int = 0", "x: int = 1", "test_point"),
];

/// How many of [`EDITS`] are of the last kind.
const FRESH: usize = 5;

fn project() -> Project {
    Project::new(&[("lib.py", LIB), ("test_lib.py", TESTS)])
}

fn id(test: &str) -> String {
    format!("test_lib.py::{test}")
}

#[tokio::test(flavor = "multi_thread")]
async fn every_shape_of_edit_takes_effect() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    for (number, (old, new, test)) in EDITS.iter().enumerate() {
        let id = id(test);
        let outcome = session.ask(&[project.edit("lib.py", old, new)], &[&id], StopRule::FirstFailure).await;
        expect(&outcome, &[(&id, Passed)]);
        let fresh = outcome.report.notes.iter().any(|note| note.contains("imported afresh"));
        assert_eq!(fresh, number >= EDITS.len() - FRESH, "{old} -> {new}: {:?}", outcome.report.notes);
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_suite_agrees_with_the_plain_command_for_every_edit() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let original = project.read("lib.py");
    let mut session = project.open(PYTEST).await.warm();
    // every third one: a plain run takes a hundred times as long
    for (old, new, _) in EDITS.iter().skip(1).step_by(3) {
        let edit = project.edit("lib.py", old, new);
        let warm = outcomes(&session.all(std::slice::from_ref(&edit)).await);
        std::fs::write(project.root().join("lib.py"), edit.apply(&original)).unwrap();
        let plain = project.check(PYTEST).await.report;
        std::fs::write(project.root().join("lib.py"), &original).unwrap();
        let plain: std::collections::BTreeMap<_, _> =
            plain.tests.into_iter().map(|(id, result)| (id.0, result.outcome)).collect();
        assert_eq!(warm, plain, "{old} -> {new}");
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn candidates_that_do_the_same_are_not_run_twice() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    let check = [id("test_plain")];
    let tests: Vec<&str> = check.iter().map(String::as_str).collect();
    let cases = [
        ("return a - b", "return (a - b)", End::Duplicate),
        ("return a - b", "return a  -  b  # same", End::Duplicate),
        ("return a - b", "return a * b", End::Completed),
        ("return a - b", "return (a * b)", End::Duplicate),
        ("return a - b", "return a * b", End::Completed), // the very same question again is no duplicate
        ("return a - b", "return a -", End::Invalid),
        ("return a - b", "return a - b\n   x", End::Invalid),
        ("LIMIT = 10", "LIMIT = (10)", End::Duplicate),
        ("LIMIT = 10", "LIMIT = 10.0", End::Completed),
        ("LIMIT = 10", "LIMIT = = 10", End::Invalid),
        ("size = 3", "size = (3)", End::Duplicate),
    ];
    for (old, new, expected) in cases {
        let outcome = session.ask(&[project.edit("lib.py", old, new)], &tests, StopRule::FirstFailure).await;
        assert_eq!(outcome.ended, expected, "{old} -> {new}");
    }
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_edits_at_once_in_one_file_and_in_two() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("one.py", "def f():\n    return 1\n\ndef g():\n    return 2\n"),
        ("two.py", "def h():\n    return 3\n"),
        (
            "test_sum.py",
            "from one import f, g\nfrom two import h\n\ndef test_sum():\n    assert (f(), g(), h()) == (4, 5, 6)\n",
        ),
    ]);
    let mut session = project.open(PYTEST).await.warm();
    let edits = [
        project.edit("one.py", "1", "4"),
        project.edit("one.py", "2", "5"),
        project.edit("two.py", "3", "6"),
    ];
    let outcome = session.ask(&edits, &["test_sum.py::test_sum"], StopRule::Never).await;
    expect(&outcome, &[("test_sum.py::test_sum", Passed)]);
    let outcome = session.ask(&edits[..2], &["test_sum.py::test_sum"], StopRule::Never).await;
    expect(&outcome, &[("test_sum.py::test_sum", Failed)]);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn modules_imported_late_are_imported_with_the_edit() {
    if pytest_is_missing() {
        return;
    }
    let project = Project::new(&[
        ("late.py", "VALUE = 1\n"),
        ("test_late.py", "def test_late():\n    from late import VALUE\n    assert VALUE == 2\n"),
    ]);
    let mut session = project.open(PYTEST).await.warm();
    assert_eq!(session.outcome(project.edit("late.py", "1", "2"), "test_late.py::test_late").await, Passed);
    assert_eq!(session.outcome(project.edit("late.py", "1", "3"), "test_late.py::test_late").await, Failed);
    session.close().await;
}
