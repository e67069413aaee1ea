//! When a wait looks, and when it gives up: the time limit, the silence allowed, how often patterns are searched and
//! processes are looked at. Only arithmetic on times; the looking itself is in `turn`.

use std::time::Duration;

use tokio::time::Instant;

use super::expect::Expectations;
use super::living::deadline;
use crate::error::RuntimeError;
use crate::local::MAX_WAIT;
use crate::protocol::{BashAction, BashWaitAction};

/// Silence after which it is worth asking whether a process waits for input.
const QUIET: Duration = Duration::from_millis(20);

/// Longest time between two such questions, and between two samples of memory.
const SELDOM: Duration = Duration::from_millis(500);

/// Output up to this size is searched whenever it grows. Beyond it a search has to be earned by an eighth of growth or
/// by a pause, so that searching stays linear however small the pieces are.
const SMALL: usize = 16 << 10;

/// The pause in the output that makes a search due, at least.
const BREATH: Duration = Duration::from_millis(1);

/// How long one call waits, and for what besides the end of the command.
#[derive(Debug)]
pub(super) struct Patience {
    pub(super) limit: Duration,
    pub(super) deadline: Instant,
    pub(super) expected: Expectations,
    /// The silence allowed.
    pub(super) silence: Option<Duration>,
    pub(super) until_input: bool,
    /// Most bytes of output in the answer.
    pub(super) output_limit: usize,
}

/// See [`Patience::limit_in_passing`].
pub(super) const MOST_IN_PASSING: usize = 4 << 20;

impl Patience {
    /// Most bytes of output in an answer that only says why there is no end yet: nobody wants all of a flood with it.
    pub(super) fn limit_in_passing(&self) -> usize {
        self.output_limit.min(MOST_IN_PASSING)
    }

    /// Only the end of the command counts.
    pub(super) fn plain(limit: Duration, output_limit: usize) -> Self {
        let (deadline, expected) = (deadline(limit), Expectations::none());
        Self { limit, deadline, expected, silence: None, until_input: false, output_limit }
    }

    pub(super) fn for_command(action: &BashAction, most_output: usize) -> Result<Self, RuntimeError> {
        let output_limit = action.output_limit.unwrap_or(most_output).min(most_output);
        Ok(Self {
            expected: Expectations::new(&action.expect)?,
            silence: action.no_output_timeout,
            until_input: action.until_input,
            ..Self::plain(action.timeout.unwrap_or(MAX_WAIT), output_limit)
        })
    }

    pub(super) fn for_joining(action: &BashWaitAction, most_output: usize) -> Result<Self, RuntimeError> {
        let output_limit = action.output_limit.unwrap_or(most_output).min(most_output);
        Ok(Self {
            expected: Expectations::new(&action.expect)?,
            silence: action.no_output_timeout,
            until_input: action.until_input,
            ..Self::plain(action.timeout.unwrap_or(MAX_WAIT), output_limit)
        })
    }
}

/// The times of one wait. Offsets are those of the terminal's output.
#[derive(Debug)]
pub(super) struct Timetable {
    begun: Instant,
    /// Up to where patterns were searched, and how much of a pause the next search needs.
    searched: Option<u64>,
    breath: Duration,
    input: Recurring,
    memory: Recurring,
}

/// Something that is done less and less often.
#[derive(Debug)]
struct Recurring {
    next: Instant,
    pause: Duration,
}

impl Recurring {
    fn new(now: Instant) -> Self {
        Self { next: now + QUIET, pause: QUIET }
    }

    fn done(&mut self, now: Instant) {
        self.next = now + self.pause;
        self.pause = (self.pause * 2).min(SELDOM);
    }
}

impl Timetable {
    pub(super) fn new(now: Instant) -> Self {
        let (input, memory) = (Recurring::new(now), Recurring::new(now));
        Self { begun: now, searched: None, breath: BREATH, input, memory }
    }

    /// Since when there has been no output.
    fn quiet_since(&self, printed_at: Instant) -> Instant {
        printed_at.max(self.begun)
    }

    /// Whether patterns have to be searched now: there is news, and enough of it or a pause after it.
    pub(super) fn search_due(&self, now: Instant, end: u64, waiting: usize, printed_at: Instant) -> bool {
        let Some(searched) = self.searched else { return true };
        let news = end - searched;
        news > 0 && (waiting <= SMALL || news * 8 >= waiting as u64 || now >= printed_at + self.breath)
    }

