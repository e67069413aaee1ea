//! What is known of a queue at one time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::evidence::Archive;
use super::{Batch, BatchId, EntryId, EntryState, Evidence, Phase, Settings, Standing, Tree, Verdict};

/// A queue: its entries, its batches, the head and what is known of trees. Made by folding events with [`super::evolve`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Queue {
    /// How it works.
    pub settings: Settings,
    /// The tree that patches land on.
    pub head: Tree,
    /// Everything that was ever offered.
    pub entries: BTreeMap<EntryId, EntryState>,
    /// What is on its way, first to land first.
    pub batches: Vec<Batch>,
    /// How many entries the next batch may have.
    pub size: usize,
    pub(super) archive: Archive,
    pub(super) offered: u64,
    pub(super) formed: u64,
    /// What landed, in order.
    pub landed: Vec<EntryId>,
}

impl Queue {
    /// An empty queue on a head.
    #[must_use]
    pub fn open(head: Tree, settings: Settings) -> Self {
        let size = settings.max_batch.max(1);
        Self {
            settings,
            head,
            entries: BTreeMap::new(),
            batches: Vec::new(),
            size,
            archive: Archive::default(),
            offered: 0,
            formed: 0,
            landed: Vec::new(),
        }
    }

    /// Whether every entry has landed or was rejected.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.entries.values().all(|entry| entry.standing.is_settled())
    }

    /// What is known of a tree.
    #[must_use]
    pub fn verdict(&self, tree: &Tree) -> Option<Verdict> {
        self.archive.verdict(tree, self.settings.max_lost)
    }

    /// All evidence about a tree, in the order it came; none about a tree that was never checked.
    #[must_use]
    pub fn evidence(&self, tree: &Tree) -> Vec<&Evidence> {
        self.archive.runs(tree).iter().flat_map(|run| &run.evidence).collect()
    }

    /// Everything that any check has said about any tree.
    pub fn all_evidence(&self) -> impl Iterator<Item = &Evidence> {
        self.archive.all()
    }

    /// The tree that a batch is built on, once the batches before it are built.
    #[must_use]
    pub fn base_of(&self, index: usize) -> Option<&Tree> {
        let standing = self.batches[..index].iter().rev().find(|batch| !batch.is_expected_to_fall());
        match standing {
            Some(batch) => batch.tip(),
            None => Some(&self.head),
        }
    }

    /// The tree that the next entry of a batch is put on.
    #[must_use]
    pub fn onto(&self, index: usize) -> Option<&Tree> {
        self.batches.get(index)?.trees.last().or_else(|| self.base_of(index))
    }

    pub(super) fn index_of(&self, batch: BatchId) -> Option<usize> {
        self.batches.iter().position(|known| known.id == batch)
    }

    /// The batch that an entry is in.
    pub(super) fn batch_with(&self, entry: &EntryId) -> Option<usize> {
        match self.entries.get(entry)?.standing {
            Standing::Batched { batch } => self.index_of(batch),
            _ => None,
        }
    }

    /// The batch in which the entry is to be put on this tree now.
    pub(super) fn awaiting(&self, entry: &EntryId, onto: &Tree) -> Option<usize> {
        let index = self.batch_with(entry)?;
        let batch = &self.batches[index];
        let awaited = batch.next() == Some(entry) && self.onto(index) == Some(onto);
        awaited.then_some(index)
    }

    /// The tree that the head is to advance to, and how many entries of the first batch that lands.
    pub(super) fn advancing(&self) -> Option<(&Batch, usize, &Tree)> {
        let batch = self.batches.first()?;
        match batch.phase {
            Phase::Advancing { upto } => Some((batch, upto, batch.prefix(upto)?)),
            _ => None,
        }
    }
}
