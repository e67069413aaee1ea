//! What a budget knows: its levels and its reservations. Looking only; what changes is in `evolve`.

use std::collections::{BTreeMap, BTreeSet};

use crate::{HolderId, Level, LevelId, Reservation, ReservationId, Resource, Shortfall};

/// All levels with what is spent and reserved at them. Empty in the beginning; made by folding events.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Budgets {
    pub(crate) levels: BTreeMap<LevelId, Level>,
    pub(crate) reservations: BTreeMap<ReservationId, Reservation>,
    /// Names of reservations that are settled and forgotten: they are never given again, so that an event about one of
    /// them means nothing else when it is repeated.
    pub(crate) used: BTreeSet<ReservationId>,
    /// Holders that were taken for dead.
    pub(crate) gone: BTreeSet<HolderId>,
}

impl Budgets {
    /// A level.
    pub fn level(&self, id: &LevelId) -> Option<&Level> {
        self.levels.get(id)
    }

    /// All levels, by name.
    pub fn levels(&self) -> impl Iterator<Item = (&LevelId, &Level)> {
        self.levels.iter()
    }

    /// A reservation, with what was granted. Those settled at a level that is closed by now are forgotten.
    pub fn reservation(&self, id: &ReservationId) -> Option<&Reservation> {
        self.reservations.get(id)
    }

    /// All reservations that are not forgotten, by name.
    pub fn reservations(&self) -> impl Iterator<Item = (&ReservationId, &Reservation)> {
        self.reservations.iter()
    }

    /// A level and those above, up to its root.
    pub fn lineage<'a>(&'a self, id: &'a LevelId) -> impl Iterator<Item = (&'a LevelId, &'a Level)> {
        let with_level = |id: &'a LevelId| self.levels.get(id).map(|level| (id, level));
        // A level is opened below one that exists; so this ends.
        std::iter::successors(with_level(id), move |(_, level)| level.parent.as_ref().and_then(with_level))
    }

    /// Every level that is above a limit now, with the limit that would mend it.
    pub fn overdrafts(&self) -> Vec<Shortfall> {
        let of_level = |(id, level): (&LevelId, &Level)| {
            let (id, level) = (id.clone(), level.clone());
            Resource::ALL.into_iter().filter_map(move |resource| {
                level.is_overdrawn(resource).then(|| level.shortfall(&id, resource, 0)).flatten()
            })
        };
        self.levels.iter().flat_map(of_level).collect()
    }

    /// Reservations of a holder that it may still use.
    pub fn live_of<'a>(
        &'a self,
        holder: &'a HolderId,
    ) -> impl Iterator<Item = (&'a ReservationId, &'a Reservation)> {
        self.reservations
            .iter()
            .filter(move |(_, reservation)| reservation.phase.is_live() && reservation.ask.holder == *holder)
    }
}
