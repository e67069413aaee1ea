//! The policy of the queue: what follows from its state by itself, one event at a time, first things first.

use std::cmp::Reverse;

use super::bisection::{Narrowed, narrow, spread};
use super::{
    BackBecause, Batch, BatchId, EntryId, EntryState, Phase, Queue, QueueEvent, Standing, Tree, Verdict, Why,
};

/// What follows next; `None` when there is something to wait for, or nothing to do.
pub(super) fn next(queue: &Queue) -> Option<QueueEvent> {
    close_empty(queue)
        .or_else(|| reject_rivals(queue))
        .or_else(|| reject_exhausted(queue))
        .or_else(|| conclude_first(queue))
        .or_else(|| form(queue))
}

fn close_empty(queue: &Queue) -> Option<QueueEvent> {
    let empty = queue.batches.iter().find(|batch| batch.entries.is_empty())?;
    Some(QueueEvent::BatchClosed { batch: empty.id })
}

/// Those that wait while a patch for the same purpose has landed. None of them is in a batch: see [`form`].
fn reject_rivals(queue: &Queue) -> Option<QueueEvent> {
    let landed = || queue.landed.iter().filter_map(|id| queue.entries.get(id));
    let open = |state: &&EntryState| state.entry.rivals.is_some() && !state.standing.is_settled();
    queue.entries.values().filter(open).find_map(|state| {
        let rival = landed().find(|other| other.entry.is_rival_of(&state.entry))?;
        let why = Why::Rival { landed: rival.entry.id.clone() };
        Some(QueueEvent::Rejected { entry: state.entry.id.clone(), why })
    })
}

fn reject_exhausted(queue: &Queue) -> Option<QueueEvent> {
    let most = queue.settings.max_rounds;
    let mut waiting = queue.entries.values().filter(|state| state.standing == Standing::Waiting);
    let exhausted = waiting.find(|state| state.interruptions > most)?;
    let why = Why::OutOfRounds { interruptions: exhausted.interruptions };
    Some(QueueEvent::Rejected { entry: exhausted.entry.id.clone(), why })
}

/// What is known of the first batch decides about it; what is known of the others has to wait.
fn conclude_first(queue: &Queue) -> Option<QueueEvent> {
    let batch = queue.batches.first()?;
    match &batch.phase {
        Phase::Whole => conclude_whole(queue, batch),
        Phase::Bisecting { green, red, probes } => bisect(queue, batch, (*green, *red, probes)),
        Phase::Suspect => conclude_suspect(queue, batch),
        Phase::Advancing { .. } => None,
    }
}

fn conclude_whole(queue: &Queue, batch: &Batch) -> Option<QueueEvent> {
    let count = batch.entries.len();
    match (queue.verdict(batch.tip()?)?, count) {
        (Verdict::Green, _) => Some(QueueEvent::AdvanceDecided { batch: batch.id, upto: count }),
        // What was built on a red tree is of no use.
        (_, _) if queue.batches.len() > 1 => dissolve_last(queue),
        (_, 1) => Some(suspect(batch, &batch.entries[0])),
        (_, _) if queue.size > count / 2 => {
            Some(QueueEvent::TurnedRed { batch: batch.id, size: (count / 2).max(1) })
        }
        (_, _) => {
            let probes = spread(0, count, queue.settings.parallel.max(1));
            Some(QueueEvent::Narrowed { batch: batch.id, green: 0, red: count, probes })
        }
    }
}

fn bisect(
    queue: &Queue,
    batch: &Batch,
    (green, red, probes): (usize, usize, &[usize]),
) -> Option<QueueEvent> {
    let verdict = |count| queue.verdict(batch.prefix(count)?);
    let narrowed = narrow((green, red, probes), queue.settings.parallel.max(1), verdict);
    let now = Narrowed { green, red, probes: probes.to_vec() };
    match narrowed {
        Narrowed { green, red, probes } if red > green + 1 => {
            let news = now != Narrowed { green, red, probes: probes.clone() };
            news.then_some(QueueEvent::Narrowed { batch: batch.id, green, red, probes })
        }
        Narrowed { green: 0, .. } if batch.entries.len() > 1 => put_back_last(batch),
        Narrowed { green: 0, .. } => Some(suspect(batch, &batch.entries[0])),
        Narrowed { green, .. } => Some(QueueEvent::AdvanceDecided { batch: batch.id, upto: green }),
    }
}

fn suspect(batch: &Batch, entry: &EntryId) -> QueueEvent {
    QueueEvent::Suspected { batch: batch.id, entry: entry.clone() }
}

fn put_back_last(batch: &Batch) -> Option<QueueEvent> {
    let entry = batch.entries.last()?.clone();
    Some(QueueEvent::PutBack { entry, because: BackBecause::BehindSuspect })
}

fn dissolve_last(queue: &Queue) -> Option<QueueEvent> {
    let last = queue.batches.last()?;
    Some(QueueEvent::BatchDissolved { batch: last.id, charged: false })
}

