//! One worker as the roster sees it.

use std::collections::BTreeMap;

use crate::{AttemptId, Incarnation, LeasePolicy, Token};

/// Where a worker stands.
///
/// ```text
///            silence            more silence, exit, restart
///   Alive ───────────► Suspect ──────────────────────────────► Lost
///     │  ◄───────────     │        (Alive ──────────────────────►)
///     │     heartbeat     │ drained
///     └───────────────────┴──────────────────────────────────► Departed      a higher incarnation begins anew as Alive
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It is heard.
    Alive,
    /// It was not heard for a while.
    Suspect,
    /// It is taken for dead, for good.
    Lost,
    /// It was drained and is done.
    Departed,
}

/// A lease as the roster sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) token: Token,
    /// When the heartbeat arrived that renewed it.
    pub(super) renewed_ms: u64,
}

/// A worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) incarnation: Incarnation,
    pub(super) standing: Standing,
    /// The latest heartbeat.
    pub(super) number: u64,
    /// When it arrived.
    pub(super) heard_ms: u64,
    /// No deadline before this: the roster itself slept while the worker may have called. Once for each silence.
    excused_until_ms: Option<u64>,
    pub(super) drain_until_ms: Option<u64>,
    pub(super) leases: BTreeMap<AttemptId, Held>,
    /// Its place on the roster's agenda.
    pub(super) scheduled_ms: Option<u64>,
}

impl Member {
    pub(super) fn new(incarnation: Incarnation, now_ms: u64) -> Self {
        Self {
            incarnation,
            standing: Standing::Alive,
            number: 0,
            heard_ms: now_ms,
            excused_until_ms: None,
            drain_until_ms: None,
            leases: BTreeMap::new(),
            scheduled_ms: None,
        }
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.standing, Standing::Alive | Standing::Suspect)
    }

    /// Notes a heartbeat; tells whether this ends a suspicion.
    pub(super) fn hear(&mut self, number: u64, now_ms: u64) -> bool {
        self.number = number;
        self.heard_ms = now_ms;
        self.excused_until_ms = None;
        std::mem::replace(&mut self.standing, Standing::Alive) == Standing::Suspect
    }

    /// Excuses the silence until then; tells whether it was not excused before.
    pub(super) fn excuse(&mut self, until_ms: u64) -> bool {
        let first = self.excused_until_ms.is_none();
        self.excused_until_ms.get_or_insert(until_ms);
        first
    }

    fn after(&self, from_ms: u64, time_ms: u64) -> u64 {
        from_ms.saturating_add(time_ms).max(self.excused_until_ms.unwrap_or(0))
    }

    /// When it will be suspected, if it is not heard before.
    pub(super) fn suspect_at_ms(&self, policy: &LeasePolicy) -> u64 {
        self.after(self.heard_ms, policy.suspect_ms())
    }

    /// When it will be lost, if it is not heard before.
    pub(super) fn lost_at_ms(&self, policy: &LeasePolicy) -> u64 {
        self.after(self.heard_ms, policy.lost_ms())
    }

    /// When a lease ends, if it is not renewed before.
    pub(super) fn expires_at_ms(&self, held: &Held, policy: &LeasePolicy) -> u64 {
        self.after(held.renewed_ms, policy.lost_ms())
    }

    /// When it must have gone, if it was told to go.
    pub(super) fn drained_at_ms(&self) -> Option<u64> {
        self.drain_until_ms.map(|until| self.after(until, 0))
    }

    /// When the roster must look at it next.
    pub(super) fn deadline_ms(&self, policy: &LeasePolicy) -> Option<u64> {
        if !self.is_live() {
            return None;
        }
        let suspicion = (self.standing == Standing::Alive).then(|| self.suspect_at_ms(policy));
        let leases = self.leases.values().map(|held| self.expires_at_ms(held, policy));
        leases.chain(suspicion).chain(self.drained_at_ms()).chain([self.lost_at_ms(policy)]).min()
    }
}
