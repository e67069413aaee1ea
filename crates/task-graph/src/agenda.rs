//! What the schedule needs to know of the tasks of a run, kept up to date with every step a task takes, so that nothing
//! has to look at all tasks. Derived: it can be made anew from the tasks at any time, and says the same then.

pub(crate) mod demand;
pub(crate) mod holdings;
pub(crate) mod paths;
pub(crate) mod queue;
mod ranks;

use std::collections::BTreeSet;

use crate::{Needs, Task, TaskPhase};
use demand::{DemandId, Register};
use holdings::Holdings;
use queue::{Queue, Turn};
pub(crate) use ranks::Rank;

/// A task, by its place in the order of adoption.
pub(crate) type Slot = u32;

/// What is known of one task.
#[derive(Debug, Clone)]
pub(crate) struct Node {
    /// The tasks it waits for.
    pub before: Vec<Slot>,
    /// The tasks that wait for it, in the order of adoption.
    pub dependents: Vec<Slot>,
    /// How many of the tasks it waits for are not settled.
    pub open: u32,
    /// How many of the tasks it waits for are settled, and not done.
    pub undone: u32,
    /// How urgent it is.
    pub rank: Rank,
    /// What it asks for.
    pub demand: DemandId,
    /// Not before this time, in milliseconds since the Unix epoch.
    pub not_before_ms: Option<i64>,
    phase: TaskPhase,
    needs: Needs,
    own: Rank,
    rank_ms: Option<u64>,
}

/// See the top of the file.
#[derive(Debug, Clone, Default)]
pub(crate) struct Agenda {
    nodes: Vec<Node>,
    register: Register,
    counts: [usize; 7],
    active: BTreeSet<Slot>,
    /// Waiting tasks that can never start.
    fallen: BTreeSet<Slot>,
    /// Waiting tasks whose needs are met, but which must not start before a time.
    delayed: BTreeSet<(i64, Slot)>,
    queue: Queue,
    holdings: Holdings,
}

impl Agenda {
    /// Takes note of a task that waits. `before` are those it waits for, as far as they are known;
    /// [`Self::link`] has to follow when all of a batch are known.
    pub fn add(&mut self, task: &Task) -> Slot {
        let slot = self.nodes.len() as Slot;
        let own = Rank { priority: task.priority, chain_ms: task.weight_ms };
        self.nodes.push(Node {
            before: Vec::new(),
            dependents: Vec::new(),
            open: 0,
            undone: 0,
            rank: own,
            demand: self.register.enter(task),
            not_before_ms: None,
            phase: TaskPhase::Waiting,
            needs: task.needs,
            own,
            rank_ms: task.rank_ms,
        });
        self.counts[place_of(TaskPhase::Waiting)] += 1;
        slot
    }

    /// Ties tasks added since `first` to those they wait for: one list per task, `None` for a task that is not there, which
    /// counts as dropped. Then they take their places.
    pub fn link(&mut self, first: Slot, before: Vec<Vec<Option<Slot>>>) {
        for (slot, before) in (first..).zip(before) {
            let missing = before.iter().filter(|id| id.is_none()).count() as u32;
            let before: Vec<Slot> = before.into_iter().flatten().collect();
            let (mut open, mut undone) = (0, missing);
            for id in &before {
                let node = &mut self.nodes[*id as usize];
                node.dependents.push(slot);
                open += u32::from(!node.phase.is_settled());
                undone += u32::from(node.phase.is_settled() && node.phase != TaskPhase::Done);
            }
            let node = &mut self.nodes[slot as usize];
            (node.before, node.open, node.undone) = (before, open, undone);
        }
        self.rank_from(first);
        for slot in first..self.nodes.len() as Slot {
            self.enter(slot);
        }
    }

    /// Follows a step of a task. `expected_end_ms` is when an attempt that starts will probably be over.
    pub fn step(&mut self, slot: Slot, to: TaskPhase, expected_end_ms: i64) {
        let from = self.nodes[slot as usize].phase;
        if from == to {
            return;
        }
        if from == TaskPhase::Waiting {
            self.leave(slot);
        }
        if from.is_active() && !to.is_active() {
            self.active.remove(&slot);
            self.holdings.give_back(slot, self.register.demand(self.nodes[slot as usize].demand));
        }
        self.counts[place_of(from)] -= 1;
        self.counts[place_of(to)] += 1;
        let node = &mut self.nodes[slot as usize];
        node.phase = to;
        if to.is_active() && !from.is_active() {
            node.not_before_ms = None;
            self.active.insert(slot);
            self.holdings.take(slot, self.register.demand(node.demand), expected_end_ms);
        }
        if to == TaskPhase::Waiting {
            self.enter(slot);
        }
        if to.is_settled() {
            self.settle(slot, to);
        }
    }

