//! The single lines of `unittest`'s console output.

use crate::report::{Outcome, TestId};

/// The line under the title of an explanation.
pub(super) const RULE: &str = "----------------------------------------------------------------------";

/// The line above it.
const DOUBLE_RULE: &str = "======================================================================";

/// Names under which failures of class and module fixtures are reported.
const FIXTURES: [&str; 4] = ["setUpClass", "tearDownClass", "setUpModule", "tearDownModule"];

/// What the last lines of a run say.
#[derive(Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) ran: usize,
    /// Skipped tests and expected failures.
    pub(super) skipped: usize,
}

/// An outcome, and why a test was skipped.
pub(super) type Status<'t> = (Outcome, &'t str);

/// The outcome and title of the explanation that starts at the first of `lines`.
pub(super) fn block_title<'t>(lines: &[&'t str]) -> Option<(Outcome, &'t str)> {
    let [rule, title, ..] = lines else { return None };
    if *rule != DOUBLE_RULE {
        return None;
    }
    let (word, title) = title.split_once(": ")?;
    let outcome = match word {
        "FAIL" | "UNEXPECTED SUCCESS" => Outcome::Failed,
        "ERROR" => Outcome::Errored,
        _ => return None,
    };
    Some((outcome, title))
}

/// Whether an explanation ends before the first of `lines`: another begins, or the totals follow.
pub(super) fn ends_block(lines: &[&str]) -> bool {
    let totals_follow = matches!(lines, [rule, next, ..] if *rule == RULE && ran(next).is_some());
    totals_follow || block_title(lines).is_some()
}

/// `Ran 9 tests in 0.001s`
pub(super) fn ran(line: &str) -> Option<usize> {
    let (count, rest) = line.strip_prefix("Ran ")?.split_once(' ')?;
    rest.starts_with("test").then(|| count.parse().ok()).flatten()
}

/// How many tests `OK (skipped=1, expected failures=1)` and `FAILED (failures=1, skipped=1)` leave out.
pub(super) fn skipped_total(line: &str) -> Option<usize> {
    let rest = line.strip_prefix("OK").or_else(|| line.strip_prefix("FAILED"))?;
    let details = rest.trim().trim_start_matches('(').trim_end_matches(')');
    let of = |part: &str| match part.split_once('=') {
        Some(("skipped" | "expected failures", number)) => number.parse().unwrap_or(0),
        _ => 0,
    };
    Some(details.split(", ").map(of).sum())
}

/// A progress line: the tests it starts, and the outcome of the last where the line has it.
///
/// Before Python 3.11, a test whose sub-tests failed has no outcome of its own, and the next title follows on its line.
///
/// Where a test has a description, its outcome follows that on the `next` line.
pub(super) fn test_line<'t>(line: &'t str, next: &str) -> Option<(Vec<TestId>, Option<Status<'t>>)> {
    if !line.contains(" ...") && !next.contains(" ...") {
        return None;
    }
    let line = line.strip_suffix(" ...").unwrap_or(line);
    let mut pieces: Vec<&str> = line.trim_start().split(" ... ").collect();
    let status = pieces.last().and_then(|last| outcome(last));
    let first = test_id(pieces.first()?)?;
    if pieces.len() > 1 && (status.is_some() || pieces.last().is_some_and(|last| test_id(last).is_none())) {
        // The last piece is the outcome, or else what the test printed.
        pieces.pop();
    }
    let later = pieces.iter().skip(1).filter_map(|piece| test_id(piece));
    Some((std::iter::once(first).chain(later).collect(), status))
}

/// An outcome at the end of a line that began with a test's description or with what it printed.
pub(super) fn trailing_status(line: &str) -> Option<(Outcome, &str)> {
    outcome(line.rsplit_once(" ... ").map_or(line, |(_, status)| status))
}

fn outcome(status: &str) -> Option<(Outcome, &str)> {
    let status = status.trim();
    if let Some(reason) = status.strip_prefix("skipped") {
        let reason = reason.trim();
        let unquoted = |quote: char| reason.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote));
        return Some((Outcome::Skipped, unquoted('\'').or_else(|| unquoted('"')).unwrap_or(reason)));
    }
    let outcome = match status {
        "ok" => Outcome::Passed,
        "FAIL" => Outcome::Failed,
        "ERROR" => Outcome::Errored,
        "expected failure" => Outcome::Skipped,
        "unexpected success" => Outcome::Failed,
        _ => return None,
    };
    Some((outcome, ""))
}

