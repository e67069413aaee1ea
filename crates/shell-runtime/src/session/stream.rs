//! Watching a session's terminal without taking anything from those who run commands in it.

use std::sync::Arc;

use tokio::sync::watch;

use super::screen::{Phase, Reading, Screen};
use crate::protocol::OutputChunk;

/// Most bytes of one chunk.
const CHUNK: usize = 64 << 10;

/// What a session's terminal shows, as it comes. Any number of streams may watch one session.
#[derive(Debug)]
pub struct OutputStream {
    screen: Arc<Screen>,
    changed: watch::Receiver<()>,
    position: u64,
    _reading: Reading,
}

impl OutputStream {
    pub(super) fn new(screen: Arc<Screen>, from: Option<u64>) -> Self {
        let changed = screen.watch();
        let _reading = screen.reading();
        let position = from.unwrap_or_else(|| screen.lock().history.end());
        Self { screen, changed, position, _reading }
    }

    /// Waits for the next piece; `None` when the session has ended and everything was read. A reader that is slower
    /// than the terminal loses the oldest bytes, and the next chunk says how many. Cancelling loses nothing.
    pub async fn next(&mut self) -> Option<OutputChunk> {
        loop {
            self.changed.borrow_and_update();
            let (chunk, ended) = self.look();
            if let Some(chunk) = chunk {
                self.position = chunk.offset + chunk.bytes.len() as u64;
                return Some(chunk);
            }
            if ended || self.changed.changed().await.is_err() {
                return None;
            }
        }
    }

    fn look(&self) -> (Option<OutputChunk>, bool) {
        let state = self.screen.lock();
        (state.history.read(self.position, CHUNK), matches!(state.phase, Phase::Ended(_)))
    }
}
