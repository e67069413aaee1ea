//! What happened to the ownership of a run, as it is stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::OwnerId;

/// The version under which events are stored.
pub const OWNER_EVENT_VERSION: u16 = 1;

/// Why a run may be taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "grounds", rename_all = "snake_case")]
pub enum Grounds {
    /// Nobody owns it.
    Vacant,
    /// Its time has run out on every clock that differs from ours by less than the skew bound.
    Expired,
    /// It was watched for so long, by our monotone clock, and not renewed. Needs no wall clock at all.
    Silent {
        /// How long, in milliseconds.
        silent_ms: u64,
    },
    /// The owner is known to be dead, for example because its process is gone on this machine.
    Dead {
        /// How that is known, for people.
        how: String,
    },
}

/// Something that happened. Wall times are milliseconds since the Unix epoch by the clock of the writer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum OwnerEvent {
    /// A process owns the run from now on.
    RunOwnerTaken {
        /// The process.
        owner: OwnerId,
        /// Higher than every epoch before.
        epoch: u64,
        /// Until when, unless it is renewed.
        until_wall_ms: i64,
        /// Why it may.
        grounds: Grounds,
    },
    /// The owner lives.
    RunOwnerRenewed {
        /// Its epoch.
        epoch: u64,
        /// Which renewal in this epoch, from 1.
        number: u64,
        /// Until when, unless it is renewed again.
        until_wall_ms: i64,
    },
    /// The owner is done.
    RunOwnerLeft {
        /// Its epoch.
        epoch: u64,
    },
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedEvent {
    /// One of [`OwnerEvent::KINDS`].
    pub kind: &'static str,
    /// [`OWNER_EVENT_VERSION`].
    pub version: u16,
    /// The fields of the event.
    pub payload: Value,
}

/// Why a stored event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a program that knows more.
    #[error(
        "owner events `{kind}` of version {version} are unknown here; use the smallhands that wrote them, or a newer one"
    )]
    Unknown {
        /// The kind as stored.
        kind: String,
        /// The version as stored.
        version: u16,
    },
    /// Not what was written.
    #[error(
        "an owner event `{kind}` is malformed: {detail}; the log was changed by something else than smallhands"
    )]
    Malformed {
        /// The kind as stored.
        kind: String,
        /// What is wrong.
        detail: String,
    },
}

impl OwnerEvent {
    /// Every kind of event, as stored.
    pub const KINDS: &[&str] = &["run_owner_taken", "run_owner_renewed", "run_owner_left"];

    /// The kind under which the event is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunOwnerTaken { .. } => "run_owner_taken",
            Self::RunOwnerRenewed { .. } => "run_owner_renewed",
            Self::RunOwnerLeft { .. } => "run_owner_left",
        }
    }

    /// The event as it is stored.
    pub fn encode(&self) -> EncodedEvent {
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        let payload = whole.get_mut("payload").map(Value::take).unwrap_or_default();
        EncodedEvent { kind: self.kind(), version: OWNER_EVENT_VERSION, payload }
    }

    /// Reads a stored event back.
    ///
    /// # Errors
    /// It was written by a newer program, or is damaged.
    pub fn decode(kind: &str, version: u16, payload: &Value) -> Result<Self, DecodeError> {
        if !Self::KINDS.contains(&kind) || version == 0 || version > OWNER_EVENT_VERSION {
            return Err(DecodeError::Unknown { kind: kind.to_owned(), version });
        }
        serde_json::from_value(serde_json::json!({ "kind": kind, "payload": payload }))
            .map_err(|error| DecodeError::Malformed { kind: kind.to_owned(), detail: error.to_string() })
    }
}
