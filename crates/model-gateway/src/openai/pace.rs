//! Time and chance, as the retries see them: handed in, so that tests decide both.

use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

use async_trait::async_trait;
use tokio::time::Instant;

/// A clock, a way to wait, and a source of chance.
#[async_trait]
pub trait Pace: Send + Sync + fmt::Debug {
    /// Time since some fixed moment; never goes back.
    fn now(&self) -> Duration;

    /// Waits.
    async fn sleep(&self, time: Duration);

    /// A number in `0.0..1.0`, different at each call, so that agents that failed together do not return together.
    fn jitter(&self) -> f64;
}

/// The real clock and real chance.
#[derive(Debug)]
pub struct WallPace {
    start: Instant,
}

impl Default for WallPace {
    fn default() -> Self {
        Self { start: Instant::now() }
    }
}

#[async_trait]
impl Pace for WallPace {
    fn now(&self) -> Duration {
        self.start.elapsed()
    }

    async fn sleep(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    fn jitter(&self) -> f64 {
        // Each RandomState has fresh keys, so the hash of nothing is a random number; enough for spreading retries.
        let bits = RandomState::new().build_hasher().finish() >> 11;
        bits as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_clock_advances_by_what_was_slept() {
        let pace = WallPace::default();
        let before = pace.now();
        pace.sleep(Duration::from_secs(3600)).await;
        assert!(pace.now() - before >= Duration::from_secs(3600));
    }

    #[test]
    fn jitter_is_in_range_and_varies() {
        let pace = WallPace { start: Instant::now() };
        let drawn: Vec<f64> = (0..64).map(|_| pace.jitter()).collect();
        assert!(drawn.iter().all(|x| (0.0..1.0).contains(x)), "{drawn:?}");
        assert!(drawn.iter().any(|x| *x != drawn[0]));
    }
}
