//! What happened to a budget, as it is stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Amounts, Ask, HolderId, LevelId, Limits, ReservationId, Resource, Shortfall};

/// The version under which events are stored.
pub const EVENT_VERSION: u16 = 1;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum BudgetEvent {
    /// There is a new level.
    BudgetLevelOpened {
        /// Its name.
        level: LevelId,
        /// The level above.
        parent: Option<LevelId>,
        /// Its limits.
        limits: Limits,
    },
    /// A limit is another one from now on.
    BudgetLimitChanged {
        /// The level.
        level: LevelId,
        /// The resource.
        resource: Resource,
        /// The limit.
        limit: Option<u64>,
        /// Which change of a limit of this level, from 1: so that an old one repeated changes nothing.
        revision: u32,
    },
    /// Something was granted.
    BudgetReserved {
        /// What was asked for.
        ask: Ask,
        /// What was granted.
        granted: Amounts,
    },
    /// A call may be made from now on.
    BudgetCallBegun {
        /// Its reservation.
        reservation: ReservationId,
    },
    /// A receipt came in.
    BudgetSettled {
        /// Its reservation.
        reservation: ReservationId,
        /// What the call cost.
        actual: Amounts,
        /// Levels that are above their limits with this, for readers of the log.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        overdrawn: Vec<Shortfall>,
    },
    /// A reservation was given back.
    BudgetReleased {
        /// The reservation.
        reservation: ReservationId,
    },
    /// A holder was taken for dead.
    BudgetReclaimed {
        /// The holder.
        holder: HolderId,
        /// Its reservations that were given back.
        released: Vec<ReservationId>,
        /// Its reservations that count as spent until a receipt comes in.
        assumed: Vec<ReservationId>,
    },
    /// Nothing more is reserved at a level.
    BudgetLevelClosed {
        /// The level.
        level: LevelId,
    },
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedEvent {
    /// One of [`BudgetEvent::KINDS`].
    pub kind: &'static str,
    /// [`EVENT_VERSION`].
    pub version: u16,
    /// The fields of the event.
    pub payload: Value,
}

/// Why a stored event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a program that knows more.
    #[error(
        "budget events `{kind}` of version {version} are unknown here; use the smallhands that wrote them, or a newer one"
    )]
    Unknown {
        /// The kind as stored.
        kind: String,
        /// The version as stored.
        version: u16,
    },
    /// Not what was written.
    #[error(
        "a budget event `{kind}` is malformed: {detail}; the log was changed by something else than smallhands"
    )]
    Malformed {
        /// The kind as stored.
        kind: String,
        /// What is wrong.
        detail: String,
    },
}

impl BudgetEvent {
    /// Every kind of event, as stored. They begin with `budget_`, so that they can share a stream with others.
    pub const KINDS: &[&str] = &[
        "budget_level_opened",
        "budget_limit_changed",
        "budget_reserved",
        "budget_call_begun",
        "budget_settled",
        "budget_released",
        "budget_reclaimed",
        "budget_level_closed",
    ];

    /// The kind under which the event is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::BudgetLevelOpened { .. } => "budget_level_opened",
            Self::BudgetLimitChanged { .. } => "budget_limit_changed",
            Self::BudgetReserved { .. } => "budget_reserved",
            Self::BudgetCallBegun { .. } => "budget_call_begun",
            Self::BudgetSettled { .. } => "budget_settled",
            Self::BudgetReleased { .. } => "budget_released",
            Self::BudgetReclaimed { .. } => "budget_reclaimed",
            Self::BudgetLevelClosed { .. } => "budget_level_closed",
        }
    }

    /// The event as it is stored.
    pub fn encode(&self) -> EncodedEvent {
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        let payload = whole.get_mut("payload").map(Value::take).unwrap_or_default();
        EncodedEvent { kind: self.kind(), version: EVENT_VERSION, payload }
    }

    /// Reads a stored event back.
    pub fn decode(kind: &str, version: u16, payload: &Value) -> Result<Self, DecodeError> {
        if !Self::KINDS.contains(&kind) || version == 0 || version > EVENT_VERSION {
            return Err(DecodeError::Unknown { kind: kind.to_owned(), version });
        }
        serde_json::from_value(serde_json::json!({ "kind": kind, "payload": payload }))
            .map_err(|error| DecodeError::Malformed { kind: kind.to_owned(), detail: error.to_string() })
    }
}
