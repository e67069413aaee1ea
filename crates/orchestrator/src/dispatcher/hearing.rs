//! What attempts say. Everything that has come in meanwhile is heard in one turn: it becomes durable with one write, and
//! only then do those go on who wait for that.

use smallhands_task_graph::{AttemptId, Command, RunEvent};
use tokio::sync::oneshot;

use super::Dispatcher;
use crate::journal::{Applied, now_ms};
use crate::progress::Progress;
use crate::request::RunError;
use crate::workshop::voice::Input;

/// The most that is heard in one turn.
const MOST: usize = 256;

/// Who waits until a command is durable.
enum Waiting {
    Nobody,
    /// Somebody who asked the user, and what counts when it may not ask.
    Asking(bool, oneshot::Sender<bool>),
    /// Somebody who is about to do something outside.
    Intending(oneshot::Sender<Result<(), String>>),
    /// Somebody who has done it.
    Receiving(oneshot::Sender<()>),
}

impl Dispatcher {
    /// Hears `first` and what has come in since. Attempts that ended make room for others in the same write.
    pub(super) fn hear(&mut self, first: Input) -> Result<(), RunError> {
        let mut turn = Vec::new();
        let mut next = Some(first);
        while let Some(input) = next {
            turn.extend(self.understand(input));
            next = if turn.len() < MOST { self.inbox.try_recv().ok() } else { None };
        }
        if turn.is_empty() {
            return Ok(());
        }
        turn.push((Command::StartReady { at_ms: now_ms() }, Waiting::Nobody));
        let (commands, waiting): (Vec<_>, Vec<_>) = turn.into_iter().unzip();
        let applied = self.journal.apply_all(&commands)?;
        if waiting.iter().any(|waiting| matches!(waiting, Waiting::Intending(_))) {
            self.journal.flush()?;
        }
        for (applied, waiting) in applied.iter().zip(waiting) {
            self.tell_applied(applied);
            self.release(waiting, applied);
        }
        Ok(())
    }

    /// What is only for show is told at once; the rest are commands.
    fn understand(&mut self, input: Input) -> Option<(Command, Waiting)> {
        Some(match input {
            Input::Activity { attempt, doing, validations } => {
                self.tell(Progress::AttemptActivity { attempt: attempt.to_string(), doing, validations });
                return None;
            }
            Input::Found { attempt, patch } => {
                self.tell(Progress::PatchFound { attempt: attempt.to_string(), patch });
                return None;
            }
            Input::Warning(message) => {
                self.warn(message);
                return None;
            }
            Input::Note { attempt, note } => (Command::AttemptProgress { attempt, note }, Waiting::Nobody),
            Input::Ended { attempt, result } => {
                self.launched.remove(&attempt);
                (Command::FinishAttempt { attempt, result, at_ms: now_ms() }, Waiting::Nobody)
            }
            Input::Ask { attempt, question, default, reply } => {
                (self.question(attempt, question, default), Waiting::Asking(default, reply))
            }
            Input::Intend { attempt, key, what, reply } => {
                (Command::Intend { key, attempt: Some(attempt), what }, Waiting::Intending(reply))
            }
            Input::Receive { key, done, receipt, reply } => {
                (Command::Receive { key, done, receipt }, Waiting::Receiving(reply))
            }
        })
    }

    fn question(&self, attempt: AttemptId, question: String, default: bool) -> Command {
        let wait = i64::try_from(self.shop.spec.approvals.wait_ms).unwrap_or(i64::MAX);
        Command::Ask { attempt, question, default, until_ms: now_ms().saturating_add(wait) }
    }

    /// Lets those go on who waited. Whoever may not ask hears the default.
    fn release(&mut self, waiting: Waiting, applied: &Applied) {
        match (waiting, applied) {
            (Waiting::Nobody, _) => {}
            (Waiting::Asking(_, reply), Applied::Events(events)) => {
                let asked = events.iter().find_map(|event| match event {
                    RunEvent::ApprovalAsked { approval, .. } => Some(approval.clone()),
                    _ => None,
                });
                if let Some(approval) = asked {
                    self.asking.insert(approval, reply);
                }
            }
            (Waiting::Asking(default, reply), Applied::Rejected(_)) => drop(reply.send(default)),
            (Waiting::Intending(reply), Applied::Events(_)) => drop(reply.send(Ok(()))),
            (Waiting::Intending(reply), Applied::Rejected(rejection)) => {
                drop(reply.send(Err(rejection.to_string())));
            }
            (Waiting::Receiving(reply), _) => drop(reply.send(())),
        }
    }
}
