//! The tasks that could start, in the order of their turns; those with one demand in one line, because what blocks one of
//! them blocks all.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::demand::{Demand, DemandId, PatternId};
use super::{Rank, Slot};

/// When a task has its turn: the most urgent first, then the one planned first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Turn {
    /// How urgent it is.
    pub urgency: Reverse<Rank>,
    /// Its place in the plan.
    pub slot: Slot,
}

/// Lines of tasks. Only lines with tasks in them are looked at.
#[derive(Debug, Clone, Default)]
pub(crate) struct Queue {
    lines: BTreeMap<DemandId, Line>,
    /// The first of each line.
    heads: BTreeSet<(Turn, DemandId)>,
    /// For each pattern the tasks at the head of their lines that would write there.
    writers: BTreeMap<PatternId, BTreeSet<Slot>>,
}

/// The tasks of one demand. Those that write the same paths stand in the order of the plan, all others by turns.
#[derive(Debug, Clone, Default)]
struct Line {
    by_turn: BTreeSet<Turn>,
    by_plan: BTreeMap<Slot, Turn>,
}

impl Line {
    fn head(&self) -> Option<Turn> {
        self.by_plan.values().next().or_else(|| self.by_turn.first()).copied()
    }
}

impl Queue {
    /// Puts a task into its line.
    pub fn insert(&mut self, turn: Turn, demand: (DemandId, &Demand)) {
        self.change(demand, |line, writes| match writes {
            true => drop(line.by_plan.insert(turn.slot, turn)),
            false => line.by_turn.extend([turn]),
        });
    }

    /// Takes a task from its line.
    pub fn remove(&mut self, turn: Turn, demand: (DemandId, &Demand)) {
        self.change(demand, |line, writes| match writes {
            true => drop(line.by_plan.remove(&turn.slot)),
            false => drop(line.by_turn.take(&turn)),
        });
    }

    /// Changes a line and keeps the heads up to date.
    fn change(&mut self, (id, demand): (DemandId, &Demand), change: impl FnOnce(&mut Line, bool)) {
        let line = self.lines.entry(id).or_default();
        let before = line.head();
        change(line, !demand.owns.is_empty());
        let after = line.head();
        if after.is_none() {
            self.lines.remove(&id);
        }
        if before != after {
            if let Some(head) = before {
                self.heads.remove(&(head, id));
            }
            self.heads.extend(after.map(|head| (head, id)));
            for pattern in &demand.owns {
                let writers = self.writers.entry(*pattern).or_default();
                if let Some(head) = before {
                    writers.remove(&head.slot);
                }
                writers.extend(after.map(|head| head.slot));
            }
        }
    }

    /// The first of each line, in the order of turns.
    pub fn heads(&self) -> impl Iterator<Item = (Turn, DemandId)> + '_ {
        self.heads.iter().copied()
    }

    /// Those of a line that come after a turn. Of those that write the same paths only one runs, so nobody is asked for.
    pub fn after(&self, demand: DemandId, turn: Turn) -> impl Iterator<Item = Turn> + '_ {
        let line = self.lines.get(&demand);
        let rest = line
            .map(|line| line.by_turn.range((std::ops::Bound::Excluded(turn), std::ops::Bound::Unbounded)));
        rest.into_iter().flatten().copied()
    }

    /// The first in the plan, among the heads of lines, of those that would write to a pattern.
    pub fn first_writer(&self, pattern: PatternId) -> Option<Slot> {
        self.writers.get(&pattern)?.first().copied()
    }

    /// All of them, in no useful order.
    pub fn all(&self) -> impl Iterator<Item = Turn> + '_ {
        self.lines.values().flat_map(|line| line.by_turn.iter().chain(line.by_plan.values()).copied())
    }
}
