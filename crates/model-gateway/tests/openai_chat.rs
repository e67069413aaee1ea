//! The adapter against an HTTP server: what is sent, what is understood, what is tried again.

#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use serde_json::{Value, json};
use smallhands_model_gateway::{
    ChatModel, ChatRequest, Finish, ModelError, OpenAiChat, Price, RetryPolicy, Secret,
};
use smallhands_trajectory::{Message, ToolSpec};
use support::{KEY, ask, options, stream_of};
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

fn events(body: &str) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_raw(body.as_bytes().to_vec(), "text/event-stream")
}

fn hello() -> String {
    stream_of(&[
        json!({"choices": [{"index": 0, "delta": {"role": "assistant", "content": "Hel"}}]}),
        json!({"choices": [{"index": 0, "delta": {"content": "lo"}, "finish_reason": "stop"}]}),
        json!({"choices": [], "usage": {"prompt_tokens": 1000, "completion_tokens": 10,
            "prompt_tokens_details": {"cached_tokens": 400}}}),
    ])
}

/// Answers with each of `replies` once, then with 418.
async fn server(replies: Vec<ResponseTemplate>) -> MockServer {
    let server = MockServer::start().await;
    for reply in replies {
        Mock::given(method("POST"))
            .and(path("/v1/chat/completions"))
            .respond_with(reply)
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(418)).mount(&server).await;
    server
}

fn base(server: &MockServer) -> String {
    format!("{}/v1", server.uri())
}

#[tokio::test]
async fn an_answer_arrives_with_its_usage_and_its_cost() {
    let server = server(vec![events(&hello())]).await;
    let (mut options, pace) = options(&base(&server));
    options.price =
        Some(Price { input: 1_000_000, cached_input: Some(100_000), cache_write: None, output: 5_000_000 });
    let answer = ask(options).await.unwrap();
    assert_eq!((answer.message.content.as_str(), answer.finish), ("Hello", Finish::Stop));
    assert_eq!((answer.usage.input_tokens, answer.usage.cached_input_tokens), (600, 400));
    assert_eq!(answer.cost_usd_micros, Some(600 + 40 + 50));
    assert!(!answer.usage_estimated && pace.slept().is_empty());
}

#[tokio::test]
async fn usage_is_estimated_when_the_endpoint_is_silent_about_it() {
    let body = stream_of(&[json!({"choices": [{"delta": {"content": "abcdef"}, "finish_reason": "stop"}]})]);
    let server = server(vec![events(&body)]).await;
    let answer = ask(options(&base(&server)).0).await.unwrap();
    assert!(answer.usage_estimated);
    assert_eq!((answer.usage.output_tokens, answer.cost_usd_micros), (2, None));
}

#[tokio::test]
async fn the_request_has_the_protocols_shape() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/v1/chat/completions"))
        .and(header("authorization", format!("Bearer {KEY}")))
        .and(header("x-team", "seven"))
        .and(body_partial_json(json!({
            "model": "tiny", "stream": true, "stream_options": {"include_usage": true}, "max_tokens": 9,
            "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
            "tools": [{"type": "function", "function": {"name": "bash"}}],
        })))
        .respond_with(events(&hello()))
        .expect(1)
        .mount(&server)
        .await;
    let (mut options, _) = options(&base(&server));
    options.extra_headers = vec![("x-team".into(), Secret::new("seven"))];
    let model = OpenAiChat::new(options).unwrap();
    let messages = [Message::system("s"), Message::user("u")];
    let tools =
        [ToolSpec { name: "bash".into(), description: "d".into(), parameters: json!({"type": "object"}) }];
    let request =
        ChatRequest { messages: &messages, tools: &tools, max_output_tokens: Some(9), temperature: None };
    assert_eq!(model.name(), "tiny");
    model.complete(request).await.unwrap();
}

#[tokio::test]
async fn a_rate_limit_is_waited_out_for_as_long_as_asked() {
    let limited = || {
        ResponseTemplate::new(429)
            .insert_header("retry-after", "7")
            .set_body_json(json!({"error": {"message": "slow down", "type": "requests"}}))
    };
    let server = server(vec![limited(), limited(), events(&hello())]).await;
    let (options, pace) = options(&base(&server));
    assert_eq!(ask(options).await.unwrap().message.content, "Hello");
    assert_eq!(pace.slept(), [Duration::from_secs(7), Duration::from_secs(7)]);
}

#[tokio::test]
async fn a_busy_endpoint_is_tried_again_with_growing_pauses_and_then_given_up() {
    let busy = || ResponseTemplate::new(503).set_body_string("busy");
    let server = server(vec![busy(), busy(), busy(), events(&hello())]).await;
    let (mut first, pace) = options(&base(&server));
    first.retry = RetryPolicy { attempts: 3, ..RetryPolicy::default() };
    let error = ask(first).await.unwrap_err();
    assert_eq!(error, ModelError::Overloaded { status: Some(503), message: "busy".into() });
    assert_eq!(pace.slept(), [Duration::from_millis(500), Duration::from_secs(1)]);
    assert_eq!(ask(options(&base(&server)).0).await.unwrap().message.content, "Hello");
}

