//! Batches: entries that are built one upon the other and verified together.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{EntryId, Tree};

/// The how-manieth batch of the queue, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(pub u64);

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Entries on their way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its number.
    pub id: BatchId,
    /// What is in it, in the order in which it is built.
    pub entries: Vec<EntryId>,
    /// The tree after each entry, as far as it is built.
    pub trees: Vec<Tree>,
    /// The files in which the text of the next entry does not fit: it is being tried by symbol.
    pub by_symbol: Option<Vec<String>>,
    /// How far it is.
    pub phase: Phase,
}

/// How far a batch is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "phase", rename_all = "snake_case")]
pub enum Phase {
    /// Being built, then verified as a whole. Expected to land.
    Whole,
    /// Red as a whole: the first red prefix is looked for.
    Bisecting {
        /// This many entries are known to hold together.
        green: usize,
        /// This many are known not to.
        red: usize,
        /// Prefixes whose verdicts are waited for, shortest first.
        probes: Vec<usize>,
    },
    /// One entry that is verified once more. Expected to fall.
    Suspect,
    /// The head is to advance to the prefix of this length.
    Advancing {
        /// How many entries land.
        upto: usize,
    },
}

impl Batch {
    /// Whether every entry has its tree.
    #[must_use]
    pub fn is_built(&self) -> bool {
        self.trees.len() == self.entries.len()
    }

    /// The tree with all entries, once it is built.
    #[must_use]
    pub fn tip(&self) -> Option<&Tree> {
        self.trees.last().filter(|_| self.is_built())
    }

    /// The tree with the first `count` entries; none is not a tree of the batch.
    #[must_use]
    pub fn prefix(&self, count: usize) -> Option<&Tree> {
        self.trees.get(count.checked_sub(1)?)
    }

    /// The entry that is built next.
    #[must_use]
    pub fn next(&self) -> Option<&EntryId> {
        self.entries.get(self.trees.len())
    }

    /// Whether what is behind it is built as if it were not there.
    #[must_use]
    pub fn is_expected_to_fall(&self) -> bool {
        self.phase == Phase::Suspect
    }
}
