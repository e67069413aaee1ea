//! What tasks need while they run, and what there is: processors, memory, locks, workers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Role, WorkerId};

/// What one attempt at a task takes while it runs. 0 means so little that it need not be counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// Processors, in thousandths.
    pub cpu_milli: u64,
    /// Memory, in units of 2^20 bytes.
    pub memory_mb: u64,
    /// Whole graphics processors.
    pub gpu: u32,
}

impl Resources {
    /// Whether nothing of it needs to be counted.
    pub fn is_negligible(&self) -> bool {
        *self == Self::default()
    }

    /// Both together.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(other.cpu_milli),
            memory_mb: self.memory_mb.saturating_add(other.memory_mb),
            gpu: self.gpu.saturating_add(other.gpu),
        }
    }

    /// What is left without the other.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_sub(other.cpu_milli),
            memory_mb: self.memory_mb.saturating_sub(other.memory_mb),
            gpu: self.gpu.saturating_sub(other.gpu),
        }
    }
}

/// A named thing that tasks may not use as they like at the same time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Lock {
    /// Its name.
    pub name: String,
    /// Whether the task shares it with others that share it. Otherwise it has the lock for itself.
    #[serde(default)]
    pub shared: bool,
}

impl Lock {
    /// The lock, not shared.
    pub fn exclusive(name: impl Into<String>) -> Self {
        Self { name: name.into(), shared: false }
    }

    /// The lock, shared.
    pub fn shared(name: impl Into<String>) -> Self {
        Self { name: name.into(), shared: true }
    }
}

/// What there is for all tasks of a run together, or at one worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Capacity {
    /// Processors, in thousandths.
    pub cpu_milli: u64,
    /// Memory, in units of 2^20 bytes.
    pub memory_mb: u64,
    /// Whole graphics processors.
    pub gpu: u32,
    /// Most attempts at the same time, whatever they take.
    pub slots: u32,
}

/// As much of everything as one likes: what counts is the number of agents.
impl Default for Capacity {
    fn default() -> Self {
        Self { cpu_milli: u64::MAX, memory_mb: u64::MAX, gpu: u32::MAX, slots: u32::MAX }
    }
}

impl Capacity {
    /// This many attempts at the same time, and as much as one likes of everything else.
    pub fn of_slots(slots: u32) -> Self {
        Self { slots, ..Self::default() }
    }

    /// Whether a task could ever run here.
    pub fn suffices_for(&self, wanted: &Resources) -> bool {
        self.slots > 0 && self.holds(wanted)
    }

    /// What a task takes of this capacity: what it asks for, but never more than there is. So a capacity that shrank under
    /// a planned task delays the task and does not block it for ever.
    pub(crate) fn share_of(&self, wanted: &Resources) -> Resources {
        Resources {
            cpu_milli: wanted.cpu_milli.min(self.cpu_milli),
            memory_mb: wanted.memory_mb.min(self.memory_mb),
            gpu: wanted.gpu.min(self.gpu),
        }
    }

    /// Whether `wanted` fits, slots aside.
    pub(crate) fn holds(&self, wanted: &Resources) -> bool {
        wanted.cpu_milli <= self.cpu_milli && wanted.memory_mb <= self.memory_mb && wanted.gpu <= self.gpu
    }

    /// What is left when one attempt takes `taken`.
    pub(crate) fn less(self, taken: &Resources) -> Self {
        Self { slots: self.slots.saturating_sub(1), ..self.without(taken) }
    }

    /// What is left without `taken`, slots aside.
    pub(crate) fn without(self, taken: &Resources) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_sub(taken.cpu_milli),
            memory_mb: self.memory_mb.saturating_sub(taken.memory_mb),
            gpu: self.gpu.saturating_sub(taken.gpu),
            slots: self.slots,
        }
    }

    /// What there is when one attempt gives `taken` back.
    pub(crate) fn plus(self, taken: &Resources) -> Self {
        Self {
            cpu_milli: self.cpu_milli.saturating_add(taken.cpu_milli),
            memory_mb: self.memory_mb.saturating_add(taken.memory_mb),
            gpu: self.gpu.saturating_add(taken.gpu),
            slots: self.slots.saturating_add(1),
        }
    }
}

/// A place where attempts run, with what it has and how fast it is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Worker {
    /// Its name.
    pub id: WorkerId,
    /// What it has.
    #[serde(default)]
    pub capacity: Capacity,
    /// How fast it does the work of a role: 2.0 takes half of `weight_ms`. A role that is not named has speed 1.
    #[serde(default)]
    pub speed: BTreeMap<Role, f64>,
}

impl Worker {
    /// A worker for one attempt at a time, of ordinary speed.
    pub fn new(id: impl Into<WorkerId>) -> Self {
        Self { id: id.into(), capacity: Capacity::of_slots(1), speed: BTreeMap::new() }
    }

    /// How long work of `weight_ms` takes here, in milliseconds, rounded up. A speed that is no positive number counts as 1.
    pub fn duration_ms(&self, role: &Role, weight_ms: u64) -> u64 {
        match self.speed.get(role) {
            Some(speed) if speed.is_finite() && *speed > 0.0 => (weight_ms as f64 / speed).ceil() as u64,
            _ => weight_ms,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capacity_counts_what_is_taken_and_given_back() {
        let all = Capacity { cpu_milli: 4_000, memory_mb: 100, gpu: 1, slots: 2 };
        let big = Resources { cpu_milli: 3_000, memory_mb: 100, gpu: 0 };
        assert!(all.suffices_for(&big));
        let rest = all.less(&big);
        assert_eq!(rest, Capacity { cpu_milli: 1_000, memory_mb: 0, gpu: 1, slots: 1 });
        assert!(!rest.holds(&big) && rest.holds(&Resources { gpu: 1, ..Resources::default() }));
        assert_eq!(rest.plus(&big), all);
    }

    #[test]
    fn what_is_too_big_takes_everything() {
        let all = Capacity { cpu_milli: 10, ..Capacity::of_slots(1) };
        let wanted = Resources { cpu_milli: 11, memory_mb: 5, gpu: 0 };
        assert!(!all.suffices_for(&wanted));
        assert_eq!(all.share_of(&wanted), Resources { cpu_milli: 10, memory_mb: 5, gpu: 0 });
    }

    #[test]
    fn speed_divides_the_weight() {
        let mut worker = Worker::new("w");
        for (speed, expected) in [(1.0, 9), (2.0, 5), (0.5, 18), (0.0, 9), (-1.0, 9), (f64::NAN, 9)] {
            worker.speed.insert("r".into(), speed);
            assert_eq!(worker.duration_ms(&"r".into(), 9), expected, "{speed}");
        }
        assert_eq!(worker.duration_ms(&"other".into(), 9), 9);
    }
}
