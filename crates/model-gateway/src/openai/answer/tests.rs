//! Every dialect that was met, as frames in and a message out.

use serde_json::{Value, json};

use super::*;

fn event(data: impl ToString) -> Event {
    Event { name: String::new(), data: data.to_string() }
}

fn assemble(frames: &[Value]) -> (Answer, Option<ModelError>) {
    let mut answer = Answer::default();
    for frame in frames {
        let data = frame.as_str().map_or_else(|| frame.to_string(), str::to_owned);
        if let Err(error) = answer.take(&event(data)) {
            return (answer, Some(error));
        }
    }
    (answer, None)
}

fn delta(delta: Value) -> Value {
    json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
}

fn end(reason: &str) -> Value {
    json!({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]})
}

/// Frames in; content, `id name arguments` of each call, and finish out.
fn check(what: &str, frames: &[Value], content: &str, calls: &[(&str, &str, Value)], finish: Finish) {
    let (answer, error) = assemble(frames);
    assert!(error.is_none(), "{what}: {error:?}");
    assert!(answer.is_complete(), "{what}: not complete");
    let (message, found) = answer.into_message(7);
    let found_calls: Vec<_> =
        message.tool_calls.iter().map(|c| (c.id.as_str(), c.name.as_str(), c.arguments.clone())).collect();
    assert_eq!((message.content.as_str(), found_calls.as_slice(), found), (content, calls, finish), "{what}");
}

#[test]
fn text_arrives_in_pieces() {
    check(
        "plain",
        &[
            delta(json!({"role": "assistant", "content": ""})),
            delta(json!({"content": "Hel"})),
            delta(json!({"content": "lo"})),
            end("stop"),
            json!("[DONE]"),
        ],
        "Hello",
        &[],
        Finish::Stop,
    );
    check(
        "role null, content null",
        &[delta(json!({"role": null, "content": null})), delta(json!({"content": "a"})), end("stop")],
        "a",
        &[],
        Finish::Stop,
    );
    check(
        "no finish reason, but done",
        &[delta(json!({"content": "a"})), json!("[DONE]")],
        "a",
        &[],
        Finish::Other(String::new()),
    );
    check(
        "empty finish reasons",
        &[json!({"choices": [{"delta": {"content": "a"}, "finish_reason": ""}]}), end("stop")],
        "a",
        &[],
        Finish::Stop,
    );
    check(
        "content in parts",
        &[
            delta(
                json!({"content": [{"type": "text", "text": "a"}, {"type": "thinking"}, {"type": "text", "text": "b"}]}),
            ),
            end("stop"),
        ],
        "ab",
        &[],
        Finish::Stop,
    );
}

#[test]
fn text_arrives_in_odd_frames() {
    check(
        "first frame without choices",
        &[json!({"choices": [], "prompt_filter_results": []}), delta(json!({"content": "a"})), end("length")],
        "a",
        &[],
        Finish::Length,
    );
    check(
        "a second choice is ignored",
        &[
            json!({"choices": [{"index": 1, "delta": {"content": "b"}}, {"index": 0, "delta": {"content": "a"}}]}),
            end("stop"),
        ],
        "a",
        &[],
        Finish::Stop,
    );
    check(
        "several documents in one event",
        &[json!(format!("{}\n{}\n[DONE]", delta(json!({"content": "a"})), delta(json!({"content": "b"}))))],
        "ab",
        &[],
        Finish::Other(String::new()),
    );
    check(
        "a whole message",
        &[json!({"choices": [{"message": {"role": "assistant", "content": "a"}}]})],
        "a",
        &[],
        Finish::Other(String::new()),
    );
    check(
        "filtered",
        &[delta(json!({"content": "a"})), end("content_filter")],
        "a",
        &[],
        Finish::ContentFilter,
    );
    check(
        "text that ends like the marker",
        &[delta(json!({"content": "[DONE]"})), end("stop")],
        "[DONE]",
        &[],
        Finish::Stop,
    );
}

