//! Bytes of files: read by range, replaced at once.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::PathBuf;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_RANGES, CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, HeaderValue, RANGE};
use hyper::{HeaderMap, Response, StatusCode};
use serde_json::json;
use smallhands_shell_runtime::files::FileError;
use smallhands_shell_runtime::files::access::open;
use smallhands_shell_runtime::files::landing::parent_of;
use tokio::sync::mpsc;

use crate::app::{App, blocking};
use crate::incoming::{Pieces, broken};
use crate::reply::{Answer, Outgoing, Refusal, Reply};
use crate::schema::Fields;
use crate::spool::Spool;

/// Bytes that are read at a time.
const CHUNK: usize = 96 << 10;

/// Chunks that may wait for the client.
const AHEAD: usize = 8;

/// A part of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Part {
    start: u64,
    length: u64,
}

/// Which part of a file a request means.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    Part(Part),
    /// The range lies behind the end.
    Nothing,
}

/// Answers with a file's bytes.
///
/// # Errors
/// What the file system says.
pub async fn get(app: &App, mut query: Fields, headers: &HeaderMap) -> Result<Answer, Refusal> {
    let path = app.files.locate(&query.text("path"))?;
    let (offset, length) = (query.maybe_count("offset"), query.maybe_count("length"));
    let range = headers.get(RANGE).and_then(|range| range.to_str().ok()).map(str::to_owned);
    blocking(move || {
        let (mut file, size) = open(&path)?;
        let wanted = match (offset, length) {
            (None, None) => range.map_or(Wanted::All, |range| by_range(&range, size)),
            _ => by_offset(offset.unwrap_or(0), length, size),
        };
        let (status, part) = match wanted {
            Wanted::All => (StatusCode::OK, Part { start: 0, length: size }),
            Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, part),
            Wanted::Nothing => return Ok(unsatisfiable(size)),
        };
        file.seek(SeekFrom::Start(part.start)).map_err(FileError::about(&path))?;
        let mut answer = Response::new(body(file, part, path));
        *answer.status_mut() = status;
        describe(answer.headers_mut(), status, part, size);
        Ok(answer)
    })
    .await
}

fn by_offset(offset: u64, length: Option<u64>, size: u64) -> Wanted {
    let start = offset.min(size);
    Wanted::Part(Part { start, length: length.unwrap_or(u64::MAX).min(size - start) })
}

/// The part that a `Range` header means. One that is not understood, or has several parts, counts as none, as HTTP
/// allows.
fn by_range(range: &str, size: u64) -> Wanted {
    let Some((first, last)) = range.trim().strip_prefix("bytes=").and_then(|range| range.split_once('-'))
    else {
        return Wanted::All;
    };
    let (start, end) = match (first.trim().parse::<u64>(), last.trim().parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(size)),
        (Ok(first), Err(_)) if last.trim().is_empty() => (first, size),
        (Err(_), Ok(last)) if first.trim().is_empty() => (size.saturating_sub(last), size),
        _ => return Wanted::All,
    };
    if start >= end { Wanted::Nothing } else { Wanted::Part(Part { start, length: end - start }) }
}

fn unsatisfiable(size: u64) -> Answer {
    let words = format!("the range lies behind the end of the file, which has {size} bytes");
    let mut answer = Refusal::Status(StatusCode::RANGE_NOT_SATISFIABLE, words).into_answer();
    set(answer.headers_mut(), CONTENT_RANGE, format!("bytes */{size}"));
    answer
}

fn describe(headers: &mut HeaderMap, status: StatusCode, part: Part, size: u64) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(CONTENT_LENGTH, HeaderValue::from(part.length));
    if status == StatusCode::PARTIAL_CONTENT && part.length > 0 {
        let last = part.start + part.length - 1;
        set(headers, CONTENT_RANGE, format!("bytes {}-{last}/{size}", part.start));
    } else if status == StatusCode::PARTIAL_CONTENT {
        set(headers, CONTENT_RANGE, format!("bytes */{size}"));
    }
}

fn set(headers: &mut HeaderMap, name: hyper::header::HeaderName, value: String) {
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(name, value);
    }
}

