//! A reservation: what is asked for, what was granted, and how far it has come.
//!
//! ```text
//!  Held ──► Begun ──► Assumed ──► Released ──► Settled      only ever to the right, in steps or in leaps;
//!                                                           hence repeating an event changes nothing
//! ```

use serde::{Deserialize, Serialize};

use crate::{Amounts, HolderId, LevelId, ReservationId, Resource};

/// A wish to spend something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// Its name. Asking again under the same name is asking the same again.
    pub reservation: ReservationId,
    /// Who spends: the level, and with it all levels above.
    pub level: LevelId,
    /// Who holds the reservation, and may crash.
    pub holder: HolderId,
    /// The most that is of use: for a call to a model, the dearest answer that the request allows.
    pub at_most: Amounts,
    /// With less than this the holder can do nothing; at most `at_most`. Of money it is the same as `at_most`.
    pub at_least: Amounts,
    /// Whether the call follows at once, without another word. Then, after a crash, it may have happened. Otherwise the holder
    /// says [`crate::Command::Begin`] before the call.
    pub begun: bool,
}

impl Ask {
    /// All or nothing; the call follows at once.
    pub fn exactly(
        reservation: impl Into<ReservationId>,
        level: impl Into<LevelId>,
        holder: impl Into<HolderId>,
        amounts: Amounts,
    ) -> Self {
        Self {
            reservation: reservation.into(),
            level: level.into(),
            holder: holder.into(),
            at_most: amounts,
            at_least: amounts,
            begun: true,
        }
    }

    /// Content with less of one resource, but not with less than `at_least`.
    pub fn or_at_least(mut self, resource: Resource, at_least: u64) -> Self {
        self.at_least = self.at_least.with(resource, at_least);
        self
    }

    /// The call does not follow at once.
    pub fn not_begun(mut self) -> Self {
        self.begun = false;
        self
    }

    /// The resource in which the ask contradicts itself.
    pub(crate) fn contradiction(&self) -> Option<Resource> {
        let split = Resource::ALL.into_iter().find(|&resource| {
            !resource.divisible() && self.at_least.get(resource) != self.at_most.get(resource)
        });
        self.at_least.exceeds(&self.at_most).or(split)
    }
}

/// How far a reservation has come. Ordered: it only ever goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Granted; the call has not been made.
    Held,
    /// The call may have been made.
    Begun,
    /// The holder is gone and the call may have been made: counts as spent in full until a receipt says otherwise.
    Assumed,
    /// Given back.
    Released,
    /// The receipt is in.
    Settled,
}

impl Phase {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Begun => "begun",
            Self::Assumed => "taken for spent",
            Self::Released => "released",
            Self::Settled => "settled",
        }
    }

    /// Whether the holder may still make the call.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Held | Self::Begun)
    }
}

/// A reservation that was granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reservation {
    /// What was asked for.
    pub ask: Ask,
    /// What was granted: between `at_least` and `at_most`.
    pub granted: Amounts,
    /// How far it has come.
    pub phase: Phase,
    /// What it has really cost; nothing before it is settled.
    pub actual: Amounts,
}

impl Reservation {
    /// What was just granted.
    pub(crate) fn new(ask: Ask, granted: Amounts) -> Self {
        let phase = if ask.begun { Phase::Begun } else { Phase::Held };
        Self { ask, granted, phase, actual: Amounts::ZERO }
    }

    /// What it keeps reserved at its level and above.
    pub fn reserved(&self) -> Amounts {
        if self.phase.is_live() { self.granted } else { Amounts::ZERO }
    }

    /// What it counts as spent at its level and above.
    pub fn spent(&self) -> Amounts {
        match self.phase {
            Phase::Assumed => self.granted,
            Phase::Settled => self.actual,
            Phase::Held | Phase::Begun | Phase::Released => Amounts::ZERO,
        }
    }

    /// Both.
    pub fn committed(&self) -> Amounts {
        self.reserved().plus(self.spent())
    }

    /// The same reservation, further on.
    pub(crate) fn moved_to(&self, phase: Phase, actual: Amounts) -> Self {
        Self { phase, actual, ..self.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_counts_in_which_phase() {
        let ask = Ask::exactly("r", "level", "holder", Amounts::only(Resource::Tokens, 10));
        let fresh = Reservation::new(ask.clone(), ask.at_most);
        assert_eq!(fresh.phase, Phase::Begun);
        assert_eq!(Reservation::new(ask.clone().not_begun(), ask.at_most).phase, Phase::Held);
        for (phase, reserved, spent) in [
            (Phase::Held, 10, 0),
            (Phase::Begun, 10, 0),
            (Phase::Assumed, 0, 10),
            (Phase::Released, 0, 0),
            (Phase::Settled, 0, 4),
        ] {
            let moved = fresh.moved_to(phase, Amounts::only(Resource::Tokens, 4));
            assert_eq!((moved.reserved().tokens, moved.spent().tokens), (reserved, spent), "{phase:?}");
        }
    }

    #[test]
    fn asks_that_contradict_themselves() {
        let ask = |at_least, at_most| Ask { at_least, ..Ask::exactly("r", "l", "h", at_most) };
        for resource in Resource::ALL {
            let amount = |amount| Amounts::only(resource, amount);
            assert_eq!(ask(amount(2), amount(2)).contradiction(), None);
            assert_eq!(ask(amount(3), amount(2)).contradiction(), Some(resource));
            let part = ask(amount(1), amount(2)).contradiction();
            assert_eq!(part, (resource == Resource::UsdMicros).then_some(resource), "{resource}");
        }
    }
}