    /// A waiting task must not start before a time.
    pub fn delay(&mut self, slot: Slot, not_before_ms: Option<i64>) {
        self.leave(slot);
        self.nodes[slot as usize].not_before_ms = not_before_ms;
        self.enter(slot);
    }

    /// Time has come so far: tasks whose time has come take their places.
    pub fn wake(&mut self, at_ms: i64) {
        while let Some((time, slot)) = self.delayed.first().copied().filter(|(time, _)| *time <= at_ms) {
            self.delayed.remove(&(time, slot));
            self.line_up(slot);
        }
    }

    fn settle(&mut self, slot: Slot, phase: TaskPhase) {
        let dependents = std::mem::take(&mut self.nodes[slot as usize].dependents);
        for dependent in &dependents {
            self.leave(*dependent);
            let node = &mut self.nodes[*dependent as usize];
            node.open = node.open.saturating_sub(1);
            node.undone += u32::from(phase != TaskPhase::Done);
            self.enter(*dependent);
        }
        self.nodes[slot as usize].dependents = dependents;
        self.lower_before(slot);
    }

    /// Takes a waiting task from its place.
    fn leave(&mut self, slot: Slot) {
        let node = &self.nodes[slot as usize];
        if node.phase != TaskPhase::Waiting {
            return;
        }
        match node.standing() {
            Standing::Fallen => {
                self.fallen.remove(&slot);
            }
            Standing::Open => {}
            Standing::Met => {
                let delayed = node.not_before_ms.is_some_and(|time| self.delayed.remove(&(time, slot)));
                if !delayed {
                    let node = &self.nodes[slot as usize];
                    let demand = (node.demand, self.register.demand(node.demand));
                    self.queue.remove(node.turn(slot), demand);
                }
            }
        }
    }

    /// Puts a waiting task where it belongs.
    fn enter(&mut self, slot: Slot) {
        let node = &self.nodes[slot as usize];
        if node.phase != TaskPhase::Waiting {
            return;
        }
        match (node.standing(), node.not_before_ms) {
            (Standing::Fallen, _) => {
                self.fallen.insert(slot);
            }
            (Standing::Open, _) => {}
            (Standing::Met, Some(time)) => {
                self.delayed.insert((time, slot));
            }
            (Standing::Met, None) => self.line_up(slot),
        }
    }

    fn line_up(&mut self, slot: Slot) {
        let node = &self.nodes[slot as usize];
        let demand = (node.demand, self.register.demand(node.demand));
        self.queue.insert(node.turn(slot), demand);
    }

    /// The turn of a task among those that may start.
    pub fn turn(&self, slot: Slot) -> Turn {
        self.nodes[slot as usize].turn(slot)
    }

    /// What is known of a task.
    pub fn node(&self, slot: Slot) -> Option<&Node> {
        self.nodes.get(slot as usize)
    }

    /// How many tasks are in a phase.
    pub fn count(&self, phase: TaskPhase) -> usize {
        self.counts[place_of(phase)]
    }

    /// The tasks with an attempt that is not over, in the order of adoption.
    pub fn active(&self) -> &BTreeSet<Slot> {
        &self.active
    }

    /// The waiting tasks that can never start.
    pub fn fallen(&self) -> &BTreeSet<Slot> {
        &self.fallen
    }

    /// The waiting tasks whose needs are met and which wait for a time, by time.
    pub fn delayed(&self) -> &BTreeSet<(i64, Slot)> {
        &self.delayed
    }

    /// The waiting tasks whose needs are met.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// What active tasks hold.
    pub fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// What demands, locks and patterns mean.
    pub fn register(&self) -> &Register {
        &self.register
    }
}

/// What the tasks that a task waits for mean for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It may start.
    Met,
    /// It must wait.
    Open,
    /// It can never start.
    Fallen,
}

impl Node {
    fn standing(&self) -> Standing {
        if self.needs == Needs::AllDone && self.undone > 0 {
            Standing::Fallen
        } else if self.open > 0 {
            Standing::Open
        } else {
            Standing::Met
        }
    }

    fn turn(&self, slot: Slot) -> Turn {
        let urgency = Rank { chain_ms: self.rank_ms.unwrap_or(self.rank.chain_ms), ..self.rank };
        Turn { urgency: std::cmp::Reverse(urgency), slot }
    }

    /// How long the task probably takes, in milliseconds.
    pub fn work_ms(&self) -> u64 {
        self.own.chain_ms
    }

    /// Whether the task waits, and would never start if one that it waits for settled without being done.
    pub fn falls_with(&self) -> bool {
        self.phase == TaskPhase::Waiting && self.needs == Needs::AllDone
    }
}

fn place_of(phase: TaskPhase) -> usize {
    match phase {
        TaskPhase::Waiting => 0,
        TaskPhase::Running => 1,
        TaskPhase::Stopping => 2,
        TaskPhase::Done => 3,
        TaskPhase::GaveUp => 4,
        TaskPhase::Failed => 5,
        TaskPhase::Dropped => 6,
    }
}
