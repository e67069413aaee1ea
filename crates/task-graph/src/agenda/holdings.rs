//! What the active tasks hold: locks, paths, resources, and when they will probably give them back.

use std::collections::{BTreeMap, BTreeSet};

use super::Slot;
use super::demand::{Demand, LockId, PatternId};
use crate::Resources;

/// See the top of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Holdings {
    locks: BTreeMap<LockId, LockUse>,
    writers: BTreeMap<PatternId, u32>,
    /// When each active task will probably be over.
    ends: BTreeSet<(i64, Slot)>,
    ends_by_slot: BTreeMap<Slot, (i64, Resources)>,
    taken: Resources,
}

/// Who holds a lock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct LockUse {
    /// How many have it for themselves; more than one only in a log that something else has written.
    pub exclusive: u32,
    /// How many share it.
    pub shared: u32,
}

impl LockUse {
    /// Whether one more may have the lock.
    pub fn admits(self, shared: bool) -> bool {
        self.exclusive == 0 && (shared || self.shared == 0)
    }

    /// Counts one more.
    pub fn add(&mut self, shared: bool) {
        *if shared { &mut self.shared } else { &mut self.exclusive } += 1;
    }

    fn remove(&mut self, shared: bool) -> bool {
        let count = if shared { &mut self.shared } else { &mut self.exclusive };
        *count = count.saturating_sub(1);
        *self == Self::default()
    }
}

impl Holdings {
    /// A task becomes active.
    pub fn take(&mut self, slot: Slot, demand: &Demand, end_ms: i64) {
        for (lock, shared) in &demand.locks {
            self.locks.entry(*lock).or_default().add(*shared);
        }
        for pattern in &demand.owns {
            *self.writers.entry(*pattern).or_default() += 1;
        }
        if !demand.resources.is_negligible() {
            self.ends.insert((end_ms, slot));
            self.ends_by_slot.insert(slot, (end_ms, demand.resources));
            self.taken = self.taken.plus(&demand.resources);
        }
    }

    /// A task is active no more.
    pub fn give_back(&mut self, slot: Slot, demand: &Demand) {
        for (lock, shared) in &demand.locks {
            if self.locks.get_mut(lock).is_some_and(|held| held.remove(*shared)) {
                self.locks.remove(lock);
            }
        }
        for pattern in &demand.owns {
            let Some(writers) = self.writers.get_mut(pattern) else { continue };
            *writers -= 1;
            if *writers == 0 {
                self.writers.remove(pattern);
            }
        }
        if let Some((end_ms, resources)) = self.ends_by_slot.remove(&slot) {
            self.ends.remove(&(end_ms, slot));
            self.taken = self.taken.minus(&resources);
        }
    }

    /// What active tasks take together.
    pub fn taken(&self) -> Resources {
        self.taken
    }

    /// Who holds a lock.
    pub fn lock(&self, lock: LockId) -> LockUse {
        self.locks.get(&lock).copied().unwrap_or_default()
    }

    /// Whether an active task writes to a pattern.
    pub fn is_written(&self, pattern: PatternId) -> bool {
        self.writers.contains_key(&pattern)
    }

    /// What active tasks take that take something, with when they will probably give it back, the first one first.
    pub fn returns(&self) -> impl Iterator<Item = (i64, Resources)> + '_ {
        self.ends.iter().filter_map(|(end_ms, slot)| Some((*end_ms, self.ends_by_slot.get(slot)?.1)))
    }
}
