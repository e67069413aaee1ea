//! When to try again, and how long to wait before.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::pace::Pace;
use crate::error::ModelError;

/// When to try again. The endpoint's own wish for a pause wins over the computed one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts in all, the first included; 1 never tries again.
    pub attempts: u32,
    /// The pause after the first failure; it doubles with each further one.
    pub first_pause: Duration,
    /// The longest computed pause.
    pub longest_pause: Duration,
    /// The longest pause an endpoint may ask for; beyond it the call fails and says for how long to wait.
    pub longest_asked_pause: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts: 5,
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(30),
            longest_asked_pause: Duration::from_secs(120),
        }
    }
}

impl RetryPolicy {
    /// How long to wait after `attempt` (from 1) failed with `error`; `None` to give up.
    ///
    /// A computed pause is spread over half to the whole of its length by `jitter` (in `0.0..1.0`); a pause asked for is
    /// kept and stretched by up to a tenth, so that agents told the same do not return in the same instant.
    pub(crate) fn pause(&self, error: &ModelError, attempt: u32, jitter: f64) -> Option<Duration> {
        if attempt >= self.attempts || !error.is_transient() {
            return None;
        }
        if let ModelError::RateLimited { retry_after: Some(asked), .. } = error {
            return (*asked <= self.longest_asked_pause).then(|| asked.mul_f64(1.0 + jitter / 10.0));
        }
        let doubled = self.first_pause.saturating_mul(2u32.saturating_pow(attempt.saturating_sub(1)));
        Some(doubled.min(self.longest_pause).mul_f64(0.5 + jitter / 2.0))
    }
}

/// A pause that all requests to one endpoint keep: when one is told to slow down, the others would be told the same.
#[derive(Debug, Default)]
pub(crate) struct Hold {
    until: Mutex<Duration>,
}

impl Hold {
    /// Holds requests until `moment` on the pace's clock, unless they are held longer already.
    pub fn until(&self, moment: Duration) {
        let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
        *until = moment.max(*until);
    }

    /// Waits until no hold is in force.
    pub async fn wait(&self, pace: &dyn Pace) {
        loop {
            let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
            let left = until.saturating_sub(pace.now());
            if left.is_zero() {
                return;
            }
            pace.sleep(left).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::openai::WallPace;

    fn limited(seconds: Option<u64>) -> ModelError {
        ModelError::RateLimited { retry_after: seconds.map(Duration::from_secs), message: String::new() }
    }

    #[test]
    fn pauses_follow_the_policy() {
        let policy = RetryPolicy::default();
        let check = |error: &ModelError, attempt, jitter, expected_ms: Option<u64>| {
            let pause = policy.pause(error, attempt, jitter);
            assert_eq!(pause, expected_ms.map(Duration::from_millis), "{error} after {attempt}");
        };
        let busy = ModelError::Overloaded { status: Some(503), message: String::new() };
        check(&busy, 1, 0.0, Some(500));
        check(&busy, 1, 0.5, Some(750));
        check(&busy, 3, 0.0, Some(2000));
        check(&busy, 5, 0.0, None);
        check(&limited(None), 2, 0.0, Some(1000));
        check(&limited(Some(7)), 1, 0.0, Some(7000));
        check(&limited(Some(7)), 1, 0.5, Some(7350));
        check(&limited(Some(120)), 1, 0.0, Some(120_000));
        check(&limited(Some(121)), 1, 0.0, None);
        check(&ModelError::BadRequest { message: String::new() }, 1, 0.0, None);
    }

    #[test]
    fn computed_pauses_are_capped() {
        let policy = RetryPolicy { attempts: u32::MAX, ..RetryPolicy::default() };
        let busy = ModelError::Overloaded { status: None, message: String::new() };
        assert_eq!(policy.pause(&busy, 1000, 1.0), Some(Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_keeps_everyone_waiting_and_never_shrinks() {
        let (hold, pace) = (Hold::default(), WallPace::default());
        hold.wait(&pace).await;
        hold.until(Duration::from_secs(60));
        hold.until(Duration::from_secs(10));
        hold.wait(&pace).await;
        assert!(pace.now() >= Duration::from_secs(60), "{:?}", pace.now());
    }
}
