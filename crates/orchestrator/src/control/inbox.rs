//! The owner's side of a control stream: what is asked, in order, each once; and the answers.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallhands_event_log::{EventLog, StreamId};
use smallhands_task_graph::Order;

use super::{Answer, Entry, append, decode, stream_of};
use crate::request::RunError;

/// Requests that wait for this process.
pub struct Inbox {
    log: Arc<dyn EventLog>,
    stream: StreamId,
    seen: u64,
}

/// A request: its number, and what is asked; nothing when it cannot be understood here.
pub type Request = (u64, Option<Order>);

impl Inbox {
    /// The inbox of a run. Nothing is read yet.
    ///
    /// # Errors
    /// When `run` cannot be the name of a run.
    pub fn new(log: Arc<dyn EventLog>, run: &str) -> Result<Self, RunError> {
        Ok(Self { log, stream: stream_of(run)?, seen: 0 })
    }

    /// The requests since the last time that nobody has answered.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn fetch(&mut self) -> Result<Vec<Request>, RunError> {
        let stored = self.log.read(&self.stream, self.seen)?;
        self.seen = stored.last().map_or(self.seen, |last| last.seq);
        let mut requests = Vec::new();
        let mut answered = BTreeSet::new();
        for event in stored {
            match decode(&event) {
                Some(Entry::Requested(order)) => requests.push((event.seq, Some(order))),
                Some(Entry::Answered(answer)) => {
                    answered.insert(answer.request);
                }
                None => requests.push((event.seq, None)),
            }
        }
        requests.retain(|(request, _)| !answered.contains(request));
        Ok(requests)
    }

    /// Says what became of a request.
    ///
    /// # Errors
    /// When the log cannot be written.
    pub fn answer(&self, request: u64, accepted: bool, words: String) -> Result<(), RunError> {
        append(self.log.as_ref(), &self.stream, &Entry::Answered(Answer { request, accepted, words }))
            .map(|_| ())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use smallhands_event_log::{MemoryLog, NewEvent};

    fn ask(log: &dyn EventLog, order: Order) -> u64 {
        append(log, &stream_of("r1").unwrap(), &Entry::Requested(order)).unwrap()
    }

    #[test]
    fn requests_are_handed_out_once_and_in_order() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        let mut inbox = Inbox::new(log.clone(), "r1").unwrap();
        assert_eq!(inbox.fetch().unwrap(), []);
        assert_eq!((ask(&*log, Order::Pause), ask(&*log, Order::Unpause)), (1, 2));
        assert_eq!(inbox.fetch().unwrap(), [(1, Some(Order::Pause)), (2, Some(Order::Unpause))]);
        inbox.answer(1, true, "paused".into()).unwrap();
        assert_eq!(inbox.fetch().unwrap(), [], "answers are no requests");
        assert_eq!(ask(&*log, Order::Pause), 4);
        assert_eq!(inbox.fetch().unwrap(), [(4, Some(Order::Pause))]);
    }

    #[test]
    fn another_owner_gets_what_was_not_answered() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        ask(&*log, Order::Pause);
        ask(&*log, Order::Unpause);
        Inbox::new(log.clone(), "r1").unwrap().answer(1, true, String::new()).unwrap();
        assert_eq!(Inbox::new(log, "r1").unwrap().fetch().unwrap(), [(2, Some(Order::Unpause))]);
    }

    #[test]
    fn what_a_newer_program_asks_is_seen_but_not_understood() {
        let log: Arc<dyn EventLog> = Arc::new(MemoryLog::default());
        for (version, kind) in [(1, "implored"), (9, "requested")] {
            let event =
                NewEvent { kind: kind.into(), version, payload: serde_json::json!({"order": "pause"}) };
            let stream = stream_of("r1").unwrap();
            let at = log.read(&stream, 0).unwrap().len() as u64;
            log.append(&stream, at, 0, &[event]).unwrap();
        }
        assert_eq!(Inbox::new(log, "r1").unwrap().fetch().unwrap(), [(1, None), (2, None)]);
    }
}
