//! From a command to what it means: the event that says it, then whatever follows by the rules.

use std::collections::BTreeSet;

use super::rules;
use super::{
    BackBecause, Command, Entry, EntryId, Evidence, Fit, How, Mended, Outcome, Phase, Queue, QueueEvent,
    Refusal, Run, Standing, Tree, Verdict, Why,
};

/// Decides on a command. The events are in order and complete: following them leaves nothing to decide.
///
/// # Errors
/// A [`Refusal`]: the command does not fit the state. Late answers to steps that were called off end so, too.
pub fn decide(queue: &Queue, command: &Command) -> Result<Vec<QueueEvent>, Refusal> {
    let mut events = said(queue, command)?;
    let mut after = queue.clone();
    events.iter().for_each(|event| after.follow(event));
    while let Some(event) = rules::next(&after) {
        after.follow(&event);
        events.push(event);
    }
    Ok(events)
}

fn said(queue: &Queue, command: &Command) -> Result<Vec<QueueEvent>, Refusal> {
    match command {
        Command::Offer { entries } => offer(queue, entries),
        Command::Withdraw { entry, reason } => withdraw(queue, entry, reason),
        Command::Rebased { entry, onto, fit } => placed(queue, entry, onto, fit, How::Text),
        Command::MergedBySymbol { entry, onto, fit } => placed(queue, entry, onto, fit, How::Symbol),
        Command::Verified { tree, run, evidence } => verified(queue, tree, *run, evidence),
        Command::Advanced { to } => advanced(queue, to),
        Command::BaseMoved { to } => Ok(base_moved(queue, to)),
        Command::MergeTaskEnded { entry, result } => merge_task_ended(queue, entry, result),
    }
}

fn offer(queue: &Queue, entries: &[Entry]) -> Result<Vec<QueueEvent>, Refusal> {
    let mut seen = BTreeSet::new();
    let twice = entries.iter().find(|entry| queue.entries.contains_key(&entry.id) || !seen.insert(&entry.id));
    match twice {
        Some(entry) => Err(Refusal::OfferedTwice { entry: entry.id.clone() }),
        None => Ok(entries.iter().map(|entry| QueueEvent::Offered { entry: entry.clone() }).collect()),
    }
}

/// Whatever was built on a batch that loses an entry is of no use.
fn withdraw(queue: &Queue, id: &EntryId, reason: &str) -> Result<Vec<QueueEvent>, Refusal> {
    let unknown = || Refusal::UnknownEntry { entry: id.clone() };
    let state = queue.entries.get(id).ok_or_else(unknown)?;
    let batch = queue.batch_with(id);
    let landing = batch.is_some_and(|at| matches!(queue.batches[at].phase, Phase::Advancing { .. }));
    if landing || state.standing.is_settled() {
        return Err(Refusal::TooLate { entry: id.clone() });
    }
    let useless = &queue.batches[batch.unwrap_or(queue.batches.len())..];
    let dissolved =
        useless.iter().rev().map(|batch| QueueEvent::BatchDissolved { batch: batch.id, charged: false });
    let rejected = rejected(id, Why::Withdrawn { reason: reason.to_owned() });
    Ok(dissolved.chain([rejected]).collect())
}

fn placed(queue: &Queue, id: &EntryId, onto: &Tree, fit: &Fit, how: How) -> Result<Vec<QueueEvent>, Refusal> {
    let not_awaited = || Refusal::NotAwaited { entry: id.clone(), onto: onto.clone() };
    let index = queue.awaiting(id, onto).ok_or_else(not_awaited)?;
    let batch = &queue.batches[index];
    if batch.by_symbol.is_some() != (how == How::Symbol) {
        return Err(not_awaited());
    }
    let (entry, on_head) = (id.clone(), *onto == queue.head);
    let event = match fit {
        Fit::Clean { tree } if tree != onto => {
            QueueEvent::Placed { batch: batch.id, entry, tree: tree.clone(), how }
        }
        Fit::Clean { .. } if on_head => rejected(id, Why::NothingLeft),
        Fit::Conflict { conflicts } if how == How::Text => {
            QueueEvent::TextConflicted { batch: batch.id, entry, files: conflicts.clone() }
        }
        Fit::Conflict { conflicts } if on_head => hand_over(queue, id, conflicts),
        Fit::Clean { .. } | Fit::Conflict { .. } => {
            QueueEvent::PutBack { entry, because: BackBecause::Early }
        }
    };
    Ok(vec![event])
}

