//! The adapter against a hand-written server that decides where every byte is cut and how the connection ends.

#![allow(clippy::unwrap_used)]

mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::time::Duration;

use serde_json::{Value, json};
use smallhands_model_gateway::{ChatModel, ChatRequest, Finish, ModelError, OpenAiChat, TimeoutKind};
use smallhands_trajectory::Message;
use support::{ask, options, stream_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Barrier;
use tokio::task::JoinHandle;

/// How a connection ends after its body.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// As the protocol wants it.
    Proper,
    /// Closed in the middle.
    Cut,
    /// Kept open in silence.
    Silence,
}

/// One answer: the body, how many bytes go out in one chunk, and the end.
#[derive(Clone)]
struct Reply {
    body: Vec<u8>,
    piece: usize,
    end: End,
    chunked: bool,
}

impl Reply {
    fn whole(body: &str) -> Self {
        Self { body: body.into(), piece: usize::MAX, end: End::Proper, chunked: true }
    }
}

/// A server on a free port that gives each connection the next reply. It stops when it is dropped.
struct RawServer {
    base: String,
    serving: JoinHandle<usize>,
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(replies: Vec<Reply>) -> RawServer {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move {
        let mut silent = Vec::new();
        for reply in &replies {
            let (mut connection, _) = listener.accept().await.unwrap();
            read_request(&mut connection).await;
            // The client may hang up early, which is its right.
            let _ = answer(&mut connection, reply).await;
            if reply.end == End::Silence {
                silent.push(connection);
            }
        }
        std::future::pending::<()>().await;
        silent.len()
    });
    RawServer { base, serving }
}

async fn read_request(connection: &mut TcpStream) {
    let mut text = Vec::new();
    let head = loop {
        text.push(connection.read_u8().await.unwrap());
        if text.ends_with(b"\r\n\r\n") {
            break String::from_utf8(text).unwrap().to_ascii_lowercase();
        }
    };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.trim().parse().unwrap()];
    connection.read_exact(&mut body).await.unwrap();
    let _: Value = serde_json::from_slice(&body).unwrap();
}

async fn answer(connection: &mut TcpStream, reply: &Reply) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let framing = if reply.chunked { "Transfer-Encoding: chunked" } else { "Connection: close" };
    let head = format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n\r\n");
    connection.write_all(head.as_bytes()).await?;
    for piece in reply.body.chunks(reply.piece.min(reply.body.len().max(1))) {
        if reply.chunked {
            connection.write_all(format!("{:x}\r\n", piece.len()).as_bytes()).await?;
        }
        connection.write_all(piece).await?;
        if reply.chunked {
            connection.write_all(b"\r\n").await?;
        }
        connection.flush().await?;
    }
    if reply.chunked && reply.end == End::Proper {
        connection.write_all(b"0\r\n\r\n").await?;
    }
    Ok(())
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

