//! Why something was not granted or not done, and what to do next. Whatever is refused changes nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{HolderId, LevelId, Phase, ReservationId, Resource};

/// One resource of one level that does not suffice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// The level.
    pub level: LevelId,
    /// The resource.
    pub resource: Resource,
    /// The limit there.
    pub limit: u64,
    /// What was spent there and below.
    pub spent: u64,
    /// What is reserved there and below.
    pub reserved: u64,
    /// The least that was asked for; 0 where the level is overdrawn in something that was not asked for.
    pub asked: u64,
}

/// What somebody may do who was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "next", rename_all = "snake_case")]
pub enum NextStep {
    /// Others hold reservations; the ask fits if they turn out to need none of them. Ask again when one is settled.
    Wait,
    /// Ask for less: so much there is now.
    AskForLess {
        /// What could be granted at that level.
        available: u64,
    },
    /// Only a higher limit helps.
    RaiseLimit {
        /// The lowest limit with which the ask fits there now.
        to: u64,
    },
}

impl Shortfall {
    /// What could be granted at the level.
    pub fn available(&self) -> u64 {
        self.limit.saturating_sub(self.spent.saturating_add(self.reserved))
    }

    /// The lowest limit with which the ask fits now.
    pub fn raise_to(&self) -> u64 {
        self.spent.saturating_add(self.reserved).saturating_add(self.asked)
    }

    /// How far what was spent alone is above the limit.
    pub fn overdraft(&self) -> u64 {
        self.spent.saturating_sub(self.limit)
    }

    /// What to do next.
    pub fn next_step(&self) -> NextStep {
        if self.spent.saturating_add(self.asked) <= self.limit {
            NextStep::Wait
        } else if self.available() > 0 {
            NextStep::AskForLess { available: self.available() }
        } else {
            NextStep::RaiseLimit { to: self.raise_to() }
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { level, resource, limit, spent, reserved, asked } = self;
        write!(
            f,
            "`{level}` has {resource} for {limit}, {spent} spent and {reserved} reserved; {asked} asked: "
        )?;
        match self.next_step() {
            NextStep::Wait => {
                write!(f, "wait until a reservation is settled, or raise the limit to {}", self.raise_to())
            }
            NextStep::AskForLess { available } => {
                write!(f, "ask for {available} or less, or raise the limit to {}", self.raise_to())
            }
            NextStep::RaiseLimit { to } => write!(f, "raise the limit to {to}"),
        }
    }
}

/// Everything that stands in the way of an ask, the asking level first, then those above. Never empty: with every limit raised
/// to [`Shortfall::raise_to`], the ask is granted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// What does not suffice.
    pub shortfalls: Vec<Shortfall>,
}

impl Refusal {
    /// Whether it is enough to wait: nothing but reservations of others stands in the way.
    pub fn may_pass(&self) -> bool {
        self.shortfalls.iter().all(|shortfall| shortfall.next_step() == NextStep::Wait)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all: Vec<_> = self.shortfalls.iter().map(Shortfall::to_string).collect();
        f.write_str(&all.join("; "))
    }
}

/// Why a command was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The budget does not suffice.
    #[error("the budget does not suffice: {0}")]
    Refused(Refusal),
    /// A level that was never opened.
    #[error("there is no budget level `{level}`; open it first")]
    UnknownLevel {
        /// Its name.
        level: LevelId,
    },
    /// The name is taken by a level elsewhere.
    #[error("budget level `{level}` exists below another parent; choose another name")]
    LevelExists {
        /// Its name.
        level: LevelId,
    },
    /// A level that was closed.
    #[error("budget level `{level}` is closed; open another one")]
    LevelClosed {
        /// Its name.
        level: LevelId,
    },
    /// A level that cannot be closed yet.
    #[error(
        "budget level `{level}` cannot be closed: `{busy}` is still open; settle, release or close it first"
    )]
    LevelBusy {
        /// Its name.
        level: LevelId,
        /// A reservation or a level below.
        busy: String,
    },
    /// A limit below what is spent and reserved already.
    #[error(
        "the limit of `{level}` for {resource} cannot be lowered to {limit}: {committed} are spent or reserved; lower it to that at most"
    )]
    LimitTooLow {
        /// The level.
        level: LevelId,
        /// The resource.
        resource: Resource,
        /// What was wanted.
        limit: u64,
        /// What is spent or reserved.
        committed: u64,
    },
    /// An ask that contradicts itself.
    #[error(
        "reservation `{reservation}` contradicts itself about {resource}: at least what is asked at most, or a part of money; mend the ask"
    )]
    Contradiction {
        /// The reservation.
        reservation: ReservationId,
        /// The resource.
        resource: Resource,
    },
    /// The name of a reservation that asked for something else.
    #[error("reservation `{reservation}` exists and asked for something else; choose another name")]
    ReservationReused {
        /// Its name.
        reservation: ReservationId,
    },
    /// A reservation that was never granted, or was settled at a level that is closed by now.
    #[error("there is no reservation `{reservation}`; reserve before the call")]
    UnknownReservation {
        /// Its name.
        reservation: ReservationId,
    },
    /// A reservation under which no call may be made any more.
    #[error("reservation `{reservation}` is {}; do not make the call, reserve anew", .phase.name())]
    ReservationOver {
        /// Its name.
        reservation: ReservationId,
        /// How far it has come.
        phase: Phase,
    },
    /// A holder who was taken for dead.
    #[error(
        "`{holder}` was taken for dead and its reservations taken back; stop it, or begin again under a new name"
    )]
    HolderGone {
        /// Its name.
        holder: HolderId,
    },
}
