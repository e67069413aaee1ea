//! One switch that stops an attempt: clonable, cheap to ask, and something to wait for.
//!
//! A token is cancelled once and stays cancelled. Whoever works on an attempt holds a clone and either asks between two
//! pieces of work or waits for it beside them.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;

/// Tells everyone who holds a clone that the work is no longer wanted.
#[derive(Debug, Clone)]
pub struct CancelToken {
    flag: Arc<watch::Sender<bool>>,
}

impl CancelToken {
    /// A token nobody has cancelled yet.
    #[must_use]
    pub fn new() -> Self {
        Self { flag: Arc::new(watch::Sender::new(false)) }
    }

    /// Cancels the work of everyone who holds a clone. Cancelling again changes nothing.
    pub fn cancel(&self) {
        self.flag.send_replace(true);
    }

    /// Whether someone cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        *self.flag.borrow()
    }

    /// Returns as soon as someone cancels; at once if that has already happened.
    pub async fn cancelled(&self) {
        let mut flag = self.flag.subscribe();
        if flag.wait_for(|&cancelled| cancelled).await.is_err() {
            // Unreachable while `self` keeps the sender alive; waiting for ever is then the truthful answer.
            pending::<()>().await;
        }
    }
}

impl Default for CancelToken {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_clone_sees_the_cancellation_and_late_waiters_return_at_once() {
        let token = CancelToken::new();
        let clone = token.clone();
        assert!(!clone.is_cancelled());
        let waiter = tokio::spawn({
            let token = token.clone();
            async move { token.cancelled().await }
        });
        token.cancel();
        token.cancel();
        waiter.await.unwrap();
        clone.cancelled().await;
        assert!(clone.is_cancelled());
    }

    #[tokio::test]
    async fn a_token_of_its_own_is_not_touched() {
        let (one, other) = (CancelToken::new(), CancelToken::default());
        one.cancel();
        assert!(!other.is_cancelled());
    }
}
