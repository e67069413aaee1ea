//! Output while it comes, as server-sent events.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::json;
use smallhands_shell_runtime::{Action, Observation, OutputChunk, OutputStream, Runtime, RuntimeError};
use tokio::sync::mpsc;

use crate::app::App;
use crate::reply::{Answer, Outgoing, Refusal};
use crate::schema::Fields;
use crate::wire::{self, ObservationReply};

/// Events that may wait for the client; the session itself never waits for it.
const AHEAD: usize = 16;

/// A comment is sent when there was nothing else for so long: it keeps middleboxes from cutting the connection, and
/// shows us a client that is gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long output that belongs to the observation is awaited after it.
const TAIL: Duration = Duration::from_millis(500);

type Events = mpsc::Sender<io::Result<Bytes>>;

/// The client is gone.
struct Gone;

fn event(name: &str, data: &impl Serialize) -> Bytes {
    let mut text = format!("event: {name}\ndata: ").into_bytes();
    // Writing into memory does not fail, and JSON has no line ends.
    let _ = serde_json::to_writer(&mut text, data);
    text.extend_from_slice(b"\n\n");
    Bytes::from(text)
}

fn answer(receiver: mpsc::Receiver<io::Result<Bytes>>) -> Answer {
    let mut answer = Response::new(Outgoing::Stream(receiver));
    let headers = answer.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

async fn send(events: &Events, event: Bytes) -> Result<(), Gone> {
    events.send(Ok(event)).await.map_err(|_| Gone)
}

/// Sends the last event and the end.
async fn finish(events: &Events, event: Bytes) -> Result<(), Gone> {
    send(events, event).await?;
    send(events, Bytes::new()).await
}

/// Turns chunks into text: a character that is cut in two by chunks is sent with the second.
#[derive(Debug, Default)]
struct Text {
    cut: Vec<u8>,
}

impl Text {
    /// An event for a chunk; `None` when it holds not even one character.
    fn event(&mut self, chunk: OutputChunk) -> Option<Bytes> {
        if chunk.missed > 0 {
            self.cut.clear();
        }
        let offset = chunk.offset - self.cut.len() as u64;
        let mut bytes = std::mem::take(&mut self.cut);
        bytes.extend_from_slice(&chunk.bytes);
        self.cut = bytes.split_off(bytes.len() - unfinished(&bytes));
        let text = String::from_utf8_lossy(&bytes);
        let nothing = bytes.is_empty() && chunk.missed == 0;
        (!nothing).then(|| event("output", &json!({"offset": offset, "missed": chunk.missed, "text": text})))
    }
}

/// How many bytes at the end are the beginning of a character.
fn unfinished(bytes: &[u8]) -> usize {
    match bytes.utf8_chunks().last().map(|last| last.invalid()) {
        Some(invalid) if std::str::from_utf8(invalid).is_err_and(|error| error.error_len().is_none()) => {
            invalid.len()
        }
        _ => 0,
    }
}

/// What a session's terminal shows, from an offset on.
///
/// # Errors
/// There is no such session.
pub fn output(app: &App, name: &str, from: Option<u64>) -> Result<Answer, Refusal> {
    let mut stream = app.runtime.output(name, from)?;
    let (events, receiver) = mpsc::channel(AHEAD);
    tokio::spawn(async move {
        let mut text = Text::default();
        loop {
            tokio::select! {
                () = events.closed() => return,
                () = tokio::time::sleep(HEARTBEAT) => {
                    if send(&events, Bytes::from_static(b": alive\n\n")).await.is_err() {
                        return;
                    }
                }
                chunk = stream.next() => {
                    let Some(chunk) = chunk else { break };
                    if let Some(event) = text.event(chunk) && send(&events, event).await.is_err() {
                        return;
                    }
                }
            }
        }
        // The client may leave at the same moment.
        let _ = finish(&events, event("end", &json!({}))).await;
    });
    Ok(answer(receiver))
}

/// Runs an action and sends what the session shows meanwhile, then the observation or the error.
///
/// # Errors
/// What is wrong with the action, and a session that does not exist.
pub fn run(app: &Arc<App>, fields: Fields) -> Result<Answer, Refusal> {
    let action = wire::action(fields)?;
    let stream = app.runtime.output(session_of(&action), None)?;
    let (events, receiver) = mpsc::channel(AHEAD);
    let app = Arc::clone(app);
    tokio::spawn(async move {
        // The wait ends when the client goes; the command goes on and can be joined.
        let _ = follow(&app, action, stream, &events).await;
    });
    Ok(answer(receiver))
}

fn session_of(action: &Action) -> &str {
    let name = match action {
        Action::Bash(action) => &action.session,
        Action::Interrupt(action) => &action.session,
        Action::Wait(action) => &action.session,
    };
    if name.is_empty() { smallhands_shell_runtime::protocol::DEFAULT_SESSION } else { name }
}

async fn follow(app: &App, action: Action, mut stream: OutputStream, events: &Events) -> Result<(), Gone> {
    let mut text = Text::default();
    let running = app.runtime.run_in_session(action);
    tokio::pin!(running);
    let mut shown = 0;
    let (mut ended, result) = loop {
        tokio::select! {
            () = events.closed() => return Err(Gone),
            result = &mut running => break (false, result),
            () = tokio::time::sleep(HEARTBEAT) => send(events, Bytes::from_static(b": alive\n\n")).await?,
            chunk = stream.next() => match chunk {
                None => break (true, running.await),
                Some(chunk) => {
                    shown = chunk.offset + chunk.bytes.len() as u64;
                    if let Some(event) = text.event(chunk) {
                        send(events, event).await?;
                    }
                }
            }
        }
    };
    while !ended && result.as_ref().is_ok_and(|observation| shown < observation.offset) {
        match tokio::time::timeout(TAIL, stream.next()).await {
            Ok(Some(chunk)) => {
                shown = chunk.offset + chunk.bytes.len() as u64;
                if let Some(event) = text.event(chunk) {
                    send(events, event).await?;
                }
            }
            _ => ended = true,
        }
    }
    finish(events, last(result)).await
}

fn last(result: Result<Observation, RuntimeError>) -> Bytes {
    match result {
        Ok(observation) => event("observation", &ObservationReply::from(observation)),
        Err(error) => {
            let body = Refusal::from(error).into_reply().body;
            [&b"event: error\ndata: "[..], &body, b"\n\n"].concat().into()
        }
    }
}
