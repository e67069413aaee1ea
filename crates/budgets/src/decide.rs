//! What a command leads to. All policy is here; what it decides is written into the events.

use crate::{
    Amounts, Ask, BudgetEvent, Budgets, Command, HolderId, Level, LevelId, Limits, Phase, Refusal, Rejection,
    Reservation, ReservationId, Resource, Shortfall,
};

/// The events that a command leads to: none when it changes nothing, for example because it was repeated.
///
/// # Errors
/// Why nothing is done. See [`Rejection`].
pub fn decide(state: &Budgets, command: &Command) -> Result<Vec<BudgetEvent>, Rejection> {
    match command {
        Command::OpenLevel { level, parent, limits } => open_level(state, level, parent.as_ref(), limits),
        Command::ChangeLimit { level, resource, limit } => change_limit(state, level, *resource, *limit),
        Command::Reserve(ask) => reserve(state, ask),
        Command::Begin { reservation } => begin(state, reservation),
        Command::Settle { reservation, actual } => settle(state, reservation, *actual),
        Command::Release { reservation } => release(state, reservation),
        Command::Reclaim { holder } => Ok(reclaim(state, holder)),
        Command::CloseLevel { level } => close_level(state, level),
    }
}

fn open_level(
    state: &Budgets,
    level: &LevelId,
    parent: Option<&LevelId>,
    limits: &Limits,
) -> Result<Vec<BudgetEvent>, Rejection> {
    if let Some(known) = state.level(level) {
        return match known {
            known if known.parent.as_ref() != parent => Err(Rejection::LevelExists { level: level.clone() }),
            known if known.closed => Err(Rejection::LevelClosed { level: level.clone() }),
            // Whoever resumes a run opens its levels again; limits that were changed meanwhile stay.
            _ => Ok(vec![]),
        };
    }
    if let Some(parent) = parent {
        usable(state, parent)?;
    }
    Ok(vec![BudgetEvent::BudgetLevelOpened {
        level: level.clone(),
        parent: parent.cloned(),
        limits: *limits,
    }])
}

fn change_limit(
    state: &Budgets,
    id: &LevelId,
    resource: Resource,
    limit: Option<u64>,
) -> Result<Vec<BudgetEvent>, Rejection> {
    let level = usable(state, id)?;
    if level.limits.get(resource) == limit {
        return Ok(vec![]);
    }
    let committed = level.committed().get(resource);
    let wanted = limit.unwrap_or(u64::MAX);
    if wanted < committed && wanted < level.limit(resource) {
        return Err(Rejection::LimitTooLow { level: id.clone(), resource, limit: wanted, committed });
    }
    let revision = level.revision.saturating_add(1);
    Ok(vec![BudgetEvent::BudgetLimitChanged { level: id.clone(), resource, limit, revision }])
}

fn reserve(state: &Budgets, ask: &Ask) -> Result<Vec<BudgetEvent>, Rejection> {
    if let Some(known) = state.reservation(&ask.reservation) {
        return repeated(known, ask);
    }
    let reservation = || ask.reservation.clone();
    if state.used.contains(&ask.reservation) {
        return Err(Rejection::ReservationOver { reservation: reservation(), phase: Phase::Settled });
    }
    if let Some(resource) = ask.contradiction() {
        return Err(Rejection::Contradiction { reservation: reservation(), resource });
    }
    if state.gone.contains(&ask.holder) {
        return Err(Rejection::HolderGone { holder: ask.holder.clone() });
    }
    usable(state, &ask.level)?;
    let granted = grant(state, ask).map_err(Rejection::Refused)?;
    Ok(vec![BudgetEvent::BudgetReserved { ask: ask.clone(), granted }])
}

fn repeated(known: &Reservation, ask: &Ask) -> Result<Vec<BudgetEvent>, Rejection> {
    let reservation = ask.reservation.clone();
    if known.ask != *ask {
        return Err(Rejection::ReservationReused { reservation });
    }
    if !known.phase.is_live() {
        return Err(Rejection::ReservationOver { reservation, phase: known.phase });
    }
    Ok(vec![])
}

/// As much as fits at the level and at every level above.
fn grant(state: &Budgets, ask: &Ask) -> Result<Amounts, Refusal> {
    let mut granted = ask.at_most;
    let mut shortfalls = Vec::new();
    for (id, level) in state.lineage(&ask.level) {
        granted = granted.at_most(Amounts::of(|resource| level.available(resource)));
        let missing = |resource| level.shortfall(id, resource, ask.at_least.get(resource));
        shortfalls.extend(Resource::ALL.into_iter().filter_map(missing));
    }
    if shortfalls.is_empty() { Ok(granted) } else { Err(Refusal { shortfalls }) }
}

