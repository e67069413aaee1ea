//! The specialist end to end: small projects with real faults, real test frameworks, a local runtime. All but one are in Python.
#![allow(clippy::unwrap_used)] // the helpers of tests may panic

mod repair_support;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use repair_support::Heard;
use smallhands_agent::cancel::CancelToken;
use smallhands_agent::repair::{Observation, SearchEnd, SearchOutcome, SearchTask, observe, search};
use smallhands_agent::validation::{CheckSpec, run_check};
use smallhands_checks::{Framework, Outcome, TestId, is_test_path};
use smallhands_repair::{EnumerationLimits, Spectrum, Suspicion, TestCoverage, language_of, ochiai};
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime, Runtime};
use tempfile::TempDir;
use tokio::sync::watch;

/// A project in a folder of its own.
struct Project {
    folder: TempDir,
    runtime: Arc<dyn Runtime>,
    check: CheckSpec,
}

impl Project {
    fn new(files: &[(&str, &str)], command: &str, framework: Framework) -> Project {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let check = CheckSpec {
            command: command.into(),
            framework,
            timeout: Duration::from_secs(120),
            test_timeout: None,
        };
        Project { runtime: runtime(folder.path()), folder, check }
    }

    async fn observe(&self) -> Observation {
        let heard = Heard::default();
        observe(self.runtime.clone(), &self.check, 2, CancelToken::new(), &heard).await.unwrap()
    }

    async fn search(&self, observation: &Observation, failing: Vec<TestId>, files: &[&str]) -> SearchOutcome {
        let task = SearchTask {
            check: self.check.clone(),
            failing,
            guards: observation.report.passing(),
            suspicion: self.localise(observation, files),
            files: files.iter().map(|file| (*file).to_owned()).collect(),
            shard: (0, 1),
            start_rank: 0,
            wall: Duration::from_secs(240),
            max_alternatives: 3,
            limits: EnumerationLimits::default(),
        };
        let (_tx, bound) = watch::channel(None);
        let heard = Heard::default();
        search(self.runtime.clone(), &task, bound, CancelToken::new(), &heard).await.unwrap()
    }

    fn localise(&self, observation: &Observation, files: &[&str]) -> Suspicion {
        let failing = observation.report.failing();
        let tests = observation
            .coverage
            .iter()
            .map(|(test, lines)| TestCoverage { failed: failing.contains(test), lines: lines.clone() });
        let found = ochiai(&Spectrum { tests: tests.collect() }).without(&is_test_path);
        if !found.files().is_empty() {
            return found;
        }
        let text = |file: &&str| std::fs::read_to_string(self.folder.path().join(file)).unwrap();
        Suspicion::uniform(&files.iter().map(|file| ((*file).to_owned(), text(file))).collect::<Vec<_>>())
    }

    /// Applies the best patch with git and runs the command by itself.
    async fn accept(&self, outcome: &SearchOutcome) -> Vec<TestId> {
        let best = outcome.plausible.first().unwrap_or_else(|| panic!("a patch: {outcome:#?}"));
        assert!(best.complete, "{outcome:#?}");
        assert_eq!(outcome.ended, SearchEnd::Found);
        git_apply(self.folder.path(), &best.diff);
        run_check(self.runtime.clone(), &self.check).await.unwrap().report.failing()
    }
}

fn runtime(root: &Path) -> Arc<dyn Runtime> {
    let env = BTreeMap::from([
        ("PATH".to_owned(), std::env::var("PATH").unwrap()),
        ("HOME".to_owned(), root.display().to_string()),
        ("LANG".to_owned(), "C.UTF-8".to_owned()),
    ]);
    let options =
        LocalOptions { root: root.to_owned(), env, limits: Limits::default(), ..LocalOptions::default() };
    Arc::new(LocalRuntime::new(options).unwrap())
}

fn git_apply(folder: &Path, diff: &str) {
    use std::io::Write as _;
    let mut git =
        Command::new("git").args(["apply", "-"]).current_dir(folder).stdin(Stdio::piped()).spawn().unwrap();
    git.stdin.take().unwrap().write_all(diff.as_bytes()).unwrap();
    assert!(git.wait().unwrap().success(), "{diff}");
}

/// Whether python3 can import the module; says so when it cannot, since the test is then no evidence.
fn available(module: &str) -> bool {
    let found =
        Command::new("python3").args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    let found = found.is_ok_and(|status| status.success());
    if !found {
        eprintln!("SKIPPED: python3 with {module} is not installed, so this test shows nothing");
    }
    found
}

/// Observes, repairs everything that fails as one group, and checks that the command is green afterwards.
async fn check(files: &[(&str, &str)], command: &str, framework: Framework, source: &str) -> SearchOutcome {
    let project = Project::new(files, command, framework);
    let observation = project.observe().await;
    let failing = observation.report.failing();
    assert!(!failing.is_empty(), "{observation:#?}");
    let outcome = project.search(&observation, failing, &[source]).await;
    assert_eq!(project.accept(&outcome).await, []);
    outcome
}

const PYTEST: &str = "python3 -m pytest -q -p no:cacheprovider";

