//! Calls outlive the connections that ask for them: each runs in a task of its own.
//!
//! What becomes of a call whose client is gone depends on what it is and on whether it has an id by which the client
//! can come back.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;

use crate::kept_replies::{Call, KeptReplies, Key, Known, lost};
use crate::reply::Reply;

/// What happens to a call that nobody waits for any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Abandoned {
    /// It ends on its own, soon.
    GoesOn,
    /// It is ended: at once without an id, after the time of grace with one.
    Ends,
}

/// Runs calls and remembers those with ids.
#[derive(Debug, Clone)]
pub struct Calls {
    kept: Arc<KeptReplies>,
    grace: Duration,
}

impl Calls {
    /// Calls with ids are ended when nobody asked for them during `grace`.
    pub fn new(kept: Arc<KeptReplies>, grace: Duration) -> Self {
        Self { kept, grace }
    }

    /// Runs `work`, or joins the same request that was made before, and answers with its result.
    pub async fn answer<W>(&self, key: Option<Key>, abandoned: Abandoned, work: W) -> Reply
    where
        W: Future<Output = Reply> + Send + 'static,
    {
        let Some(key) = key else {
            let call = start(work, |_| {});
            return self.wait(call, abandoned, Duration::ZERO).await;
        };
        let (kept, finished) = (Arc::clone(&self.kept), key.clone());
        let known = self.kept.find_or_start(&key, || start(work, move |reply| kept.finish(&finished, reply)));
        match known {
            Known::Done(reply) => reply,
            Known::New(call) | Known::Running(call) => self.wait(call, abandoned, self.grace).await,
        }
    }

    async fn wait(&self, call: Arc<Call>, abandoned: Abandoned, grace: Duration) -> Reply {
        let mut pending = call.pending.clone();
        let _waiting = Waiting::new(call, abandoned, grace);
        let Ok(reply) = pending.wait_for(Option::is_some).await else { return lost() };
        reply.clone().unwrap_or_else(lost)
    }
}

/// Starts `work`; `finished` hears of its answer, or of none when it was ended.
fn start<W, F>(work: W, finished: F) -> Arc<Call>
where
    W: Future<Output = Reply> + Send + 'static,
    F: FnOnce(Option<Reply>) + Send + 'static,
{
    let (sender, pending) = watch::channel(None);
    let mut ending = Ending { finished: Some(finished) };
    let task = tokio::spawn(async move {
        let reply = work.await;
        ending.tell(Some(reply.clone()));
        // Nobody waits any more when the client is gone.
        let _ = sender.send(Some(reply));
    });
    Arc::new(Call { pending, waiting: Mutex::new(0), abort: task.abort_handle() })
}

/// Tells the end of a call even when it is ended or panics.
struct Ending<F: FnOnce(Option<Reply>)> {
    finished: Option<F>,
}

impl<F: FnOnce(Option<Reply>)> Ending<F> {
    fn tell(&mut self, reply: Option<Reply>) {
        if let Some(finished) = self.finished.take() {
            finished(reply);
        }
    }
}

impl<F: FnOnce(Option<Reply>)> Drop for Ending<F> {
    fn drop(&mut self) {
        self.tell(None);
    }
}

/// Somebody who waits for a call.
struct Waiting {
    call: Arc<Call>,
    abandoned: Abandoned,
    grace: Duration,
}

impl Waiting {
    fn new(call: Arc<Call>, abandoned: Abandoned, grace: Duration) -> Self {
        *call.waiting.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        Self { call, abandoned, grace }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        let left = {
            let mut waiting = self.call.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            *waiting -= 1;
            *waiting
        };
        let unanswered = self.call.pending.borrow().is_none();
        if left > 0 || !unanswered || self.abandoned == Abandoned::GoesOn {
            return;
        }
        if self.grace.is_zero() {
            self.call.abort.abort();
        } else if let Ok(handle) = tokio::runtime::Handle::try_current() {
            handle.spawn(end_after(Arc::clone(&self.call), self.grace));
        }
    }
}

/// Ends a call that nobody came back for.
async fn end_after(call: Arc<Call>, grace: Duration) {
    let mut pending = call.pending.clone();
    let answered = pending.wait_for(Option::is_some);
    if tokio::time::timeout(grace, answered).await.is_ok() {
        return;
    }
    let waiting = *call.waiting.lock().unwrap_or_else(PoisonError::into_inner);
    if waiting == 0 {
        call.abort.abort();
    }
}
