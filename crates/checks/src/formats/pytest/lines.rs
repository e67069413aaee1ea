//! The single lines of pytest's console output.

use crate::report::{Outcome, TestCounts};

/// Words for outcomes, as progress and summary lines print them.
const STATUSES: [(&str, Outcome); 7] = [
    ("PASSED", Outcome::Passed),
    ("FAILED", Outcome::Failed),
    ("ERROR", Outcome::Errored),
    ("SKIPPED", Outcome::Skipped),
    ("XFAIL", Outcome::Skipped),
    ("XPASS", Outcome::Passed),
    ("RERUN", Outcome::Skipped),
];

/// `==== ERRORS ====`: the title.
pub(super) fn section_title(line: &str) -> Option<&str> {
    let framed = line.starts_with("==") && line.ends_with("==");
    framed.then(|| line.trim_matches(['=', ' ']))
}

/// `tests/a.py::t[x y] SKIPPED (why) [ 50%]`, and `[gw0] [ 50%] PASSED tests/a.py::t` of parallel runs.
pub(super) fn verbose(line: &str) -> Option<(&str, Outcome, Option<&str>)> {
    if let Some(rest) = line.strip_prefix("[gw") {
        let rest = rest.split_once("] ")?.1;
        let rest =
            rest.strip_prefix('[').and_then(|rest| rest.split_once("] ")).map_or(rest, |(_, rest)| rest);
        let (status, id) = rest.split_once(' ')?;
        return node_id(id.trim()).zip(outcome(status)).map(|(id, outcome)| (id, outcome, None));
    }
    let line = without_percentage(line);
    let (end, word, outcome) = STATUSES
        .iter()
        .filter_map(|(word, outcome)| {
            let at = status_position(line, word)?;
            Some((at, *word, *outcome))
        })
        .max_by_key(|(at, _, _)| *at)?;
    let reason = line[end + 1 + word.len()..].trim().trim_start_matches('(').trim_end_matches(')');
    node_id(line[..end].trim_end()).map(|id| (id, outcome, Some(reason)))
}

/// Where ` WORD` stands as the outcome: at the end of the line, or before a reason in brackets.
fn status_position(line: &str, word: &str) -> Option<usize> {
    let ends = |at: &usize| {
        let rest = &line[at + 1 + word.len()..];
        rest.is_empty() || (rest.starts_with(" (") && rest.ends_with(')'))
    };
    line.match_indices(word)
        .filter_map(|(at, _)| at.checked_sub(1))
        .find(|at| line[*at..].starts_with(' ') && ends(at))
}

/// A verbose line whose outcome is still to come; prints of the test itself may follow the id.
pub(super) fn started(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let id = match line.split_once(' ') {
        Some((id, _)) if !id.contains('[') => id,
        _ => line,
    };
    node_id(id)
}

/// `PASSED  [ 50%]` on a line of its own, after the test printed something.
pub(super) fn lone_status(line: &str) -> Option<Outcome> {
    outcome(without_percentage(line).trim())
}

/// `FAILED tests/a.py::t - why` in the summary.
pub(super) fn summary(line: &str) -> Option<(&str, Outcome, &str)> {
    let (status, rest) = line.split_once(' ')?;
    let outcome = outcome(status)?;
    let (id, message) = split_message(rest);
    let is_id = id.contains("::") || id.ends_with(".py") || !id.contains(' ');
    (is_id && !id.is_empty() && !id.starts_with('[')).then_some((id, outcome, message))
}

/// Parameters in an id may themselves contain ` - `, so brackets are skipped first.
fn split_message(text: &str) -> (&str, &str) {
    let plain = text.find(" - ").unwrap_or(text.len());
    let at = match text.find('[') {
        Some(bracket) if bracket < plain => {
            text[bracket..].find("] - ").map_or(text.len(), |end| bracket + end + 1)
        }
        _ => plain,
    };
    (text[..at].trim(), text.get(at + 3..).unwrap_or_default())
}

