//! Which of the tasks that could start do so now: as many as fit, the most urgent first, and none is overtaken for ever.
//!
//! * A task that does not fit **reserves**: it gets what it needs as soon as enough running tasks are over, by their
//!   estimates. Others go before it only when they will be over by then or leave it what it needs (backfilling: D. A.
//!   Lifka, *The ANL/IBM SP scheduling system*, JSSPP 1995).
//! * A task that waits for a **lock** that somebody holds keeps its other locks free for itself.
//! * Tasks that would **write** the same paths run one after the other, in the order of the plan.
//!
//! When nothing runs, everything is free, the most urgent task of those that are first on their paths fits, and something
//! starts: no combination blocks itself.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use crate::agenda::demand::{Demand, DemandId, LockId, PatternId};
use crate::agenda::holdings::LockUse;
use crate::agenda::queue::Turn;
use crate::agenda::{Agenda, Slot};
use crate::{Capacity, Resources, RunState};

/// How many tasks that cannot start are looked at before the rest has to wait for the next look. Bounds a look where
/// thousands wait for different locks.
const MOST_BLOCKED: usize = 2_048;

/// The tasks that start now, at most `most`.
pub(super) fn choose(state: &RunState, at_ms: i64, most: usize) -> Vec<Slot> {
    let agenda = state.tasks.agenda();
    let free = free(state);
    let left = state.attempts_left().map_or(usize::MAX, |left| left as usize);
    let room = (free.slots as usize).min(left).min(most);
    if room == 0 {
        return Vec::new();
    }
    let due: BTreeSet<Turn> =
        agenda.delayed().range(..=(at_ms, Slot::MAX)).map(|(_, slot)| agenda.turn(*slot)).collect();
    let mut packing = Packing::new(agenda, capacity(state), free, at_ms, &due);
    let mut blocked = 0;
    let mut chosen = Vec::new();
    for_each_candidate(agenda, due, |turn, demand| {
        let answer = packing.consider(turn, demand);
        match answer {
            Answer::Starts => chosen.push(turn.slot),
            Answer::Blocked | Answer::TooLong => blocked += 1,
        }
        match chosen.len() >= room || blocked >= MOST_BLOCKED {
            true => None,
            false => Some(answer != Answer::Blocked),
        }
    });
    chosen
}

/// What there is for the whole run.
fn capacity(state: &RunState) -> Capacity {
    let all = state.capacity.unwrap_or_default();
    Capacity { slots: all.slots.min(state.limits.agents), ..all }
}

/// What is not taken.
fn free(state: &RunState) -> Capacity {
    let (all, agenda) = (capacity(state), state.tasks.agenda());
    let taken = agenda.holdings().taken();
    Capacity { slots: all.slots.saturating_sub(agenda.active().len() as u32), ..all.without(&taken) }
}

/// Presents candidates in the order of their turns. The visitor says whether the rest of the candidate's line may follow,
/// or, with `None`, that it has seen enough.
fn for_each_candidate(
    agenda: &Agenda,
    due: BTreeSet<Turn>,
    mut visit: impl FnMut(Turn, DemandId) -> Option<bool>,
) {
    let mut heads = agenda.queue().heads().peekable();
    let mut due = due.into_iter().peekable();
    let mut followers: BinaryHeap<Reverse<(Turn, DemandId)>> = BinaryHeap::new();
    loop {
        let follower = followers.peek().map(|Reverse((turn, _))| *turn);
        let nearest = [heads.peek().map(|(turn, _)| *turn), due.peek().copied(), follower];
        let Some(first) = nearest.into_iter().flatten().min() else { return };
        if due.next_if_eq(&first).is_some() {
            let demand = agenda.node(first.slot).map_or(0, |node| node.demand);
            if visit(first, demand).is_none() {
                return;
            }
            continue;
        }
        let head = heads.next_if(|(turn, _)| *turn == first);
        let Some((turn, demand)) = head.or_else(|| followers.pop().map(|Reverse(follower)| follower)) else {
            return;
        };
        match visit(turn, demand) {
            None => return,
            Some(false) => {}
            Some(true) => followers
                .extend(agenda.queue().after(demand, turn).next().map(|next| Reverse((next, demand)))),
        }
    }
}

/// What became of a candidate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// It starts.
    Starts,
    /// It does not, and nobody with the same demand will.
    Blocked,
    /// It would keep somebody waiting who has reserved; one that takes less time might start.
    TooLong,
}

/// The first task that does not fit, and what is left to others by the time it does.
struct Reservation {
    at_ms: i64,
    left: Capacity,
}

