//! How a specialist tells what it is doing, and how often.

use std::time::Duration;

use tokio::time::Instant;

use super::Plausible;

/// Told about an attempt while it lives. Calls are short and must not block.
pub trait AttemptObserver: Send + Sync {
    /// What is being done now, in one line, and how many candidates have been validated. At most four times a second.
    fn activity(&self, doing: &str, validations: u64);
    /// Every rank of this shard below `next_rank` has been judged; a search may be taken up there. About once a second.
    fn checkpoint(&self, next_rank: u64);
    /// A patch passes all failing tests of the group and all guards.
    fn plausible(&self, patch: &Plausible);
}

/// Time between two lines of activity.
const ACTIVITY_GAP: Duration = Duration::from_millis(250);
/// Time between two checkpoints…
const CHECKPOINT_GAP: Duration = Duration::from_secs(1);
/// …unless this many candidates were judged since the last one.
const CHECKPOINT_CANDIDATES: u64 = 200;

/// Passes reports on to an observer, not too often.
pub(super) struct Reporter<'a> {
    observer: &'a dyn AttemptObserver,
    last_activity: Option<Instant>,
    last_checkpoint: Instant,
    validated_at_checkpoint: u64,
}

impl<'a> Reporter<'a> {
    pub(super) fn new(observer: &'a dyn AttemptObserver) -> Self {
        Self { observer, last_activity: None, last_checkpoint: Instant::now(), validated_at_checkpoint: 0 }
    }

    /// Reports activity unless it was reported a moment ago; `doing` is only asked for when it is needed.
    pub(super) fn activity(&mut self, validations: u64, doing: impl FnOnce() -> String) {
        let now = Instant::now();
        if self.last_activity.is_none_or(|last| now - last >= ACTIVITY_GAP) {
            self.last_activity = Some(now);
            self.observer.activity(&doing(), validations);
        }
    }

    pub(super) fn checkpoint(&mut self, next_rank: u64, validated: u64) {
        let now = Instant::now();
        let many = validated >= self.validated_at_checkpoint + CHECKPOINT_CANDIDATES;
        if many || now - self.last_checkpoint >= CHECKPOINT_GAP {
            self.last_checkpoint = now;
            self.validated_at_checkpoint = validated;
            self.observer.checkpoint(next_rank);
        }
    }

    pub(super) fn plausible(&self, patch: &Plausible) {
        self.observer.plausible(patch);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Default)]
    struct Heard(Mutex<(Vec<String>, Vec<u64>)>);

    impl AttemptObserver for Heard {
        fn activity(&self, doing: &str, _validations: u64) {
            self.0.lock().unwrap().0.push(doing.to_owned());
        }
        fn checkpoint(&self, next_rank: u64) {
            self.0.lock().unwrap().1.push(next_rank);
        }
        fn plausible(&self, _patch: &Plausible) {}
    }

    #[tokio::test(start_paused = true)]
    async fn reports_are_thinned_out_by_time_and_count() {
        let heard = Heard::default();
        let mut reporter = Reporter::new(&heard);
        for step in 0..10u64 {
            reporter.activity(step, || format!("step {step}"));
            reporter.checkpoint(step, step);
            tokio::time::advance(Duration::from_millis(125)).await;
        }
        reporter.checkpoint(500, 500);
        let (lines, ranks) = &*heard.0.lock().unwrap();
        assert_eq!(lines, &["step 0", "step 2", "step 4", "step 6", "step 8"]);
        assert_eq!(ranks, &[8, 500]);
    }
}
