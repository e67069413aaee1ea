//! The event log in PostgreSQL: for runs whose parts are on several machines.
//!
//! [`PostgresLog`] keeps the promises of [`EventLog`] and passes its suite. What is special about it:
//! * An append locks the rows of its streams (in the order of their names, so that no two wait for each other), compares
//!   positions, and commits; two owners of one stream cannot both go on, wherever they run.
//! * One thread of this process owns the connection. Appends that wait for it go together in one transaction, which the
//!   server confirms with one flush of its write-ahead log. A lost connection fails what was under way and is made anew
//!   for what comes next.
//! * Everything lies in one schema of the database, marked with a format; unknown formats are refused.

mod connection;
mod failure;
mod schema;
mod statements;

use std::path::PathBuf;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use postgres::Client;
use smallhands_event_log::{
    Append, BlobId, ChainHead, Durability, EncodedAppend, EventLog, LARGEST_BLOB_IN_MEMORY, LogError,
    StoredEvent, StreamId,
};

use connection::{Job, Server, suspects_connection};
use failure::Failure;
pub use schema::FORMAT_VERSION;

/// How to open a [`PostgresLog`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PostgresOptions {
    /// What survives what. [`Durability::Full`] refuses a server that runs without `fsync`.
    pub durability: Durability,
    /// The schema in the database: lower-case letters, digits and `_`, 40 at most. Made if it does not exist.
    pub schema: String,
    /// How long to wait for a connection, for a lock and for a statement; then [`LogError::Busy`].
    pub timeout: Duration,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        let timeout = Duration::from_secs(10);
        Self { durability: Durability::Full, schema: "smallhands".into(), timeout }
    }
}

/// An event log in a PostgreSQL database. Threads may share one value; processes and machines open the same schema.
#[derive(Debug)]
pub struct PostgresLog {
    jobs: Option<Sender<Job>>,
    thread: Option<JoinHandle<()>>,
    place: PathBuf,
}

impl PostgresLog {
    /// Connects, and makes the schema where it does not exist. `url` is a libpq connection string or URL, as in
    /// `postgresql://user@host/database?sslmode=require`; TLS certificates are checked as the system does.
    ///
    /// # Errors
    /// [`LogError::Io`] when there is no connection, [`LogError::NewerFormat`], [`LogError::CorruptFile`] when the schema
    /// belongs to another program.
    pub fn open(url: &str, options: PostgresOptions) -> Result<Self, LogError> {
        let server = Server::new(url, options)?;
        let place = server.place().to_owned();
        let (jobs, queue) = mpsc::channel();
        let (opened, answer) = mpsc::channel();
        let work = move || server.serve(&queue, &opened);
        let thread = thread::Builder::new().name("event-log-postgres".into()).spawn(work);
        let thread = thread.map_err(|error| LogError::from_io(&error, &place))?;
        let log = Self { jobs: Some(jobs), thread: Some(thread), place };
        answer.recv().unwrap_or(Err(LogError::Abandoned))?;
        Ok(log)
    }

    fn send(&self, job: Job) -> Result<(), LogError> {
        let jobs = self.jobs.as_ref().ok_or(LogError::Abandoned)?;
        jobs.send(job).map_err(|_| LogError::Abandoned)
    }

    /// Has the thread do `work` and waits for the answer, which the server's time limits bound.
    fn ask<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Client) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, LogError> {
        let (sender, answer) = mpsc::channel();
        let place = self.place.clone();
        self.send(Job::Other(Box::new(move |client| {
            let result = client.and_then(|client| work(client).map_err(|failure| failure.at(&place)));
            let is_good = !suspects_connection(&result);
            // Nobody waits any more: then nobody needs the answer.
            let _ = sender.send(result);
            is_good
        })))?;
        answer.recv().unwrap_or(Err(LogError::Abandoned))
    }
}

impl Drop for PostgresLog {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl EventLog for PostgresLog {
    fn append_many(&self, appends: &[Append<'_>]) -> Vec<Result<u64, LogError>> {
        let work: Vec<EncodedAppend> = appends.iter().map(EncodedAppend::from).collect();
        let (sender, answer) = mpsc::channel();
        let answer = self
            .send(Job::Append(work, sender))
            .and_then(|()| answer.recv().map_err(|_| LogError::Abandoned));
        answer.unwrap_or_else(|error| vec![Err(error); appends.len()])
    }

    fn read(&self, stream: &StreamId, after: u64) -> Result<Vec<StoredEvent>, LogError> {
        let stream = stream.clone();
        Ok(self.ask(move |client| statements::read(client, &stream, after, u64::MAX))?.0)
    }

    fn head_at(&self, stream: &StreamId, last: u64) -> Result<ChainHead, LogError> {
        let of = stream.clone();
        let (events, seal) = self.ask(move |client| statements::read(client, &of, 0, last))?;
        Ok(ChainHead { stream: stream.clone(), seq: events.len() as u64, seal })
    }

    fn streams(&self, prefix: &str) -> Result<Vec<StreamId>, LogError> {
        let prefix = prefix.to_owned();
        self.ask(move |client| statements::streams(client, &prefix))
    }

    fn flush(&self) -> Result<(), LogError> {
        self.ask(statements::flush)
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, LogError> {
        if bytes.len() as u64 > LARGEST_BLOB_IN_MEMORY {
            return Err(LogError::BlobTooLarge { limit: LARGEST_BLOB_IN_MEMORY });
        }
        let (id, bytes) = (BlobId::of(bytes), bytes.to_vec());
        let stored = id.clone();
        self.ask(move |client| statements::put_blob(client, &id, &bytes))?;
        Ok(stored)
    }

    fn get_blob(&self, id: &BlobId) -> Result<Vec<u8>, LogError> {
        let name = id.clone();
        let bytes = self.ask(move |client| statements::get_blob(client, &name))?;
        let bytes = bytes.ok_or_else(|| LogError::BlobMissing { id: id.clone() })?;
        let actual = BlobId::of(&bytes);
        if actual == *id {
            return Ok(bytes);
        }
        let detail = format!("its {} bytes hash to {actual}", bytes.len());
        Err(LogError::CorruptBlob { id: id.clone(), detail })
    }

    fn blobs(&self) -> Result<Vec<BlobId>, LogError> {
        self.ask(statements::blobs)
    }
}