fn call(index: Value, id: Value, name: Value, arguments: Value) -> Value {
    json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn calls(calls: &[Value]) -> Value {
    delta(json!({"tool_calls": calls}))
}

#[test]
fn tool_calls_arrive_in_pieces() {
    let null = || Value::Null;
    let ls = json!({"command": "ls"});
    check(
        "one, in the standard way",
        &[
            calls(&[call(json!(0), json!("c1"), json!("bash"), json!(""))]),
            calls(&[json!({"index": 0, "function": {"arguments": "{\"command\""}})]),
            calls(&[json!({"index": 0, "function": {"arguments": ":\"ls\"}"}})]),
            end("tool_calls"),
        ],
        "",
        &[("c1", "bash", ls.clone())],
        Finish::ToolCalls,
    );
    check(
        "two, interleaved",
        &[
            calls(&[
                call(json!(0), json!("c1"), json!("a"), json!("{\"x\"")),
                call(json!(1), json!("c2"), json!("b"), json!("{")),
            ]),
            calls(&[json!({"index": 1, "function": {"arguments": "}"}})]),
            calls(&[json!({"index": 0, "function": {"arguments": ":1}"}})]),
            end("tool_calls"),
        ],
        "",
        &[("c1", "a", json!({"x": 1})), ("c2", "b", json!({}))],
        Finish::ToolCalls,
    );
    check(
        "finish says stop, id null and name repeated in later pieces",
        &[
            calls(&[call(json!(0), json!("c1"), json!("bash"), json!("{\"command\":"))]),
            calls(&[call(json!(0), null(), json!("bash"), json!("\"ls\"}"))]),
            end("stop"),
        ],
        "",
        &[("c1", "bash", ls.clone())],
        Finish::ToolCalls,
    );
    check(
        "no ids",
        &[
            calls(&[
                call(json!(0), null(), json!("a"), json!("{}")),
                call(json!(1), json!(""), json!("b"), null()),
            ]),
            end("tool_calls"),
        ],
        "",
        &[("call-7-0", "a", json!({})), ("call-7-1", "b", json!({}))],
        Finish::ToolCalls,
    );
    check(
        "the same id twice",
        &[
            calls(&[
                call(json!(0), json!("c"), json!("a"), json!("{}")),
                call(json!(1), json!("c"), json!("b"), json!("{}")),
            ]),
            end("tool_calls"),
        ],
        "",
        &[("c", "a", json!({})), ("call-7-1", "b", json!({}))],
        Finish::ToolCalls,
    );
}

#[test]
fn calls_are_told_apart_when_the_index_does_not() {
    let null = || Value::Null;
    let expected = [("c1", "a", json!({"x": 1})), ("c2", "b", json!({"y": 2}))];
    for index in [json!(0), null()] {
        check(
            "same index or none, different ids",
            &[
                calls(&[call(index.clone(), json!("c1"), json!("a"), json!("{\"x\":1}"))]),
                calls(&[call(index.clone(), json!("c2"), json!("b"), json!("{\"y\":2}"))]),
                end("tool_calls"),
            ],
            "",
            &expected,
            Finish::ToolCalls,
        );
        check(
            "same index or none, no ids",
            &[
                calls(&[call(index.clone(), null(), json!("a"), json!("{\"x\":1}"))]),
                calls(&[call(index.clone(), null(), json!("a"), json!("{\"x\":1}"))]),
                end("tool_calls"),
            ],
            "",
            &[("call-7-0", "a", json!({"x": 1})), ("call-7-1", "a", json!({"x": 1}))],
            Finish::ToolCalls,
        );
    }
    check(
        "no index, pieces named by id only",
        &[
            calls(&[call(null(), json!("c1"), json!("a"), json!("{\"x\""))]),
            calls(&[call(null(), json!("c1"), null(), json!(":1}"))]),
            calls(&[call(null(), json!("c2"), json!("b"), json!("{\"y\":2}"))]),
            end("tool_calls"),
        ],
        "",
        &expected,
        Finish::ToolCalls,
    );
}

#[test]
fn arguments_come_in_every_shape() {
    let check = |arguments: Value, expected: Value| {
        let frames = [calls(&[call(json!(0), json!("c"), json!("a"), arguments.clone())]), end("tool_calls")];
        check(&arguments.to_string(), &frames, "", &[("c", "a", expected)], Finish::ToolCalls);
    };
    check(json!(""), json!({}));
    check(Value::Null, json!({}));
    check(json!({"x": 1}), json!({"x": 1}));
    check(json!("{\"x\": \"a\nb\"}"), json!("{\"x\": \"a\nb\"}"));
    check(json!("{\"x\":"), json!("{\"x\":"));
    check(json!("[]"), json!("[]"));
}

#[test]
fn the_legacy_field_counts_only_on_its_own() {
    let legacy = |name: Value, arguments: &str| {
        delta(json!({"function_call": {"name": name, "arguments": arguments}}))
    };
    check(
        "legacy only",
        &[legacy(json!("a"), "{\"x\""), legacy(Value::Null, ":1}"), end("function_call")],
        "",
        &[("call-7-0", "a", json!({"x": 1}))],
        Finish::ToolCalls,
    );
    let both = delta(json!({
        "function_call": {"name": "a", "arguments": "{}"},
        "tool_calls": [{"id": "c", "function": {"name": "a", "arguments": "{}"}}],
    }));
    check("both", &[both, end("tool_calls")], "", &[("c", "a", json!({}))], Finish::ToolCalls);
}

#[test]
fn a_call_cut_at_the_limit_keeps_its_raw_text() {
    let frames =
        [calls(&[call(json!(0), json!("c"), json!("bash"), json!("{\"command\":\"ec"))]), end("length")];
    check("cut", &frames, "", &[("c", "bash", json!("{\"command\":\"ec"))], Finish::Length);
}

#[test]
fn reasoning_is_kept_apart_from_the_answer() {
    for key in ["reasoning", "reasoning_content"] {
        let (answer, _) = assemble(&[
            delta(json!({key: "h", "content": null})),
            delta(json!({key: "m", "content": "a"})),
            end("stop"),
        ]);
        let (message, _) = answer.into_message(0);
        assert_eq!((message.reasoning.as_deref(), message.content.as_str()), (Some("hm"), "a"));
    }
}

#[test]
fn the_last_usage_counts_and_null_does_not_erase_it() {
    let usage =
        |output: u64| json!({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": output}});
    let (answer, _) = assemble(&[usage(1), usage(2), json!({"choices": [], "usage": null})]);
    assert_eq!(answer.usage.map(|u| u.output_tokens), Some(2));
}

#[test]
fn an_end_that_nothing_announced_is_not_complete() {
    for frames in [
        vec![],
        vec![delta(json!({"content": "a"}))],
        vec![json!("[DONE]")],
        vec![calls(&[call(json!(0), json!("c"), json!("a"), json!("{}"))])],
    ] {
        let (answer, error) = assemble(&frames);
        assert!(error.is_none() && !answer.is_complete(), "{frames:?}");
    }
}

#[test]
fn errors_inside_the_stream_are_errors() {
    let check = |event: Event, expected: &str| {
        let shown = format!("{:?}", Answer::default().take(&event));
        assert!(shown.contains(expected), "{event:?}: {shown}");
    };
    check(event(json!({"error": {"message": "slow", "code": 429}})), "RateLimited");
    check(Event { name: "error".into(), data: "overloaded".into() }, "overloaded");
    check(
        Event { name: "error".into(), data: json!({"message": "x", "type": "server_error"}).to_string() },
        "Overloaded",
    );
    check(event(end("error")), "Overloaded");
    check(event("{\"choices\":"), "Malformed");
    assert!(Answer::default().take(&event(json!({"error": null, "choices": []}))).is_ok());
    let flood: Vec<Value> =
        (0..200).map(|n| call(json!(n), json!(format!("c{n}")), json!("a"), json!("{}"))).collect();
    check(event(calls(&flood)), "more than 128");
}
