//! Where a run is steered from outside: orders that came through the control stream, and questions of attempts.

use std::time::Duration;

use smallhands_task_graph::{
    AttemptId, Command, Halt, Limit, Order, OutsideEffect, Rejection, RunEvent, TaskId,
};

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
            Order::Answer { approval, yes } => {
                if *yes {
                    // What it allows reaches outside.
                    self.journal.flush()?;
                }
                self.settle(approval, *yes);
            }
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

    /// Lets the attempt hear the answer.
    pub(super) fn settle(&mut self, approval: &str, yes: bool) {
        if let Some(reply) = self.asking.remove(approval) {
            let _ = reply.send(yes);
        }
    }

    /// Looks at the clock: limits, and questions that nobody answered; and at what other processes left of the log.
    pub(super) fn tick(&mut self) -> Result<(), RunError> {
        self.tell_cuts();
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

    /// Warns of ends of the log that were torn and had to be cut, by this process since it began.
    pub(super) fn tell_cuts(&mut self) {
        for cut in self.state_dir.new_cuts() {
            self.warn(cut.to_string());
        }
    }

    /// Writes down that something is about to be done outside; only then may it be done.
    pub(super) fn intend(
        &mut self,
        key: &str,
        what: serde_json::Value,
    ) -> Result<Result<(), String>, RunError> {
        let command = Command::Intend { key: key.to_owned(), attempt: None, what };
        let applied = self.journal.apply(&command)?;
        self.journal.flush()?;
        Ok(match applied {
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
