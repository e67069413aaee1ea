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
