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
            text.clear();
            decoder.decode(&buffer[..count], count == 0, &mut text)?;
            if (!text.is_empty() && !take(&text)) || count == 0 {
                return Ok(());
            }
        }
    }
}

/// A piece of a JSON string, without the quotes around the whole. Most of a text needs no escape and is copied in
/// runs.
fn escaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut json = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut copied = 0;
    while let Some(run) = plain_run(&bytes[copied..]) {
        let at = copied + run;
        json.extend_from_slice(&bytes[copied..at]);
        match bytes[at] {
            b'\n' => json.extend_from_slice(b"\\n"),
            b'\t' => json.extend_from_slice(b"\\t"),
            plain @ (b'"' | b'\\') => json.extend_from_slice(&[b'\\', plain]),
            control => json.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        copied = at + 1;
    }
    json.extend_from_slice(&bytes[copied..]);
    json
}

/// How many bytes there are before the first that needs an escape; `None` when none does. Looks at eight at a time:
/// in each byte of the word the highest bit tells.
fn plain_run(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word & HIGHS;
    let (words, _) = bytes.as_chunks::<8>();
    let special = words.iter().position(|word| {
        let word = u64::from_ne_bytes(*word);
        let control = word.wrapping_sub(ONES * 0x20) & !word & HIGHS;
        control | zeros(word ^ (ONES * u64::from(b'"'))) | zeros(word ^ (ONES * u64::from(b'\\'))) != 0
    });
    // A borrow from a lower byte can tell of a byte that is plain after all, so the exact look has the last word.
    let from = special.unwrap_or(words.len()) * 8;
    let rest = bytes[from..].iter();
    rest.clone().position(|&byte| byte < 0x20 || byte == b'"' || byte == b'\\').map(|at| from + at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_json() {
        let every: String = (0..0x300).filter_map(char::from_u32).collect();
        for text in
            ["", "plain", "a\"b", "\u{1}", "long enough to be looked at in words \n and \\ and \"", &every]
        {
            for shift in 0..9 {
                let text = format!("{}{text}{}", "x".repeat(shift), "y".repeat(shift));
                let json = [&b"\""[..], &escaped(&text), b"\""].concat();
                assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
            }
        }
    }

    #[test]
    fn plain_runs_end_where_they_should() {
        let cases = [
            ("", None),
            ("abcdefgh", None),
            ("\n", Some(0)),
            ("abcdefgh\"", Some(8)),
            ("abcdefg\\h", Some(7)),
            ("!!!!!!!!#[]]", None),
            ("\u{7f}\u{80}\u{ff}éééééé", None),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_run(text.as_bytes()), expected, "{text:?}");
        }
    }
}
