//! A circuit breaker: something that keeps failing is left alone for a while, then tried with one probe.
//!
//! ```text
//!            failures in a row ≥ threshold                 the wait is over: one probe may pass
//!  Closed ───────────────────────────────► Open until t ──────────────────────────────────────► HalfOpen
//!    ▲                                        ▲                                                  │    │
//!    │                                        └────────────── probe fails: a longer wait ────────┘    │
//!    └─────────────────────────────────────────────────────── probe succeeds ─────────────────────────┘
//! ```
//! One per endpoint, sandbox backend or worker. Time is an argument; the caller keeps the value. (M. T. Nygard, *Release
//! It!*, 2007.)

use serde::{Deserialize, Serialize};

use crate::Backoff;

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct BreakerPolicy {
    /// Failures in a row that open it; 0 counts as 1.
    pub threshold: u32,
    /// How long it stays open, the first time and after each probe that failed.
    pub wait: Backoff,
    /// After how long a probe that was never answered makes room for the next one, in milliseconds.
    pub probe_timeout_ms: u64,
}

impl Default for BreakerPolicy {
    fn default() -> Self {
        let wait = Backoff { initial_ms: 1_000, factor: 2.0, max_ms: 60_000, jitter: 0.2 };
        Self { threshold: 5, wait, probe_timeout_ms: 60_000 }
    }
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum BreakerState {
    /// Everything may pass.
    Closed {
        /// Failures in a row so far.
        failures: u32,
    },
    /// Nothing may pass.
    Open {
        /// Until when, in milliseconds since the Unix epoch.
        until_ms: i64,
    },
    /// One probe is under way; nothing else may pass.
    HalfOpen {
        /// When the probe began.
        since_ms: i64,
    },
}

/// What a breaker says to somebody who wants to pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permit {
    /// Go on.
    Pass,
    /// Go on, alone: everybody waits for how it goes.
    Probe,
    /// Come back at this time, in milliseconds since the Unix epoch, at the earliest.
    Refused {
        /// The time.
        until_ms: i64,
    },
}

/// A breaker.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Breaker {
    policy: BreakerPolicy,
    state: BreakerState,
    /// Openings since it was last closed.
    openings: u32,
    seed: u64,
}

impl Breaker {
    /// A closed breaker. The seed makes the share of chance in its waits.
    pub fn new(policy: BreakerPolicy, seed: u64) -> Self {
        Self { policy, state: BreakerState::Closed { failures: 0 }, openings: 0, seed }
    }

    /// Where it stands.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// What it would say now. Changes nothing; whoever goes on calls [`Self::enter`].
    pub fn permit(&self, at_ms: i64) -> Permit {
        match self.state {
            BreakerState::Closed { .. } => Permit::Pass,
            BreakerState::Open { until_ms } if at_ms >= until_ms => Permit::Probe,
            BreakerState::Open { until_ms } => Permit::Refused { until_ms },
            BreakerState::HalfOpen { since_ms } => {
                let until_ms = since_ms.saturating_add_unsigned(self.policy.probe_timeout_ms);
                if at_ms >= until_ms { Permit::Probe } else { Permit::Refused { until_ms } }
            }
        }
    }

    /// Asks for leave to pass and, where it is given, notes that somebody passed.
    pub fn enter(&mut self, at_ms: i64) -> Permit {
        let permit = self.permit(at_ms);
        if permit == Permit::Probe {
            self.state = BreakerState::HalfOpen { since_ms: at_ms };
        }
        permit
    }

    /// Somebody who passed came through. One who had passed before the breaker opened does not close it.
    pub fn succeed(&mut self) {
        if !matches!(self.state, BreakerState::Open { .. }) {
            self.state = BreakerState::Closed { failures: 0 };
            self.openings = 0;
        }
    }