fn begin(state: &Budgets, id: &ReservationId) -> Result<Vec<BudgetEvent>, Rejection> {
    match known(state, id)?.phase {
        Phase::Held => Ok(vec![BudgetEvent::BudgetCallBegun { reservation: id.clone() }]),
        Phase::Begun => Ok(vec![]),
        phase => Err(Rejection::ReservationOver { reservation: id.clone(), phase }),
    }
}

/// A receipt is the truth, whatever was believed before: it counts also above what was granted, and after a release.
fn settle(state: &Budgets, id: &ReservationId, actual: Amounts) -> Result<Vec<BudgetEvent>, Rejection> {
    let reservation = known(state, id)?;
    if reservation.phase == Phase::Settled {
        return Ok(vec![]);
    }
    let before = reservation.committed();
    let actual = state.lineage(&reservation.ask.level).fold(actual, |actual, (_, level)| {
        let others = level.committed().minus(before);
        actual.at_most(Amounts::of(|resource| u64::MAX - others.get(resource)))
    });
    let settled = reservation.moved_to(Phase::Settled, actual);
    let overdrawn = overdrawn_with(state, reservation, &settled);
    Ok(vec![BudgetEvent::BudgetSettled { reservation: id.clone(), actual, overdrawn }])
}

/// Levels that are above a limit once `before` has become `after`.
fn overdrawn_with(state: &Budgets, before: &Reservation, after: &Reservation) -> Vec<Shortfall> {
    let mut overdrawn = Vec::new();
    for (id, level) in state.lineage(&before.ask.level) {
        let level = level.with_change(before, after);
        let above = Resource::ALL.into_iter().filter(|&resource| level.is_overdrawn(resource));
        overdrawn.extend(above.filter_map(|resource| level.shortfall(id, resource, 0)));
    }
    overdrawn
}

fn release(state: &Budgets, id: &ReservationId) -> Result<Vec<BudgetEvent>, Rejection> {
    match known(state, id)?.phase {
        Phase::Released | Phase::Settled => Ok(vec![]),
        _ => Ok(vec![BudgetEvent::BudgetReleased { reservation: id.clone() }]),
    }
}

/// The stated rule: a call that was not begun has not happened; one that was begun has, for all that anybody knows.
fn reclaim(state: &Budgets, holder: &HolderId) -> Vec<BudgetEvent> {
    if state.gone.contains(holder) {
        return vec![];
    }
    let in_phase = |phase| {
        let there = state.live_of(holder).filter(move |(_, reservation)| reservation.phase == phase);
        there.map(|(id, _)| id.clone()).collect()
    };
    vec![BudgetEvent::BudgetReclaimed {
        holder: holder.clone(),
        released: in_phase(Phase::Held),
        assumed: in_phase(Phase::Begun),
    }]
}

fn close_level(state: &Budgets, id: &LevelId) -> Result<Vec<BudgetEvent>, Rejection> {
    let level = state.level(id).ok_or_else(|| Rejection::UnknownLevel { level: id.clone() })?;
    if level.closed {
        return Ok(vec![]);
    }
    let below = state.levels().find(|(_, below)| below.parent.as_ref() == Some(id) && !below.closed);
    let held = state.reservations().find(|(_, held)| held.ask.level == *id && held.phase.is_live());
    let busy = below.map(|(id, _)| id.to_string()).or(held.map(|(id, _)| id.to_string()));
    match busy {
        Some(busy) => Err(Rejection::LevelBusy { level: id.clone(), busy }),
        None => Ok(vec![BudgetEvent::BudgetLevelClosed { level: id.clone() }]),
    }
}

fn known<'a>(state: &'a Budgets, id: &ReservationId) -> Result<&'a Reservation, Rejection> {
    state.reservation(id).ok_or_else(|| Rejection::UnknownReservation { reservation: id.clone() })
}

/// A level that exists and is open; then those above it are open as well.
fn usable<'a>(state: &'a Budgets, id: &LevelId) -> Result<&'a Level, Rejection> {
    match state.level(id) {
        None => Err(Rejection::UnknownLevel { level: id.clone() }),
        Some(level) if level.closed => Err(Rejection::LevelClosed { level: id.clone() }),
        Some(level) => Ok(level),
    }
}
