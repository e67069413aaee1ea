//! Runs with a model behind HTTP: a small server of this test's own plays an OpenAI-compatible endpoint.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use smallhands_orchestrator::progress::Verdict;
use smallhands_orchestrator::request::RunRequest;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::project::{WRITTEN, unwritten};
use crate::support::{Bench, settings};

/// One answer of the server.
#[derive(Clone)]
enum Answer {
    /// A call of a tool, as a stream.
    Call(&'static str, Value),
    /// A refusal with this status.
    Status(u16, &'static str),
}

/// A server that gives its answers in order, the last one for ever. It ends with the test.
struct Server {
    url: String,
    requests: Arc<Mutex<Vec<String>>>,
    work: JoinHandle<()>,
}

impl Server {
    async fn with(answers: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1", listener.local_addr().unwrap());
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = requests.clone();
        let work = tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let request = read_request(&mut stream).await;
                let number = seen.lock().unwrap().len();
                seen.lock().unwrap().push(request);
                let answer = answers.get(number).or(answers.last()).expect("no answers");
                let _ = stream.write_all(response(number, answer).as_bytes()).await;
                let _ = stream.shutdown().await;
            }
        });
        Self { url, requests, work }
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.work.abort();
    }
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n")
            && body.len() >= content_length(head)
        {
            return text;
        }
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return text,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
}

fn content_length(head: &str) -> usize {
    head.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap())
}

fn response(number: usize, answer: &Answer) -> String {
    let (status, kind, body) = match answer {
        Answer::Call(name, arguments) => {
            ("200 OK".to_owned(), "text/event-stream", call(number, name, arguments))
        }
        Answer::Status(status, message) => {
            let body = json!({"error": {"message": message, "type": "refused"}}).to_string();
            (format!("{status} Refused"), "application/json", body)
        }
    };
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

/// The arguments come in two pieces, as endpoints like to send them.
fn call(number: usize, name: &str, arguments: &Value) -> String {
    let arguments = arguments.to_string();
    let middle = arguments.len() / 2;
    let (first, second) = arguments.split_at(middle);
    let delta = |delta: Value, finish: Value| {
        json!({"id": "c", "object": "chat.completion.chunk", "model": "tiny",
               "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})
    };
    let piece = |function: Value| json!({"tool_calls": [{"index": 0, "function": function}]});
    let frames = [
        delta(
            json!({"role": "assistant", "tool_calls": [{"index": 0, "id": format!("call-{number}"),
                   "type": "function", "function": {"name": name, "arguments": ""}}]}),
            Value::Null,
        ),
        delta(piece(json!({"arguments": first})), Value::Null),
        delta(piece(json!({"arguments": second})), Value::Null),
        delta(json!({}), json!("tool_calls")),
        json!({"id": "c", "object": "chat.completion.chunk", "model": "tiny", "choices": [],
               "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}}),
    ];
    let events: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    format!("{events}data: [DONE]\n\n")
}

fn asking(bench: &Bench, server: &Server) -> RunRequest {
    let mut model = settings("tiny", &server.url);
    model.api_key = Some("sk-hunter2".into());
    (model.input_usd_per_million, model.output_usd_per_million) = (Some(1.0), Some(10.0));
    RunRequest { model: Some(model), ..bench.request() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_model_behind_an_endpoint_repairs_what_no_search_can() {
    let edit = json!({"path": "numerals.py", "old": "raise NotImplementedError", "new": WRITTEN});
    let server = Server::with(vec![
        Answer::Call("bash", json!({"command": "cat numerals.py"})),
        Answer::Call("edit_file", edit),
        Answer::Call("submit", json!({"message": "wrote roman()"})),
    ])
    .await;
    let bench = unwritten();
    let told = bench.run(asking(&bench, &server)).await;
    let summary = told.expect(Verdict::Verified);
    bench.assert_patch_holds(summary);

    let requests = server.requests();
    assert_eq!(requests.len(), 3);
    assert!(requests[0].starts_with("POST /v1/chat/completions "), "{}", requests[0]);
    assert!(requests[0].to_ascii_lowercase().contains("authorization: bearer sk-hunter2"));
    assert!(requests[0].contains("RomanTest"), "the model is not told what fails: {}", requests[0]);
    assert!(requests[1].contains("NotImplementedError"), "the model does not see what its command said");
    assert!((summary.cost_usd - 3.0 * (1000.0 + 100.0 * 10.0) / 1e6).abs() < 1e-9, "{}", summary.cost_usd);
    let told = format!("{:?}", told.events);
    assert!(!told.contains("hunter2"), "the key was told");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_refuses_the_key_is_told_of() {
    let server = Server::with(vec![Answer::Status(401, "the key is not valid")]).await;
    let bench = unwritten();
    let told = bench.run(asking(&bench, &server)).await;
    let summary = told.expect(Verdict::Failed);
    assert_eq!(summary.patch, None);
    let endings = told.endings("code-");
    let [(outcome, note)] = endings[..] else { panic!("{endings:?}") };
    assert_eq!(outcome, "gave_up");
    assert!(note.contains("key") && note.contains("127.0.0.1"), "{note}");
    assert!(!note.contains("hunter2"), "{note}");
    assert_eq!(server.requests().len(), 1, "a refused key is not tried again");
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_never_stored() {
    let server = Server::with(vec![Answer::Status(401, "no")]).await;
    let bench = unwritten();
    let told = bench.run(asking(&bench, &server)).await;
    let run = told.run();
    let stored = format!("{:?}", bench.stored(&run));
    assert!(stored.contains("tiny") && !stored.contains("hunter2"));
}
