//! Answers: what the server says, as HTTP has it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use hyper::header::{ALLOW, CONNECTION, CONTENT_TYPE, HeaderValue, LOCATION};
use hyper::{Response, StatusCode};
use serde::Serialize;
use serde_json::{Value, json};
use smallhands_shell_runtime::RuntimeError;
use smallhands_shell_runtime::files::FileError;
use tokio::sync::mpsc;

use crate::json_text::push_escaped;
use crate::schema::Detail;

/// An answer's body: there at once, or coming.
#[derive(Debug)]
pub enum Outgoing {
    /// All of it.
    Whole(Bytes),
    /// Pieces as they come. An empty one is the end; when the sender goes without it, or sends an error, the connection
    /// is cut, so that nobody takes the beginning for the whole.
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Self::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Self::Stream(pieces) => pieces.poll_recv(context).map(|piece| match piece {
                None => Some(Err(io::ErrorKind::UnexpectedEof.into())),
                Some(Ok(end)) if end.is_empty() => None,
                Some(piece) => Some(piece.map(Frame::data)),
            }),
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(bytes) if bytes.is_empty())
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

/// The whole answer as hyper wants it.
pub type Answer = Response<Outgoing>;

/// A JSON answer that can be given more than once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: StatusCode,
    /// The JSON text.
    pub body: Bytes,
}

impl Reply {
    /// Success.
    pub fn ok(body: &impl Serialize) -> Self {
        Self::with(StatusCode::OK, body)
    }

    /// Success, with a text of any size for the first field of `body`, which is an empty text as yet.
    pub fn ok_with_text(text: &str, body: &impl Serialize) -> Self {
        const EMPTY: &[u8] = b":\"\"";
        let rest = Self::ok(body);
        let Some(at) = rest.body.windows(EMPTY.len()).position(|window| window == EMPTY) else { return rest };
        let mut json = rest.body[..at + 2].to_vec();
        push_escaped(&mut json, text);
        json.extend_from_slice(&rest.body[at + 2..]);
        Self { status: rest.status, body: Bytes::from(json) }
    }

    /// `body` with a status.
    pub fn with(status: StatusCode, body: &impl Serialize) -> Self {
        let text = serde_json::to_vec(body).unwrap_or_else(|_| b"null".to_vec());
        Self { status, body: Bytes::from(text) }
    }

    /// As an answer.
    pub fn into_answer(self) -> Answer {
        let mut answer = Response::new(Outgoing::Whole(self.body));
        *answer.status_mut() = self.status;
        answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        answer
    }
}

/// Why a request was not fulfilled.
#[derive(Debug)]
pub enum Refusal {
    /// There is no key.
    NotAuthenticated,
    /// The key is wrong.
    WrongKey,
    /// There is no such path.
    NotFound,
    /// The path exists for these methods.
    MethodNotAllowed(String),
    /// The path exists elsewhere.
    Moved(String),
    /// The body or a parameter is not understood.
    Unprocessable(Vec<Detail>),
    /// Something else, in words, with the status that fits.
    Status(StatusCode, String),
    /// The runtime could not do it.
    Failed {
        /// What went wrong.
        message: String,
        /// The class that clients know it by.
        class_path: String,
        /// What is sent beside the message.
        extra_info: Value,
    },
}

impl Refusal {
    /// An error of a class that only Python has.
    pub fn python(class_path: &str, message: impl Into<String>) -> Self {
        Self::Failed { message: message.into(), class_path: class_path.to_owned(), extra_info: json!({}) }
    }

    /// The refusal as a JSON answer, without its headers.
    pub fn into_reply(self) -> Reply {
        let detail = |status, detail: &str| Reply::with(status, &json!({"detail": detail}));
        match self {
            Self::NotAuthenticated => detail(StatusCode::FORBIDDEN, "Not authenticated"),
            Self::WrongKey => detail(StatusCode::UNAUTHORIZED, "Invalid API Key"),
            Self::NotFound => detail(StatusCode::NOT_FOUND, "Not Found"),
            Self::MethodNotAllowed(_) => detail(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed"),
            Self::Moved(_) => Reply { status: StatusCode::TEMPORARY_REDIRECT, body: Bytes::new() },
            Self::Unprocessable(details) => {
                Reply::with(StatusCode::UNPROCESSABLE_ENTITY, &json!({"detail": details}))
            }
            Self::Status(status, words) => detail(status, &words),
            Self::Failed { message, class_path, extra_info } => Reply::with(
                StatusCode::NETWORK_AUTHENTICATION_REQUIRED,
                &json!({"swerexception": {
                    "message": message,
                    "class_path": class_path,
                    "traceback": "",
                    "extra_info": extra_info,
                }}),
            ),
        }
    }

    /// The refusal as an answer with its headers.
    pub fn into_answer(self) -> Answer {
        let header = match &self {
            Self::MethodNotAllowed(methods) => Some((ALLOW, methods.clone())),
            Self::Moved(place) => Some((LOCATION, place.clone())),
            // The rest of the body is not wanted, and telling so ends the connection.
            Self::Status(StatusCode::PAYLOAD_TOO_LARGE | StatusCode::REQUEST_TIMEOUT, _) => {
                Some((CONNECTION, "close".to_owned()))
            }
            _ => None,
        };
        let mut answer = self.into_reply().into_answer();
        if let Some((name, value)) = header
            && let Ok(value) = HeaderValue::from_str(&value)
        {
            answer.headers_mut().insert(name, value);
        }
        answer
    }
}

impl From<RuntimeError> for Refusal {
    fn from(error: RuntimeError) -> Self {
        Self::Failed {
            message: error.to_string(),
            class_path: error.class_path().to_owned(),
            extra_info: error.extra_info(),
        }
    }
}

impl From<FileError> for Refusal {
    fn from(error: FileError) -> Self {
        Self::python(error.class_path(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_takes_the_place_of_an_empty_one() {
        let body = json!({"output": "", "other": ""});
        for text in ["", "plain", "\"two\"\nlines\\", &"1234567\n".repeat(10_000)] {
            let reply = Reply::ok_with_text(text, &body);
            let read: Value = serde_json::from_slice(&reply.body).unwrap();
            assert_eq!(read, json!({"output": text, "other": ""}));
        }
        assert_eq!(Reply::ok_with_text("x", &json!({"a": 1})), Reply::ok(&json!({"a": 1})));
    }
}
