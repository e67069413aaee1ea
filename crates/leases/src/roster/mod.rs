//! The workers of a run and what they hold, as the one who hands out work sees it.

mod member;
mod sweep;

use std::collections::{BTreeMap, BTreeSet};

use member::{Held, Member};

pub use member::Standing;

use crate::{
    Acknowledgement, AttemptId, Effect, Heartbeat, Incarnation, Lease, LeasePolicy, LossCause, Message,
    Refusal, Token, WorkerId,
};

/// All workers. One per owner of a run, and never outlives it: the next owner begins with an empty one and a higher epoch.
///
/// All times are milliseconds of the monotone clock of this process. A time before the latest one counts as the latest one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    policy: LeasePolicy,
    epoch: u64,
    /// The serial of the latest token.
    serial: u64,
    latest_ms: u64,
    members: BTreeMap<WorkerId, Member>,
    /// Who holds each attempt. The leases themselves lie with their workers.
    holders: BTreeMap<AttemptId, WorkerId>,
    /// When to look at whom, the earliest first: one entry for each living worker.
    agenda: BTreeSet<(u64, WorkerId)>,
}

impl Roster {
    /// Without workers. `epoch` is that of the run's owner: it makes tokens rise across processes.
    pub fn new(policy: LeasePolicy, epoch: u64) -> Self {
        Self {
            policy,
            epoch,
            serial: 0,
            latest_ms: 0,
            members: BTreeMap::new(),
            holders: BTreeMap::new(),
            agenda: BTreeSet::new(),
        }
    }

    /// Takes a message and tells what must be done. Only [`Message::Tick`] declares anybody dead: messages that lie in the
    /// queue are better taken before it.
    ///
    /// # Errors
    /// The message is refused and changes nothing.
    pub fn handle(&mut self, now_ms: u64, message: &Message) -> Result<Vec<Effect>, Refusal> {
        self.latest_ms = self.latest_ms.max(now_ms);
        match message {
            Message::Register { worker, incarnation } => self.register(worker, *incarnation),
            Message::Heartbeat(heartbeat) => self.hear(heartbeat),
            Message::Grant { attempt, worker } => self.grant(attempt, worker),
            Message::Finish { attempt, token } => self.finish(attempt, *token),
            Message::Drain { worker, within_ms } => self.drain(worker, *within_ms),
            Message::Exited { worker, incarnation } => self.exited(worker, *incarnation),
            Message::Tick => Ok(self.sweep()),
        }
    }

    /// When [`Message::Tick`] is due next; `None` while there is nobody to wait for.
    pub fn next_wake_ms(&self) -> Option<u64> {
        self.agenda.first().map(|(deadline, _)| *deadline)
    }

    /// Whether `token` holds `attempt` now. To be asked before anything of the attempt is recorded.
    ///
    /// # Errors
    /// It does not (any more).
    pub fn check(&self, attempt: &AttemptId, token: Token) -> Result<(), Refusal> {
        let held = self.holder(attempt).and_then(|worker| self.members.get(worker)?.leases.get(attempt));
        match held {
            Some(held) if held.token == token => Ok(()),
            _ => Err(Refusal::StaleToken { attempt: attempt.clone(), token }),
        }
    }

    /// Who holds an attempt.
    pub fn holder(&self, attempt: &AttemptId) -> Option<&WorkerId> {
        self.holders.get(attempt)
    }

    /// Where a worker stands, and in which life.
    pub fn standing(&self, worker: &WorkerId) -> Option<(Incarnation, Standing)> {
        self.members.get(worker).map(|member| (member.incarnation, member.standing))
    }

    /// Workers that may be granted something now.
    pub fn granting(&self) -> impl Iterator<Item = &WorkerId> {
        let ready = |member: &Member| member.standing == Standing::Alive && member.drain_until_ms.is_none();
        self.members.iter().filter(move |(_, member)| ready(member)).map(|(worker, _)| worker)
    }

    fn register(&mut self, worker: &WorkerId, incarnation: Incarnation) -> Result<Vec<Effect>, Refusal> {
        let mut effects = Vec::new();
        if let Some(known) = self.members.get(worker) {
            let current = known.incarnation;
            if incarnation < current {
                return Err(Refusal::WrongIncarnation { worker: worker.clone(), incarnation, current });
            }
            if incarnation == current {
                return self.live(worker, incarnation).map(|_| effects);
            }
            if known.is_live() {
                effects.push(self.lose(worker, LossCause::Restarted));
            }
        }
        self.members.insert(worker.clone(), Member::new(incarnation, self.latest_ms));
        self.reschedule(worker);
        Ok(effects)
    }

    fn hear(&mut self, heartbeat: &Heartbeat) -> Result<Vec<Effect>, Refusal> {
        let Heartbeat { worker, incarnation, number, holds } = heartbeat;
        let now_ms = self.latest_ms;
        let member = self.live(worker, *incarnation)?;
        if *number <= member.number {
            let (worker, last) = (worker.clone(), member.number);
            return Err(Refusal::OldHeartbeat { worker, number: *number, last });
        }
        let recovered = member.hear(*number, now_ms);
        let (renewed, stop) = renew(member, holds, now_ms);
        let draining = member.drain_until_ms.is_some();
        self.reschedule(worker);
        let (number, incarnation) = (*number, *incarnation);
        let acknowledgement =
            Acknowledgement { worker: worker.clone(), incarnation, number, renewed, stop, draining };
        let recovered = recovered.then(|| Effect::Recovered { worker: worker.clone() });
        Ok(recovered.into_iter().chain([Effect::Acknowledge(acknowledgement)]).collect())
    }