/// A suspect that was red once is blamed if it is red again and the head is not.
fn conclude_suspect(queue: &Queue, batch: &Batch) -> Option<QueueEvent> {
    let (tree, entry) = (batch.tip()?, batch.entries.first()?);
    let verdict = queue.verdict(tree)?;
    if verdict == Verdict::Green {
        return if queue.batches.len() > 1 {
            dissolve_last(queue)
        } else {
            Some(QueueEvent::AdvanceDecided { batch: batch.id, upto: 1 })
        };
    }
    if wants_recheck(queue, tree) || wants_control(queue, tree) {
        return None;
    }
    let why = match (verdict, queue.verdict(&queue.head)) {
        (Verdict::Unverifiable, _) => Why::Unverifiable { tree: tree.clone() },
        (_, Some(Verdict::Red)) => Why::HeadRed { tree: tree.clone(), head: queue.head.clone() },
        _ => Why::Red {
            tree: tree.clone(),
            failing: queue.archive.failing(tree),
            landed_meanwhile: landed_since(queue, entry),
        },
    };
    Some(QueueEvent::Rejected { entry: entry.clone(), why })
}

/// Whether a tree that is red has to be verified once more before that counts.
pub(super) fn wants_recheck(queue: &Queue, tree: &Tree) -> bool {
    queue.verdict(tree) == Some(Verdict::Red) && queue.archive.judged(tree) < 2
}

/// Whether the head itself has to be verified before anyone is blamed: once, and once more if it is red.
pub(super) fn wants_control(queue: &Queue, tree: &Tree) -> bool {
    let blamed = queue.verdict(tree) == Some(Verdict::Red) && !wants_recheck(queue, tree);
    blamed && (queue.verdict(&queue.head).is_none() || wants_recheck(queue, &queue.head))
}

/// What landed and is not in the tree that the entry was made on; what touches the same paths first, for it is the likelier
/// partner of a quarrel.
fn landed_since(queue: &Queue, entry: &EntryId) -> Vec<EntryId> {
    let Some(state) = queue.entries.get(entry) else { return Vec::new() };
    let landed: Vec<&EntryState> = queue.landed.iter().filter_map(|id| queue.entries.get(id)).collect();
    let base = Standing::Landed { tree: state.entry.base.clone() };
    let known = landed.iter().rposition(|other| other.standing == base).map_or(0, |last| last + 1);
    let mut since = landed[known..].to_vec();
    since.sort_by_key(|other| other.entry.touches.is_disjoint(&state.entry.touches));
    since.into_iter().map(|other| other.entry.id.clone()).collect()
}

/// Puts waiting entries into another batch behind those that exist.
fn form(queue: &Queue) -> Option<QueueEvent> {
    let room = queue.batches.len() < queue.settings.parallel.max(1);
    if !room || !queue.batches.iter().all(|batch| may_build_behind(queue, batch)) {
        return None;
    }
    let mut entries: Vec<&EntryState> = Vec::new();
    for state in candidates(queue) {
        let alone = is_last_call(queue, state);
        if entries.is_empty() || (!alone && entries.iter().all(|other| are_compatible(state, other))) {
            entries.push(state);
        }
        if entries.len() >= queue.size || is_last_call(queue, entries[0]) {
            break;
        }
    }
    let entries: Vec<EntryId> = entries.into_iter().map(|state| state.entry.id.clone()).collect();
    (!entries.is_empty()).then(|| QueueEvent::BatchFormed { batch: BatchId(queue.formed + 1), entries })
}

/// Nothing is built on what is red or being taken apart.
fn may_build_behind(queue: &Queue, batch: &Batch) -> bool {
    match batch.phase {
        Phase::Whole => !is_doomed(queue, batch),
        Phase::Suspect => true,
        Phase::Advancing { upto } => upto == batch.entries.len(),
        Phase::Bisecting { .. } => false,
    }
}

/// Whether a batch that is expected to land is known not to.
pub(super) fn is_doomed(queue: &Queue, batch: &Batch) -> bool {
    let verdict = batch.tip().and_then(|tip| queue.verdict(tip));
    !batch.is_expected_to_fall() && verdict.is_some_and(|verdict| verdict != Verdict::Green)
}

/// Who may be put into a batch now, in order.
fn candidates(queue: &Queue) -> Vec<&EntryState> {
    let batched = || queue.entries.values().filter(|s| matches!(s.standing, Standing::Batched { .. }));
    let nothing_to_wait_for = queue.batches.is_empty();
    let mut candidates: Vec<&EntryState> = queue
        .entries
        .values()
        .filter(|state| state.standing == Standing::Waiting && (!state.held || nothing_to_wait_for))
        .filter(|state| !batched().any(|other| other.entry.is_rival_of(&state.entry)))
        .collect();
    candidates.sort_by_key(|state| (!is_last_call(queue, state), Reverse(state.entry.priority), state.seq));
    candidates
}

/// Whether an entry was interrupted so often that it goes first and alone.
fn is_last_call(queue: &Queue, state: &EntryState) -> bool {
    state.rounds + state.interruptions >= queue.settings.max_rounds
}

/// At first anything goes with anything but its rivals. Who comes back from a red batch is kept apart from what touches the
/// same paths.
fn are_compatible(one: &EntryState, other: &EntryState) -> bool {
    let fresh = one.rounds == 0 && other.rounds == 0;
    !one.entry.is_rival_of(&other.entry) && (fresh || one.entry.touches.is_disjoint(&other.entry.touches))
}
