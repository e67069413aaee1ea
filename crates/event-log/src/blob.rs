//! Names of blobs: the hash of their content.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The name of a blob: `b3-` and the BLAKE3 hash of its bytes in 64 lower-case hexadecimal digits.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BlobId(String);

/// Text that does not name a blob.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` does not name a blob; a name is `b3-` followed by 64 lower-case hexadecimal digits")]
pub struct BadBlobId(pub String);

impl BlobId {
    /// The name of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self::from_hash(blake3::hash(bytes))
    }

    /// The name of what was fed to `hasher`.
    pub(crate) fn from_hash(hash: blake3::Hash) -> Self {
        Self(format!("b3-{}", hash.to_hex()))
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for BlobId {
    type Err = BadBlobId;

    fn from_str(text: &str) -> Result<Self, BadBlobId> {
        let is_hex =
            |hex: &str| hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        match text.strip_prefix("b3-") {
            Some(hex) if is_hex(hex) => Ok(Self(text.to_owned())),
            _ => Err(BadBlobId(text.to_owned())),
        }
    }
}

impl TryFrom<String> for BlobId {
    type Error = BadBlobId;

    fn try_from(text: String) -> Result<Self, BadBlobId> {
        text.parse()
    }
}

impl From<BlobId> for String {
    fn from(id: BlobId) -> Self {
        id.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_published_hash_of_the_content() {
        let empty = "b3-af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
        assert_eq!(BlobId::of(b"").as_str(), empty);
        assert_eq!(empty.parse::<BlobId>().unwrap(), BlobId::of(b""));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let upper = BlobId::of(b"x").to_string().to_uppercase();
        for text in ["", "b3-", "b3-00", &"0".repeat(64), &upper] {
            assert_eq!(text.parse::<BlobId>(), Err(BadBlobId(text.to_owned())));
        }
    }
}
