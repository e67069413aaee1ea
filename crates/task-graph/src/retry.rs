//! What follows when an attempt fails, as data: classes of failure, which of them lead to another try, and after how long.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Limit;
use crate::chance::{Chance, mix};

/// Why an attempt failed, as far as it matters for what follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureClass {
    /// The machinery broke or refused: a worker was lost, an endpoint answered 429 or 5xx, a disk was full.
    Infrastructure,
    /// The attempt ran into a limit of its own.
    Limit,
    /// The agent found no way.
    GaveUp,
    /// The agent answered, but a check says that the answer is wrong.
    CheckFailed,
    /// The sandbox is in a state in which nothing can be said about the task: the next try needs a fresh one.
    PoisonedSandbox,
}

/// A failed attempt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub class: FailureClass,
    /// Why, for people.
    pub reason: String,
    /// What there is nevertheless: partial results are kept. Opaque here.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub output: Value,
    /// Whether the attempt took its worker with it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub killed_worker: bool,
    /// How long the other side asked us to stay away, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The limit, where one was reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<Limit>,
}

impl Failure {
    /// A failure of which nothing else is known.
    pub fn new(class: FailureClass, reason: impl Into<String>) -> Self {
        Self {
            class,
            reason: reason.into(),
            output: Value::Null,
            killed_worker: false,
            retry_after_ms: None,
            limit: None,
        }
    }
}

/// Which endings of an attempt lead to another attempt, while attempts remain, and after how long.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// The machinery broke, or the process ended. `false` for work that must never be repeated blindly.
    pub on_lost: bool,
    /// The agent found no way.
    pub on_gave_up: bool,
    /// The attempt ran into its own limit.
    pub on_limit: bool,
    /// The answer did not pass its check.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub on_check_failed: bool,
    /// How long to wait before the next attempt. Absent: not at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backoff: Option<Backoff>,
    /// After how many attempts that took their worker with them the task fails for good, whatever attempts remain.
    /// Absent: never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quarantine_after: Option<u32>,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            on_lost: true,
            on_gave_up: false,
            on_limit: false,
            on_check_failed: false,
            backoff: None,
            quarantine_after: None,
        }
    }
}

impl RetryPolicy {
    /// Whether a failure of this class lets the task be tried again. A poisoned sandbox is machinery that broke.
    pub fn retries(&self, class: FailureClass) -> bool {
        match class {
            FailureClass::Infrastructure | FailureClass::PoisonedSandbox => self.on_lost,
            FailureClass::Limit => self.on_limit,
            FailureClass::GaveUp => self.on_gave_up,
            FailureClass::CheckFailed => self.on_check_failed,
        }
    }

    /// Whether a task that killed this many workers is to be left alone.
    pub fn quarantines(&self, kills: u32) -> bool {
        self.quarantine_after.is_some_and(|most| kills >= most.max(1))
    }
}

/// How the wait between attempts grows.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Backoff {
    /// The wait after the first failure, in milliseconds.
    pub initial_ms: u64,
    /// By how much each wait is longer than the one before; less than 1 counts as 1.
    #[serde(default = "twice")]
    pub factor: f64,
    /// The longest wait, in milliseconds, chance included.
    pub max_ms: u64,
    /// How much of the wait is left to chance, from 0 (none) to 1 (all of it), so that many that failed together do not
    /// come back together.
    #[serde(default)]
    pub jitter: f64,
}

fn twice() -> f64 {
    2.0
}

impl Backoff {
    /// The wait after the `failures`-th failure, in milliseconds. The same for the same seed.
    pub fn delay_ms(&self, failures: u32, seed: u64) -> u64 {
        let most = self.max_ms as f64;
        let factor = if self.factor >= 1.0 { self.factor } else { 1.0 };
        let mut delay = (self.initial_ms as f64).min(most);
        // By hand, because the precision of `powi` differs between platforms.
        for _ in 1..failures {
            if delay >= most || factor <= 1.0 {
                break;
            }
            delay = (delay * factor).min(most);
        }
        let jitter = if self.jitter > 0.0 { self.jitter.min(1.0) } else { 0.0 };
        let chance = Chance::new(mix(seed, u64::from(failures))).fraction();
        (delay * (1.0 - jitter * chance)) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let backoff = Backoff { initial_ms: 100, factor: 2.0, max_ms: 1_000, jitter: 0.0 };
        let waits: Vec<u64> = (1..=6).map(|failures| backoff.delay_ms(failures, 1)).collect();
        assert_eq!(waits, [100, 200, 400, 800, 1_000, 1_000]);
        assert_eq!(backoff.delay_ms(u32::MAX, 1), 1_000);
        let odd = Backoff { factor: f64::NAN, jitter: f64::NAN, ..backoff };
        assert_eq!(odd.delay_ms(u32::MAX, 1), 100);
    }

    #[test]
    fn chance_shortens_waits_differently_for_each_seed_and_equally_for_one() {
        let backoff = Backoff { initial_ms: 1_000, factor: 2.0, max_ms: 60_000, jitter: 0.5 };
        let waits: Vec<u64> = (0..200).map(|seed| backoff.delay_ms(1, seed)).collect();
        assert!(waits.iter().all(|wait| (500..=1_000).contains(wait)), "{waits:?}");
        let distinct: std::collections::BTreeSet<&u64> = waits.iter().collect();
        assert!(distinct.len() > 150, "{}", distinct.len());
        assert_eq!(backoff.delay_ms(3, 9), backoff.delay_ms(3, 9));
    }

    #[test]
    fn what_was_written_before_there_were_classes_reads_the_same() {
        let text = r#"{"on_lost":true,"on_gave_up":false,"on_limit":true}"#;
        let policy: RetryPolicy = serde_json::from_str(text).unwrap();
        assert_eq!(policy, RetryPolicy { on_limit: true, ..RetryPolicy::default() });
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
    }

    #[test]
    fn classes_follow_their_switches() {
        use FailureClass::*;
        let none = RetryPolicy { on_lost: false, ..RetryPolicy::default() };
        let cases = [
            (RetryPolicy { on_lost: true, ..none }, vec![Infrastructure, PoisonedSandbox]),
            (RetryPolicy { on_limit: true, ..none }, vec![Limit]),
            (RetryPolicy { on_gave_up: true, ..none }, vec![GaveUp]),
            (RetryPolicy { on_check_failed: true, ..none }, vec![CheckFailed]),
        ];
        for (policy, expected) in cases {
            let all = [Infrastructure, PoisonedSandbox, Limit, GaveUp, CheckFailed];
            let retried: Vec<FailureClass> = all.into_iter().filter(|class| policy.retries(*class)).collect();
            assert_eq!(retried, expected);
        }
    }
}
