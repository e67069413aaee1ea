//! The example projects: their checks are detected, recorded runs of them fail where `SOLUTIONS.md` says, and what it
//! quotes stands where it says.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its data has failed")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use smallhands_checks::{CheckOutput, Outcome, RepoFiles, TestId, TestReport, compare, detect, parse};

const EXAMPLES: [&str; 3] = ["inventory", "textroute", "shiftplan"];

fn examples() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples")
}

/// A folder on disk.
struct Folder {
    root: PathBuf,
    paths: Vec<String>,
}

impl Folder {
    fn open(root: PathBuf) -> Self {
        let mut paths = Vec::new();
        let mut waiting = vec![root.clone()];
        while let Some(folder) = waiting.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
                if entry.is_dir() {
                    waiting.push(entry);
                } else {
                    let below = entry.strip_prefix(&root).unwrap();
                    paths.push(below.to_str().unwrap().replace('\\', "/"));
                }
            }
        }
        Self { root, paths }
    }
}

impl RepoFiles for Folder {
    fn read(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.root.join(path)).ok()
    }

    fn paths(&self) -> &[String] {
        &self.paths
    }
}

#[test]
fn the_checks_of_the_examples_are_detected() {
    for (example, command, reason) in [
        ("inventory", "python3 -m unittest discover -s tests -t .", "tests/test_catalog.py uses unittest"),
        ("textroute", "python3 -m pytest", "pyproject.toml has [tool.pytest.ini_options]"),
        ("shiftplan", "node --test", "package.json has the test script `node --test`"),
    ] {
        let found = detect(&Folder::open(examples().join(example)));
        assert_eq!((found[0].command.as_str(), found[0].reason.as_str()), (command, reason), "{example}");
    }
}

/// A bug as `SOLUTIONS.md` describes it.
#[derive(Default)]
struct Bug {
    path: String,
    line: usize,
    wrong: String,
    tests: BTreeSet<TestId>,
}

fn bugs() -> Vec<Bug> {
    let text = std::fs::read_to_string(examples().join("SOLUTIONS.md")).unwrap();
    let mut bugs: Vec<Bug> = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("### `") {
            let (path, number) = heading.split_once("`, line ").unwrap();
            bugs.push(Bug { path: path.into(), line: number.parse().unwrap(), ..Bug::default() });
        } else if let (Some(wrong), Some(bug)) = (line.strip_prefix('-'), bugs.last_mut()) {
            bug.wrong = wrong.into();
        } else if let (Some(test), Some(bug)) = (line.strip_prefix("* `"), bugs.last_mut()) {
            bug.tests.insert(TestId::from(test.trim_end_matches('`')));
        }
    }
    bugs
}

#[test]
fn the_solutions_quote_what_is_there() {
    let bugs = bugs();
    assert_eq!(bugs.len(), 14);
    for bug in bugs {
        let text = std::fs::read_to_string(examples().join(&bug.path)).unwrap();
        assert_eq!(
            text.lines().nth(bug.line - 1),
            Some(bug.wrong.as_str()),
            "{} line {}",
            bug.path,
            bug.line
        );
        assert!(!bug.tests.is_empty(), "no test shows the bug in {}", bug.path);
    }
}

/// The report of the recorded run of an example, as it is or with all bugs mended.
fn recorded(example: &str, mended: bool) -> TestReport {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/examples");
    let name = if mended { format!("{example}_mended") } else { example.to_owned() };
    let read =
        |ending: &str| std::fs::read_to_string(folder.join(format!("{name}{ending}"))).unwrap_or_default();
    let command = detect(&Folder::open(examples().join(example))).remove(0).command;
    let hangs = example == "inventory" && !mended;
    parse(&CheckOutput {
        command: &command,
        exit_code: (!hangs).then_some(i32::from(!mended)),
        timed_out: hangs,
        stdout: &read(".txt"),
        stderr: &read(".stderr.txt"),
        junit: &[],
        root: Some("/home/dev/shop"),
    })
}

fn expected(example: &str) -> BTreeSet<TestId> {
    let own = bugs().into_iter().filter(|bug| bug.path.starts_with(&format!("{example}/")));
    own.flat_map(|bug| bug.tests).collect()
}

#[test]
fn the_examples_fail_where_the_solutions_say() {
    for example in ["textroute", "shiftplan"] {
        let report = recorded(example, false);
        assert_eq!(report.failing().into_iter().collect::<BTreeSet<_>>(), expected(example), "{example}");
    }
}

/// The run of `inventory` is stopped in the test that never ends, so what follows it is not seen.
#[test]
fn the_example_that_hangs_is_seen_to_hang() {
    let report = recorded("inventory", false);
    let hanging = TestId::from("tests.test_warehouse.PackTest.test_largest_boxes_first");
    assert_eq!(report.tests[&hanging].outcome, Outcome::TimedOut);
    let failing: BTreeSet<TestId> = report.failing().into_iter().collect();
    let expected = expected("inventory");
    assert!(failing.is_subset(&expected), "{failing:?}");
    let unseen: Vec<&TestId> = expected.difference(&failing).collect();
    assert_eq!(
        unseen.iter().map(|id| id.as_str()).collect::<Vec<_>>(),
        ["tests.test_warehouse.PackTest.test_the_rest_needs_one_more_box"]
    );
}

#[test]
fn most_tests_of_the_examples_pass() {
    for example in EXAMPLES {
        let counts = recorded(example, false).counts();
        assert!(counts.passed > 3 * counts.failed, "{example}: {counts:?}");
    }
}

#[test]
fn mending_the_bugs_fixes_what_failed_and_breaks_nothing() {
    for example in EXAMPLES {
        let (before, after) = (recorded(example, false), recorded(example, true));
        assert!(!after.has_failures(), "{example}: {:?}", after.failing());
        let comparison = compare(&before, &after);
        assert_eq!(comparison.fixed, before.failing(), "{example}");
        assert!(comparison.is_improvement(), "{example}: {comparison:?}");
        let back = compare(&after, &before);
        assert_eq!(back.broken, before.failing(), "{example}");
        assert!(!back.is_improvement(), "{example}");
    }
}

/// A run of unittest that is stopped prints no stacks; the other runners explain each failure at once.
#[test]
fn failures_come_with_a_place_and_a_message() {
    for example in ["textroute", "shiftplan"] {
        let report = recorded(example, false);
        for id in report.failing() {
            let result = &report.tests[&id];
            assert!(result.message.is_some(), "{id}");
            let place = result.frames.first().unwrap_or_else(|| panic!("{id} has no frame"));
            assert!(examples().join(example).join(&place.file).is_file(), "{place:?}");
        }
    }
}
