//! `/read_file`: a text file as one JSON string, whatever its size, without holding it.

use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use smallhands_shell_runtime::files::FileError;
use smallhands_shell_runtime::files::access::open;
use smallhands_shell_runtime::files::text::{Encoding, TextDecoder, Unreadable};
use tokio::sync::mpsc;

use crate::app::{App, blocking};
use crate::json_text::escaped;
use crate::reply::{Answer, Outgoing, Refusal, Reply};
use crate::schema::Fields;

/// Bytes that are decoded at a time. A file that is not larger is answered at once. Larger buffers would each be
/// fetched from the system and given back, which costs more than the work on them.
const CHUNK: usize = 64 << 10;

/// Decoded chunks that may wait for the client.
const AHEAD: usize = 8;

#[derive(Serialize)]
struct Content<'a> {
    content: &'a str,
}

/// A file that is being read as text.
struct TextFile {
    path: PathBuf,
    file: std::fs::File,
    encoding: Encoding,
    unreadable: Unreadable,
}

/// Answers with a file's text.
///
/// # Errors
/// Those of Python's `open` and `read`.
pub async fn read_file(app: &App, mut fields: Fields) -> Result<Answer, Refusal> {
    let path = app.files.locate(&fields.text("path"))?;
    let encoding = Encoding::named(&fields.maybe_text("encoding").unwrap_or_else(|| "utf-8".to_owned()));
    let errors = fields.maybe_text("errors");
    let unreadable = Unreadable::named(errors.as_deref().unwrap_or("strict"));
    blocking(move || {
        let (file, length) = open(&path)?;
        let text = TextFile { path, file, encoding: encoding?, unreadable };
        if length <= CHUNK as u64 { text.at_once() } else { text.in_pieces() }
    })
    .await
}

impl TextFile {
    fn at_once(mut self) -> Result<Answer, Refusal> {
        let mut content = String::new();
        self.each(|piece| {
            content.push_str(piece);
            true
        })?;
        Ok(Reply::ok(&Content { content: &content }).into_answer())
    }

    /// Looks for faults first, because nothing can be taken back once the answer has begun.
    fn in_pieces(mut self) -> Result<Answer, Refusal> {
        if self.unreadable.may_fail() {
            self.each(|_| true)?;
            self.file.seek(SeekFrom::Start(0)).map_err(FileError::about(&self.path))?;
        }
        let (pieces, receiver) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || self.send(&pieces));
        let mut answer = Response::new(Outgoing::Stream(receiver));
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(answer)
    }

    /// Sends the text as one JSON object. Ends early when nobody listens any more.
    fn send(mut self, pieces: &mpsc::Sender<io::Result<Bytes>>) {
        let send = |piece: Vec<u8>| pieces.blocking_send(Ok(Bytes::from(piece))).is_ok();
        let mut listening = send(br#"{"content":""#.to_vec());
        let read = self.each(|piece| {
            listening = listening && send(escaped(piece));
            listening
        });
        match read {
            Ok(()) => listening = listening && send(br#""}"#.to_vec()) && send(Vec::new()),
            // The file changed meanwhile; cutting the answer short is the only way left to say so.
            Err(error) => {
                let _ = pieces.blocking_send(Err(io::Error::other(error)));
            }
        }
        tracing::trace!(listening, "a file was sent");
    }

    /// Hands over the decoded text until `take` wants no more.
    fn each(&mut self, mut take: impl FnMut(&str) -> bool) -> Result<(), FileError> {
        let mut decoder = TextDecoder::new(self.encoding, self.unreadable.clone());
        let (mut buffer, mut text) = (vec![0; CHUNK], String::new());
        loop {
            let count = match self.file.read(&mut buffer) {
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(FileError::about(&self.path)(error)),
            };
            let piece = match decoder.plain(&buffer[..count]).filter(|_| count > 0) {
                Some(plain) => plain,
                None => {
                    text.clear();
                    decoder.decode(&buffer[..count], count == 0, &mut text)?;
                    &text
                }
            };
            if (!piece.is_empty() && !take(piece)) || count == 0 {
                return Ok(());
            }
        }
    }
}
