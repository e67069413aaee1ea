//! Where a run is steered from outside: orders that came through the control stream, and questions of attempts.

use std::time::Duration;

use smallhands_task_graph::{
    AttemptId, Command, Halt, Limit, Order, OutsideEffect, Rejection, RunEvent, TaskId,
};
use tokio::sync::oneshot;

use super::Dispatcher;
use crate::assignment::Assignment;
use crate::control::words;
use crate::journal::{Applied, now_ms};
use crate::request::RunError;

impl Dispatcher {
    /// Takes the orders that have come since the last time, and answers them.
    pub(super) fn obey(&mut self) -> Result<(), RunError> {
        for (request, order) in self.orders.fetch()? {
            let (accepted, words) = match order {
                None => {
                    (false, "a newer smallhands asked for something that this one does not know".to_owned())
                }
                Some(order) => match self.take(request, &order)? {
                    Ok(()) => (true, words::of_order(&order)),
                    Err(reason) => (false, reason),
                },
            };
            self.orders.answer(request, accepted, words)?;
        }
        Ok(())
    }

    /// Makes the order part of the run, then lets those follow who are concerned; or says why not.
    fn take(&mut self, request: u64, order: &Order) -> Result<Result<(), String>, RunError> {
        if let Some(reason) = self.nobody_listens(order) {
            return Ok(Err(reason));
        }
        let command = Command::Order { request, order: order.clone(), at_ms: now_ms() };
        match self.journal.apply(&command)? {
            // Taken by an owner that died before it answered.
            Applied::Rejected(Rejection::OrderKnown { .. }) => return Ok(Ok(())),
            Applied::Rejected(rejection) => return Ok(Err(rejection.to_string())),
            Applied::Events(events) => events.iter().for_each(|event| self.tell_event(event)),
        }
        match order {
            Order::Tell { attempt, message } => self.pass_on(attempt, message),
            Order::Answer { approval, yes } => self.settle(approval, *yes),
            Order::ChangeLimits { budget_usd_micros, .. } => {
                if let Some(budget) = budget_usd_micros {
                    self.shop.purse.set_budget(*budget);
                }
                self.move_deadline();
            }
            Order::Unpause => self.move_deadline(),
            _ => {}
        }
        Ok(Ok(()))
    }

    /// Only a model understands words.
    fn nobody_listens(&self, order: &Order) -> Option<String> {
        let Order::Tell { attempt, .. } = order else { return None };
        let task = &self.journal.state().task(&attempt.task)?.task;
        match Assignment::from_value(&task.params) {
            Ok(Assignment::Code { .. }) => None,
            _ => Some(format!("{attempt} is the work of a {}; only a coder understands messages", task.role)),
        }
    }

    fn pass_on(&self, attempt: &AttemptId, message: &str) {
        if let Some(launched) = self.launched.get(attempt)
            && let Ok(mut mailbox) = launched.mailbox.lock()
        {
            mailbox.push(message.to_owned());
        }
    }

    /// The workshop's clock follows the run's deadline.
    pub(super) fn move_deadline(&self) {
        if let Some(deadline) = self.journal.state().limits.deadline_at_ms {
            let left = u64::try_from(deadline.saturating_sub(now_ms())).unwrap_or(0);
            self.shop.set_deadline(std::time::Instant::now() + Duration::from_millis(left));
        }
    }

    /// Puts a question of an attempt to the user. An attempt that may not ask hears the default.
    pub(super) fn ask(
        &mut self,
        attempt: AttemptId,
        question: String,
        default: bool,
        reply: oneshot::Sender<bool>,
    ) -> Result<(), RunError> {
        let wait = i64::try_from(self.shop.spec.approvals.wait_ms).unwrap_or(i64::MAX);
        let until_ms = now_ms().saturating_add(wait);
        match self.journal.apply(&Command::Ask { attempt, question, default, until_ms })? {
            Applied::Events(events) => {
                for event in &events {
                    if let RunEvent::ApprovalAsked { approval, .. } = event {
                        self.asking.insert(approval.clone(), reply);
                        self.tell_event(event);
                        break;
                    }
                }
            }
            Applied::Rejected(_) => drop(reply.send(default)),
        }
        Ok(())
    }

    /// Lets the attempt hear the answer.
    pub(super) fn settle(&mut self, approval: &str, yes: bool) {
        if let Some(reply) = self.asking.remove(approval) {
            let _ = reply.send(yes);
        }
    }

    /// Looks at the clock: limits, and questions that nobody answered.
    pub(super) fn tick(&mut self) -> Result<(), RunError> {
        let command = Command::Tick { at_ms: now_ms() };
        let Applied::Events(events) = self.journal.apply(&command)? else { return Ok(()) };
        for event in &events {
            self.tell_event(event);
            if let RunEvent::ApprovalLapsed { approval } = event {
                let default = self.journal.state().control.approvals.get(approval);
                let yes = default.is_some_and(|approval| approval.default);
                self.settle(approval, yes);
            }
        }
        Ok(())
    }

    /// Writes down that something is about to be done outside; only then may it be done.
    pub(super) fn intend(
        &mut self,
        key: &str,
        attempt: Option<AttemptId>,
        what: serde_json::Value,
    ) -> Result<Result<(), String>, RunError> {
        let command = Command::Intend { key: key.to_owned(), attempt, what };
        Ok(match self.journal.apply(&command)? {
            Applied::Events(_) => Ok(()),
            Applied::Rejected(rejection) => Err(rejection.to_string()),
        })
    }

    /// Writes down how it came out.
    pub(super) fn receive(
        &mut self,
        key: String,
        done: bool,
        receipt: serde_json::Value,
    ) -> Result<(), RunError> {
        self.apply(&Command::Receive { key, done, receipt }).map(|_| ())
    }

    /// The key of a task's effect outside, and what is known about it. In a fork it may have begun in the other run.
    pub(super) fn effect_of(&self, task: &TaskId) -> (String, Option<OutsideEffect>) {
        let outside = &self.journal.state().control.outside;
        let of_task = |effect: &OutsideEffect| effect.attempt.as_ref().is_some_and(|by| by.task == *task);
        match outside.iter().find(|(_, effect)| of_task(effect)) {
            Some((key, effect)) => (key.clone(), Some(effect.clone())),
            None => (format!("{}/{task}", self.journal.run()), None),
        }
    }

    /// The limit that ended the run, in the word that scripts know.
    pub(super) fn limit_word(&self) -> Option<String> {
        match &self.journal.state().halt {
            Some(Halt::LimitReached { which: Limit::Cost | Limit::Tokens }) => Some("budget".to_owned()),
            Some(Halt::Cancelled { .. }) => None,
            _ => Some("timeout".to_owned()),
        }
    }
}
