//! Folders as tar streams, in both directions, in constant memory.

use std::io::{self, Read};

use bytes::Bytes;
use hyper::Response;
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde_json::json;
use smallhands_shell_runtime::files::FileError;
use smallhands_shell_runtime::files::tarball::{pack, unpack};
use tokio::sync::mpsc;

use super::pipe::{BodyReader, BodyWriter};
use crate::app::{App, blocking};
use crate::incoming::Pieces;
use crate::reply::{Answer, Outgoing, Refusal, Reply};
use crate::schema::Fields;

/// Pieces that may wait.
const AHEAD: usize = 4;

/// Answers with a folder, or a file, as a tar.
///
/// # Errors
/// What is not there.
pub async fn get(app: &App, mut query: Fields) -> Result<Answer, Refusal> {
    let path = app.files.locate(&query.text("path"))?;
    let source = blocking(move || match path.metadata() {
        Ok(_) => Ok(path),
        Err(error) => Err(FileError::about(&path)(error).into()),
    })
    .await?;
    let (pieces, receiver) = mpsc::channel(AHEAD);
    tokio::task::spawn_blocking(move || {
        let mut writer = BodyWriter::new(pieces);
        let packed = pack(&source, &mut writer).map_err(io::Error::other);
        if let Err(error) = packed.and_then(|()| writer.finish()) {
            writer.fail(error);
        }
    });
    let mut answer = Response::new(Outgoing::Stream(receiver));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-tar"));
    Ok(answer)
}

/// Unpacks the tar in the body.
///
/// # Errors
/// What is wrong with the tar, and what the file system says.
pub async fn put(app: &App, mut query: Fields, body: Incoming) -> Result<Reply, Refusal> {
    let target = app.files.locate(&query.text("path"))?;
    let limits = app.options.unpack;
    let (pieces, receiver) = mpsc::channel(AHEAD);
    let unpacking = blocking(move || {
        let mut reader = BodyReader::new(receiver);
        unpack(&mut reader, &target, limits)?;
        // What follows the end of the archive is padding; the client wants to be rid of it before it listens.
        io::copy(&mut reader.by_ref(), &mut io::sink()).map_err(FileError::about(&target))?;
        Ok(())
    });
    let ((), unpacked) =
        tokio::join!(forward(Pieces::new(body, app.options.stall_timeout), pieces), unpacking);
    unpacked.map(|()| Reply::ok(&json!({})))
}

/// Hands the body over; ends when it does or when nobody wants the rest.
async fn forward(mut body: Pieces, to: mpsc::Sender<io::Result<Bytes>>) {
    let mut wanted = true;
    while let Some(piece) = body.next().await {
        let failed = piece.is_err();
        if wanted && piece.as_ref().map_or(true, |bytes| !bytes.is_empty()) {
            wanted = to.send(piece).await.is_ok();
        }
        if failed {
            return;
        }
    }
    // The end, in the reader's terms. It may have stopped listening.
    let _ = to.send(Ok(Bytes::new())).await;
}
