//! A long and varied record, built without chance: what holds for every record is checked on all of its prefixes.

#![allow(clippy::unwrap_used)]

use serde_json::json;
use smallhands_trajectory::{
    Entry, Message, Observation, RequestHash, Role, Step, ToolCall, ToolSpec, Trajectory, Usage, decode,
    encode,
};

/// Texts that codecs stumble over.
const TEXTS: &[&str] = &[
    "",
    "plain",
    "two\nlines\r\n",
    "quotes \" and \\ and {{braces}}",
    "zażółć 🦀 漢字",
    "\u{0}\u{1b}[31m",
    "[DONE]",
];

fn text(n: usize) -> String {
    TEXTS[n % TEXTS.len()].repeat(n % 3 + 1)
}

fn call(n: usize) -> ToolCall {
    let arguments = match n % 3 {
        0 => json!({"command": text(n), "timeout_seconds": 0.5}).to_string(),
        1 => String::new(),
        _ => format!("{{\"cut\": \"{n}"),
    };
    ToolCall::from_text(format!("call-{n}"), ["bash", "read_file", "no_such_tool"][n % 3], &arguments)
}

fn step(n: usize, before: &Trajectory) -> Step {
    let calls: Vec<ToolCall> = (0..n % 4).map(|k| call(n * 10 + k)).collect();
    let answers = calls.iter().map(|call| Observation {
        tool_call_id: Some(call.id.clone()),
        content: text(n),
        is_error: call.unparsed_arguments().is_some(),
    });
    let mut observations: Vec<Observation> = answers.collect();
    if calls.is_empty() {
        observations.push(Observation::note("call a tool"));
    }
    let reasoning = n.is_multiple_of(5).then(|| text(n + 1));
    Step {
        request_hash: RequestHash::of(&before.messages(), &[]),
        message: Message { reasoning, ..Message::assistant(text(n), calls) },
        observations,
        usage: Usage { input_tokens: n as u64, output_tokens: 1, ..Usage::default() },
    }
}

/// A record of `steps` steps with feedback in between.
fn record(steps: usize) -> Trajectory {
    let mut record = Trajectory::default();
    record.tell(Message::system("be brief"));
    for n in 0..steps {
        if n.is_multiple_of(7) {
            record.tell(Message::user(text(n)));
        }
        let step = step(n, &record);
        record.push(step);
    }
    record
}

#[test]
fn every_record_survives_the_codec() {
    for steps in 0..30 {
        let record = record(steps);
        assert_eq!(decode(&encode(&record)).unwrap(), record, "{steps} steps");
        assert_eq!(encode(&decode(&encode(&record)).unwrap()), encode(&record), "{steps} steps");
    }
}

#[test]
fn a_record_cut_anywhere_is_refused() {
    let text = encode(&record(3));
    for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
        assert!(decode(&text[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn every_call_is_answered_before_anyone_else_speaks() {
    let mut open: Vec<String> = Vec::new();
    for message in record(30).messages() {
        match message.role {
            Role::Tool => assert_eq!(message.tool_call_id, Some(open.remove(0))),
            _ => assert!(open.is_empty(), "{open:?}"),
        }
        open.extend(message.tool_calls.into_iter().map(|call| call.id));
    }
    assert!(open.is_empty(), "{open:?}");
}

#[test]
fn a_longer_record_only_extends_the_conversation_and_its_hashes_differ() {
    let whole = record(30);
    let messages = whole.messages();
    for steps in 0..30 {
        let before = record(steps).messages();
        assert_eq!(messages[..before.len()], before[..], "{steps} steps");
    }
    let mut hashes: Vec<&RequestHash> = whole.steps().map(|step| &step.request_hash).collect();
    hashes.sort();
    hashes.dedup();
    assert_eq!(hashes.len(), 30);
    assert_eq!(whole.usage().total(), (0..30).sum::<u64>() + 30);
}

#[test]
fn names_on_disk_are_fixed() {
    let check = |value: serde_json::Value, expected: serde_json::Value| assert_eq!(value, expected);
    let roles = [Role::System, Role::User, Role::Assistant, Role::Tool];
    check(json!(roles), json!(["system", "user", "assistant", "tool"]));
    check(
        json!(Entry::Told(Message::user("a"))),
        json!({"kind": "told", "data": {"role": "user", "content": "a"}}),
    );
    check(json!(Observation::note("a")), json!({"content": "a"}));
    let spec = ToolSpec { name: "n".into(), description: "d".into(), parameters: json!({}) };
    check(json!(spec), json!({"name": "n", "description": "d", "parameters": {}}));
}
