//! How urgent tasks are: the longest chain of work that begins with each, and the highest priority along it.

use super::{Agenda, Slot};

/// How urgent a task is. Compared by priority first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Rank {
    /// The highest priority among the task and all that wait for it.
    pub priority: i64,
    /// The heaviest chain that begins with the task, in milliseconds.
    pub chain_ms: u64,
}

impl Rank {
    /// What becomes of the rank `so_far` of a task that by itself has the rank `self`, when one of rank `after` waits for it.
    fn over(self, after: Self, so_far: Self) -> Self {
        Self {
            priority: so_far.priority.max(after.priority),
            chain_ms: so_far.chain_ms.max(self.chain_ms.saturating_add(after.chain_ms)),
        }
    }
}

impl Agenda {
    /// Ranks the tasks from `first` on, which do not stand in any queue yet, and raises those they wait for, but for those that
    /// are settled: nothing is urgent about them. New tasks wait for old ones, never the other way round.
    pub(super) fn rank_from(&mut self, first: Slot) {
        let mut raised = Vec::new();
        for slot in self.ends_first(first) {
            let node = &self.nodes[slot as usize];
            let (rank, before) = (node.rank, node.before.clone());
            for id in before {
                let node = &mut self.nodes[id as usize];
                let higher = node.own.over(rank, node.rank);
                if higher != node.rank && id >= first {
                    node.rank = higher;
                } else if higher != node.rank && !node.phase.is_settled() {
                    raised.push((id, higher));
                }
            }
        }
        while let Some((slot, rank)) = raised.pop() {
            let rank = self.nodes[slot as usize].rank.max_of(rank);
            if self.set_rank(slot, rank) {
                raised.extend(self.unsettled_before(slot).into_iter().map(|id| {
                    let node = &self.nodes[id as usize];
                    (id, node.own.over(rank, node.rank))
                }));
            }
        }
    }

    /// The tasks from `first` on, each before all that it waits for.
    fn ends_first(&self, first: Slot) -> Vec<Slot> {
        let within = |slot: &Slot| *slot >= first;
        let mut open: Vec<u32> =
            self.nodes[first as usize..].iter().map(|node| node.dependents.len() as u32).collect();
        let mut order: Vec<Slot> =
            (first..).zip(&open).filter(|(_, open)| **open == 0).map(|(slot, _)| slot).collect();
        let mut next = 0;
        while let Some(slot) = order.get(next).copied() {
            next += 1;
            for id in self.nodes[slot as usize].before.iter().copied().filter(within) {
                let open = &mut open[(id - first) as usize];
                *open -= 1;
                if *open == 0 {
                    order.push(id);
                }
            }
        }
        order
    }

    /// A task that settled weighs on those before it no more. That lowers those which are not settled themselves: only a
    /// task that was dropped while it waited has such.
    pub(super) fn lower_before(&mut self, slot: Slot) {
        let mut suspects = self.unsettled_before(slot);
        while let Some(slot) = suspects.pop() {
            let rank = self.rank_by_dependents(slot);
            if self.set_rank(slot, rank) {
                suspects.extend(self.unsettled_before(slot));
            }
        }
    }

    fn unsettled_before(&self, slot: Slot) -> Vec<Slot> {
        let before = self.nodes[slot as usize].before.iter();
        before.copied().filter(|id| !self.nodes[*id as usize].phase.is_settled()).collect()
    }

    /// Looks at dependents from the last one, and no further than to one that explains the rank as it is: tasks tend to be
    /// dropped from the first one.
    fn rank_by_dependents(&self, slot: Slot) -> Rank {
        let node = &self.nodes[slot as usize];
        let mut rank = node.own;
        for dependent in node.dependents.iter().rev() {
            let dependent = &self.nodes[*dependent as usize];
            if !dependent.phase.is_settled() {
                rank = node.own.over(dependent.rank, rank);
            }
            if rank == node.rank {
                break;
            }
        }
        rank
    }

    /// Gives a task another rank, and its place in the queue with it; false when it is the same.
    fn set_rank(&mut self, slot: Slot, rank: Rank) -> bool {
        if self.nodes[slot as usize].rank == rank {
            return false;
        }
        self.leave(slot);
        self.nodes[slot as usize].rank = rank;
        self.enter(slot);
        true
    }
}

impl Rank {
    fn max_of(self, other: Self) -> Self {
        Self { priority: self.priority.max(other.priority), chain_ms: self.chain_ms.max(other.chain_ms) }
    }
}