/// What is free while tasks are chosen.
struct Packing<'a> {
    agenda: &'a Agenda,
    capacity: Capacity,
    free: Capacity,
    at_ms: i64,
    taken: BTreeMap<LockId, LockUse>,
    /// Locks that somebody waits for, and whether it would share them.
    awaited: BTreeMap<LockId, bool>,
    written: BTreeSet<PatternId>,
    /// Of the tasks whose time has come the first in the plan for each pattern.
    due_writers: BTreeMap<PatternId, Slot>,
    reservation: Option<Reservation>,
}

impl<'a> Packing<'a> {
    fn new(agenda: &'a Agenda, capacity: Capacity, free: Capacity, at_ms: i64, due: &BTreeSet<Turn>) -> Self {
        let mut due_writers: BTreeMap<PatternId, Slot> = BTreeMap::new();
        for turn in due {
            let demand = agenda.node(turn.slot).map_or(0, |node| node.demand);
            for pattern in &agenda.register().demand(demand).owns {
                let first = due_writers.entry(*pattern).or_insert(turn.slot);
                *first = turn.slot.min(*first);
            }
        }
        Self {
            agenda,
            capacity,
            free,
            at_ms,
            taken: BTreeMap::new(),
            awaited: BTreeMap::new(),
            written: BTreeSet::new(),
            due_writers,
            reservation: None,
        }
    }

    fn consider(&mut self, turn: Turn, demand: DemandId) -> Answer {
        let agenda = self.agenda;
        let demand = agenda.register().demand(demand);
        if self.is_held_back(turn.slot, demand) || !self.has_locks(demand) {
            return Answer::Blocked;
        }
        let wanted = self.capacity.share_of(&demand.resources);
        if !self.free.holds(&wanted) {
            self.reserve(&wanted);
            return Answer::Blocked;
        }
        let end_ms = self
            .at_ms
            .saturating_add_unsigned(agenda.node(turn.slot).map_or(1, |node| node.work_ms().max(1)));
        if !self.spares_the_reservation(&wanted, end_ms) {
            return Answer::TooLong;
        }
        self.start(demand, &wanted);
        Answer::Starts
    }

    /// Whether somebody writes there, or could start and comes first in the plan.
    fn is_held_back(&self, slot: Slot, demand: &Demand) -> bool {
        let rivals = demand.owns.iter().flat_map(|pattern| self.agenda.register().rivals(*pattern));
        let earlier = |first: Option<Slot>| first.is_some_and(|first| first < slot);
        rivals.into_iter().any(|rival| {
            self.agenda.holdings().is_written(*rival)
                || self.written.contains(rival)
                || earlier(self.agenda.queue().first_writer(*rival))
                || earlier(self.due_writers.get(rival).copied())
        })
    }

    fn has_locks(&mut self, demand: &Demand) -> bool {
        let held = demand.locks.iter().any(|(lock, shared)| !self.lock(*lock).admits(*shared));
        let awaited =
            |lock: &LockId, shared: bool| self.awaited.get(lock).is_some_and(|theirs| !(shared && *theirs));
        if !held {
            return !demand.locks.iter().any(|(lock, shared)| awaited(lock, *shared));
        }
        for (lock, shared) in &demand.locks {
            let together = self.awaited.entry(*lock).or_insert(*shared);
            *together &= shared;
        }
        false
    }

    fn lock(&self, lock: LockId) -> LockUse {
        let mut held = self.agenda.holdings().lock(lock);
        let taken = self.taken.get(&lock).copied().unwrap_or_default();
        held.exclusive += taken.exclusive;
        held.shared += taken.shared;
        held
    }

    /// Finds out when `wanted` will fit and what is left to others then. Only the first who does not fit reserves.
    fn reserve(&mut self, wanted: &Resources) {
        if self.reservation.is_some() {
            return;
        }
        let (mut at_ms, mut free) = (self.at_ms, self.free);
        for (end_ms, returned) in self.agenda.holdings().returns() {
            if free.holds(wanted) {
                break;
            }
            at_ms = at_ms.max(end_ms);
            free = free.plus(&self.capacity.share_of(&returned));
        }
        self.reservation = Some(Reservation { at_ms, left: free.less(wanted) });
    }

    fn spares_the_reservation(&mut self, wanted: &Resources, end_ms: i64) -> bool {
        let Some(reservation) = &mut self.reservation else { return true };
        if end_ms <= reservation.at_ms {
            return true;
        }
        let fits = reservation.left.slots > 0 && reservation.left.holds(wanted);
        if fits {
            reservation.left = reservation.left.less(wanted);
        }
        fits
    }

    fn start(&mut self, demand: &Demand, wanted: &Resources) {
        self.free = self.free.less(wanted);
        for (lock, shared) in &demand.locks {
            self.taken.entry(*lock).or_default().add(*shared);
        }
        self.written.extend(&demand.owns);
    }
}
