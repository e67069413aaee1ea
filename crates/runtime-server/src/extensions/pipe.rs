//! Between threads that read or write blocking and bodies that come and go in pieces.

use std::io::{self, Read, Write};

use bytes::{Buf, Bytes};
use tokio::sync::mpsc;

/// Bytes that are gathered before they are sent.
const CHUNK: usize = 96 << 10;

/// What is written goes into a body.
#[derive(Debug)]
pub struct BodyWriter {
    pieces: mpsc::Sender<io::Result<Bytes>>,
    gathered: Vec<u8>,
}

impl BodyWriter {
    /// Writes into the body behind `pieces`.
    pub fn new(pieces: mpsc::Sender<io::Result<Bytes>>) -> Self {
        Self { pieces, gathered: Vec::with_capacity(CHUNK) }
    }

    /// Ends the body.
    ///
    /// # Errors
    /// The client is gone.
    pub fn finish(&mut self) -> io::Result<()> {
        self.flush()?;
        self.send(Bytes::new())
    }

    fn send(&self, piece: Bytes) -> io::Result<()> {
        let gone = |_| io::Error::new(io::ErrorKind::BrokenPipe, "the client is gone");
        self.pieces.blocking_send(Ok(piece)).map_err(gone)
    }

    /// Cuts the body short.
    pub fn fail(self, error: io::Error) {
        // Nobody may listen any more.
        let _ = self.pieces.blocking_send(Err(error));
    }
}

impl Write for BodyWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.gathered.extend_from_slice(bytes);
        if self.gathered.len() >= CHUNK {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let piece = std::mem::replace(&mut self.gathered, Vec::with_capacity(CHUNK));
        if piece.is_empty() {
            return Ok(());
        }
        self.send(Bytes::from(piece))
    }
}

/// What a body brings can be read.
#[derive(Debug)]
pub struct BodyReader {
    pieces: mpsc::Receiver<io::Result<Bytes>>,
    current: Bytes,
    ended: bool,
}

impl BodyReader {
    /// Reads what comes through `pieces`. The end is an empty piece: without one the sender is gone too early.
    pub fn new(pieces: mpsc::Receiver<io::Result<Bytes>>) -> Self {
        Self { pieces, current: Bytes::new(), ended: false }
    }
}

impl Read for BodyReader {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the client is gone")),
                Some(piece) => self.current = piece?,
            }
            self.ended = self.current.is_empty();
        }
        let count = into.len().min(self.current.len());
        self.current.copy_to_slice(&mut into[..count]);
        Ok(count)
    }
}
