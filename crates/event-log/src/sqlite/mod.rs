//! The embedded default: one SQLite file that several processes may use at once.
//!
//! Write-ahead logging, so readers never wait for the writer; every append is one immediate transaction, so the check of
//! `expected_seq` and the write cannot be torn apart by another process.

mod events;
mod failure;
mod schema;

use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::{BadBlobId, BlobId, EventLog, LogError, NewEvent, StoredEvent, StreamId};
use events::{Head, read_events, write_events};
use failure::Failure;
pub use schema::FORMAT_VERSION;

/// What survives what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// An append that returned survives a power failure: the disk is flushed for each.
    #[default]
    Full,
    /// An append that returned survives the end of the process, but a power failure may take the latest ones with it
    /// (never those before without those after). Many times faster on slow disks.
    Normal,
}

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

/// How much a log holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Extent {
    /// Streams with at least one event.
    pub streams: u64,
    /// Events of all streams.
    pub events: u64,
    /// Blobs.
    pub blobs: u64,
}

/// An event log in an SQLite file. Threads may share one value; processes open the same file.
#[derive(Debug)]
pub struct SqliteLog {
    path: PathBuf,
    connection: Mutex<Connection>,
}

impl SqliteLog {
    /// Opens the log, creating it if the file does not exist, and bringing it to the current format if it is older.
    pub fn open(path: &Path) -> Result<Self, LogError> {
        Self::open_with(path, &SqliteOptions::default())
    }

    /// The same with options.
    pub fn open_with(path: &Path, options: &SqliteOptions) -> Result<Self, LogError> {
        failure::require_writable(path)?;
        let connection = schema::open(path, options).map_err(|failure| failure.at(path))?;
        Ok(Self { path: path.to_owned(), connection: Mutex::new(connection) })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Reads everything and compares it with its seals and hashes, and the file's tables with its indexes. Takes time
    /// in proportion to the size of the log; for a doctor, not for every start.
    pub fn verify(&self) -> Result<Extent, LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| {
            let report: String = transaction.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
            if report != "ok" {
                return Err(Failure::File(report));
            }
            Ok(())
        })?;
        let mut extent = Extent::default();
        for stream in self.streams("")? {
            extent.streams += 1;
            extent.events += self.read(&stream, 0)?.len() as u64;
        }
        for id in self.blob_ids()? {
            extent.blobs += 1;
            self.get_blob(&id)?;
        }
        Ok(extent)
    }

    fn blob_ids(&self) -> Result<Vec<BlobId>, LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| {
            let mut statement = transaction.prepare_cached("SELECT id FROM blob ORDER BY id")?;
            let names = statement.query_map([], |row| row.get::<_, String>(0))?;
            names.map(|name| name?.parse().map_err(|bad: BadBlobId| Failure::File(bad.to_string()))).collect()
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

impl EventLog for SqliteLog {
    fn append(
        &self,
        stream: &StreamId,
        expected_seq: u64,
        at_ms: i64,
        events: &[NewEvent],
    ) -> Result<u64, LogError> {
        self.transact(TransactionBehavior::Immediate, |transaction| {
            let head = Head::of(transaction, stream)?.unwrap_or(Head::NEW);
            if head.seq != expected_seq {
                let conflict =
                    LogError::Conflict { stream: stream.clone(), expected: expected_seq, actual: head.seq };
                return Err(Failure::Log(conflict));
            }
            if events.is_empty() {
                Ok(head.seq)
            } else {
                write_events(transaction, stream, head, at_ms, events)
            }
        })
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        self.transact(TransactionBehavior::Deferred, |transaction| match Head::of(transaction, stream)? {
            Some(head) if head.seq > after => read_events(transaction, stream, &head, after),
            _ => Ok(Vec::new()),
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
