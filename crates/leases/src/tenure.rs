//! The worker's own view: what it holds, and until when it may act on it.
//!
//! A lease runs from the moment at which a heartbeat was *sent*, and the roster counts from the moment at which it *arrived*.
//! So the worker always gives up first, however long messages take, and no two workers ever act on one attempt. (C. Gray and
//! D. Cheriton, *Leases*, 1989.)

use std::collections::BTreeMap;

use crate::{
    Acknowledgement, AttemptId, Heartbeat, Incarnation, Lease, LeasePolicy, Message, Token, WorkerId,
};

/// What a worker holds. All times are milliseconds of the worker's own monotone clock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tenure {
    policy: LeasePolicy,
    worker: WorkerId,
    incarnation: Incarnation,
    /// When each heartbeat was sent, as long as an answer to it is of use.
    sent_ms: BTreeMap<u64, u64>,
    number: u64,
    latest_ms: u64,
    leases: BTreeMap<AttemptId, Possession>,
    /// The latest token with which each attempt was given up, and when: a repeated lease must not bring it back. Kept as long as
    /// the lease could still be of use.
    given_up: BTreeMap<AttemptId, (Token, u64)>,
    draining: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Possession {
    token: Token,
    until_ms: u64,
}

impl Tenure {
    /// Of a worker that registers now.
    pub fn new(policy: LeasePolicy, worker: WorkerId, incarnation: Incarnation, now_ms: u64) -> Self {
        let sent_ms = BTreeMap::from([(0, now_ms)]);
        Self {
            policy,
            worker,
            incarnation,
            sent_ms,
            number: 0,
            latest_ms: now_ms,
            leases: BTreeMap::new(),
            given_up: BTreeMap::new(),
            draining: false,
        }
    }

    /// The registration, to be sent before any heartbeat.
    pub fn registration(&self) -> Message {
        Message::Register { worker: self.worker.clone(), incarnation: self.incarnation }
    }

    /// When the next heartbeat is due.
    pub fn next_heartbeat_ms(&self) -> u64 {
        self.latest_ms.saturating_add(self.policy.heartbeat_ms)
    }

    /// The next heartbeat, to be sent at once.
    pub fn heartbeat(&mut self, now_ms: u64) -> Heartbeat {
        self.latest_ms = self.latest_ms.max(now_ms);
        self.number += 1;
        let useful_ms = self.latest_ms.saturating_sub(self.policy.lost_ms());
        self.sent_ms.retain(|_, sent_ms| *sent_ms >= useful_ms);
        self.given_up.retain(|_, (_, at_ms)| *at_ms >= useful_ms);
        self.sent_ms.insert(self.number, self.latest_ms);
        let holds = self.leases.iter().map(|(attempt, held)| (attempt.clone(), held.token)).collect();
        Heartbeat { worker: self.worker.clone(), incarnation: self.incarnation, number: self.number, holds }
    }

    /// Takes a lease; tells whether it is meant for this life of this worker, and later than what it holds or has given up.
    pub fn accept(&mut self, lease: &Lease) -> bool {
        let mine = lease.worker == self.worker && lease.incarnation == self.incarnation;
        let held = self.leases.get(&lease.attempt).map(|held| held.token);
        let given_up = self.given_up.get(&lease.attempt).map(|(token, _)| *token);
        let newer = held.max(given_up).is_none_or(|latest| latest < lease.token);
        if mine && newer {
            let held = Possession { token: lease.token, until_ms: self.until_ms(lease.since) };
            self.leases.insert(lease.attempt.clone(), held);
        }
        mine && newer
    }

    /// Takes the answer to a heartbeat; tells which attempts must be stopped at once.
    pub fn acknowledged(&mut self, answer: &Acknowledgement) -> Vec<AttemptId> {
        if answer.worker != self.worker || answer.incarnation != self.incarnation {
            return vec![];
        }
        self.draining |= answer.draining;
        let until_ms = self.until_ms(answer.number);
        for (attempt, token) in &answer.renewed {
            if let Some(held) = self.leases.get_mut(attempt).filter(|held| held.token == *token) {
                held.until_ms = held.until_ms.max(until_ms);
            }
        }
        // Only what is still held with that token: it may have been granted again since.
        let stopped = answer.stop.iter().filter(|(attempt, token)| {
            self.token(attempt) == Some(*token) && self.give_up(attempt).is_some()
        });
        stopped.map(|(attempt, _)| attempt.clone()).collect()
    }

    /// Whether the worker may act on an attempt now. To be asked before everything that others see. The token must be shown
    /// nevertheless: the worker may be put to sleep right after asking.
    pub fn may_act(&self, attempt: &AttemptId, now_ms: u64) -> bool {
        self.leases.get(attempt).is_some_and(|held| now_ms < held.until_ms)
    }

    /// The token to be shown for an attempt.
    pub fn token(&self, attempt: &AttemptId) -> Option<Token> {
        self.leases.get(attempt).map(|held| held.token)
    }

    /// Gives an attempt up; the message tells the roster.
    pub fn finish(&mut self, attempt: &AttemptId) -> Option<Message> {
        let token = self.give_up(attempt)?;
        Some(Message::Finish { attempt: attempt.clone(), token })
    }

    /// Whether the worker shall end when it holds nothing any more.
    pub fn is_draining(&self) -> bool {
        self.draining
    }

    fn give_up(&mut self, attempt: &AttemptId) -> Option<Token> {
        let token = self.leases.remove(attempt)?.token;
        self.given_up.insert(attempt.clone(), (token, self.latest_ms));
        Some(token)
    }

    /// Until when a lease holds that runs from a heartbeat. Not at all, if that was too long ago to be remembered.
    fn until_ms(&self, number: u64) -> u64 {
        let time_ms = self.policy.lost_ms().saturating_sub(self.policy.margin_ms);
        self.sent_ms.get(&number).map_or(0, |sent_ms| sent_ms.saturating_add(time_ms))
    }
}
