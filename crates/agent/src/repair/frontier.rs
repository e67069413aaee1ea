//! Which candidate comes next, and when it is enough. Pure bookkeeping over ranks.
//!
//! The first pass takes the shard's ranks in order. Candidates that ran out of their brief time wait in a queue that is only
//! served after the first pass, and only while nothing complete is known: endless loops among wrong candidates stay cheap,
//! and a correct but slow patch is still found.
//!
//! A complete patch at rank `r` closes the search behind `r + window(r)`: patches a little further down are worth comparing,
//! those far away are not.

use std::collections::VecDeque;

use super::SearchEnd;

/// Ranks looked at behind a complete patch, whatever its rank…
const WINDOW: u64 = 64;
/// …and at most.
const WIDEST_WINDOW: u64 = 512;

/// How many ranks behind a complete patch at `rank` are worth looking at.
pub(super) fn window(rank: u64) -> u64 {
    (WINDOW + rank / 4).min(WIDEST_WINDOW)
}

/// The shard's ranks that are left.
pub(super) struct Frontier {
    step: u64,
    total: u64,
    next: u64,
    /// The last rank worth trying, since a complete patch was found.
    last: Option<u64>,
    waiting: VecDeque<u64>,
}

/// What to do next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Judge this rank.
    Try(u64),
    /// Judge this rank again, with more time.
    Retry(u64),
    /// Stop.
    End(SearchEnd),
}

impl Frontier {
    /// The ranks below `total` that leave `shard.0` when divided by `shard.1`, from `start` on.
    pub(super) fn new(shard: (u32, u32), start: u64, total: u64) -> Self {
        let step = u64::from(shard.1.max(1));
        let index = u64::from(shard.0) % step;
        let next = start + (index + step - start % step) % step;
        Self { step, total, next, last: None, waiting: VecDeque::new() }
    }

    /// What comes next, given the rank siblings have bounded the search to.
    pub(super) fn next(&self, bound: Option<u64>) -> Next {
        let beyond = |limit: Option<u64>, rank: u64| limit.is_some_and(|limit| rank > limit);
        let found = self.last.is_some();
        if self.next < self.total && !beyond(self.last, self.next) && !beyond(bound, self.next) {
            return Next::Try(self.next);
        }
        match self.waiting.front() {
            _ if found => Next::End(SearchEnd::Found),
            _ if bound.is_some() => Next::End(SearchEnd::Bounded),
            Some(&rank) => Next::Retry(rank),
            None => Next::End(SearchEnd::Exhausted),
        }
    }

    /// Takes note that what [`Frontier::next`] named has been judged.
    pub(super) fn settle(&mut self, judged: &Next) {
        match judged {
            Next::Try(rank) => self.next = rank + self.step,
            Next::Retry(_) => drop(self.waiting.pop_front()),
            Next::End(_) => {}
        }
    }

    /// Puts a rank off until the first pass is over.
    pub(super) fn defer(&mut self, rank: u64) {
        self.waiting.push_back(rank);
    }

    /// Takes note of a complete patch.
    pub(super) fn found(&mut self, rank: u64) {
        let last = rank.saturating_add(window(rank));
        self.last = Some(self.last.map_or(last, |known| known.min(last)));
    }

    /// Ends the search: there are patches enough.
    pub(super) fn close(&mut self) {
        self.last = Some(0);
    }

    /// The first rank that was not judged.
    pub(super) fn next_rank(&self) -> u64 {
        self.next
    }

    /// How many candidates wait for more time.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Judges everything wrong and returns the ranks in the order they came.
    fn walk(mut frontier: Frontier, bound: Option<u64>) -> (Vec<u64>, SearchEnd) {
        let mut seen = Vec::new();
        loop {
            let next = frontier.next(bound);
            match next {
                Next::End(end) => return (seen, end),
                Next::Try(rank) | Next::Retry(rank) => seen.push(rank),
            }
            frontier.settle(&next);
        }
    }

    #[test]
    fn shards_cover_every_rank_exactly_once_wherever_they_start() {
        for (count, start, total) in [(1, 0, 10), (3, 0, 10), (4, 5, 23), (7, 22, 23), (3, 9, 9), (5, 0, 3)] {
            let mut ranks: Vec<u64> = (0..count)
                .flat_map(|index| walk(Frontier::new((index, count), start, total), None).0)
                .collect();
            ranks.sort_unstable();
            assert_eq!(ranks, (start..total).collect::<Vec<_>>(), "{count} shards from {start}");
        }
    }

    #[test]
    fn every_shard_keeps_its_order_and_its_residue() {
        assert_eq!(walk(Frontier::new((1, 3), 0, 10), None), (vec![1, 4, 7], SearchEnd::Exhausted));
        assert_eq!(walk(Frontier::new((1, 3), 5, 11), None), (vec![7, 10], SearchEnd::Exhausted));
        assert_eq!(walk(Frontier::new((0, 0), 0, 2), None), (vec![0, 1], SearchEnd::Exhausted));
    }

    #[test]
    fn a_bound_is_the_last_rank_tried() {
        assert_eq!(walk(Frontier::new((0, 2), 0, 100), Some(5)), (vec![0, 2, 4], SearchEnd::Bounded));
        assert_eq!(walk(Frontier::new((0, 2), 0, 100), Some(6)), (vec![0, 2, 4, 6], SearchEnd::Bounded));
    }

    #[test]
    fn deferred_ranks_come_after_the_first_pass() {
        let mut frontier = Frontier::new((0, 1), 0, 3);
        frontier.settle(&Next::Try(0));
        frontier.defer(0);
        assert_eq!(walk(frontier, None), (vec![1, 2, 0], SearchEnd::Exhausted));
    }

    #[test]
    fn nothing_is_retried_once_a_patch_is_known() {
        let mut frontier = Frontier::new((0, 1), 0, 3);
        frontier.defer(0);
        frontier.settle(&Next::Try(1));
        frontier.found(1);
        assert_eq!(walk(frontier, None), (vec![2], SearchEnd::Found));
        let mut frontier = Frontier::new((0, 1), 3, 3);
        frontier.defer(0);
        assert_eq!(walk(frontier, Some(700)), (vec![], SearchEnd::Bounded));
    }

    #[test]
    fn a_patch_closes_the_search_behind_its_window() {
        let mut frontier = Frontier::new((0, 1), 0, 1000);
        frontier.found(0);
        frontier.found(40);
        let (ranks, end) = walk(frontier, None);
        assert_eq!((ranks.last(), end), (Some(&64), SearchEnd::Found));
        assert_eq!((window(0), window(100), window(1_000_000)), (64, 89, 512));
    }

    #[test]
    fn closing_ends_it_at_once() {
        let mut frontier = Frontier::new((0, 1), 5, 1000);
        frontier.close();
        assert_eq!(walk(frontier, None), (vec![], SearchEnd::Found));
    }
}
