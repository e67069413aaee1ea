//! How events change a budget. No policy here. An event that is repeated, however much later, changes nothing: levels and
//! reservations are made once, phases only go on, changes of limits are numbered, and closing is for good.

use crate::{
    Amounts, BudgetEvent, Budgets, Level, LevelId, Limits, Phase, Reservation, ReservationId, Resource,
};

/// An event that speaks of a level that was never opened: the log is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a budget event `{kind}` speaks of level `{level}`, which was never opened; the log is damaged")]
pub struct IllegalEvent {
    /// Its kind.
    pub kind: &'static str,
    /// The level.
    pub level: LevelId,
}

/// The state after `event`. An event that cannot follow changes nothing; use [`try_evolve`] or [`replay`] to hear of it.
pub fn evolve(mut state: Budgets, event: &BudgetEvent) -> Budgets {
    if check(&state, event).is_ok() {
        write(&mut state, event);
    }
    state
}

/// The state after `event`.
///
/// # Errors
/// The event cannot follow.
pub fn try_evolve(mut state: Budgets, event: &BudgetEvent) -> Result<Budgets, IllegalEvent> {
    check(&state, event)?;
    write(&mut state, event);
    Ok(state)
}

/// The state after all `events`, from the beginning.
///
/// # Errors
/// One of them cannot follow.
pub fn replay<'a>(events: impl IntoIterator<Item = &'a BudgetEvent>) -> Result<Budgets, IllegalEvent> {
    events.into_iter().try_fold(Budgets::default(), try_evolve)
}

fn check(state: &Budgets, event: &BudgetEvent) -> Result<(), IllegalEvent> {
    let level = match event {
        BudgetEvent::BudgetLevelOpened { parent, .. } => parent.as_ref(),
        BudgetEvent::BudgetLimitChanged { level, .. } | BudgetEvent::BudgetLevelClosed { level } => {
            Some(level)
        }
        BudgetEvent::BudgetReserved { ask, .. } => Some(&ask.level),
        _ => None,
    };
    match level {
        Some(level) if !state.levels.contains_key(level) => {
            Err(IllegalEvent { kind: event.kind(), level: level.clone() })
        }
        _ => Ok(()),
    }
}

fn write(state: &mut Budgets, event: &BudgetEvent) {
    match event {
        BudgetEvent::BudgetLevelOpened { level, parent, limits } => {
            open_level(state, level, parent.as_ref(), limits);
        }
        BudgetEvent::BudgetLimitChanged { level, resource, limit, revision } => {
            change_limit(state, level, *resource, *limit, *revision);
        }
        BudgetEvent::BudgetReserved { ask, granted } => add(state, Reservation::new(ask.clone(), *granted)),
        BudgetEvent::BudgetCallBegun { reservation } => {
            advance(state, reservation, Phase::Begun, Amounts::ZERO)
        }
        BudgetEvent::BudgetSettled { reservation, actual, .. } => {
            advance(state, reservation, Phase::Settled, *actual);
        }
        BudgetEvent::BudgetReleased { reservation } => {
            advance(state, reservation, Phase::Released, Amounts::ZERO);
        }
        BudgetEvent::BudgetReclaimed { holder, released, assumed } => {
            state.gone.insert(holder.clone());
            released.iter().for_each(|id| advance(state, id, Phase::Released, Amounts::ZERO));
            assumed.iter().for_each(|id| advance(state, id, Phase::Assumed, Amounts::ZERO));
        }
        BudgetEvent::BudgetLevelClosed { level } => close_level(state, level),
    }
}

fn open_level(state: &mut Budgets, id: &LevelId, parent: Option<&LevelId>, limits: &Limits) {
    state.levels.entry(id.clone()).or_insert_with(|| Level::new(parent.cloned(), *limits));
}

fn change_limit(state: &mut Budgets, id: &LevelId, resource: Resource, limit: Option<u64>, revision: u32) {
    if let Some(level) = state.levels.get_mut(id)
        && revision > level.revision
    {
        level.limits = level.limits.with(resource, limit);
        level.revision = revision;
    }
}

fn add(state: &mut Budgets, reservation: Reservation) {
    let id = reservation.ask.reservation.clone();
    // Those of a closed level may be known and forgotten.
    let closed = state.levels.get(&reservation.ask.level).is_none_or(|level| level.closed);
    if closed || state.reservations.contains_key(&id) || state.used.contains(&id) {
        return;
    }
    let nothing = reservation.moved_to(Phase::Released, Amounts::ZERO);
    rebook(state, &nothing, &reservation);
    state.reservations.insert(id, reservation);
}

/// Moves a reservation on, never back.
fn advance(state: &mut Budgets, id: &ReservationId, phase: Phase, actual: Amounts) {
    let Some(before) = state.reservations.get(id).filter(|known| known.phase < phase).cloned() else {
        return;
    };
    let after = before.moved_to(phase, actual);
    rebook(state, &before, &after);
    let closed = state.levels.get(&before.ask.level).is_none_or(|level| level.closed);
    if closed && phase == Phase::Settled {
        state.reservations.remove(id);
        state.used.insert(id.clone());
    } else {
        state.reservations.insert(id.clone(), after);
    }
}

/// Counts a reservation as `after` instead of as `before`, at its level and at every level above.
fn rebook(state: &mut Budgets, before: &Reservation, after: &Reservation) {
    let mut next = Some(before.ask.level.clone());
    while let Some(level) = next.and_then(|id| state.levels.get_mut(&id)) {
        *level = level.with_change(before, after);
        next = level.parent.clone();
    }
}

impl Level {
    /// The level when a reservation at it or below has become `after`.
    pub(crate) fn with_change(&self, before: &Reservation, after: &Reservation) -> Self {
        let mut level = self.clone();
        level.reserved = level.reserved.minus(before.reserved()).plus(after.reserved());
        level.spent = level.spent.minus(before.spent()).plus(after.spent());
        if after.phase == Phase::Settled {
            level.excess = level.excess.plus(after.spent().minus(before.committed()));
        }
        level
    }
}

fn close_level(state: &mut Budgets, id: &LevelId) {
    if let Some(level) = state.levels.get_mut(id) {
        level.closed = true;
    }
    // Assumed ones still wait for a receipt; released ones may turn out to have cost something.
    let is_over = |known: &Reservation| known.ask.level == *id && known.phase == Phase::Settled;
    let over = state.reservations.extract_if(.., |_, known| is_over(known)).map(|(name, _)| name);
    state.used.extend(over.collect::<Vec<_>>());
}
