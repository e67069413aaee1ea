//! What a roster is told, and what it wants done.

use serde::{Deserialize, Serialize};

use crate::{AttemptId, Incarnation, Token, WorkerId};

/// Something that a roster is told: by workers, by the dispatcher, by the operating system, by the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "message", rename_all = "snake_case")]
pub enum Message {
    /// A worker begins. All its earlier incarnations have ended.
    Register {
        /// The worker.
        worker: WorkerId,
        /// Its new life.
        incarnation: Incarnation,
    },
    /// A worker lives.
    Heartbeat(Heartbeat),
    /// The dispatcher wants an attempt to run at a worker.
    Grant {
        /// The attempt.
        attempt: AttemptId,
        /// The worker.
        worker: WorkerId,
    },
    /// An attempt has ended, whatever came out.
    Finish {
        /// The attempt.
        attempt: AttemptId,
        /// The token of its lease.
        token: Token,
    },
    /// A worker shall get nothing new, and go when it is done.
    Drain {
        /// The worker.
        worker: WorkerId,
        /// How long its attempts may still run, in milliseconds.
        within_ms: u64,
    },
    /// The operating system says that a worker's process has ended.
    Exited {
        /// The worker.
        worker: WorkerId,
        /// The life that has ended.
        incarnation: Incarnation,
    },
    /// Time passed.
    Tick,
}

/// What a worker says again and again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// The worker.
    pub worker: WorkerId,
    /// Its life.
    pub incarnation: Incarnation,
    /// Which heartbeat, from 1; the registration is number 0.
    pub number: u64,
    /// The leases that it holds, for all it knows.
    pub holds: Vec<(AttemptId, Token)>,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Whose heartbeat.
    pub worker: WorkerId,
    /// Its life.
    pub incarnation: Incarnation,
    /// Which heartbeat.
    pub number: u64,
    /// Leases that are renewed, as of the moment at which this heartbeat was sent.
    pub renewed: Vec<(AttemptId, Token)>,
    /// What the worker must stop: it named these, and holds them no more.
    pub stop: Vec<(AttemptId, Token)>,
    /// Whether the worker shall go when it is done.
    pub draining: bool,
}

/// The right to work on an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The attempt.
    pub attempt: AttemptId,
    /// Who may work on it.
    pub worker: WorkerId,
    /// In which life.
    pub incarnation: Incarnation,
    /// To be shown with everything that the attempt writes.
    pub token: Token,
    /// The lease runs from the moment at which this heartbeat was sent.
    pub since: u64,
}

/// Why attempts were lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LossCause {
    /// The worker was not heard for too long.
    Silent,
    /// Its process has ended.
    Exited,
    /// It began again.
    Restarted,
    /// It lives, but does not hold the attempt: the grant never arrived, or it forgot.
    NotRenewed,
    /// It was told to go and was not done in time.
    DrainTimedOut,
}

impl LossCause {
    /// Whether the worker is lost as well.
    pub fn worker_is_gone(self) -> bool {
        !matches!(self, Self::NotRenewed)
    }
}

/// Something that must be done now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Send this to the worker.
    Acknowledge(Acknowledgement),
    /// Send this to the worker; it may begin.
    Launch(Lease),
    /// The worker gets nothing new until it is heard again. A good moment to prepare another one.
    Suspected {
        /// The worker.
        worker: WorkerId,
    },
    /// A suspected worker was heard again.
    Recovered {
        /// The worker.
        worker: WorkerId,
    },
    /// Record these attempts as lost, and try them elsewhere. There may be none.
    DeclareLost {
        /// The worker.
        worker: WorkerId,
        /// The life that is lost.
        incarnation: Incarnation,
        /// The attempts, with the tokens that count for nothing from now on.
        attempts: Vec<(AttemptId, Token)>,
        /// Why.
        cause: LossCause,
    },
    /// A drained worker is done; its process may be ended.
    Departed {
        /// The worker.
        worker: WorkerId,
    },
}
