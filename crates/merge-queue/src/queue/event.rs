//! What happened to a queue. Events carry the decisions that were made, so that a log means the same under other policies.

use serde::{Deserialize, Serialize};

use super::{BatchId, Check, Entry, EntryId, Evidence, Settings, Tree, Why};
use std::collections::BTreeSet;

/// Version of the events written by this crate.
pub const EVENT_VERSION: u16 = 1;

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum QueueEvent {
    /// The queue began.
    Opened {
        /// The tree that patches land on.
        head: Tree,
        /// How it works.
        settings: Settings,
    },
    /// A patch entered.
    Offered {
        /// The patch.
        entry: Entry,
    },
    /// A batch was formed behind those that exist.
    BatchFormed {
        /// Its number.
        batch: BatchId,
        /// What is in it.
        entries: Vec<EntryId>,
    },
    /// The next entry of a batch was put on the tree before it.
    Placed {
        /// The batch.
        batch: BatchId,
        /// The entry.
        entry: EntryId,
        /// The tree with it.
        tree: Tree,
        /// How it was put there.
        how: How,
    },
    /// The text of the next entry of a batch does not fit; it is tried by symbol.
    TextConflicted {
        /// The batch.
        batch: BatchId,
        /// The entry.
        entry: EntryId,
        /// The files.
        files: Vec<String>,
    },
    /// An entry left its batch and waits again.
    PutBack {
        /// The entry.
        entry: EntryId,
        /// Why.
        because: BackBecause,
    },
    /// A batch is given up; what was in it waits again.
    BatchDissolved {
        /// The batch.
        batch: BatchId,
        /// Whether that counts as an interruption of its entries.
        charged: bool,
    },
    /// Nothing is left in a batch.
    BatchClosed {
        /// The batch.
        batch: BatchId,
    },
    /// A tree was verified.
    Judged {
        /// The tree.
        tree: Tree,
        /// What each check said.
        evidence: Vec<Evidence>,
    },
    /// A batch of several entries turned out red.
    TurnedRed {
        /// The batch.
        batch: BatchId,
        /// How many entries the next batches may have.
        size: usize,
    },
    /// The first red prefix of a batch lies between these.
    Narrowed {
        /// The batch.
        batch: BatchId,
        /// So many entries hold together.
        green: usize,
        /// So many do not.
        red: usize,
        /// Prefixes to verify now.
        probes: Vec<usize>,
    },
    /// The first entry of a batch is suspected: it is verified once more.
    Suspected {
        /// The batch.
        batch: BatchId,
        /// The entry.
        entry: EntryId,
    },
    /// A tree was red and then green.
    FlakeNoticed {
        /// The tree.
        tree: Tree,
        /// The checks that were red.
        checks: Vec<Check>,
    },
    /// The head shall advance to a prefix of the first batch.
    AdvanceDecided {
        /// The batch.
        batch: BatchId,
        /// How many of its entries land.
        upto: usize,
    },
    /// The head advanced.
    HeadAdvanced {
        /// From this tree.
        from: Tree,
        /// To this one.
        to: Tree,
        /// What landed thereby.
        entries: Vec<EntryId>,
        /// How many entries the next batches may have.
        size: usize,
    },
    /// Someone else moved the head.
    BaseMoved {
        /// The head now.
        to: Tree,
    },
    /// An entry goes to a merge task.
    HandedOver {
        /// The entry.
        entry: EntryId,
        /// The head, on which it does not fit.
        onto: Tree,
        /// Files or symbols that do not fit.
        conflicts: Vec<String>,
    },
    /// A merge task delivered another patch; the entry waits again.
    Mended {
        /// The entry.
        entry: EntryId,
        /// Where the new patch is kept.
        patch: String,
        /// The tree it was made on.
        base: Tree,
        /// Paths it changes.
        touches: BTreeSet<String>,
    },
    /// An entry is out.
    Rejected {
        /// The entry.
        entry: EntryId,
        /// Why.
        why: Why,
    },
}

/// How an entry was put on a tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum How {
    /// As text.
    Text,
    /// Symbol by symbol, where the text did not fit.
    Symbol,
}

/// Why an entry left its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackBecause {
    /// It conflicts with what may land before it, or has nothing left to do there: it is looked at again on the head.
    Early,
    /// An entry before it is suspected. Counts as a round.
    BehindSuspect,
}
