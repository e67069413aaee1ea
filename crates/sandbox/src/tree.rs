//! Names of trees: commits of a run's base repository.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A commit of a base repository; same content and same parent give the same id.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TreeId(String);

/// Text that does not name a commit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a commit id: expected 40 or 64 hexadecimal digits")]
pub struct BadTreeId(pub String);

impl TreeId {
    /// The commit id.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TreeId {
    type Err = BadTreeId;

    fn from_str(text: &str) -> Result<Self, BadTreeId> {
        let is_hash = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hash { Ok(Self(text.to_owned())) } else { Err(BadTreeId(text.to_owned())) }
    }
}

impl TryFrom<String> for TreeId {
    type Error = BadTreeId;

    fn try_from(text: String) -> Result<Self, BadTreeId> {
        text.parse()
    }
}

impl From<TreeId> for String {
    fn from(id: TreeId) -> Self {
        id.0
    }
}

impl fmt::Display for TreeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hashes_name_trees() {
        assert!("a".repeat(40).parse::<TreeId>().is_ok());
        for bad in ["", "HEAD", "main", &"g".repeat(40), &"a".repeat(39), "--upload-pack=x"] {
            assert_eq!(bad.parse::<TreeId>(), Err(BadTreeId(bad.to_owned())));
        }
    }
}
