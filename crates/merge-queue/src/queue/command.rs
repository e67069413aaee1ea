//! What a queue can be told: patches that want to land, and answers to its steps.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Entry, EntryId, Evidence, Tree};

/// Something to decide on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Patches want to land. Those that are offered together can be tried together.
    Offer {
        /// The patches.
        entries: Vec<Entry>,
    },
    /// A patch is taken back.
    Withdraw {
        /// Which.
        entry: EntryId,
        /// Why, for people.
        reason: String,
    },
    /// Answers [`super::Step::Rebase`].
    Rebased {
        /// The entry.
        entry: EntryId,
        /// The tree it was put on.
        onto: Tree,
        /// What came out.
        fit: Fit,
    },
    /// Answers [`super::Step::MergeBySymbol`].
    MergedBySymbol {
        /// The entry.
        entry: EntryId,
        /// The tree it was put on.
        onto: Tree,
        /// What came out.
        fit: Fit,
    },
    /// Answers [`super::Step::Verify`]. May also be said unasked, of a tree that is verified already.
    Verified {
        /// The tree that was checked.
        tree: Tree,
        /// The how-manieth verification of this tree, as the step said.
        run: u32,
        /// What each check said.
        evidence: Vec<Evidence>,
    },
    /// Answers [`super::Step::Advance`]: the head is that tree now.
    Advanced {
        /// The tree.
        to: Tree,
    },
    /// The head is another tree now, by someone else's doing. Also the answer to an [`super::Step::Advance`] that came too late.
    BaseMoved {
        /// The tree.
        to: Tree,
    },
    /// Answers [`super::Step::HandToMergeTask`].
    MergeTaskEnded {
        /// The entry.
        entry: EntryId,
        /// What the task delivered.
        result: Mended,
    },
}

/// Whether a patch fits on a tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "fit", rename_all = "snake_case")]
pub enum Fit {
    /// It does: the new tree.
    Clean {
        /// The tree with the patch; the tree it was put on if the patch changes nothing there.
        tree: Tree,
    },
    /// It does not.
    Conflict {
        /// Files, or symbols of files, that do not fit.
        conflicts: Vec<String>,
    },
}

/// What a merge task delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum Mended {
    /// Another patch for the same purpose, that fits.
    Patch {
        /// Where it is kept.
        patch: String,
        /// The tree it was made on.
        base: Tree,
        /// Paths it changes.
        touches: BTreeSet<String>,
    },
    /// None.
    Failed {
        /// Why, for people.
        reason: String,
    },
}
