//! Which requests were made already: a request that comes again with the same id is never run twice.
//!
//! A retry joins the request while it runs, and gets the same answer, failures included, once it is done. Ids count
//! per method and path. How many answers are kept, how many bytes they hold and how long is bounded; an answer that
//! had to be given up leaves its id behind, so that a retry is told so instead of being run.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::watch;

use crate::reply::{Refusal, Reply};
use crate::routes::Operation;

/// What is kept of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepLimits {
    /// Most ids.
    pub count: usize,
    /// Most bytes of answers together.
    pub bytes: usize,
    /// How long an answer is kept.
    pub age: Duration,
}

impl Default for KeepLimits {
    fn default() -> Self {
        Self { count: 4096, bytes: 64 << 20, age: Duration::from_secs(600) }
    }
}

/// What tells requests apart.
pub type Key = (Operation, String);

/// Where the answer of a running request will be.
pub type Pending = watch::Receiver<Option<Reply>>;

#[derive(Debug)]
enum Entry {
    Running(Arc<Call>),
    Done(Reply),
    /// The answer was too much to keep.
    Forgotten,
}

/// A request that runs, seen by those who wait for it.
#[derive(Debug)]
pub struct Call {
    /// Where its answer will be.
    pub pending: Pending,
    /// How many wait, and since when nobody does.
    pub waiting: Mutex<usize>,
    /// Ends it.
    pub abort: tokio::task::AbortHandle,
}

#[derive(Debug, Default)]
struct Table {
    entries: HashMap<Key, Entry>,
    /// The finished ones, oldest first, with the time of their end and the bytes of their answers.
    finished: VecDeque<(Key, Instant, usize)>,
    bytes: usize,
}

/// The requests of the recent past.
#[derive(Debug)]
pub struct KeptReplies {
    limits: KeepLimits,
    table: Mutex<Table>,
}

/// What is known of a request.
#[derive(Debug)]
pub enum Known {
    /// Nothing: the call is new, and now it is known.
    New(Arc<Call>),
    /// It runs.
    Running(Arc<Call>),
    /// It was answered.
    Done(Reply),
}

impl KeptReplies {
    /// Remembers nothing yet.
    pub fn new(limits: KeepLimits) -> Self {
        Self { limits, table: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks the request up and starts it when it is new. Both happen at once, so that of two equal requests one is
    /// run.
    pub fn find_or_start(&self, key: &Key, start: impl FnOnce() -> Arc<Call>) -> Known {
        let mut table = self.lock();
        table.expire(&self.limits);
        match table.entries.get(key) {
            Some(Entry::Running(call)) => Known::Running(Arc::clone(call)),
            Some(Entry::Done(reply)) => Known::Done(reply.clone()),
            Some(Entry::Forgotten) => Known::Done(forgotten()),
            None => {
                let call = start();
                table.entries.insert(key.clone(), Entry::Running(Arc::clone(&call)));
                Known::New(call)
            }
        }
    }

    /// Keeps the answer of a request that ran; without one the request counts as never made.
    pub fn finish(&self, key: &Key, reply: Option<Reply>) {
        let mut table = self.lock();
        let Some(reply) = reply else {
            table.entries.remove(key);
            return;
        };
        let bytes = reply.body.len();
        let entry = if bytes > self.limits.bytes { Entry::Forgotten } else { Entry::Done(reply) };
        let bytes = if matches!(entry, Entry::Forgotten) { 0 } else { bytes };
        table.entries.insert(key.clone(), entry);
        table.finished.push_back((key.clone(), Instant::now(), bytes));
        table.bytes += bytes;
        table.expire(&self.limits);
    }

    /// Gives up what is too old.
    pub fn sweep(&self) {
        self.lock().expire(&self.limits);
    }

    /// How many ids are known, and the bytes of their answers.
    pub fn size(&self) -> (usize, usize) {
        let table = self.lock();
        (table.entries.len(), table.bytes)
    }
}

impl Table {
    fn expire(&mut self, limits: &KeepLimits) {
        while let Some((_, ended, _)) = self.finished.front() {
            if self.finished.len() <= limits.count && ended.elapsed() < limits.age {
                break;
            }
            if let Some((key, _, bytes)) = self.finished.pop_front() {
                self.bytes -= bytes;
                self.entries.remove(&key);
            }
        }
        let mut oldest = 0;
        while self.bytes > limits.bytes
            && let Some((key, _, bytes)) = self.finished.get_mut(oldest)
        {
            self.bytes -= std::mem::take(bytes);
            self.entries.insert(key.clone(), Entry::Forgotten);
            oldest += 1;
        }
    }
}

fn forgotten() -> Reply {
    let words =
        "this request was fulfilled before, but its answer was too large to be kept; it is not run again";
    Refusal::python("swerex.exceptions.SwerexException", words).into_reply()
}

/// The answer of a call that came to no end.
pub fn lost() -> Reply {
    Reply {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        body: Bytes::from_static(br#"{"detail":"the call was ended before it had an answer"}"#),
    }
}
