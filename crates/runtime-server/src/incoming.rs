//! Request bodies: bounded in size, in time, and in what all of them hold together.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Incoming};
use hyper::header::CONTENT_TYPE;
use hyper::{HeaderMap, StatusCode};
use serde_json::{Value, json};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Sleep;

use crate::python_json;
use crate::reply::Refusal;
use crate::schema::Detail;

/// How long a body waits for room when others hold all of it.
const ROOM_TIMEOUT: Duration = Duration::from_secs(30);

/// Room is counted in pieces of so many bytes.
const GRAIN: u64 = 1024;

/// Bytes that are reserved before a body has shown that it has more.
const FIRST_STEP: u64 = 64 << 10;

/// Room for the bodies that are held in memory.
#[derive(Debug, Clone)]
pub struct Room {
    free: Arc<Semaphore>,
    limit: u64,
    /// How long a client may take for the next piece of a body.
    patience: Duration,
}

/// A body, and the room that it takes up until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// The body.
    pub bytes: Vec<u8>,
    /// The room.
    pub permit: Option<OwnedSemaphorePermit>,
}

impl Room {
    /// Room for `limit` bytes of all bodies together. Clients may take `patience` for each piece.
    pub fn new(limit: u64, patience: Duration) -> Self {
        let grains = usize::try_from(limit.div_ceil(GRAIN)).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self { free: Arc::new(Semaphore::new(grains)), limit, patience }
    }

    /// Reads a body to its end.
    ///
    /// # Errors
    /// 413 for one that is too large, 503 when there is no room, 408 for one that does not come, 400 for one that
    /// breaks off.
    pub async fn collect(&self, body: Incoming) -> Result<Held, Refusal> {
        let declared = body.size_hint().exact();
        if declared.is_some_and(|length| length > self.limit) {
            return Err(self.too_large());
        }
        let mut pieces = Pieces::new(body, self.patience);
        let mut held = Held { bytes: Vec::new(), permit: None };
        let mut reserved = 0;
        if let Some(length) = declared {
            self.reserve(&mut held, &mut reserved, length).await?;
            held.bytes.reserve_exact(usize::try_from(length).unwrap_or(0));
        }
        while let Some(piece) = pieces.next().await {
            let piece = piece.map_err(broken)?;
            let length = (held.bytes.len() + piece.len()) as u64;
            if length > self.limit {
                return Err(self.too_large());
            }
            if length > reserved {
                let step = (length * 2).max(FIRST_STEP).min(self.limit);
                self.reserve(&mut held, &mut reserved, step).await?;
            }
            held.bytes.extend_from_slice(&piece);
        }
        Ok(held)
    }

    async fn reserve(&self, held: &mut Held, reserved: &mut u64, wanted: u64) -> Result<(), Refusal> {
        let grains = u32::try_from((wanted - *reserved).div_ceil(GRAIN)).unwrap_or(u32::MAX);
        let acquired = Arc::clone(&self.free).acquire_many_owned(grains);
        let Ok(Ok(permit)) = tokio::time::timeout(ROOM_TIMEOUT, acquired).await else {
            let words = "other requests hold all memory for bodies; try again later";
            return Err(Refusal::Status(StatusCode::SERVICE_UNAVAILABLE, words.to_owned()));
        };
        match &mut held.permit {
            Some(held) => held.merge(permit),
            none => *none = Some(permit),
        }
        *reserved = wanted;
        Ok(())
    }

    fn too_large(&self) -> Refusal {
        let words = format!(
            "the body is larger than {} bytes; send large files with upload, which is not held in memory",
            self.limit
        );
        Refusal::Status(StatusCode::PAYLOAD_TOO_LARGE, words)
    }
}

/// What a client did wrong in sending its body.
pub fn broken(error: io::Error) -> Refusal {
    let status = match error.kind() {
        io::ErrorKind::TimedOut => StatusCode::REQUEST_TIMEOUT,
        _ => StatusCode::BAD_REQUEST,
    };
    Refusal::Status(status, format!("the body could not be read: {error}"))
}

/// A body piece by piece, each within its time.
#[derive(Debug)]
pub struct Pieces {
    body: Incoming,
    patience: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Pieces {
    /// The pieces of `body`, each of which may take `patience`.
    pub fn new(body: Incoming, patience: Duration) -> Self {
        Self { body, patience, alarm: Box::pin(tokio::time::sleep(patience)) }
    }

    /// The next piece; `None` at the end.
    pub async fn next(&mut self) -> Option<io::Result<Bytes>> {
        std::future::poll_fn(|context| self.poll_piece(context)).await
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        loop {
            let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) else {
                ready!(self.alarm.as_mut().poll(context));
                let slow = format!("nothing came for {} seconds", self.patience.as_secs_f64());
                return Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, slow))));
            };
            self.alarm.as_mut().reset(tokio::time::Instant::now() + self.patience);
            match frame {
                None => return Poll::Ready(None),
                Some(Err(error)) => return Poll::Ready(Some(Err(io::Error::other(error)))),
                Some(Ok(frame)) => {
                    // What is no data is a trailer, and those mean nothing here.
                    if let Ok(data) = frame.into_data() {
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
            }
        }
    }
}

impl futures_core::Stream for Pieces {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.get_mut().poll_piece(context)
    }
}

/// The JSON in a body.
///
/// # Errors
/// What the protocol says of bodies that are empty, not called JSON, or not JSON.
pub fn json(headers: &HeaderMap, bytes: &[u8]) -> Result<Value, Refusal> {
    let place = || vec![json!("body")];
    let unprocessable = |detail| Err(Refusal::Unprocessable(vec![detail]));
    if bytes.is_empty() {
        return unprocessable(Detail::missing(place(), Value::Null));
    }
    if !is_json(headers) {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(1000)]).into_owned();
        return unprocessable(Detail::new("model_attributes_type", place(), msg, json!(shown)));
    }
    match python_json::parse(bytes) {
        Ok(value) => Ok(value),
        Err(python_json::Fault::Surrogate(words)) => {
            Err(Refusal::python("builtins.UnicodeEncodeError", words))
        }
        Err(python_json::Fault::Invalid { at, reason }) => {
            let place = vec![json!("body"), json!(at)];
            unprocessable(
                Detail::new("json_invalid", place, "JSON decode error", json!({}))
                    .with("error", json!(reason)),
            )
        }
    }
}

/// `application/json` and `application/anything+json`, with or without parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind.strip_prefix("application/").is_some_and(|kind| kind == "json" || kind.ends_with("+json"))
}
