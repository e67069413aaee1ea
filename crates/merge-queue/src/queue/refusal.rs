//! Why a command was refused. A refused command changes nothing.

use super::{Check, EntryId, Tree};

/// The reason of a refusal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A patch that was offered before.
    #[error("`{entry}` is in the queue already; offer it under another name")]
    OfferedTwice {
        /// Its name.
        entry: EntryId,
    },
    /// No such patch.
    #[error("there is no entry `{entry}` in the queue")]
    UnknownEntry {
        /// The name.
        entry: EntryId,
    },
    /// The entry landed, was rejected, or is landing.
    #[error("`{entry}` is settled or landing; it can no longer be withdrawn")]
    TooLate {
        /// The entry.
        entry: EntryId,
    },
    /// An answer to a step that is no longer wanted.
    #[error("nobody waits for `{entry}` on {onto} any more; drop the answer")]
    NotAwaited {
        /// The entry.
        entry: EntryId,
        /// The tree it was put on.
        onto: Tree,
    },
    /// A merge task that the entry was not handed to.
    #[error("`{entry}` is not with a merge task; drop what it delivered")]
    NotHandedOver {
        /// The entry.
        entry: EntryId,
    },
    /// The same verification twice.
    #[error("verification {run} of {tree} is not the next one ({next}); each is reported once, in order")]
    RunOutOfOrder {
        /// The tree.
        tree: Tree,
        /// What was said.
        run: u32,
        /// What is expected.
        next: u32,
    },
    /// Evidence that is about another tree.
    #[error("evidence of `{check}` is about {actual}, not about {tree}; verify that tree")]
    StaleEvidence {
        /// The check.
        check: Check,
        /// The tree that was claimed.
        tree: Tree,
        /// The tree that was checked.
        actual: Tree,
    },
    /// A check that must hold was not run.
    #[error("there is no evidence of `{check}` on {tree}; run every check")]
    MissingEvidence {
        /// The check.
        check: Check,
        /// The tree.
        tree: Tree,
    },
    /// An advance that was not asked for.
    #[error("the head is not to advance to {to}; say that the base moved if it is there")]
    NotAdvancing {
        /// The tree.
        to: Tree,
    },
}
