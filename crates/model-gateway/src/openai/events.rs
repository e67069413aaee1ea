//! Reads the body of a successful response: normally a stream of events, sometimes one JSON document from an endpoint that
//! ignores `stream`. Which of the two it is, its first character tells; content types are often wrong.

use reqwest::Response;

use super::answer::Answer;
use super::client::Client;
use crate::error::ModelError;
use crate::sse::{Event, Parser};

/// More than any model writes; bounds what a broken endpoint can make us hold.
const LONGEST_ANSWER: usize = 32 * 1024 * 1024;

enum Body {
    Unknown,
    Stream(Parser),
    Document(Vec<u8>),
}

/// Reads the answer to its end.
pub(crate) async fn read(mut response: Response, client: &Client) -> Result<Answer, ModelError> {
    let mut answer = Answer::default();
    let mut body = Body::Unknown;
    let mut received = 0;
    loop {
        let piece = match response.chunk().await {
            Ok(Some(piece)) => piece,
            Ok(None) => break,
            // The answer was complete; only the trailer with the usage is lost.
            Err(_) if answer.is_complete() => break,
            Err(error) => return Err(client.cut(error, answer.progress())),
        };
        received += piece.len();
        if received > LONGEST_ANSWER {
            return Err(ModelError::Malformed {
                message: format!("it is longer than {LONGEST_ANSWER} bytes"),
            });
        }
        body = take(body, &piece, &mut answer, client)?;
        if answer.is_over() {
            break;
        }
    }
    finish(body, answer)
}

fn take(body: Body, piece: &[u8], answer: &mut Answer, client: &Client) -> Result<Body, ModelError> {
    match body {
        Body::Unknown => match piece.iter().find(|byte| !byte.is_ascii_whitespace()) {
            None => Ok(Body::Unknown),
            Some(b'<') => Err(client.not_a_model("a web page")),
            Some(b'{') => Ok(Body::Document(piece.to_vec())),
            Some(_) => take(Body::Stream(Parser::default()), piece, answer, client),
        },
        Body::Document(mut text) => {
            text.extend_from_slice(piece);
            Ok(Body::Document(text))
        }
        Body::Stream(mut parser) => {
            let mut events = Vec::new();
            parser.feed(piece, &mut events);
            events.iter().try_for_each(|event| answer.take(event))?;
            Ok(Body::Stream(parser))
        }
    }
}

fn finish(body: Body, mut answer: Answer) -> Result<Answer, ModelError> {
    let last = match body {
        Body::Unknown => None,
        Body::Document(text) => {
            Some(Event { name: String::new(), data: String::from_utf8_lossy(&text).into_owned() })
        }
        Body::Stream(parser) => parser.finish(),
    };
    if let Some(event) = last {
        match answer.take(&event) {
            // A last event without its end is what a cut stream leaves behind.
            Err(ModelError::Malformed { .. }) => {}
            taken => taken?,
        }
    }
    if answer.is_complete() { Ok(answer) } else { Err(ModelError::StreamCut { received: answer.progress() }) }
}