    /// Somebody who passed failed. Those who had passed before the breaker opened do not lengthen the wait.
    pub fn fail(&mut self, at_ms: i64) {
        match self.state {
            BreakerState::Closed { failures } if failures + 1 < self.policy.threshold => {
                self.state = BreakerState::Closed { failures: failures + 1 };
            }
            BreakerState::Closed { .. } | BreakerState::HalfOpen { .. } => self.open(at_ms, 0),
            BreakerState::Open { .. } => {}
        }
    }

    /// The other side asked to be left alone for this long, as with a 429: opens at once, for at least that long.
    pub fn refuse(&mut self, at_ms: i64, retry_after_ms: u64) {
        match self.state {
            BreakerState::Open { until_ms } => {
                let until_ms = until_ms.max(at_ms.saturating_add_unsigned(retry_after_ms));
                self.state = BreakerState::Open { until_ms };
            }
            _ => self.open(at_ms, retry_after_ms),
        }
    }

    fn open(&mut self, at_ms: i64, at_least_ms: u64) {
        self.openings = self.openings.saturating_add(1);
        let wait = self.policy.wait.delay_ms(self.openings, self.seed).max(at_least_ms);
        self.state = BreakerState::Open { until_ms: at_ms.saturating_add_unsigned(wait) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn breaker() -> Breaker {
        let wait = Backoff { initial_ms: 100, factor: 2.0, max_ms: 1_000, jitter: 0.0 };
        Breaker::new(BreakerPolicy { threshold: 3, wait, probe_timeout_ms: 50 }, 7)
    }

    /// Plays words against a breaker: `fail@t`, `ok`, `enter@t`, `429@t`; answers of `enter` and the last state come back.
    fn check(words: &str, permits: &[Permit], state: BreakerState) {
        let mut breaker = breaker();
        let mut given = Vec::new();
        for word in words.split_whitespace() {
            let (verb, at) = word.split_once('@').unwrap_or((word, "0"));
            let at_ms = at.parse().unwrap();
            match verb {
                "fail" => breaker.fail(at_ms),
                "ok" => breaker.succeed(),
                "429" => breaker.refuse(at_ms, 500),
                _ => given.push(breaker.enter(at_ms)),
            }
        }
        assert_eq!((given.as_slice(), breaker.state()), (permits, state), "{words}");
    }

    #[test]
    fn every_transition() {
        use BreakerState::*;
        use Permit::*;
        check("fail@1 fail@2 enter@3", &[Pass], Closed { failures: 2 });
        check("fail@1 fail@2 ok fail@3", &[], Closed { failures: 1 });
        check("fail@1 fail@2 fail@3 enter@4", &[Refused { until_ms: 103 }], Open { until_ms: 103 });
        let open = "fail@1 fail@2 fail@3 ";
        check(&format!("{open} fail@9 ok"), &[], Open { until_ms: 103 });
        check(
            &format!("{open} enter@103 enter@104"),
            &[Probe, Refused { until_ms: 153 }],
            HalfOpen { since_ms: 103 },
        );
        check(&format!("{open} enter@103 enter@153"), &[Probe, Probe], HalfOpen { since_ms: 153 });
        check(&format!("{open} enter@103 ok enter@104"), &[Probe, Pass], Closed { failures: 0 });
        check(&format!("{open} enter@103 fail@110"), &[Probe], Open { until_ms: 310 });
        check(&format!("{open} enter@103 ok fail@1 fail@2 fail@3"), &[Probe], Open { until_ms: 103 });
        check("429@10 enter@20", &[Refused { until_ms: 510 }], Open { until_ms: 510 });
        check("429@10 429@20", &[], Open { until_ms: 520 });
    }

    #[test]
    fn a_breaker_survives_text() {
        let mut breaker = breaker();
        breaker.refuse(1, 2);
        let text = serde_json::to_string(&breaker).unwrap();
        assert_eq!(serde_json::from_str::<Breaker>(&text).unwrap(), breaker);
    }
}