/// Whether a title names a fixture instead of a test.
pub(super) fn is_fixture(title: &str) -> bool {
    parts(title).is_some_and(|(name, _)| FIXTURES.contains(&name))
}

/// The id in a title such as `test_x (tests.test_a.T.test_x) [why] (n=1)`; Python before 3.11 leaves the method out
/// of the brackets.
pub(super) fn test_id(title: &str) -> Option<TestId> {
    let (name, path) = parts(title)?;
    if path.contains("unittest.loader.") {
        // A module that could not be loaded: its name stands where the test's would.
        return Some(TestId::from(name));
    }
    let is_whole = path.strip_suffix(name).is_some_and(|front| front.ends_with('.'));
    let id = if is_whole || FIXTURES.contains(&name) { path.to_owned() } else { format!("{path}.{name}") };
    Some(TestId(id))
}

/// The name and the dotted path in `name (path)`.
fn parts(title: &str) -> Option<(&str, &str)> {
    let (name, rest) = title.split_once(" (")?;
    let (path, _) = rest.split_once(')')?;
    let is_name = |text: &str, extra: &[char]| {
        !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || extra.contains(&c))
    };
    (is_name(name, &['.']) && is_name(path, &['.', '<', '>', '-'])).then_some((name, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_the_runner_accepts() {
        for (title, expected) in [
            ("test_x (tests.test_a.T.test_x)", Some("tests.test_a.T.test_x")),
            ("test_x (tests.test_a.T)", Some("tests.test_a.T.test_x")),
            ("test_x (tests.test_a.T.test_x) [times] (count=1)", Some("tests.test_a.T.test_x")),
            ("test_x (test_a.T) (i=3)", Some("test_a.T.test_x")),
            ("setUpClass (tests.test_a.T)", Some("tests.test_a.T")),
            ("tests.test_a (unittest.loader._FailedTest.tests.test_a)", Some("tests.test_a")),
            ("test_a (unittest.loader._FailedTest)", Some("test_a")),
            ("two words (tests.T)", None),
            ("f (a b)", None),
            ("f (", None),
        ] {
            assert_eq!(test_id(title).as_ref().map(TestId::as_str), expected, "{title}");
        }
    }

    #[test]
    fn progress_lines_start_tests_and_end_the_last() {
        let ids = |line: &str| {
            test_line(line, "described ... ok")
                .map(|(ids, status)| (ids.len(), status.map(|(outcome, _)| outcome)))
        };
        for (line, expected) in [
            ("test_a (t.T) ... ok", Some((1, Some(Outcome::Passed)))),
            ("test_a (t.T) ... test_b (t.T) ... ok", Some((2, Some(Outcome::Passed)))),
            ("test_a (t.T) ... ", Some((1, None))),
            ("test_a (t.T) ...", Some((1, None))),
            ("test_a (t.T)", Some((1, None))),
            ("test_a (t.T) ... noise ... ok", Some((1, Some(Outcome::Passed)))),
            ("test_a (t.T) ... noise", Some((1, None))),
            ("  test_a (t.T) (n=1) ... FAIL", Some((1, Some(Outcome::Failed)))),
            ("prose (in brackets here) ... ok", None),
            ("ok", None),
        ] {
            assert_eq!(ids(line), expected, "{line}");
        }
        assert_eq!(test_line("Array.map (stack.entry)", "at top"), None);
    }

    #[test]
    fn reads_totals() {
        assert_eq!(ran("Ran 9 tests in 0.001s"), Some(9));
        assert_eq!(ran("Ran 1 test in 0.001s"), Some(1));
        assert_eq!(ran("Ran away"), None);
        assert_eq!(skipped_total("FAILED (failures=4, skipped=1, expected failures=2)"), Some(3));
        assert_eq!(skipped_total("OK"), Some(0));
        assert_eq!(skipped_total("fine"), None);
    }
}
