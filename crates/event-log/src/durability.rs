//! What survives what.

/// How much an append that returned survives. The death of the process never loses one; the setting is about the death
/// of the machine.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// Survives a power failure: the disk has confirmed it. Appends that wait at the same time share one confirmation.
    #[default]
    Full,
    /// A power failure may take the latest appends with it, never one without those after it. How many is up to the
    /// adapter: the segment log confirms in the background every few milliseconds, SQLite when it folds its write-ahead
    /// log, PostgreSQL within three times its `wal_writer_delay`.
    Relaxed,
}
