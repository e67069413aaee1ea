//! What has to be under way, derived from the state of a queue.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::rules::{is_doomed, wants_control, wants_recheck};
use super::{Batch, Check, EntryId, Phase, Queue, Standing, Tree};

/// Something to do. It goes on for as long as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub enum Step {
    /// Put a patch on a tree. Answer: [`super::Command::Rebased`].
    Rebase {
        /// The entry.
        entry: EntryId,
        /// Its patch.
        patch: String,
        /// The tree.
        onto: Tree,
    },
    /// Put a patch on a tree symbol by symbol, for its text does not fit. Answer: [`super::Command::MergedBySymbol`].
    MergeBySymbol {
        /// The entry.
        entry: EntryId,
        /// Its patch.
        patch: String,
        /// The tree that the patch was made on: the common ancestor.
        base: Tree,
        /// The tree.
        onto: Tree,
        /// The files that do not fit.
        files: Vec<String>,
    },
    /// Run every check on a tree, in a fresh copy. Answer: [`super::Command::Verified`].
    Verify {
        /// The tree.
        tree: Tree,
        /// The head: what holds there has to hold on the tree as well.
        against: Tree,
        /// The how-manieth verification of the tree this is, from 1. Results of earlier ones must not be used for it.
        run: u32,
        /// The checks.
        checks: Vec<Check>,
        /// What the tree has that the head has not, in order.
        entries: Vec<EntryId>,
        /// Tests that these entries claim to pass.
        claims: BTreeSet<String>,
        /// What for.
        purpose: Purpose,
    },
    /// Make a tree the head, provided that the head is still `from`. Answer: [`super::Command::Advanced`], or
    /// [`super::Command::BaseMoved`] if it is not.
    Advance {
        /// The head.
        from: Tree,
        /// The tree.
        to: Tree,
        /// What lands thereby.
        entries: Vec<EntryId>,
    },
    /// Have someone make the patch anew on the head. Answer: [`super::Command::MergeTaskEnded`].
    HandToMergeTask {
        /// The entry.
        entry: EntryId,
        /// The task that made the patch.
        author: String,
        /// The patch.
        patch: String,
        /// The tree it does not fit on.
        onto: Tree,
        /// Files or symbols that do not fit.
        conflicts: Vec<String>,
    },
}

/// What a verification is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Whether a batch holds.
    Batch,
    /// Which entry of a red batch is to blame.
    Probe,
    /// Whether a suspect is red again.
    Recheck,
    /// Whether the head itself is red.
    Control,
}

impl Step {
    /// Tells steps apart: two steps with one key are the same step.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::Rebase { entry, patch, onto } => format!("rebase {entry} {patch} onto {onto}"),
            Self::MergeBySymbol { entry, patch, onto, .. } => format!("symbols {entry} {patch} onto {onto}"),
            Self::Verify { tree, run, .. } => format!("verify {tree} run {run}"),
            Self::Advance { from, to, .. } => format!("advance {from} to {to}"),
            Self::HandToMergeTask { entry, patch, onto, .. } => format!("merge {entry} {patch} onto {onto}"),
        }
    }
}

/// What has to be under way now: most urgent first, at most [`super::Settings::parallel`] verifications.
#[must_use]
pub fn steps(queue: &Queue) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for (index, batch) in queue.batches.iter().enumerate() {
        for step in of_batch(queue, index, batch) {
            if !steps.iter().any(|known| known.key() == step.key()) {
                steps.push(step);
            }
        }
        if is_doomed(queue, batch) {
            break;
        }
    }
    steps.extend(handovers(queue));
    steps
}

fn of_batch(queue: &Queue, index: usize, batch: &Batch) -> Vec<Step> {
    let Some(tip) = batch.tip() else { return build(queue, index, batch).into_iter().collect() };
    let count = batch.entries.len();
    match &batch.phase {
        Phase::Whole if queue.verdict(tip).is_none() => {
            vec![verify(queue, index, count, Purpose::Batch)].into_iter().flatten().collect()
        }
        Phase::Whole => Vec::new(),
        Phase::Bisecting { probes, .. } => {
            let open = probes
                .iter()
                .filter(|probe| batch.prefix(**probe).is_some_and(|tree| queue.verdict(tree).is_none()));
            open.filter_map(|probe| verify(queue, index, *probe, Purpose::Probe)).collect()
        }
        Phase::Suspect if queue.verdict(tip).is_none() || wants_recheck(queue, tip) => {
            verify(queue, index, count, Purpose::Recheck).into_iter().collect()
        }
        Phase::Suspect if wants_control(queue, tip) => vec![control(queue)],
        Phase::Suspect => Vec::new(),
        Phase::Advancing { upto } => advance(queue, batch, *upto).into_iter().collect(),
    }
}

fn build(queue: &Queue, index: usize, batch: &Batch) -> Option<Step> {
    let id = batch.next()?;
    let entry = &queue.entries.get(id)?.entry;
    let (id, patch, onto) = (id.clone(), entry.patch.clone(), queue.onto(index)?.clone());
    Some(match &batch.by_symbol {
        None => Step::Rebase { entry: id, patch, onto },
        Some(files) => {
            let (base, files) = (entry.base.clone(), files.clone());
            Step::MergeBySymbol { entry: id, patch, base, onto, files }
        }
    })
}

fn verify(queue: &Queue, index: usize, count: usize, purpose: Purpose) -> Option<Step> {
    let tree = queue.batches[index].prefix(count)?;
    let before = queue.batches[..index].iter().filter(|batch| !batch.is_expected_to_fall());
    let before = before.flat_map(|batch| &batch.entries);
    let entries: Vec<EntryId> = before.chain(&queue.batches[index].entries[..count]).cloned().collect();
    Some(verification(queue, tree, entries, purpose))
}

fn control(queue: &Queue) -> Step {
    verification(queue, &queue.head, Vec::new(), Purpose::Control)
}

fn verification(queue: &Queue, tree: &Tree, entries: Vec<EntryId>, purpose: Purpose) -> Step {
    let known = entries.iter().filter_map(|id| queue.entries.get(id));
    let claims = known.flat_map(|state| state.entry.claims.iter().cloned()).collect();
    let run = u32::try_from(queue.archive.runs(tree).len()).unwrap_or(u32::MAX).saturating_add(1);
    let (tree, against, checks) = (tree.clone(), queue.head.clone(), queue.settings.checks.clone());
    Step::Verify { tree, against, run, checks, entries, claims, purpose }
}

fn advance(queue: &Queue, batch: &Batch, upto: usize) -> Option<Step> {
    let to = batch.prefix(upto)?.clone();
    Some(Step::Advance { from: queue.head.clone(), to, entries: batch.entries[..upto].to_vec() })
}

fn handovers(queue: &Queue) -> impl Iterator<Item = Step> {
    queue.entries.values().filter_map(|state| match &state.standing {
        Standing::HandedOver { onto, conflicts } => Some(Step::HandToMergeTask {
            entry: state.entry.id.clone(),
            author: state.entry.author.clone(),
            patch: state.entry.patch.clone(),
            onto: onto.clone(),
            conflicts: conflicts.clone(),
        }),
        _ => None,
    })
}
