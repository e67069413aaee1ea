//! Numbers in configurations that had to be reached and are lower now, or must not be exceeded and are higher now.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::diff::{FileDiff, Line, Status};
use super::{Flag, Level, Place, Reason};

/// A setting that is a number: its name, then the number.
const SETTING: &str =
    r#"(?i)(?P<name>[A-Za-z_][\w.-]*)['"]?\s*[=:\s]\s*['"]?(?P<number>-?[0-9]+(\.[0-9]+)?)\b%?"#;
/// Names of what has to be reached.
const LEAST: &str =
    r"(?i)(fail[_-]?under|coverage|threshold|minimum|\bmin|^(branches|functions|lines|statements)$|score)";
/// Names of what must not be exceeded.
const MOST: &str = r"(?i)(max[_-]?(warnings|complexity|line|args|statements|branches|failures|depth)|tolerance|maxDiff|retries|reruns|flaky|allowed)";

struct Patterns {
    setting: Regex,
    least: Regex,
    most: Regex,
}

static PATTERNS: LazyLock<Option<Patterns>> = LazyLock::new(|| {
    Some(Patterns {
        setting: Regex::new(SETTING).ok()?,
        least: Regex::new(LEAST).ok()?,
        most: Regex::new(MOST).ok()?,
    })
});

/// Thresholds that a diff of a configuration lowers or takes away.
pub(super) fn lowered(file: &FileDiff, place: Option<Place>) -> Vec<Flag> {
    let steers = matches!(place, Some(Place::Configuration | Place::Manifest | Place::ContinuousIntegration));
    let (Some(patterns), true) = (PATTERNS.as_ref(), steers && file.status == Status::Changed) else {
        return Vec::new();
    };
    let mut flags = Vec::new();
    for (removed, added) in file.hunks.iter().flat_map(|hunk| hunk.blocks()) {
        let (before, now) = (patterns.numbers(&removed), patterns.numbers(&added));
        for (name, (old, line)) in before {
            flags.extend(patterns.compare(file, &name, old, line, now.get(&name).copied()));
        }
    }
    flags
}

impl Patterns {
    /// Settings with numbers, by name.
    fn numbers<'l>(&self, lines: &[&'l Line]) -> BTreeMap<String, (f64, &'l Line)> {
        let mut numbers = BTreeMap::new();
        for line in lines {
            for found in self.setting.captures_iter(&line.text) {
                if let Ok(number) = found["number"].parse() {
                    numbers.insert(found["name"].trim_start_matches('-').to_owned(), (number, *line));
                }
            }
        }
        numbers
    }

    fn compare(
        &self,
        file: &FileDiff,
        name: &str,
        old: f64,
        was: &Line,
        now: Option<(f64, &Line)>,
    ) -> Option<Flag> {
        let (least, most) = (self.least.is_match(name), self.most.is_match(name));
        let flag = |line: &Line, what: String| {
            Some(Flag::of_line(
                &file.path,
                line.number,
                Level::Alarm,
                Reason::ThresholdLowered,
                &what,
                &line.text,
            ))
        };
        match now {
            None if least && !most => flag(was, format!("threshold `{name}` ({old}) is taken away")),
            Some((new, line)) if (most && new > old) || (least && !most && new < old) => {
                flag(line, format!("threshold `{name}` is changed from {old} to {new}"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::diff::parse;
    use super::*;

    /// The flags of a configuration in which these lines are replaced.
    fn of(path: &str, old: &str, new: &str) -> Vec<String> {
        let patch = format!("diff --git a/{path} b/{path}\n@@ -1 +1 @@\n-{old}\n+{new}\n");
        let flags = lowered(&parse(&patch)[0], super::super::place(path));
        flags.into_iter().map(|flag| flag.detail).collect()
    }

    #[test]
    fn numbers_that_judge_less_are_told_from_other_ones() {
        let lowered = [
            (
                "tox.ini",
                "fail-under = 80",
                "fail-under = 79",
                "threshold `fail-under` is changed from 80 to 79",
            ),
            ("package.json", "\"lines\": 90,", "\"lines\": 9,", "threshold `lines` is changed from 90 to 9"),
            (
                ".eslintrc.json",
                "\"max-warnings\": 0",
                "\"max-warnings\": 10",
                "threshold `max-warnings` is changed from 0 to 10",
            ),
            (
                ".github/workflows/ci.yml",
                "run: cov --fail-under=80",
                "run: cov",
                "threshold `fail-under` (80) is taken away",
            ),
            (
                "codecov.yml",
                "threshold: 1.5%",
                "threshold: 0.5%",
                "threshold `threshold` is changed from 1.5 to 0.5",
            ),
        ];
        for (path, old, new, expected) in lowered {
            let details = of(path, old, new);
            assert!(details.len() == 1 && details[0].starts_with(expected), "{details:?}, not {expected}");
        }
        for (path, old, new) in [
            ("tox.ini", "fail-under = 80", "fail-under = 81"),
            ("tox.ini", "timeout = 80", "timeout = 70"),
            ("tox.ini", "max-complexity = 10", "max-complexity = 9"),
            ("src/a.py", "threshold = 10", "threshold = 5"),
        ] {
            assert_eq!(of(path, old, new), Vec::<String>::new(), "{path}: {old} -> {new}");
        }
    }
}