const INVENTORY: &str = "\
class Inventory:
    def __init__(self):
        self.items = {}

    def add(self, name, count):
        self.items[name] = self.items.get(name, 0) + count

    def remove(self, name, count):
        have = self.items.get(name, 0)
        if count >= have:
            raise ValueError('not enough ' + name)
        self.items[name] = have - count

    def total(self):
        total = 0
        for count in self.items.values():
            total += count
        return total
";

const INVENTORY_TESTS: &str = "\
import pytest
from inventory import Inventory

@pytest.fixture
def stock():
    stock = Inventory()
    stock.add('nail', 3)
    return stock

def test_remove_some(stock):
    stock.remove('nail', 1)
    assert stock.total() == 2

def test_remove_all(stock):
    stock.remove('nail', 3)
    assert stock.total() == 0

def test_remove_too_many(stock):
    with pytest.raises(ValueError):
        stock.remove('nail', 4)
";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_comparison_under_pytest() {
    if !available("pytest") {
        return;
    }
    let files = [("inventory.py", INVENTORY), ("test_inventory.py", INVENTORY_TESTS)];
    let outcome = check(&files, PYTEST, Framework::Pytest, "inventory.py").await;
    assert!(outcome.plausible[0].diff.contains("+        if count > have:"), "{}", outcome.plausible[0].diff);
}

const SERIES: &str = "\
def collatz_length(n):
    steps = 0
    while n != 1:
        if n % 2 == 0:
            n = n // 2
        else:
            n = 3 * n - 1
        steps += 1
    return steps


def halve(n):
    return n // 2
";

const SERIES_TESTS: &str = "\
import unittest
from series import collatz_length, halve

class Collatz(unittest.TestCase):
    def test_one(self):
        self.assertEqual(collatz_length(1), 0)

    def test_powers(self):
        self.assertEqual(collatz_length(16), 4)

    def test_odd(self):
        self.assertEqual(collatz_length(5), 5)
        self.assertEqual(collatz_length(6), 8)

class Halve(unittest.TestCase):
    def test_halve(self):
        self.assertEqual(halve(9), 4)
";

#[tokio::test(flavor = "multi_thread")]
async fn an_endless_loop_under_unittest() {
    if !available("unittest") {
        return;
    }
    let files = [("series.py", SERIES), ("test_series.py", SERIES_TESTS)];
    let outcome = check(&files, "python3 -m unittest", Framework::Unittest, "series.py").await;
    assert!(
        outcome.plausible[0].diff.contains("+            n = 3 * n + 1"),
        "{}",
        outcome.plausible[0].diff
    );
}

const PRICES: &str = "\
RATES = {'standard': 20, 'reduced': 5}
LIMIT = 99


def gross(net, kind='standard'):
    return net + net * RATES[kind] // 100


def is_large(net):
    return net > LIMIT
";

const PRICES_TESTS: &str = "\
from prices import gross, is_large

def test_standard():
    assert gross(100) == 120

def test_large():
    assert is_large(101)

def test_limit_is_not_large():
    assert not is_large(100)
";

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_constant_of_the_module() {
    if !available("pytest") {
        return;
    }
    let files = [("prices.py", PRICES), ("test_prices.py", PRICES_TESTS)];
    check(&files, PYTEST, Framework::Pytest, "prices.py").await;
}

const TEXT: &str = "\
def initials(name):
    return '.'.join(part[1] for part in name.split()) + '.'


def shorten(text, width):
    if len(text) < width:
        return text
    return text[:width - 1] + '~'


def count_words(text):
    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 1) + 1
    return counts
";

const TEXT_TESTS: &str = "\
import pytest
from text import initials, shorten, count_words

@pytest.mark.parametrize('name, expected', [('Ada Lovelace', 'A.L.'), ('Alan M Turing', 'A.M.T.')])
def test_initials(name, expected):
    assert initials(name) == expected

def test_shorten_fits():
    assert shorten('abc', 3) == 'abc'

def test_shorten_cuts():
    assert shorten('abcdef', 3) == 'ab~'

def test_count_words():
    assert count_words('a b A') == {'a': 2, 'b': 1}
";

#[tokio::test(flavor = "multi_thread")]
async fn several_faults_are_repaired_one_after_the_other() {
    if !available("pytest") {
        return;
    }
    let project = Project::new(&[("text.py", TEXT), ("test_text.py", TEXT_TESTS)], PYTEST, Framework::Pytest);
    let observation = project.observe().await;
    assert_eq!(observation.report.failing().len(), 4);
    assert_eq!(observation.flaky, []);
    let of = |name: &str| observation.report.failing().into_iter().filter(|id| id.0.contains(name)).collect();
    for (left, group) in [(2, "initials"), (1, "shorten"), (0, "count")] {
        let outcome = project.search(&observation, of(group), &["text.py"]).await;
        eprintln!(
            "{group}: {} after {} of {}",
            outcome.plausible.len(),
            outcome.validated,
            outcome.candidates
        );
        let failing = project.accept(&outcome).await;
        assert_eq!(failing.len(), left, "{group}: {failing:?}");
    }
}

