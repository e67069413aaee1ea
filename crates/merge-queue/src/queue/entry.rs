//! Entries: patches with what is known of them, and where each stands.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{BatchId, Check, EntryId, Tree};

/// A patch that wants to land.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Its name.
    pub id: EntryId,
    /// The task that made it.
    pub author: String,
    /// Where the patch itself is kept; opaque here.
    pub patch: String,
    /// The tree it was made on.
    pub base: Tree,
    /// Paths it changes.
    pub touches: BTreeSet<String>,
    /// Tests that pass with it, as its author says; whoever verifies holds it to them.
    pub claims: BTreeSet<String>,
    /// Higher goes first; among equals the earlier.
    pub priority: i64,
    /// A name shared by patches for the same purpose: at most one of them lands.
    #[serde(default)]
    pub rivals: Option<String>,
}

impl Entry {
    /// Whether at most one of the two may land.
    #[must_use]
    pub fn is_rival_of(&self, other: &Self) -> bool {
        self.id != other.id && self.rivals.is_some() && self.rivals == other.rivals
    }
}

/// An entry and what became of it so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EntryState {
    /// The entry; its patch changes when a merge task delivers another.
    pub entry: Entry,
    /// Where it stood when it was offered: the how-manieth of the queue.
    pub seq: u64,
    /// Times that it came back from the first batch because an entry before it was suspected.
    pub rounds: u32,
    /// Times that the base moved while it was in the first batch.
    pub interruptions: u32,
    /// Times that it was handed to a merge task.
    pub handovers: u32,
    /// Waits for the first batch to conclude: it conflicts with what may land before it.
    pub held: bool,
    /// Where it stands.
    pub standing: Standing,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "snake_case")]
pub enum Standing {
    /// In the queue, in no batch.
    Waiting,
    /// In a batch.
    Batched {
        /// Which.
        batch: BatchId,
    },
    /// With a merge task.
    HandedOver {
        /// The tree it does not fit on.
        onto: Tree,
        /// Files or symbols that do not fit.
        conflicts: Vec<String>,
    },
    /// In the head.
    Landed {
        /// The tree that the head advanced to.
        tree: Tree,
    },
    /// Out of the queue.
    Rejected {
        /// Why.
        why: Why,
    },
}

impl Standing {
    /// Whether nothing more will happen to the entry.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        matches!(self, Self::Landed { .. } | Self::Rejected { .. })
    }
}

/// Why an entry was rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "why", rename_all = "snake_case")]
pub enum Why {
    /// Red twice, on a head that is green.
    #[error("{} red on {tree} twice, and the head without it is green", list(.failing))]
    Red {
        /// The head with just this entry.
        tree: Tree,
        /// The checks that failed.
        failing: Vec<Check>,
        /// Entries that landed and are not in the tree this one was made on: it may be that it does not go with one of them.
        landed_meanwhile: Vec<EntryId>,
    },
    /// Red, and so is the head without it: mend that first, then offer the entry again.
    #[error(
        "{tree} is red, but so is the head {head} without this entry; mend the head and offer the entry again"
    )]
    HeadRed {
        /// The head with this entry.
        tree: Tree,
        /// The head.
        head: Tree,
    },
    /// Verifying it broke again and again.
    #[error("verifying {tree} broke each time; see the logs of the verifications")]
    Unverifiable {
        /// The head with just this entry.
        tree: Tree,
    },
    /// The head has it already.
    #[error("its changes are in the head already")]
    NothingLeft,
    /// Another patch for the same purpose landed.
    #[error("`{landed}` landed for the same purpose")]
    Rival {
        /// That patch.
        landed: EntryId,
    },
    /// The base moved too often while it was tried.
    #[error(
        "the base moved {interruptions} times while it was tried; offer it again when the branch is quiet"
    )]
    OutOfRounds {
        /// How often that was.
        interruptions: u32,
    },
    /// It conflicts, and no merge task may try (again).
    #[error("conflicts with the head in {}, and may not be handed to a merge task again", .conflicts.join(", "))]
    Conflict {
        /// Files or symbols that do not fit.
        conflicts: Vec<String>,
    },
    /// The merge task found no way.
    #[error("the merge task found no way: {reason}")]
    MergeFailed {
        /// What it says.
        reason: String,
    },
    /// Taken back.
    #[error("withdrawn: {reason}")]
    Withdrawn {
        /// Why.
        reason: String,
    },
}

fn list(checks: &[Check]) -> String {
    checks.iter().map(|check| format!("`{check}`")).collect::<Vec<_>>().join(", ")
}
