//! Nested reporters: turns indented names into ids joined by ` > `, and drops groups that only hold tests.

use std::collections::BTreeSet;

use crate::report::{TestId, TestReport};

/// The deepest nesting of groups that is looked at.
const DEPTH_LIMIT: usize = 64;

/// What joins the names of nested tests into one id.
pub(super) const NESTING: &str = " > ";

/// The names that enclose the current line of an indented listing.
#[derive(Default)]
pub(super) struct Outline {
    open: Vec<(usize, String)>,
}

impl Outline {
    /// Forgets everything that is not further out than `indent`.
    pub(super) fn close_to(&mut self, indent: usize) {
        while self.open.last().is_some_and(|(open, _)| *open >= indent) {
            self.open.pop();
        }
    }

    /// Opens a group at `indent`.
    pub(super) fn open(&mut self, indent: usize, name: &str) {
        self.close_to(indent);
        self.open.push((indent, name.to_owned()));
    }

    /// The id of a test called `name` at `indent`.
    pub(super) fn id(&self, indent: usize, name: &str) -> String {
        let enclosing = self.open.iter().filter(|(open, _)| *open < indent).map(|(_, name)| name.as_str());
        enclosing.chain([name]).collect::<Vec<_>>().join(NESTING)
    }
}

/// Removes tests that only hold others: those with members, unless they failed although no member did.
pub(super) fn drop_groups(report: &mut TestReport, separator: &str) {
    drop_groups_after(report, separator, |_| 0);
}

/// [`drop_groups`] for ids in which separators count only from the offset `name_start` on.
pub(super) fn drop_groups_after(
    report: &mut TestReport,
    separator: &str,
    name_start: impl Fn(&str) -> usize,
) {
    let mut holding: BTreeSet<String> = BTreeSet::new();
    let mut blamed: BTreeSet<String> = BTreeSet::new();
    for (id, result) in &report.tests {
        let start = name_start(id.as_str());
        let groups = id.as_str().match_indices(separator).map(|(at, _)| at);
        let groups = groups.filter(|at| *at >= start).take(DEPTH_LIMIT);
        for group in groups.map(|at| id.as_str()[..at].to_owned()) {
            if result.outcome.is_failure() {
                blamed.insert(group.clone());
            }
            holding.insert(group);
        }
    }
    let keeps = |id: &TestId, failed: bool| !holding.contains(&id.0) || (failed && !blamed.contains(&id.0));
    report.tests.retain(|id, result| keeps(id, result.outcome.is_failure()));
}

/// The number of blanks that start `line`.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Splits a duration off the end of `text`: `adds (1.5 ms)` or, bare, `adds 2ms`; the duration in milliseconds.
pub(super) fn split_duration(text: &str) -> (&str, Option<f64>) {
    let text = text.trim_end();
    let bracketed = text.strip_suffix(')').and_then(|inner| inner.rsplit_once(" ("));
    let (name, duration) = match bracketed.or_else(|| text.rsplit_once(' ')) {
        Some(parts) => parts,
        None => return (text, None),
    };
    match milliseconds(duration) {
        Some(value) => (name.trim_end(), Some(value)),
        None => (text, None),
    }
}

/// `12ms`, `1.5 s`, `3s` in milliseconds.
fn milliseconds(text: &str) -> Option<f64> {
    let (number, factor) = match text.strip_suffix("ms") {
        Some(number) => (number, 1.0),
        None => (text.strip_suffix('s')?, 1000.0),
    };
    number.trim().parse::<f64>().ok().map(|value| value * factor)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Outcome, TestResult};

    #[test]
    fn nests_names_by_indentation() {
        let mut outline = Outline::default();
        outline.open(0, "cart");
        outline.open(2, "total");
        assert_eq!(outline.id(4, "adds"), "cart > total > adds");
        outline.close_to(2);
        assert_eq!(outline.id(2, "empties"), "cart > empties");
    }

    #[test]
    fn groups_stay_only_when_they_failed_by_themselves() {
        let mut report = TestReport::default();
        for (id, outcome) in [
            ("a", Outcome::Failed),
            ("a > x", Outcome::Failed),
            ("b", Outcome::Failed),
            ("b > y", Outcome::Passed),
            ("c", Outcome::Passed),
            ("c > z", Outcome::Passed),
            ("d", Outcome::Passed),
        ] {
            report.record(id, TestResult::new(outcome));
        }
        drop_groups(&mut report, NESTING);
        let ids: Vec<&str> = report.tests.keys().map(TestId::as_str).collect();
        assert_eq!(ids, ["a > x", "b", "b > y", "c > z", "d"]);
    }

    #[test]
    fn splits_durations_off_names() {
        for (text, expected) in [
            ("adds (1.5ms)", ("adds", Some(1.5))),
            ("adds (2 ms)", ("adds", Some(2.0))),
            ("adds 3s", ("adds", Some(3000.0))),
            ("adds (two) (0.5 s)", ("adds (two)", Some(500.0))),
            ("adds (two)", ("adds (two)", None)),
            ("adds", ("adds", None)),
        ] {
            assert_eq!(split_duration(text), expected, "{text}");
        }
    }
}
