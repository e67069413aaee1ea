//! Why two changes do not go together.

use serde::{Deserialize, Serialize};

/// One of the three texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// The common ancestor.
    Base,
    /// What the other change goes onto.
    Ours,
    /// The other change.
    Theirs,
}

impl std::fmt::Display for Side {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Base => "the base",
            Self::Ours => "our side",
            Self::Theirs => "their side",
        })
    }
}

/// Why a file cannot be merged by symbol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "conflict", rename_all = "snake_case")]
pub enum Conflict {
    /// No grammar for such files.
    #[error("{file}: files of this kind cannot be merged by symbol")]
    UnknownLanguage {
        /// The file.
        file: String,
    },
    /// One of the texts does not parse.
    #[error("{file}: {side} does not parse, so it has no symbols to merge")]
    DoesNotParse {
        /// The file.
        file: String,
        /// Which text.
        side: Side,
    },
    /// Both sides changed the same lines of a symbol.
    #[error("{file}: both sides change `{symbol}`")]
    BothChanged {
        /// The file.
        file: String,
        /// The symbol; a member with its class before it.
        symbol: String,
    },
    /// Both sides added a symbol of one name, and they differ.
    #[error("{file}: both sides add `{symbol}`, differently")]
    BothAdded {
        /// The file.
        file: String,
        /// The symbol.
        symbol: String,
    },
    /// One side removed what the other changed.
    #[error("{file}: {by} removes `{symbol}`, which the other side changes")]
    RemovedAndChanged {
        /// The file.
        file: String,
        /// The symbol.
        symbol: String,
        /// Who removed it.
        by: Side,
    },
    /// Both sides put what there was into another order.
    #[error("{file}: both sides reorder `{within}`")]
    BothReordered {
        /// The file.
        file: String,
        /// The class, or the file.
        within: String,
    },
    /// What came out does not parse.
    #[error("{file}: the merged text does not parse, though both sides do")]
    ResultDoesNotParse {
        /// The file.
        file: String,
    },
}
