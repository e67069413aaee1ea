//! How often workers must be heard, and what follows from it.

use serde::{Deserialize, Serialize};

/// When silence becomes suspicious, and when it becomes death. The same for the roster and for all its workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LeasePolicy {
    /// How often a worker is heard, in milliseconds.
    pub heartbeat_ms: u64,
    /// After how many heartbeats' time of silence a worker is suspected: it gets nothing new.
    pub suspect_after: u32,
    /// After how many heartbeats' time of silence a worker is lost, and its attempts with it.
    pub lost_after: u32,
    /// How late the roster may be woken before it takes itself for the one that slept, in milliseconds. At least the time that
    /// an ordinary wake-up is late.
    pub stall_ms: u64,
    /// How much earlier than the roster a worker takes its leases for over, in milliseconds. At least by how much their clocks
    /// drift apart in the time of a lease.
    pub margin_ms: u64,
}

impl Default for LeasePolicy {
    /// Suspected after 2 seconds, lost after 6.
    fn default() -> Self {
        Self { heartbeat_ms: 500, suspect_after: 4, lost_after: 12, stall_ms: 1_000, margin_ms: 250 }
    }
}

/// A policy that cannot work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPolicy {
    /// Heartbeats without end.
    #[error("`heartbeat_ms` is 0; it must be at least 1")]
    NoInterval,
    /// Death before suspicion, or every late heartbeat is suspicious.
    #[error("`suspect_after` must be at least 2 and `lost_after` higher than it")]
    Order,
    /// A worker would give its leases up between two heartbeats.
    #[error(
        "`margin_ms` must be smaller than the time of a lease without two heartbeats, which is {room_ms} ms"
    )]
    Margin {
        /// The most that works, and one more.
        room_ms: u64,
    },
}

impl LeasePolicy {
    /// Whether it can work.
    ///
    /// # Errors
    /// It cannot.
    pub fn check(&self) -> Result<(), BadPolicy> {
        if self.heartbeat_ms == 0 {
            return Err(BadPolicy::NoInterval);
        }
        if self.suspect_after < 2 || self.lost_after <= self.suspect_after {
            return Err(BadPolicy::Order);
        }
        let room_ms = self.lost_ms().saturating_sub(self.heartbeat_ms.saturating_mul(2));
        if self.margin_ms >= room_ms { Err(BadPolicy::Margin { room_ms }) } else { Ok(()) }
    }

    /// Silence after which a worker is suspected, in milliseconds.
    pub fn suspect_ms(&self) -> u64 {
        self.heartbeat_ms.saturating_mul(self.suspect_after.into())
    }

    /// Silence after which a worker is lost; also the time of a lease, in milliseconds.
    pub fn lost_ms(&self) -> u64 {
        self.heartbeat_ms.saturating_mul(self.lost_after.into())
    }

    /// A living worker whose heartbeats arrive less than this later than they should is never lost, in milliseconds.
    pub fn tolerated_delay_ms(&self) -> u64 {
        self.lost_ms().saturating_sub(self.heartbeat_ms)
    }

    /// After this time at most a dead worker is declared lost, in milliseconds, if messages take at most `delay_ms` and the
    /// roster is woken at most `lateness_ms` late. If it is woken later than [`Self::stall_ms`], it excuses a worker once, for
    /// the time of a suspicion after it woke up.
    pub fn detection_bound_ms(&self, delay_ms: u64, lateness_ms: u64) -> u64 {
        let excused =
            if lateness_ms > self.stall_ms { self.suspect_ms().saturating_add(lateness_ms) } else { 0 };
        self.lost_ms().saturating_add(delay_ms).saturating_add(lateness_ms).saturating_add(excused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn policies_that_cannot_work() {
        let good = LeasePolicy::default();
        let room_ms = 5_000;
        for (policy, expected) in [
            (good, Ok(())),
            (LeasePolicy { heartbeat_ms: 0, ..good }, Err(BadPolicy::NoInterval)),
            (LeasePolicy { suspect_after: 1, ..good }, Err(BadPolicy::Order)),
            (LeasePolicy { lost_after: 4, ..good }, Err(BadPolicy::Order)),
            (LeasePolicy { margin_ms: 4_999, ..good }, Ok(())),
            (LeasePolicy { margin_ms: 5_000, ..good }, Err(BadPolicy::Margin { room_ms })),
        ] {
            assert_eq!(policy.check(), expected, "{policy:?}");
        }
    }

    #[test]
    fn what_follows_from_a_policy() {
        let policy = LeasePolicy::default();
        assert_eq!(
            (policy.suspect_ms(), policy.lost_ms(), policy.tolerated_delay_ms()),
            (2_000, 6_000, 5_500)
        );
        assert_eq!(policy.detection_bound_ms(100, 50), 6_150);
        assert_eq!(policy.detection_bound_ms(100, 60_000), 6_100 + 2 * 60_000 + 2_000);
    }
}
