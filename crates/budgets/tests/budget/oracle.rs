//! A budget as one would explain it: a heap of slips, counted anew for every question. Slow and obvious.

use std::collections::{BTreeMap, BTreeSet};

use smallhands_budgets::{Amounts, Ask, Command, Resource};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Slip {
    Held,
    Begun,
    Assumed,
    Released,
    Settled,
}

struct Level {
    parent: Option<String>,
    limits: BTreeMap<Resource, u64>,
    closed: bool,
}

#[derive(Default)]
pub struct Oracle {
    levels: BTreeMap<String, Level>,
    slips: BTreeMap<String, (Ask, Slip, Amounts)>,
    gone: BTreeSet<String>,
}

impl Oracle {
    fn is_within(&self, level: &str, above: &str) -> bool {
        level == above
            || self.levels[level].parent.as_ref().is_some_and(|parent| self.is_within(parent, above))
    }

    /// Spent and reserved at a level and below.
    pub fn books(&self, level: &str, resource: Resource) -> (u128, u128) {
        let mut books = (0, 0);
        for (ask, slip, amounts) in self.slips.values() {
            let amount = u128::from(amounts.get(resource));
            match slip {
                _ if !self.is_within(ask.level.as_str(), level) => {}
                Slip::Assumed | Slip::Settled => books.0 += amount,
                Slip::Held | Slip::Begun => books.1 += amount,
                Slip::Released => {}
            }
        }
        books
    }

    fn room(&self, level: &str, resource: Resource) -> i128 {
        let (spent, reserved) = self.books(level, resource);
        let limit = self.levels[level].limits.get(&resource).copied().unwrap_or(u64::MAX);
        i128::from(limit) - (spent + reserved) as i128
    }

    fn is_open(&self, level: &str) -> bool {
        self.levels.get(level).is_some_and(|level| !level.closed)
    }

    fn above(&self, level: &str) -> Vec<String> {
        self.levels.keys().filter(|above| self.is_within(level, above)).cloned().collect()
    }

    /// What would be granted.
    fn grant(&self, ask: &Ask) -> Option<Amounts> {
        let mut granted = ask.at_most;
        for level in self.above(ask.level.as_str()) {
            for resource in Resource::ALL {
                let room = u64::try_from(self.room(&level, resource)).ok()?;
                granted = granted.with(resource, granted.get(resource).min(room));
            }
        }
        ask.at_least.exceeds(&granted).is_none().then_some(granted)
    }

    /// Does it; tells whether the command is accepted.
    pub fn tell(&mut self, command: &Command) -> bool {
        match command {
            Command::OpenLevel { level, parent, limits } => {
                let parent = parent.as_ref().map(ToString::to_string);
                if let Some(known) = self.levels.get(level.as_str()) {
                    return known.parent == parent && !known.closed;
                }
                if parent.as_ref().is_some_and(|parent| !self.is_open(parent)) {
                    return false;
                }
                let limits = Resource::ALL.into_iter().filter_map(|r| limits.get(r).map(|most| (r, most)));
                let limits = limits.collect();
                self.levels.insert(level.to_string(), Level { parent, limits, closed: false });
                true
            }
            Command::ChangeLimit { level, resource, limit } => {
                self.change_limit(level.as_str(), *resource, *limit)
            }
            Command::Reserve(ask) => self.reserve(ask),
            Command::Begin { reservation } => match self.slips.get_mut(reservation.as_str()) {
                Some((_, slip @ (Slip::Held | Slip::Begun), _)) => {
                    *slip = Slip::Begun;
                    true
                }
                _ => false,
            },
            Command::Settle { reservation, actual } => match self.slips.get_mut(reservation.as_str()) {
                Some((_, Slip::Settled, _)) => true,
                Some((_, slip, amounts)) => {
                    (*slip, *amounts) = (Slip::Settled, *actual);
                    true
                }
                None => false,
            },
            Command::Release { reservation } => match self.slips.get_mut(reservation.as_str()) {
                Some((_, Slip::Settled, _)) => true,
                Some((_, slip, _)) => {
                    *slip = Slip::Released;
                    true
                }
                None => false,
            },
            Command::Reclaim { holder } => {
                self.gone.insert(holder.to_string());
                for (ask, slip, _) in self.slips.values_mut().filter(|(ask, ..)| ask.holder == *holder) {
                    *slip = match *slip {
                        Slip::Held => Slip::Released,
                        Slip::Begun => Slip::Assumed,
                        other => other,
                    };
                    assert_eq!(ask.holder, *holder);
                }
                true
            }
            Command::CloseLevel { level } => self.close(level.as_str()),
        }
    }

    fn change_limit(&mut self, level: &str, resource: Resource, limit: Option<u64>) -> bool {
        if !self.is_open(level) {
            return false;
        }
        let (spent, reserved) = self.books(level, resource);
        let limits = &mut self.levels.get_mut(level).unwrap().limits;
        let old = limits.get(&resource).copied().unwrap_or(u64::MAX);
        let new = limit.unwrap_or(u64::MAX);
        if new < old && u128::from(new) < spent + reserved {
            return false;
        }
        limits.insert(resource, new);
        true
    }

    fn reserve(&mut self, ask: &Ask) -> bool {
        let name = ask.reservation.to_string();
        if let Some((known, slip, _)) = self.slips.get(&name) {
            return known == ask && matches!(slip, Slip::Held | Slip::Begun);
        }
        if self.gone.contains(ask.holder.as_str()) || !self.is_open(ask.level.as_str()) {
            return false;
        }
        let Some(granted) = self.grant(ask) else { return false };
        let slip = if ask.begun { Slip::Begun } else { Slip::Held };
        self.slips.insert(name, (ask.clone(), slip, granted));
        true
    }

    fn close(&mut self, level: &str) -> bool {
        let Some(known) = self.levels.get(level) else { return false };
        if known.closed {
            return true;
        }
        let children = self.levels.values().any(|l| l.parent.as_deref() == Some(level) && !l.closed);
        let held = self
            .slips
            .values()
            .any(|(ask, slip, _)| ask.level.as_str() == level && matches!(slip, Slip::Held | Slip::Begun));
        if !children && !held {
            self.levels.get_mut(level).unwrap().closed = true;
        }
        !children && !held
    }

    /// Whether the slip was settled at a level that is closed: the real thing forgets it.
    pub fn is_forgotten(&self, reservation: &str) -> bool {
        self.slips
            .get(reservation)
            .is_some_and(|(ask, slip, _)| *slip == Slip::Settled && self.levels[ask.level.as_str()].closed)
    }

    /// What was granted under this name.
    pub fn amounts(&self, reservation: &str) -> Option<Amounts> {
        self.slips.get(reservation).map(|(_, _, amounts)| *amounts)
    }
}