fn two_calls() -> String {
    let call = |index: u32, id: Value, name: Value, arguments: &str| {
        delta(json!({"tool_calls": [{"index": index, "id": id, "type": "function",
            "function": {"name": name, "arguments": arguments}}]}))
    };
    stream_of(&[
        delta(json!({"role": "assistant", "content": "Zażółć 🦀 "})),
        delta(json!({"content": "漢字"})),
        call(0, json!("c1"), json!("bash"), "{\"comm"),
        call(1, json!("c2"), json!("read_file"), "{\"path\":"),
        call(0, Value::Null, Value::Null, "and\":\"echo ü\"}"),
        call(1, Value::Null, Value::Null, "\"a.py\"}"),
        end("tool_calls"),
        json!({"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3}}),
    ])
}

#[tokio::test]
async fn an_answer_is_the_same_however_it_is_cut() {
    let plain = two_calls();
    let variants = [
        plain.clone(),
        plain.replace('\n', "\r\n"),
        plain.replace("data: ", "data:"),
        format!(": ping\n\n{plain}"),
    ];
    for body in variants {
        for piece in [1, 2, 3, 7, 64, usize::MAX] {
            for chunked in [true, false] {
                let server = serve(vec![Reply { piece, chunked, ..Reply::whole(&body) }]).await;
                let answer = ask(options(&server.base).0).await.unwrap();
                let message = answer.message;
                assert_eq!(message.content, "Zażółć 🦀 漢字", "pieces of {piece}");
                let calls: Vec<_> =
                    message.tool_calls.iter().map(|c| (c.id.as_str(), c.arguments.to_string())).collect();
                let expected =
                    [("c1", r#"{"command":"echo ü"}"#.to_owned()), ("c2", r#"{"path":"a.py"}"#.to_owned())];
                assert_eq!(calls, expected, "pieces of {piece}");
                assert_eq!((answer.finish, answer.usage.total()), (Finish::ToolCalls, 10));
            }
        }
    }
}

/// One connection, one outcome, no second try.
async fn once(reply: Reply) -> Result<String, ModelError> {
    let server = serve(vec![reply]).await;
    let (mut options, _) = options(&server.base);
    options.retry.attempts = 1;
    options.timeouts.idle = Duration::from_millis(200);
    ask(options).await.map(|answer| answer.message.content)
}

#[tokio::test]
async fn half_an_answer_is_never_an_answer() {
    let half = format!("data: {}\n\n", delta(json!({"content": "half"})));
    for end in [End::Proper, End::Cut] {
        for chunked in [true, false] {
            for body in
                [half.clone(), format!("{half}data: {{\"choi"), String::new(), ": ping\n\n".to_owned()]
            {
                let outcome = once(Reply { end, chunked, ..Reply::whole(&body) }).await;
                assert!(matches!(outcome, Err(ModelError::StreamCut { .. })), "{body:?}: {outcome:?}");
            }
        }
    }
    let outcome = once(Reply::whole(&half)).await.unwrap_err().to_string();
    assert!(outcome.contains("4 characters"), "{outcome}");
}

#[tokio::test]
async fn a_finish_reason_or_the_end_marker_is_enough() {
    let text = format!("data: {}\n\n", delta(json!({"content": "all"})));
    let finish = format!("data: {}\n\n", end("stop"));
    let check = async |body: String, how: End| {
        let outcome = once(Reply { end: how, ..Reply::whole(&body) }).await;
        assert_eq!(outcome, Ok("all".to_owned()), "{body:?}");
    };
    check(format!("{text}{finish}"), End::Proper).await;
    check(format!("{text}{finish}"), End::Cut).await;
    check(format!("{text}data: [DONE]\n\n"), End::Proper).await;
    check(format!("{text}{finish}data: [DONE]"), End::Proper).await;
    // The end marker ends the wait: the connection may stay open for ever.
    check(format!("{text}{finish}data: [DONE]\n\n"), End::Silence).await;
    // Complete, but waiting for the usage takes too long.
    check(format!("{text}{finish}"), End::Silence).await;
}

#[tokio::test]
async fn silence_is_a_timeout() {
    let half = format!("data: {}\n\n", delta(json!({"content": "half"})));
    for body in [half, String::new()] {
        let outcome = once(Reply { end: End::Silence, ..Reply::whole(&body) }).await;
        assert!(matches!(outcome, Err(ModelError::Timeout { kind: TimeoutKind::Idle, .. })), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_cut_stream_is_tried_again() {
    let cut =
        Reply { end: End::Cut, ..Reply::whole(&format!("data: {}\n\n", delta(json!({"content": "ha"})))) };
    let whole = Reply::whole(&stream_of(&[delta(json!({"content": "whole"})), end("stop")]));
    let server = serve(vec![cut, whole]).await;
    let (options, pace) = options(&server.base);
    assert_eq!(ask(options).await.unwrap().message.content, "whole");
    assert_eq!(pace.slept(), [Duration::from_millis(500)]);
}

#[tokio::test]
async fn the_whole_call_is_bounded() {
    let endless = Reply { end: End::Silence, ..Reply::whole(": ping\n\n") };
    let server = serve(vec![endless]).await;
    let (mut options, _) = options(&server.base);
    options.timeouts.total = Duration::from_millis(200);
    let error = ask(options).await.unwrap_err();
    assert!(matches!(error, ModelError::Timeout { kind: TimeoutKind::Total, .. }), "{error}");
}

/// Four requests to a server that answers only when `wanted` of them wait at the same time.
/// Returns the greatest number that waited together.
async fn most_together(allowed: usize, wanted: usize) -> usize {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/v1", listener.local_addr().unwrap());
    let most = Arc::new(AtomicUsize::new(0));
    let serving = tokio::spawn({
        let most = Arc::clone(&most);
        let (waiting, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Barrier::new(wanted)));
        async move {
            loop {
                let (mut connection, _) = listener.accept().await.unwrap();
                let (most, waiting, gate) = (Arc::clone(&most), Arc::clone(&waiting), Arc::clone(&gate));
                tokio::spawn(async move {
                    read_request(&mut connection).await;
                    most.fetch_max(waiting.fetch_add(1, SeqCst) + 1, SeqCst);
                    gate.wait().await;
                    waiting.fetch_sub(1, SeqCst);
                    let whole = stream_of(&[delta(json!({"content": "a"})), end("stop")]);
                    answer(&mut connection, &Reply { chunked: false, ..Reply::whole(&whole) }).await.unwrap();
                });
            }
        }
    });
    let (mut options, _) = options(&base);
    options.max_concurrent = allowed;
    let model = OpenAiChat::new(options).unwrap();
    let messages = [Message::user("hi")];
    let request = ChatRequest { messages: &messages, tools: &[], max_output_tokens: None, temperature: None };
    let ask = || model.complete(request);
    let (a, b, c, d) = tokio::join!(ask(), ask(), ask(), ask());
    assert!([a, b, c, d].iter().all(Result::is_ok));
    serving.abort();
    most.load(SeqCst)
}

#[tokio::test]
async fn as_many_requests_run_at_once_as_allowed_and_no_more() {
    assert_eq!(most_together(4, 4).await, 4);
    assert_eq!(most_together(2, 2).await, 2);
    assert_eq!(most_together(1, 1).await, 1);
}