/// `4 failed, 3 passed, 1 error in 0.04s`, framed by `=` or not.
pub(super) fn totals(line: &str) -> Option<TestCounts> {
    let (counted, duration) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    if !duration.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let mut totals = TestCounts::default();
    if counted == "no tests ran" {
        return Some(totals);
    }
    for part in counted.split(", ") {
        let (number, what) = part.split_once(' ')?;
        let number: usize = number.parse().ok()?;
        match what {
            "passed" | "xpassed" => totals.passed += number,
            "failed" | "error" | "errors" => totals.failed += number,
            "skipped" | "xfailed" => totals.skipped += number,
            "deselected" | "warning" | "warnings" | "rerun" | "subtests passed" => {}
            _ => return None,
        }
    }
    Some(totals)
}

fn outcome(word: &str) -> Option<Outcome> {
    STATUSES.iter().find(|(status, _)| *status == word).map(|(_, outcome)| *outcome)
}

fn without_percentage(line: &str) -> &str {
    let line = line.trim_end();
    match line.strip_suffix("%]").and_then(|rest| rest.rsplit_once('[')) {
        Some((front, number)) if number.trim().parse::<u8>().is_ok() => front.trim_end(),
        _ => line,
    }
}

/// `text` if it is a node id: a file, `::`, a name.
fn node_id(text: &str) -> Option<&str> {
    let (file, name) = text.split_once("::")?;
    let plausible = !file.is_empty() && !name.is_empty() && !file.contains([' ', '(', '"', '\'', '<', ':']);
    (plausible && file.contains('.')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Outcome::*;

    #[test]
    fn reads_verbose_lines() {
        for (line, expected) in [
            ("a.py::t PASSED                  [ 33%]", Some(("a.py::t", Passed, Some("")))),
            ("a.py::T::t[x y] FAILED [100%]", Some(("a.py::T::t[x y]", Failed, Some("")))),
            ("a.py::t SKIPPED (later)  [ 5%]", Some(("a.py::t", Skipped, Some("later")))),
            ("a.py::t[PASSED] ERROR", Some(("a.py::t[PASSED]", Errored, Some("")))),
            ("[gw1] [ 50%] PASSED a.py::t", Some(("a.py::t", Passed, None))),
            ("[gw1] PASSED a.py::t", Some(("a.py::t", Passed, None))),
            ("a.py::t ", None),
            ("the test PASSED", None),
            ("std::string FAILED", None),
        ] {
            assert_eq!(verbose(line), expected, "{line}");
        }
    }

    #[test]
    fn reads_summary_lines() {
        for (line, expected) in [
            ("FAILED a.py::t - assert 1 == 2", Some(("a.py::t", Failed, "assert 1 == 2"))),
            ("FAILED a.py::t[a - b] - x - y", Some(("a.py::t[a - b]", Failed, "x - y"))),
            ("FAILED a.py::t[a]", Some(("a.py::t[a]", Failed, ""))),
            ("ERROR tests/test_a.py", Some(("tests/test_a.py", Errored, ""))),
            ("ERROR tests/test_a.py - SyntaxError: x", Some(("tests/test_a.py", Errored, "SyntaxError: x"))),
            ("SKIPPED [1] a.py:3: later", None),
            ("  - 'x'", None),
        ] {
            assert_eq!(summary(line), expected, "{line}");
        }
    }

    #[test]
    fn reads_totals() {
        let counts = |passed, failed, skipped| Some(TestCounts { passed, failed, skipped });
        for (line, expected) in [
            (
                "==== 4 failed, 3 passed, 1 skipped, 1 xfailed, 1 xpassed, 1 error in 0.04s ====",
                counts(4, 5, 2),
            ),
            ("2 errors in 0.19s", counts(0, 2, 0)),
            ("=== no tests ran in 0.01s ===", counts(0, 0, 0)),
            ("1 passed, 2 warnings in 61.00s (0:01:01)", counts(1, 0, 0)),
            ("3 apples in 2s", None),
            ("found it in place", None),
        ] {
            assert_eq!(totals(line), expected, "{line}");
        }
    }

    #[test]
    fn tells_started_tests_from_prose() {
        assert_eq!(started("a.py::t "), Some("a.py::t"));
        assert_eq!(started("a.py::t printed text"), Some("a.py::t"));
        assert_eq!(started("a.py::t[x y]"), Some("a.py::t[x y]"));
        assert_eq!(started("Foo::bar is called"), None);
        assert_eq!(lone_status("PASSED    [ 50%]"), Some(Passed));
        assert_eq!(lone_status("PASSED it"), None);
    }
}
