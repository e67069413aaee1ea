//! Why a message was refused. A refused message changes nothing.

use crate::{AttemptId, Incarnation, Token, WorkerId};

/// The reason, with what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody registered under this name, or another process has taken the run over since.
    #[error("worker `{worker}` is not registered; register it")]
    UnknownWorker {
        /// The name.
        worker: WorkerId,
    },
    /// News from an earlier life, or from one that never registered.
    #[error(
        "worker `{worker}` is in life {current}, not {incarnation}; end the earlier one, register the later one"
    )]
    WrongIncarnation {
        /// The worker.
        worker: WorkerId,
        /// Whose news.
        incarnation: Incarnation,
        /// The life that counts.
        current: Incarnation,
    },
    /// The life was declared lost, or has departed. Its attempts may run elsewhere by now.
    #[error("life {incarnation} of worker `{worker}` is over; stop what it does and register a higher one")]
    LifeOver {
        /// The worker.
        worker: WorkerId,
        /// The life.
        incarnation: Incarnation,
    },
    /// A heartbeat that was overtaken by a later one, or repeated.
    #[error("heartbeat {number} of worker `{worker}` comes after {last}; ignore it")]
    OldHeartbeat {
        /// The worker.
        worker: WorkerId,
        /// Its number.
        number: u64,
        /// The latest one.
        last: u64,
    },
    /// A worker that gets nothing new at the moment.
    #[error("worker `{worker}` gets nothing new: it is {}; choose another worker", if *.draining { "draining" } else { "suspected" })]
    NotGranting {
        /// The worker.
        worker: WorkerId,
        /// Whether it is told to go; otherwise it is suspected.
        draining: bool,
    },
    /// Somebody holds the attempt.
    #[error("attempt `{attempt}` is held by worker `{worker}`; wait until it ends or is lost")]
    AlreadyHeld {
        /// The attempt.
        attempt: AttemptId,
        /// Who holds it.
        worker: WorkerId,
    },
    /// A token that counts for nothing (any more).
    #[error("token {token} does not hold attempt `{attempt}`; stop the work and throw its result away")]
    StaleToken {
        /// The attempt.
        attempt: AttemptId,
        /// The token shown.
        token: Token,
    },
}
