//! What becomes of those who are silent for too long.

use super::member::Standing;
use super::{Effect, LossCause, Roster, Token, WorkerId};
use crate::AttemptId;

impl Roster {
    /// Looks at every worker whose time has come.
    pub(super) fn sweep(&mut self) -> Vec<Effect> {
        let mut effects = Vec::new();
        // Each look moves the worker's deadline behind now, or ends its life; so this ends.
        while let Some((deadline_ms, worker)) = self.agenda.first().cloned()
            && deadline_ms <= self.latest_ms
        {
            if !self.excuse(&worker, deadline_ms) {
                effects.extend(self.judge(&worker));
            }
            self.reschedule(&worker);
        }
        effects
    }

    /// Excuses a silence of which the roster itself may be the cause: if it was woken so late that it must have slept, what the
    /// worker said meanwhile may still lie in the queue.
    fn excuse(&mut self, worker: &WorkerId, deadline_ms: u64) -> bool {
        let late_ms = self.latest_ms.saturating_sub(deadline_ms);
        let until_ms = self.latest_ms.saturating_add(self.policy.suspect_ms().max(1));
        late_ms > self.policy.stall_ms
            && self.members.get_mut(worker).is_some_and(|member| member.excuse(until_ms))
    }

    fn judge(&mut self, worker: &WorkerId) -> Vec<Effect> {
        let (now_ms, policy) = (self.latest_ms, self.policy);
        let Some(member) = self.members.get_mut(worker) else { return vec![] };
        if now_ms >= member.lost_at_ms(&policy) {
            return vec![self.lose(worker, LossCause::Silent)];
        }
        if member.drained_at_ms().is_some_and(|until_ms| now_ms >= until_ms) {
            let lost = self.lose(worker, LossCause::DrainTimedOut);
            return vec![lost];
        }
        let mut effects = Vec::new();
        if member.standing == Standing::Alive && now_ms >= member.suspect_at_ms(&policy) {
            member.standing = Standing::Suspect;
            effects.push(Effect::Suspected { worker: worker.clone() });
        }
        effects.extend(self.expire(worker));
        effects
    }

    /// Takes back the leases that a living worker has not renewed.
    fn expire(&mut self, worker: &WorkerId) -> Vec<Effect> {
        let (now_ms, policy) = (self.latest_ms, self.policy);
        let Some(member) = self.members.get_mut(worker) else { return vec![] };
        let over = |member: &super::Member| -> Vec<(AttemptId, Token)> {
            let expired =
                member.leases.iter().filter(|(_, held)| now_ms >= member.expires_at_ms(held, &policy));
            expired.map(|(attempt, held)| (attempt.clone(), held.token)).collect()
        };
        let (attempts, incarnation) = (over(member), member.incarnation);
        if attempts.is_empty() {
            return vec![];
        }
        for (attempt, _) in &attempts {
            member.leases.remove(attempt);
            self.holders.remove(attempt);
        }
        let worker_id = worker.clone();
        let lost =
            Effect::DeclareLost { worker: worker_id, incarnation, attempts, cause: LossCause::NotRenewed };
        [lost].into_iter().chain(self.depart_if_done(worker)).collect()
    }

    /// Ends a worker's life, and with it all its leases.
    pub(super) fn lose(&mut self, worker: &WorkerId, cause: LossCause) -> Effect {
        let mut attempts = Vec::new();
        let mut incarnation = crate::Incarnation(0);
        if let Some(member) = self.members.get_mut(worker) {
            member.standing = Standing::Lost;
            incarnation = member.incarnation;
            let leases = std::mem::take(&mut member.leases);
            attempts.extend(leases.into_iter().map(|(attempt, held)| (attempt, held.token)));
        }
        for (attempt, _) in &attempts {
            self.holders.remove(attempt);
        }
        self.reschedule(worker);
        Effect::DeclareLost { worker: worker.clone(), incarnation, attempts, cause }
    }

    /// A worker that was told to go, and holds nothing any more, goes.
    pub(super) fn depart_if_done(&mut self, worker: &WorkerId) -> Vec<Effect> {
        match self.members.get_mut(worker) {
            Some(member) if member.drain_until_ms.is_some() && member.leases.is_empty() => {
                member.standing = Standing::Departed;
                vec![Effect::Departed { worker: worker.clone() }]
            }
            _ => vec![],
        }
    }
}
