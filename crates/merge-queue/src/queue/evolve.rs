//! Following events. No policy: what an event says is done; one that does not fit changes nothing.

use super::evidence::Run;
use super::{
    BackBecause, Batch, BatchId, Entry, EntryId, EntryState, Phase, Queue, QueueEvent, Standing, Tree,
};

/// The queue after an event.
#[must_use]
pub fn evolve(mut queue: Queue, event: &QueueEvent) -> Queue {
    queue.follow(event);
    queue
}

/// The queue that a log tells of; `None` unless it begins with [`QueueEvent::Opened`].
pub fn replay<'a>(events: impl IntoIterator<Item = &'a QueueEvent>) -> Option<Queue> {
    let mut events = events.into_iter();
    let Some(QueueEvent::Opened { head, settings }) = events.next() else { return None };
    Some(events.fold(Queue::open(head.clone(), settings.clone()), evolve))
}

impl Queue {
    pub(super) fn follow(&mut self, event: &QueueEvent) {
        match event {
            QueueEvent::Opened { head, settings } => *self = Self::open(head.clone(), settings.clone()),
            QueueEvent::Offered { entry } => self.offer(entry),
            QueueEvent::BatchFormed { batch, entries } => self.form(*batch, entries),
            QueueEvent::Placed { batch, tree, .. } => self.with(*batch, |batch| {
                batch.by_symbol = None;
                batch.trees.push(tree.clone());
            }),
            QueueEvent::TextConflicted { batch, files, .. } => {
                self.with(*batch, |batch| batch.by_symbol = Some(files.clone()));
            }
            QueueEvent::PutBack { entry, because } => self.put_back(entry, *because),
            QueueEvent::BatchDissolved { batch, charged } => self.dissolve(*batch, *charged),
            QueueEvent::BatchClosed { batch } => self.batches.retain(|known| known.id != *batch),
            QueueEvent::Judged { tree, evidence } => {
                self.archive.add(tree, Run { evidence: evidence.clone() });
            }
            QueueEvent::TurnedRed { size, .. } => self.size = *size,
            QueueEvent::Narrowed { batch, green, red, probes } => {
                let phase = Phase::Bisecting { green: *green, red: *red, probes: probes.clone() };
                self.with(*batch, |batch| batch.phase = phase);
            }
            QueueEvent::Suspected { batch, .. } => self.with(*batch, |batch| batch.phase = Phase::Suspect),
            QueueEvent::FlakeNoticed { .. } => {}
            QueueEvent::AdvanceDecided { batch, upto } => {
                self.with(*batch, |batch| batch.phase = Phase::Advancing { upto: *upto });
            }
            QueueEvent::HeadAdvanced { to, entries, size, .. } => self.advance(to, entries, *size),
            QueueEvent::BaseMoved { to } => {
                self.head = to.clone();
                self.release();
            }
            QueueEvent::HandedOver { entry, onto, conflicts } => {
                let standing = Standing::HandedOver { onto: onto.clone(), conflicts: conflicts.clone() };
                self.take_out(entry, standing);
                self.entry(entry, |state| state.handovers += 1);
            }
            QueueEvent::Mended { entry, patch, base, touches } => self.entry(entry, |state| {
                state.entry.patch.clone_from(patch);
                state.entry.base = base.clone();
                state.entry.touches.clone_from(touches);
                state.standing = Standing::Waiting;
            }),
            QueueEvent::Rejected { entry, why } => {
                self.take_out(entry, Standing::Rejected { why: why.clone() });
                self.release();
            }
        }
    }

    fn with(&mut self, id: BatchId, change: impl FnOnce(&mut Batch)) {
        if let Some(batch) = self.batches.iter_mut().find(|batch| batch.id == id) {
            change(batch);
        }
    }

    fn entry(&mut self, id: &EntryId, change: impl FnOnce(&mut EntryState)) {
        if let Some(state) = self.entries.get_mut(id) {
            change(state);
        }
    }

    fn offer(&mut self, entry: &Entry) {
        self.offered += 1;
        let state = EntryState {
            entry: entry.clone(),
            seq: self.offered,
            rounds: 0,
            interruptions: 0,
            handovers: 0,
            held: false,
            standing: Standing::Waiting,
        };
        self.entries.insert(entry.id.clone(), state);
    }

    fn form(&mut self, id: BatchId, entries: &[EntryId]) {
        self.formed = id.0;
        for entry in entries {
            self.entry(entry, |state| state.standing = Standing::Batched { batch: id });
        }
        let entries = entries.to_vec();
        self.batches.push(Batch { id, entries, trees: Vec::new(), by_symbol: None, phase: Phase::Whole });
    }

    /// Takes an entry out of its batch; the trees from there on are no longer the batch's.
    fn take_out(&mut self, id: &EntryId, standing: Standing) {
        if let Some(index) = self.batch_with(id) {
            let batch = &mut self.batches[index];
            if let Some(at) = batch.entries.iter().position(|known| known == id) {
                batch.entries.remove(at);
                batch.trees.truncate(at);
                batch.by_symbol = None;
            }
        }
        self.entry(id, |state| state.standing = standing);
    }

    fn put_back(&mut self, id: &EntryId, because: BackBecause) {
        self.take_out(id, Standing::Waiting);
        self.entry(id, |state| match because {
            BackBecause::Early => state.held = true,
            BackBecause::BehindSuspect => state.rounds += 1,
        });
    }

    fn dissolve(&mut self, id: BatchId, charged: bool) {
        let Some(index) = self.index_of(id) else { return };
        let batch = self.batches.remove(index);
        for entry in &batch.entries {
            self.entry(entry, |state| {
                state.standing = Standing::Waiting;
                state.interruptions += u32::from(charged);
            });
        }
    }

    /// The head advances: what landed leaves the first batch, and what is left of it is known to be red.
    fn advance(&mut self, to: &Tree, entries: &[EntryId], size: usize) {
        self.head = to.clone();
        self.size = size;
        for entry in entries {
            self.entry(entry, |state| state.standing = Standing::Landed { tree: to.clone() });
            self.landed.push(entry.clone());
        }
        if let Some(first) = self.batches.first_mut() {
            let count = entries.len().min(first.entries.len());
            first.entries.drain(..count);
            first.trees.drain(..count.min(first.trees.len()));
            first.phase = Phase::Bisecting { green: 0, red: 1, probes: Vec::new() };
        }
        self.release();
    }

    /// The first batch has concluded: who waited for that may be tried again.
    fn release(&mut self) {
        self.entries.values_mut().for_each(|state| state.held = false);
    }
}