fn hand_over(queue: &Queue, id: &EntryId, conflicts: &[String]) -> QueueEvent {
    let handovers = queue.entries.get(id).map_or(0, |state| state.handovers);
    let conflicts = conflicts.to_vec();
    if handovers < queue.settings.max_handovers {
        QueueEvent::HandedOver { entry: id.clone(), onto: queue.head.clone(), conflicts }
    } else {
        rejected(id, Why::Conflict { conflicts })
    }
}

/// What was verified is kept whether or not anyone still waits for it: it is true of that tree for good.
fn verified(queue: &Queue, tree: &Tree, run: u32, evidence: &[Evidence]) -> Result<Vec<QueueEvent>, Refusal> {
    let next = u32::try_from(queue.archive.runs(tree).len()).unwrap_or(u32::MAX).saturating_add(1);
    if run != next {
        return Err(Refusal::RunOutOfOrder { tree: tree.clone(), run, next });
    }
    if let Some(stale) = evidence.iter().find(|evidence| !evidence.is_fresh_for(tree)) {
        let (check, actual) = (stale.check.clone(), stale.tree.clone());
        return Err(Refusal::StaleEvidence { check, tree: tree.clone(), actual });
    }
    let is_missing = |check: &&super::Check| !evidence.iter().any(|evidence| evidence.check == **check);
    if let Some(check) = queue.settings.checks.iter().find(is_missing) {
        return Err(Refusal::MissingEvidence { check: check.clone(), tree: tree.clone() });
    }
    let judged = QueueEvent::Judged { tree: tree.clone(), evidence: evidence.to_vec() };
    let is_green_now = Run { evidence: evidence.to_vec() }.outcome() == Outcome::Green;
    let changed_its_mind = queue.verdict(tree) == Some(Verdict::Red) && is_green_now;
    let checks = queue.archive.failing(tree);
    let flake = changed_its_mind.then(|| QueueEvent::FlakeNoticed { tree: tree.clone(), checks });
    Ok([judged].into_iter().chain(flake).collect())
}

/// The head advances. A batch that landed whole lets the next ones be larger.
fn advanced(queue: &Queue, to: &Tree) -> Result<Vec<QueueEvent>, Refusal> {
    let not_advancing = || Refusal::NotAdvancing { to: to.clone() };
    let (batch, upto, _) = queue.advancing().filter(|(_, _, tree)| *tree == to).ok_or_else(not_advancing)?;
    let whole = upto == batch.entries.len();
    let larger = (queue.size * 2).min(queue.settings.max_batch.max(1));
    Ok(vec![QueueEvent::HeadAdvanced {
        from: queue.head.clone(),
        to: to.clone(),
        entries: batch.entries[..upto].to_vec(),
        size: if whole { larger } else { queue.size },
    }])
}

/// Every tree that was built is built on something else than the head: nothing known of them counts any more. Only the
/// first batch is charged, so that each time someone comes closer to the last call.
fn base_moved(queue: &Queue, to: &Tree) -> Vec<QueueEvent> {
    if *to == queue.head {
        return Vec::new();
    }
    let dissolved = queue.batches.iter().enumerate().rev();
    let dissolved =
        dissolved.map(|(at, batch)| QueueEvent::BatchDissolved { batch: batch.id, charged: at == 0 });
    dissolved.chain([QueueEvent::BaseMoved { to: to.clone() }]).collect()
}

fn merge_task_ended(queue: &Queue, id: &EntryId, result: &Mended) -> Result<Vec<QueueEvent>, Refusal> {
    let state = queue.entries.get(id).ok_or_else(|| Refusal::UnknownEntry { entry: id.clone() })?;
    if !matches!(state.standing, Standing::HandedOver { .. }) {
        return Err(Refusal::NotHandedOver { entry: id.clone() });
    }
    Ok(vec![match result {
        Mended::Patch { patch, base, touches } => QueueEvent::Mended {
            entry: id.clone(),
            patch: patch.clone(),
            base: base.clone(),
            touches: touches.clone(),
        },
        Mended::Failed { reason } => rejected(id, Why::MergeFailed { reason: reason.clone() }),
    }])
}

fn rejected(id: &EntryId, why: Why) -> QueueEvent {
    QueueEvent::Rejected { entry: id.clone(), why }
}
