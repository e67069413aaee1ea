//! One SQLite file that several processes may use at once: what every state folder had before there were segments.
//!
//! Write-ahead logging, so readers never wait for the writer; every group of appends is one immediate transaction, so the
//! check of `expected_seq` and the write cannot be torn apart by another process. SQLite cuts a torn write-ahead log by
//! itself and does not say so; what is left is still checked against its seals.

mod events;
mod failure;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::chain::Seal;
use crate::group::GroupCommit;
use crate::log::EncodedAppend;
use crate::{
    Append, BadBlobId, BlobId, ChainHead, Durability, EventLog, Extent, LogError, StoredEvent, StreamId,
};
use events::{Head, read_sealed, write_events};
use failure::Failure;
pub use schema::FORMAT_VERSION;

/// How to open a [`SqliteLog`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// What survives what.
    pub durability: Durability,
    /// How long to wait for other processes before [`LogError::Busy`].
    pub busy_timeout: Duration,
    /// The size in bytes beyond which the file must not grow; then [`LogError::DiskFull`]. `None` for no bound.
    pub size_limit: Option<u64>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { durability: Durability::Full, busy_timeout: Duration::from_secs(10), size_limit: None }
    }
}

/// An event log in an SQLite file. Threads may share one value; processes open the same file.
#[derive(Debug)]
pub struct SqliteLog {
    path: PathBuf,
    durability: Durability,
    connection: Mutex<Connection>,
    group: GroupCommit<EncodedAppend, Result<u64, LogError>>,
}

/// The most appends of one transaction.
const GROUP: usize = 512;
/// The largest value that SQLite keeps, bytes, less some room for the row around it.
const LARGEST_BLOB: u64 = 1_000_000_000 - 4096;