const TWO: &str = "\
def area(w, h):
    return w + h


def last(xs):
    return xs[0]
";

const TWO_TESTS: &str = "\
from two import area, last

def test_area():
    assert area(3, 5) == 15

def test_last():
    assert last([1, 2, 7]) == 7

def test_both():
    assert area(last([1, 4]), 2) == 8
";

#[tokio::test(flavor = "multi_thread")]
async fn two_faults_in_one_group_are_repaired_together() {
    if !available("pytest") {
        return;
    }
    let files = [("two.py", TWO), ("test_two.py", TWO_TESTS)];
    let outcome = check(&files, PYTEST, Framework::Pytest, "two.py").await;
    assert_eq!(outcome.plausible[0].candidates().count(), 2, "{outcome:#?}");
}

const BROKEN_IMPORT: &str = "\
def double(x):
    return 2 * x


TABLE = [duoble(n) for n in range(3)]
";

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_cannot_be_imported() {
    if !available("pytest") {
        return;
    }
    let tests = "from table import TABLE\n\ndef test_table():\n    assert TABLE == [0, 2, 4]\n";
    let files = [("table.py", BROKEN_IMPORT), ("test_table.py", tests)];
    check(&files, PYTEST, Framework::Pytest, "table.py").await;
}

const OBSERVED_TESTS: &str = "\
import os
import pytest
from series import collatz_length

def test_first_time_fails():
    seen = os.path.join(os.environ['HOME'], 'seen')
    again = os.path.exists(seen)
    open(seen, 'w').close()
    assert again

@pytest.mark.parametrize('n, length', [(5, 5), (10, 6), (16, 4)])
def test_length(n, length):
    assert collatz_length(n) == length

def test_dies():
    os.abort()
";

#[tokio::test(flavor = "multi_thread")]
async fn what_happens_to_each_test_is_observed() {
    if !available("pytest") {
        return;
    }
    let files = [
        ("series.py", SERIES),
        ("test_series.py", OBSERVED_TESTS),
        ("test_gone.py", "import no_such_module\n"),
    ];
    let observation = Project::new(&files, PYTEST, Framework::Pytest).observe().await;
    let outcome = |id: &str| observation.report.tests.get(&id.into()).map(|result| result.outcome);
    assert_eq!(outcome("test_series.py::test_length[5-5]"), Some(Outcome::TimedOut), "{observation:#?}");
    assert_eq!(outcome("test_series.py::test_length[10-6]"), Some(Outcome::TimedOut));
    assert_eq!(outcome("test_series.py::test_length[16-4]"), Some(Outcome::Passed));
    assert_eq!(outcome("test_series.py::test_dies"), Some(Outcome::Crashed));
    assert_eq!(outcome("test_gone.py"), Some(Outcome::Errored));
    assert_eq!(observation.flaky, ["test_series.py::test_first_time_fails".into()]);
    let hangs = &observation.report.tests[&"test_series.py::test_length[5-5]".into()];
    assert!(hangs.frames.iter().any(|frame| frame.file == "series.py"), "{hangs:?}");
    assert!(observation.coverage[&"test_series.py::test_length[16-4]".into()]["series.py"].contains(&5));
    assert_eq!(observation.mode, "warm-pytest");
}

const SHOUT: &str = "\
def shout(text):
    return text.lower() + '!'
";

const SCRIPT_TESTS: &str = "\
import sys
from shout import shout
sys.exit(0 if shout('ab') == 'AB!' else 'not loud')
";

#[tokio::test(flavor = "multi_thread")]
async fn a_check_whose_tests_cannot_be_seen() {
    if !available("sys") {
        return;
    }
    let files = [("shout.py", SHOUT), ("verify.py", SCRIPT_TESTS)];
    let outcome = check(&files, "python3 verify.py", Framework::Other, "shout.py").await;
    assert_eq!(outcome.plausible[0].fixed, ["python3 verify.py".into()]);
}

const CART: &str = "\
function total(items) {
  let sum = 0;
  for (const item of items) {
    sum -= item.price * item.count;
  }
  return sum;
}

module.exports = { total };
";

const CART_TESTS: &str = "\
const test = require('node:test');
const assert = require('node:assert');
const { total } = require('./cart.js');

test('adds prices', () => {
  assert.strictEqual(total([{ price: 2, count: 3 }, { price: 1, count: 1 }]), 7);
});

test('nothing costs nothing', () => {
  assert.strictEqual(total([]), 0);
});
";

#[tokio::test(flavor = "multi_thread")]
async fn a_javascript_project_through_its_command() {
    let node = Command::new("node").arg("--version").stdout(Stdio::null()).status();
    if !node.is_ok_and(|status| status.success()) || language_of("cart.js").is_none() {
        eprintln!("SKIPPED: no node, or no edits for JavaScript, so this test shows nothing");
        return;
    }
    let files = [("cart.js", CART), ("cart.test.js", CART_TESTS)];
    let outcome = check(&files, "node --test", Framework::NodeTest, "cart.js").await;
    assert!(outcome.plausible[0].diff.contains("+    sum += item.price"), "{}", outcome.plausible[0].diff);
}
