//! How an attempt speaks to the dispatcher while it works. Never blocks the work; what is only for show may be lost.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::Value;
use smallhands_task_graph::{AttemptId, AttemptResult};
use tokio::sync::{mpsc, oneshot};

use crate::progress::PatchView;

/// What attempts tell the dispatcher.
#[derive(Debug)]
pub enum Input {
    /// What an agent is doing; for show.
    Activity {
        /// Who.
        attempt: AttemptId,
        /// One line.
        doing: String,
        /// Candidates validated so far.
        validations: u64,
    },
    /// From where a successor could go on; made durable.
    Note {
        /// Who.
        attempt: AttemptId,
        /// Opaque to the dispatcher.
        note: Value,
    },
    /// A patch passed; for show.
    Found {
        /// Who.
        attempt: AttemptId,
        /// The patch.
        patch: PatchView,
    },
    /// Something the user should know.
    Warning(String),
    /// The user has to agree to something.
    Ask {
        /// Who asks.
        attempt: AttemptId,
        /// What, in one line.
        question: String,
        /// What counts when nobody answers in time.
        default: bool,
        /// Where the answer goes.
        reply: oneshot::Sender<bool>,
    },
    /// Something is about to be done outside; made durable.
    Intend {
        /// Who.
        attempt: AttemptId,
        /// Idempotency key.
        key: String,
        /// Opaque to the dispatcher.
        what: Value,
        /// Durable, or why it must not be done.
        reply: oneshot::Sender<Result<(), String>>,
    },
    /// How it came out; made durable.
    Receive {
        /// Idempotency key.
        key: String,
        /// Whether it is known to be done.
        done: bool,
        /// Opaque to the dispatcher.
        receipt: Value,
        /// Durable.
        reply: oneshot::Sender<()>,
    },
    /// The attempt has ended and its sandbox is gone.
    Ended {
        /// Who.
        attempt: AttemptId,
        /// How.
        result: AttemptResult,
    },
}

/// The shortest time between two lines about what an attempt is doing.
const ACTIVITY_GAP: Duration = Duration::from_millis(200);

/// One attempt's line to the dispatcher.
#[derive(Debug)]
pub struct Voice {
    attempt: AttemptId,
    to: mpsc::UnboundedSender<Input>,
    last: Mutex<Option<Instant>>,
}

impl Voice {
    /// A line for `attempt`.
    #[must_use]
    pub fn new(attempt: AttemptId, to: mpsc::UnboundedSender<Input>) -> Self {
        Self { attempt, to, last: Mutex::new(None) }
    }

    /// Tells what is being done, at most a few times a second.
    pub fn doing(&self, doing: &str, validations: u64) {
        if self.is_due() {
            self.send(Input::Activity {
                attempt: self.attempt.clone(),
                doing: doing.to_owned(),
                validations,
            });
        }
    }

    /// Leaves a note for a successor.
    pub fn note(&self, note: Value) {
        self.send(Input::Note { attempt: self.attempt.clone(), note });
    }

    /// Tells about a patch that passed.
    pub fn found(&self, patch: PatchView) {
        self.send(Input::Found { attempt: self.attempt.clone(), patch });
    }

    /// Tells the user something.
    pub fn warn(&self, message: impl Into<String>) {
        self.send(Input::Warning(message.into()));
    }

    /// Asks the user, and waits until there is an answer or the time for one is over. A dispatcher that is gone says no
    /// more than the default.
    pub async fn ask(&self, question: String, default: bool) -> bool {
        let (reply, answer) = oneshot::channel();
        self.send(Input::Ask { attempt: self.attempt.clone(), question, default, reply });
        answer.await.unwrap_or(default)
    }

    /// Says what will be done outside; once this has returned well, it may be done.
    ///
    /// # Errors
    /// Why it must not be done.
    pub async fn intend(&self, key: &str, what: Value) -> Result<(), String> {
        let (reply, intended) = oneshot::channel();
        self.send(Input::Intend { attempt: self.attempt.clone(), key: key.to_owned(), what, reply });
        intended.await.unwrap_or_else(|_| Err("the run is being put away".to_owned()))
    }

    /// Says how it came out, and waits until that is durable.
    pub async fn receive(&self, key: &str, done: bool, receipt: Value) {
        let (reply, received) = oneshot::channel();
        self.send(Input::Receive { key: key.to_owned(), done, receipt, reply });
        let _ = received.await;
    }

    fn is_due(&self) -> bool {
        let Ok(mut last) = self.last.lock() else { return false };
        let now = Instant::now();
        let due = last.is_none_or(|last| now.duration_since(last) >= ACTIVITY_GAP);
        if due {
            *last = Some(now);
        }
        due
    }

    /// A dispatcher that is gone has no use for the message.
    fn send(&self, input: Input) {
        let _ = self.to.send(input);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chatter_is_thinned_out_but_notes_are_not() {
        let (to, mut from) = mpsc::unbounded_channel();
        let voice = Voice::new(AttemptId::new("t".into(), 1), to);
        for index in 0..100 {
            voice.doing("trying", index);
        }
        voice.note(Value::from(1));
        voice.note(Value::from(2));
        let mut activities = 0;
        let mut notes = 0;
        while let Ok(input) = from.try_recv() {
            match input {
                Input::Activity { .. } => activities += 1,
                Input::Note { .. } => notes += 1,
                other => panic!("unexpected {other:?}"),
            }
        }
        assert!(activities < 100, "{activities}");
        assert_eq!(notes, 2);
    }
}
