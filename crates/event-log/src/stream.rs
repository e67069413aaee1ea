//! Names of streams.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a stream, such as `run/7f3a` or `attempt/7f3a/fix#2`: parts of ASCII letters, digits and `. _ - : #`,
/// joined by `/`, 200 bytes at most. A part is neither empty nor `.` nor `..`, so a name is also a safe relative path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct StreamId(String);

/// Text that cannot name a stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot name a stream; use parts of ASCII letters, digits and . _ - : # joined by /, 200 bytes at most, as in `run/7f3a`"
)]
pub struct BadStreamId(pub String);

const LONGEST: usize = 200;

impl StreamId {
    /// Checks and takes a name.
    pub fn new(name: impl Into<String>) -> Result<Self, BadStreamId> {
        let name = name.into();
        if name.len() <= LONGEST && name.split('/').all(is_good_part) {
            Ok(Self(name))
        } else {
            Err(BadStreamId(name))
        }
    }

    /// The stream of the run `id`: `run/<id>`.
    pub fn of_run(id: &str) -> Result<Self, BadStreamId> {
        Self::new(format!("run/{id}"))
    }

    /// The stream of the attempt `id`: `attempt/<id>`.
    pub fn of_attempt(id: &str) -> Result<Self, BadStreamId> {
        Self::new(format!("attempt/{id}"))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_good_part(part: &str) -> bool {
    !part.is_empty()
        && part != "."
        && part != ".."
        && part.chars().all(|c| c.is_ascii_alphanumeric() || "._-:#".contains(c))
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for StreamId {
    type Err = BadStreamId;

    fn from_str(name: &str) -> Result<Self, BadStreamId> {
        Self::new(name)
    }
}

impl TryFrom<String> for StreamId {
    type Error = BadStreamId;

    fn try_from(name: String) -> Result<Self, BadStreamId> {
        Self::new(name)
    }
}

impl From<StreamId> for String {
    fn from(id: StreamId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn good_names_are_kept_as_they_are() {
        for name in ["run/1", "attempt/7f3a/fix-a#2", "a", "run/2026-01-02T03:04:05.678"] {
            assert_eq!(StreamId::new(name).unwrap().as_str(), name);
        }
        assert_eq!(StreamId::of_run("x").unwrap().to_string(), "run/x");
        assert_eq!(StreamId::of_attempt("x#1").unwrap().to_string(), "attempt/x#1");
    }

    #[test]
    fn bad_names_are_refused() {
        let long = "x".repeat(201);
        for name in ["", "/", "run/", "/run", "run//1", "../run", "run/.", "run 1", "rün", "run/1\n", &long]
        {
            assert_eq!(StreamId::new(name), Err(BadStreamId(name.to_owned())), "{name:?}");
        }
    }

    #[test]
    fn reading_json_checks_the_name() {
        assert_eq!(serde_json::from_str::<StreamId>("\"run/1\"").unwrap().as_str(), "run/1");
        assert!(serde_json::from_str::<StreamId>("\"run//1\"").is_err());
    }
}