    pub(super) fn searched(&mut self, end: u64, took: Duration) {
        self.searched = Some(end);
        self.breath = BREATH.max(took * 2);
    }

    pub(super) fn silent_too_long(
        &self,
        now: Instant,
        silence: Option<Duration>,
        printed_at: Instant,
    ) -> bool {
        silence.is_some_and(|silence| now >= self.quiet_since(printed_at) + silence.min(MAX_WAIT))
    }

    pub(super) fn input_check_due(&mut self, now: Instant, printed_at: Instant) -> bool {
        let quiet = self.quiet_since(printed_at) + QUIET;
        if self.input.next < quiet {
            self.input = Recurring { next: quiet, pause: QUIET };
        }
        now >= self.input.next
    }

    pub(super) fn input_checked(&mut self, now: Instant) {
        self.input.done(now);
    }

    pub(super) fn sample_due(&self, now: Instant) -> bool {
        now >= self.memory.next
    }

    pub(super) fn sampled(&mut self, now: Instant) {
        self.memory.done(now);
    }

    /// When to look again although nothing happened.
    pub(super) fn next_look(
        &self,
        patience: &Patience,
        sampling: bool,
        end: u64,
        printed_at: Instant,
    ) -> Instant {
        let search =
            (!patience.expected.is_empty() && self.searched != Some(end)).then(|| printed_at + self.breath);
        let silence = patience.silence.map(|silence| self.quiet_since(printed_at) + silence.min(MAX_WAIT));
        let input = patience.until_input.then_some(self.input.next);
        let memory = sampling.then_some(self.memory.next);
        let times = [search, silence, input, memory];
        times.into_iter().flatten().fold(patience.deadline, Instant::min)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn searches_are_earned_by_growth_or_a_pause() {
        let now = Instant::now();
        let mut times = Timetable::new(now);
        assert!(times.search_due(now, 0, 0, now), "what is left from before may match");
        times.searched(1000, Duration::ZERO);
        let large = 1 << 20;
        let cases = [
            (1000, 10, false),
            (1001, 10, true),
            (1001, large, false),
            (1000 + (large as u64) / 8, large, true),
        ];
        for (end, waiting, due) in cases {
            assert_eq!(times.search_due(now, end, waiting, now), due, "{end} {waiting}");
        }
        assert!(times.search_due(now + BREATH, 1001, large, now));
        times.searched(1001, Duration::from_millis(10));
        assert!(!times.search_due(now + Duration::from_millis(19), 1002, large, now));
        assert!(times.search_due(now + Duration::from_millis(20), 1002, large, now));
    }

    #[test]
    fn questions_become_rare_and_frequent_again_after_output() {
        let begun = Instant::now();
        let mut times = Timetable::new(begun);
        let at = |milliseconds| begun + Duration::from_millis(milliseconds);
        assert!(!times.input_check_due(at(19), begun) && times.input_check_due(at(20), begun));
        times.input_checked(at(20));
        assert!(!times.input_check_due(at(39), begun) && times.input_check_due(at(40), begun));
        times.input_checked(at(40));
        assert!(!times.input_check_due(at(79), begun) && times.input_check_due(at(80), begun));
        assert!(!times.input_check_due(at(119), at(100)) && times.input_check_due(at(120), at(100)));
        let silence = Some(Duration::from_millis(50));
        assert!(
            !times.silent_too_long(at(149), silence, at(100))
                && times.silent_too_long(at(150), silence, at(100))
        );
        assert!(!times.silent_too_long(at(1000), None, at(100)));
    }

    #[test]
    fn the_next_look_is_the_earliest_of_what_is_wanted() {
        let now = Instant::now();
        let times = Timetable::new(now);
        let mut patience = Patience::plain(Duration::from_secs(9), 1);
        assert_eq!(times.next_look(&patience, false, 0, now), patience.deadline);
        patience.silence = Some(Duration::from_millis(300));
        assert_eq!(times.next_look(&patience, false, 0, now), now + Duration::from_millis(300));
        assert_eq!(times.next_look(&patience, true, 0, now), now + QUIET);
    }
}
