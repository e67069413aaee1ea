//! Group commit: callers that wait at the same time are written together, so that they share one confirmation of the disk.
//!
//! There is no thread and no delay. The first caller writes what is there; who comes while it writes waits in line, and
//! the first of those writes for all of them. A single caller never waits for anybody.

use std::collections::HashMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// The line in front of a log. `T` is a piece of work, `R` its result.
#[derive(Debug)]
pub struct GroupCommit<T, R> {
    line: Mutex<Line<T, R>>,
    answered: Condvar,
    limit: usize,
}

#[derive(Debug)]
struct Line<T, R> {
    next_ticket: u64,
    is_writing: bool,
    waiting: Vec<(u64, Vec<T>)>,
    answers: HashMap<u64, Option<Vec<R>>>,
}

impl<T, R> GroupCommit<T, R> {
    /// A line of which up to `limit` pieces of work are written together; more only if one caller brings more.
    pub fn new(limit: usize) -> Self {
        let line = Line { next_ticket: 0, is_writing: false, waiting: Vec::new(), answers: HashMap::new() };
        Self { line: Mutex::new(line), answered: Condvar::new(), limit }
    }

    /// Gets in line with `work` and returns its results, in order. `write` is called by one caller at a time with the work
    /// of one or more callers and must return one result for each piece. `None` if the caller who wrote panicked: then
    /// nobody knows what became of the work.
    pub fn submit(&self, work: Vec<T>, write: impl FnOnce(Vec<T>) -> Vec<R>) -> Option<Vec<R>> {
        let mut line = self.line();
        let ticket = line.next_ticket;
        line.next_ticket += 1;
        line.waiting.push((ticket, work));
        loop {
            if let Some(answer) = line.answers.remove(&ticket) {
                return answer;
            }
            if !line.is_writing {
                break;
            }
            line = self.answered.wait(line).unwrap_or_else(PoisonError::into_inner);
        }
        line.is_writing = true;
        let group = take_group(&mut line.waiting, ticket, self.limit);
        drop(line);
        self.write_group(group, write);
        self.line().answers.remove(&ticket).flatten()
    }

    fn write_group(&self, group: Vec<(u64, Vec<T>)>, write: impl FnOnce(Vec<T>) -> Vec<R>) {
        let sizes: Vec<(u64, usize)> = group.iter().map(|(ticket, work)| (*ticket, work.len())).collect();
        let mut turn = Turn { of: self, group: sizes, results: None };
        turn.results = Some(write(group.into_iter().flat_map(|(_, work)| work).collect()));
    }

    fn line(&self) -> MutexGuard<'_, Line<T, R>> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those who waited longest, up to the limit, and always `own`, whose owner does the writing.
fn take_group<T>(waiting: &mut Vec<(u64, Vec<T>)>, own: u64, limit: usize) -> Vec<(u64, Vec<T>)> {
    let mut room = limit;
    let (mut group, mut rest) = (Vec::new(), Vec::new());
    for (ticket, work) in waiting.drain(..) {
        if ticket == own || work.len() <= room {
            room = room.saturating_sub(work.len());
            group.push((ticket, work));
        } else {
            room = 0;
            rest.push((ticket, work));
        }
    }
    *waiting = rest;
    group
}

/// The right to write. However it ends, everybody in the group gets an answer and the next one may write.
struct Turn<'a, T, R> {
    of: &'a GroupCommit<T, R>,
    group: Vec<(u64, usize)>,
    results: Option<Vec<R>>,
}

impl<T, R> Drop for Turn<'_, T, R> {
    fn drop(&mut self) {
        let mut line = self.of.line();
        let mut results = self.results.take().map(Vec::into_iter);
        for (ticket, size) in &self.group {
            let answer = results.as_mut().map(|results| results.by_ref().take(*size).collect::<Vec<R>>());
            line.answers.insert(*ticket, answer.filter(|answer| answer.len() == *size));
        }
        line.is_writing = false;
        drop(line);
        self.of.answered.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Barrier;
    use std::thread;

    fn double(work: Vec<u32>) -> Vec<u32> {
        work.into_iter().map(|n| n * 2).collect()
    }

    #[test]
    fn a_single_caller_writes_at_once() {
        let line = GroupCommit::new(8);
        assert_eq!(line.submit(vec![1, 2, 3], double), Some(vec![2, 4, 6]));
        assert_eq!(line.submit(vec![], double), Some(vec![]));
    }

    #[test]
    fn callers_that_come_while_one_writes_are_written_together() {
        const LATE: u32 = 6;
        let line = &GroupCommit::new(100);
        let (begun, groups) = (&Barrier::new(2), &Mutex::new(Vec::new()));
        thread::scope(|scope| {
            scope.spawn(move || {
                line.submit(vec![0], |work| {
                    begun.wait();
                    while line.line().waiting.len() < LATE as usize {
                        thread::yield_now();
                    }
                    double(work)
                })
            });
            begun.wait();
            for n in 1..=LATE {
                scope.spawn(move || {
                    let answer = line.submit(vec![n, n], |work| {
                        groups.lock().unwrap().push(work.len());
                        double(work)
                    });
                    assert_eq!(answer, Some(vec![n * 2, n * 2]));
                });
            }
        });
        assert_eq!(*groups.lock().unwrap(), [2 * LATE as usize]);
    }

    #[test]
    fn a_group_keeps_to_the_limit_and_to_the_order() {
        let mut waiting = vec![(1, vec![0; 3]), (2, vec![0; 3]), (3, vec![0; 3]), (4, vec![0; 1])];
        let group: Vec<u64> = take_group(&mut waiting, 1, 7).iter().map(|(ticket, _)| *ticket).collect();
        assert_eq!(group, [1, 2]);
        assert_eq!(waiting.len(), 2, "who came later does not overtake");
        let own: Vec<u64> = take_group(&mut waiting, 4, 1).iter().map(|(ticket, _)| *ticket).collect();
        assert_eq!(own, [4], "the writer writes at least its own");
    }

    #[test]
    fn a_writer_that_panics_leaves_the_line_usable() {
        let line = &GroupCommit::new(8);
        let died = thread::scope(|scope| {
            scope.spawn(|| line.submit(vec![1], |_| -> Vec<u32> { panic!("as intended") })).join()
        });
        assert!(died.is_err());
        assert_eq!(line.submit(vec![4], double), Some(vec![8]));
        assert_eq!(line.submit(vec![4], |_| vec![]), None, "a missing result is no result");
    }
}