fn body(file: File, part: Part, path: PathBuf) -> Outgoing {
    let mut file = file.take(part.length);
    if part.length <= CHUNK as u64 {
        let mut bytes = Vec::with_capacity(usize::try_from(part.length).unwrap_or(0));
        // A file that became shorter shows in the length, which is checked below as for long ones.
        if file.read_to_end(&mut bytes).is_ok_and(|count| count as u64 == part.length) {
            return Outgoing::Whole(Bytes::from(bytes));
        }
    }
    let (pieces, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        if let Err(error) = send(&mut file, part.length, &pieces) {
            tracing::debug!(%error, path = %path.display(), "a file could not be sent to its end");
            // Nobody may listen any more.
            let _ = pieces.blocking_send(Err(error));
        }
    });
    Outgoing::Stream(receiver)
}

fn send(file: &mut impl Read, length: u64, pieces: &mpsc::Sender<io::Result<Bytes>>) -> io::Result<()> {
    let mut left = length;
    while left > 0 {
        let mut buffer = vec![0; usize::try_from(left).unwrap_or(CHUNK).min(CHUNK)];
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter"));
        }
        buffer.truncate(count);
        left -= count as u64;
        if pieces.blocking_send(Ok(Bytes::from(buffer))).is_err() {
            return Ok(());
        }
    }
    // The end. Nobody may listen any more.
    let _ = pieces.blocking_send(Ok(Bytes::new()));
    Ok(())
}

/// Replaces a file with the body, at once and only when all of it came. Without `mode` a file that is replaced keeps
/// its mode.
///
/// # Errors
/// What is wrong with the body, and what the file system says.
pub async fn put(app: &App, mut query: Fields, body: Incoming) -> Result<Reply, Refusal> {
    let given = app.files.locate(&query.text("path"))?;
    let mode = query.maybe_text("mode").map(|mode| octal(&mode)).transpose()?;
    let (target, folder) = blocking(move || {
        // A link is followed, so that it stays a link to the new content.
        let target = given.canonicalize().unwrap_or(given);
        if target.is_dir() {
            let is_directory = io::ErrorKind::IsADirectory.into();
            return Err(FileError::about(&target)(is_directory).into());
        }
        let folder = parent_of(&target)?;
        Ok((target, folder))
    })
    .await?;
    let mut spool = Spool::open(vec![folder]).await?;
    let mut pieces = Pieces::new(body, app.options.stall_timeout);
    let mut bytes = 0;
    while let Some(piece) = pieces.next().await {
        let piece = piece.map_err(broken)?;
        bytes += piece.len() as u64;
        spool.write(piece).await?;
    }
    let landing = spool.finish().await?;
    blocking(move || landing.settle(&target, mode.or_else(|| mode_of(&target))).map_err(Refusal::from))
        .await?;
    Ok(Reply::ok(&json!({"bytes": bytes})))
}

fn mode_of(path: &std::path::Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    path.metadata().ok().map(|metadata| metadata.permissions().mode())
}

fn octal(mode: &str) -> Result<u32, Refusal> {
    match u32::from_str_radix(mode.trim_start_matches("0o"), 8) {
        Ok(mode) if mode <= 0o7777 => Ok(mode),
        _ => {
            let place = vec![json!("query"), json!("mode")];
            let msg = "Input should be permission bits in octal, such as 755";
            Err(Refusal::Unprocessable(vec![crate::schema::Detail::new(
                "mode_parsing",
                place,
                msg,
                json!(mode),
            )]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_mean_what_http_says() {
        let part = |start, length| Wanted::Part(Part { start, length });
        let cases = [
            ("bytes=0-3", part(0, 4)),
            ("bytes=5-", part(5, 5)),
            ("bytes=-3", part(7, 3)),
            ("bytes=-30", part(0, 10)),
            ("bytes=8-100", part(8, 2)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=3-2", Wanted::All),
            ("bytes=0-1,4-5", Wanted::All),
            ("lines=0-1", Wanted::All),
            ("bytes=a-b", Wanted::All),
        ];
        for (range, expected) in cases {
            assert_eq!(by_range(range, 10), expected, "{range}");
        }
        assert_eq!(by_offset(4, Some(3), 10), part(4, 3));
        assert_eq!(by_offset(40, None, 10), part(10, 0));
    }
}