impl SqliteLog {
    /// Opens the log, creating it if the file does not exist, and bringing it to the current format if it is older.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        Self::open_with(path, &SqliteOptions::default())
    }

    /// The same with options.
    pub fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, LogError> {
        failure::require_writable(path)?;
        let connection = schema::open(path, options).map_err(|failure| failure.at(path))?;
        let durability = options.durability;
        let group = GroupCommit::new(GROUP);
        Ok(Self { path: path.to_owned(), durability, connection: Mutex::new(connection), group })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Compares the file's tables with its indexes.
    fn check_file(&self) -> Result<(), LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| {
            let report: String = transaction.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if report == "ok" { Ok(()) } else { Err(Failure::File(report)) }
        })
    }

    /// One transaction for all: a refusal is one append's own, a failure everybody's.
    fn write(&self, appends: &[EncodedAppend]) -> Vec<Result<u64, LogError>> {
        let written = self.transact(TransactionBehavior::Immediate, |transaction| {
            appends.iter().map(|append| write_append(transaction, append)).collect()
        });
        written.unwrap_or_else(|error| vec![Err(error); appends.len()])
    }

    fn read_with_seal(
        &self,
        stream: &StreamId,
        after: u64,
        last: u64,
    ) -> Result<(Vec<StoredEvent>, Seal), LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| {
            let head = Head::of(transaction, stream)?.unwrap_or(Head::NEW);
            read_sealed(transaction, stream, &head, after, last)
        })
    }

    /// Runs `work` in a transaction; whatever it fails with leaves the file unchanged.
    fn transact<T>(
        &self,
        behavior: TransactionBehavior,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, LogError> {
        let mut connection = self.connection();
        let run = || -> Result<T, Failure> {
            let transaction = connection.transaction_with_behavior(behavior)?;
            let value = work(&transaction)?;
            transaction.commit()?;
            Ok(value)
        };
        run().map_err(|failure| failure.at(&self.path))
    }

    /// A thread that panicked in the middle of a transaction has rolled it back while unwinding.
    fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The outer error fails the whole transaction, the inner one refuses this append.
fn write_append(
    transaction: &Transaction<'_>,
    append: &EncodedAppend,
) -> Result<Result<u64, LogError>, Failure> {
    let EncodedAppend { stream, expected_seq, at_ms, events } = append;
    let head = Head::of(transaction, stream)?.unwrap_or(Head::NEW);
    if head.seq != *expected_seq {
        let (stream, expected) = (stream.clone(), *expected_seq);
        return Ok(Err(LogError::Conflict { stream, expected, actual: head.seq }));
    }
    if events.is_empty() {
        return Ok(Ok(head.seq));
    }
    write_events(transaction, stream, head, *at_ms, events).map(Ok)
}

impl EventLog for SqliteLog {
    fn append_many(&self, appends: &[Append<'_>]) -> Vec<Result<u64, LogError>> {
        let work: Vec<EncodedAppend> = appends.iter().map(EncodedAppend::from).collect();
        let results = self.group.submit(work, |group| self.write(&group));
        results.unwrap_or_else(|| vec![Err(LogError::Abandoned); appends.len()])
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        Ok(self.read_with_seal(stream, after, u64::MAX)?.0)
    }

    fn head_at(&self, stream: &StreamId, last: u64) -> Result<ChainHead, LogError> {
        let (events, seal) = self.read_with_seal(stream, 0, last)?;
        Ok(ChainHead { stream: stream.clone(), seq: events.len() as u64, seal })
    }

    fn flush(&self) -> Result<(), LogError> {
        if self.durability == Durability::Full {
            return Ok(());
        }
        let folded = self.connection().query_row("PRAGMA wal_checkpoint(FULL)", [], |row| row.get(0));
        let is_busy: bool = folded.map_err(|error| Failure::from(error).at(&self.path))?;
        if is_busy { Err(LogError::Busy { path: self.path.clone() }) } else { Ok(()) }
    }

    fn verify_all(&self) -> Result<Extent, LogError> {
        self.check_file()?;
        let mut extent = Extent::default();
        for stream in self.streams("")? {
            extent.streams += 1;
            extent.events += self.verify(&stream)?.seq;
        }
        for id in self.blobs()? {
            extent.blobs += 1;
            self.get_blob(&id)?;
        }
        Ok(extent)
    }

    fn blobs(&self) -> Result<Vec<BlobId>, LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| {
            let mut statement = transaction.prepare_cached("SELECT id FROM blob ORDER BY id")?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            names.map(|name| name?.parse().map_err(|bad: BadBlobId| Failure::File(bad.to_string()))).collect()
        })
    }

    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| {
            let mut statement =
                transaction.prepare_cached("SELECT name FROM stream WHERE name >= ?1 ORDER BY name")?;
            let mut rows = statement.query([prefix])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let name: String = row.get(0)?;
                if !name.starts_with(prefix) {
                    break;
                }
                found.push(StreamId::new(name).map_err(|bad| Failure::File(bad.to_string()))?);
            }
            Ok(found)
        })
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        if bytes.len() as u64 > LARGEST_BLOB {
            return Err(LogError::BlobTooLarge { limit: LARGEST_BLOB });
        }
        let id = BlobId::of(bytes);
        self.transact(TransactionBehavior::Immediate, |transaction| {
            transaction
                .prepare_cached("INSERT INTO blob (id, bytes) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING")?
                .execute(params![id.as_str(), bytes])?;
            Ok(())
        })?;
        Ok(id)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError> {
        let bytes: Option<Vec<u8>> = self.transact(TransactionBehavior::Deferred, |transaction| {
            let mut statement = transaction.prepare_cached("SELECT bytes FROM blob WHERE id = ?1")?;
            Ok(statement.query_row([id.as_str()], |row| row.get(0)).optional()?)
        })?;
        let bytes = bytes.ok_or_else(|| LogError::BlobMissing { id: id.clone() })?;
        let actual = BlobId::of(&bytes);
        if actual != *id {
            let detail = format!("its {} bytes hash to {actual}", bytes.len());
            return Err(LogError::CorruptBlob { id: id.clone(), detail });
        }
        Ok(bytes)
    }
}
