//! How siblings of a race bound each other: once one has a complete patch, nobody looks far beyond its rank.
//!
//! Candidates have the same ranks in every shard, so the bound does not depend on who is faster: every shard ends up having
//! tried everything up to the bound, and the best-ranked patch wins whatever the timing.

use std::collections::BTreeMap;
use std::sync::Mutex;

use smallhands_task_graph::RaceId;
use tokio::sync::watch;

/// Candidates tried beyond the best complete patch, to have alternatives to choose from.
const WINDOW: u64 = 64;

/// The bounds of all races of a run.
#[derive(Debug, Default)]
pub struct Races {
    bounds: Mutex<BTreeMap<RaceId, watch::Sender<Option<u64>>>>,
}

impl Races {
    /// The bound of a race, as something to watch.
    #[must_use]
    pub fn watch(&self, race: &RaceId) -> watch::Receiver<Option<u64>> {
        match self.bounds.lock() {
            Ok(mut bounds) => {
                bounds.entry(race.clone()).or_insert_with(|| watch::Sender::new(None)).subscribe()
            }
            Err(_) => watch::Sender::new(None).subscribe(),
        }
    }

    /// A complete patch was found at `rank`.
    pub fn tighten(&self, race: &RaceId, rank: u64) {
        let Ok(mut bounds) = self.bounds.lock() else { return };
        let bound = rank.saturating_add(WINDOW + rank.min(1024) / 4);
        let sender = bounds.entry(race.clone()).or_insert_with(|| watch::Sender::new(None));
        sender.send_if_modified(|now| {
            let tighter = now.is_none_or(|now| bound < now);
            if tighter {
                *now = Some(bound);
            }
            tighter
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_only_ever_gets_tighter_and_late_comers_see_it() {
        let races = Races::default();
        let race = RaceId::new("g1");
        let early = races.watch(&race);
        assert_eq!(*early.borrow(), None);
        races.tighten(&race, 1000);
        races.tighten(&race, 100);
        races.tighten(&race, 500);
        assert_eq!(*early.borrow(), Some(100 + 64 + 25));
        assert_eq!(*races.watch(&race).borrow(), Some(189));
        assert_eq!(*races.watch(&RaceId::new("g2")).borrow(), None);
    }
}