    fn grant(&mut self, attempt: &AttemptId, worker: &WorkerId) -> Result<Vec<Effect>, Refusal> {
        if let Some(holder) = self.holders.get(attempt) {
            return Err(Refusal::AlreadyHeld { attempt: attempt.clone(), worker: holder.clone() });
        }
        let (now_ms, policy) = (self.latest_ms, self.policy);
        let token = Token { epoch: self.epoch, serial: self.serial + 1 };
        let incarnation = self.standing(worker).map_or(Incarnation(0), |(incarnation, _)| incarnation);
        let member = self.live(worker, incarnation)?;
        let draining = member.drain_until_ms.is_some();
        // Also one that nobody has looked at since it became suspicious.
        if draining || member.standing == Standing::Suspect || now_ms >= member.suspect_at_ms(&policy) {
            return Err(Refusal::NotGranting { worker: worker.clone(), draining });
        }
        // From the latest heartbeat on, because the worker knows when it sent that, but not when this was granted.
        let (since, renewed_ms) = (member.number, member.heard_ms);
        member.leases.insert(attempt.clone(), Held { token, renewed_ms });
        self.serial = token.serial;
        self.holders.insert(attempt.clone(), worker.clone());
        self.reschedule(worker);
        let (attempt, worker) = (attempt.clone(), worker.clone());
        Ok(vec![Effect::Launch(Lease { attempt, worker, incarnation, token, since })])
    }

    fn finish(&mut self, attempt: &AttemptId, token: Token) -> Result<Vec<Effect>, Refusal> {
        self.check(attempt, token)?;
        let Some(worker) = self.holders.remove(attempt) else { return Ok(vec![]) };
        if let Some(member) = self.members.get_mut(&worker) {
            member.leases.remove(attempt);
        }
        let effects = self.depart_if_done(&worker);
        self.reschedule(&worker);
        Ok(effects)
    }

    fn drain(&mut self, worker: &WorkerId, within_ms: u64) -> Result<Vec<Effect>, Refusal> {
        let incarnation = self.standing(worker).map_or(Incarnation(0), |(incarnation, _)| incarnation);
        let until = self.latest_ms.saturating_add(within_ms);
        let member = self.live(worker, incarnation)?;
        // Asked twice, the earlier deadline holds.
        member.drain_until_ms = Some(member.drain_until_ms.map_or(until, |earlier| earlier.min(until)));
        let effects = self.depart_if_done(worker);
        self.reschedule(worker);
        Ok(effects)
    }

    fn exited(&mut self, worker: &WorkerId, incarnation: Incarnation) -> Result<Vec<Effect>, Refusal> {
        match self.live(worker, incarnation) {
            Ok(_) => Ok(vec![self.lose(worker, LossCause::Exited)]),
            // It is known already.
            Err(Refusal::LifeOver { .. }) => Ok(vec![]),
            Err(refusal) => Err(refusal),
        }
    }

    /// A worker in the life that counts, which is not over.
    fn live(&mut self, worker: &WorkerId, incarnation: Incarnation) -> Result<&mut Member, Refusal> {
        let member =
            self.members.get_mut(worker).ok_or_else(|| Refusal::UnknownWorker { worker: worker.clone() })?;
        let current = member.incarnation;
        if incarnation != current {
            return Err(Refusal::WrongIncarnation { worker: worker.clone(), incarnation, current });
        }
        if !member.is_live() {
            return Err(Refusal::LifeOver { worker: worker.clone(), incarnation });
        }
        Ok(member)
    }

    /// Puts a worker at its place on the agenda.
    fn reschedule(&mut self, worker: &WorkerId) {
        let Some(member) = self.members.get_mut(worker) else { return };
        let deadline = member.deadline_ms(&self.policy);
        if let Some(old) = std::mem::replace(&mut member.scheduled_ms, deadline) {
            self.agenda.remove(&(old, worker.clone()));
        }
        if let Some(deadline) = deadline {
            self.agenda.insert((deadline, worker.clone()));
        }
    }
}

/// What a worker says it holds.
type Claim = (AttemptId, Token);

/// Renews what the worker really holds; the rest it must stop.
fn renew(member: &mut Member, holds: &[Claim], now_ms: u64) -> (Vec<Claim>, Vec<Claim>) {
    let (mut renewed, mut stop) = (Vec::new(), Vec::new());
    for (attempt, token) in holds {
        match member.leases.get_mut(attempt).filter(|held| held.token == *token) {
            Some(held) => {
                held.renewed_ms = now_ms;
                renewed.push((attempt.clone(), *token));
            }
            None => stop.push((attempt.clone(), *token)),
        }
    }
    (renewed, stop)
}
