//! A flag: what was changed, where, and how much that matters.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much a flag matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Worth knowing; judges more than before.
    Note,
    /// Judges otherwise than before: look at it.
    Warning,
    /// Judges less than before.
    Alarm,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// Tests are new.
    TestAdded,
    /// A test file is changed.
    TestChanged,
    /// A test file is gone.
    TestDeleted,
    /// A test is gone from its file.
    TestRemoved,
    /// An assertion is gone.
    AssertionRemoved,
    /// An assertion says something else.
    AssertionChanged,
    /// An assertion says less.
    AssertionWeakened,
    /// Tests are skipped, expected to fail, or left out because only others run.
    Skipped,
    /// A check is made to succeed whatever it finds, or to look at less.
    Silenced,
    /// The configuration of the checks.
    Configuration,
    /// A number that had to be reached is lower, or one that must not be exceeded is higher.
    ThresholdLowered,
    /// What runs the checks elsewhere.
    ContinuousIntegration,
    /// Expected outputs.
    Snapshot,
    /// The versions of dependencies.
    Lock,
}

/// One change to what judges the work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flag {
    /// The file.
    pub path: String,
    /// The line: in the file as it is now for what was added, as it was for what was removed. None for the file as a whole.
    pub line: Option<u32>,
    /// How much it matters.
    pub level: Level,
    /// What was done.
    pub reason: Reason,
    /// In words, with the line itself where there is one.
    pub detail: String,
}

/// Longest piece of a line that is quoted, in characters.
const QUOTED: usize = 100;

impl Flag {
    pub(super) fn of_file(path: &str, level: Level, reason: Reason, detail: &str) -> Self {
        Self { path: path.to_owned(), line: None, level, reason, detail: detail.to_owned() }
    }

    pub(super) fn of_line(
        path: &str,
        line: u32,
        level: Level,
        reason: Reason,
        what: &str,
        quote: &str,
    ) -> Self {
        let quote = quote.trim();
        let shown: String = quote.chars().take(QUOTED).collect();
        let more = if shown.len() < quote.len() { "…" } else { "" };
        let detail = format!("{what}: `{shown}{more}`");
        Self { path: path.to_owned(), line: Some(line), level, reason, detail }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.path, self.detail),
            None => write!(f, "{}: {}", self.path, self.detail),
        }
    }
}