#[tokio::test]
async fn a_pause_that_does_not_fit_the_time_left_is_not_begun() {
    let limited = ResponseTemplate::new(429).insert_header("retry-after", "90");
    let server = server(vec![limited]).await;
    let (options, pace) = options(&base(&server));
    let error = ask(options).await.unwrap_err();
    let asked = Some(Duration::from_secs(90));
    assert!(
        matches!(&error, ModelError::RateLimited { retry_after, .. } if *retry_after == asked),
        "{error}"
    );
    assert!(error.to_string().contains("90 s") && pace.slept().is_empty(), "{error}");
}

/// One refusal, no second try.
async fn check_refusal(reply: ResponseTemplate, expected: &str) {
    let server = server(vec![reply]).await;
    let (options, pace) = options(&base(&server));
    let error = ask(options).await.unwrap_err();
    assert!(format!("{error:?}").starts_with(expected), "expected {expected}: {error:?}");
    assert!(pace.slept().is_empty(), "{error} was tried again");
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_trying_again_cannot_cure_is_not_tried_again() {
    let refusal = |status, message: &str| {
        ResponseTemplate::new(status).set_body_json(json!({"error": {"message": message}}))
    };
    check_refusal(refusal(401, &format!("Incorrect API key provided: {KEY}")), "Unauthorized").await;
    check_refusal(refusal(404, "no model tiny"), "NotFound").await;
    check_refusal(refusal(400, "maximum context length is 10"), "ContextOverflow").await;
    check_refusal(refusal(400, "temperature"), "BadRequest").await;
    check_refusal(refusal(402, "credit"), "QuotaExhausted").await;
    check_refusal(
        ResponseTemplate::new(429)
            .set_body_json(json!({"error": {"message": "m", "code": "insufficient_quota"}})),
        "QuotaExhausted",
    )
    .await;
}

#[tokio::test]
async fn what_is_no_model_is_named_as_such() {
    let page = |status| ResponseTemplate::new(status).set_body_raw("<!doctype html><title>x", "text/html");
    check_refusal(page(200), "NotAModelEndpoint").await;
    check_refusal(page(404), "NotAModelEndpoint").await;
    check_refusal(ResponseTemplate::new(200).set_body_raw("\n <html>", "text/plain"), "NotAModelEndpoint")
        .await;
    let redirect = ResponseTemplate::new(302).insert_header("location", "https://login.example/?k=hunter2");
    check_refusal(redirect, "NotAModelEndpoint").await;
}

#[tokio::test]
async fn an_endpoint_that_ignores_streaming_is_understood() {
    let document = json!({
        "id": "x", "object": "chat.completion",
        "choices": [{"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": null,
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"ls\"}"}}]}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    });
    let server = server(vec![ResponseTemplate::new(200).set_body_json(document)]).await;
    let answer = ask(options(&base(&server)).0).await.unwrap();
    assert_eq!(answer.finish, Finish::ToolCalls);
    assert_eq!(answer.message.tool_calls[0].arguments, json!({"command": "ls"}));
    assert_eq!(answer.usage.total(), 8);
}

#[tokio::test]
async fn an_error_in_a_successful_answer_is_an_error() {
    let frame = |error: Value| {
        events(&stream_of(&[json!({"choices": [{"delta": {"content": "a"}}]}), json!({"error": error})]))
    };
    check_refusal(frame(json!({"message": "bad tool", "type": "invalid_request_error"})), "BadRequest").await;
    check_refusal(ResponseTemplate::new(200).set_body_json(json!({"error": "no"})), "BadRequest").await;
    check_refusal(events("data: {\"choices\": oops}\n\n"), "Malformed").await;
    let overloaded = frame(json!({"message": "busy", "type": "overloaded_error"}));
    let server = server(vec![overloaded, events(&hello())]).await;
    assert_eq!(ask(options(&base(&server)).0).await.unwrap().message.content, "Hello");
}

#[tokio::test]
async fn an_address_where_nobody_listens_is_a_transport_error() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for scheme in ["http", "https"] {
        let (mut options, _) = options(&format!("{scheme}://user:hunter2@{free}/v1"));
        options.retry.attempts = 1;
        match ask(options).await.unwrap_err() {
            ModelError::Transport { endpoint, .. } => {
                assert!(endpoint.contains(&free.to_string()), "{endpoint}")
            }
            // A machine without any trusted certificate cannot speak https at all.
            other => panic!("{other}"),
        }
    }
}
