//! Relaxed durability: a thread that has the disk confirm what was written, a few milliseconds later.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::medium::Medium;

/// The thread and what it is told. Dropping it confirms what is left and ends the thread.
#[derive(Debug)]
pub(super) struct Flusher {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    orders: Mutex<Orders>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Orders {
    written: Option<Written>,
    confirmed: (u32, u64),
    failure: Option<String>,
    stop: bool,
}

#[derive(Debug)]
struct Written {
    segment: u32,
    end: u64,
    medium: Arc<dyn Medium>,
}

impl Flusher {
    /// Starts the thread; it confirms at most `interval` after the first write that it is told of.
    pub fn start(interval: Duration) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("event-log-flush".into())
            .spawn(move || while of_thread.confirm_next(interval) {})?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Tells that `medium` of this segment was written up to `end`.
    pub fn written(&self, segment: u32, end: u64, medium: &Arc<dyn Medium>) {
        let mut orders = self.shared.orders();
        let was_idle = orders.written.is_none();
        orders.written = Some(Written { segment, end, medium: Arc::clone(medium) });
        drop(orders);
        if was_idle {
            self.shared.changed.notify_all();
        }
    }

    /// Up to where the disk has confirmed `segment`, if it is the one that was confirmed last.
    pub fn confirmed(&self, segment: u32) -> u64 {
        let (of, end) = self.shared.orders().confirmed;
        if of == segment { end } else { 0 }
    }

    /// What the disk reported when it was asked to confirm; then nothing more must be written.
    pub fn failure(&self) -> Option<String> {
        self.shared.orders().failure.clone()
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.shared.orders().stop = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn orders(&self) -> MutexGuard<'_, Orders> {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a write, lets others join it, has the disk confirm them. Whether there may be more to do.
    fn confirm_next(&self, interval: Duration) -> bool {
        let orders = self.orders();
        let idle = |orders: &mut Orders| orders.written.is_none() && !orders.stop;
        let orders = self.changed.wait_while(orders, idle).unwrap_or_else(PoisonError::into_inner);
        let gathered = self.changed.wait_timeout_while(orders, interval, |orders| !orders.stop);
        let (mut orders, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        let Some(Written { segment, end, medium }) = orders.written.take() else { return false };
        drop(orders);
        let outcome = medium.sync();
        let mut orders = self.orders();
        match outcome {
            Ok(()) => orders.confirmed = (segment, end),
            Err(error) => orders.failure = Some(error.to_string()),
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_confirmed_at_the_latest_when_it_is_dropped() {
        let file: Arc<dyn Medium> = Arc::new(tempfile::tempfile().unwrap());
        let flusher = Flusher::start(Duration::from_secs(600)).unwrap();
        flusher.written(3, 50, &file);
        flusher.written(3, 70, &file);
        let shared = Arc::clone(&flusher.shared);
        drop(flusher);
        assert_eq!(shared.orders().confirmed, (3, 70));
    }
}
