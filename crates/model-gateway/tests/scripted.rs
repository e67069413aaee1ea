//! The scripted model through its port: what a script says is what an agent gets.

#![allow(clippy::unwrap_used)]

use std::path::Path;

use serde_json::json;
use smallhands_model_gateway::{
    ChatModel, ChatRequest, ChatResponse, Finish, ModelError, ScriptError, ScriptedModel,
};
use smallhands_trajectory::Message;

async fn ask(model: &ScriptedModel, last: &str) -> Result<ChatResponse, ModelError> {
    let messages = [Message::system("s"), Message::user(last)];
    let request = ChatRequest { messages: &messages, tools: &[], max_output_tokens: None, temperature: None };
    model.complete(request).await
}

fn example() -> ScriptedModel {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/fix-a-typo.script.json");
    ScriptedModel::from_file(&path).unwrap()
}

#[tokio::test]
async fn the_example_plays_to_its_end_and_then_says_so() {
    let model = example();
    assert_eq!(model.name(), "scripted-example");
    let first = ask(&model, "fix the greeting").await.unwrap();
    assert_eq!(first.message.content, "I read the file first.");
    assert_eq!(first.message.tool_calls[0].id, "call-0-0");
    assert_eq!(first.message.tool_calls[0].arguments, json!({"path": "greeting.txt"}));
    assert_eq!(
        (first.finish, first.usage.input_tokens, first.cost_usd_micros),
        (Finish::ToolCalls, 400, Some(1500))
    );
    let second = ask(&model, "1  Helo world").await.unwrap();
    assert_eq!(second.message.tool_calls[0].name, "edit_file");
    assert_eq!(model.turns_left(), 1);
    ask(&model, "edited").await.unwrap();
    let error = ask(&model, "more").await.unwrap_err();
    assert_eq!(error, ModelError::Script(ScriptError::Exhausted { lane: "main".into(), turns: 3 }));
}

#[tokio::test]
async fn a_mismatch_plays_nothing_and_shows_both_sides() {
    let model = example();
    ask(&model, "").await.unwrap();
    let error = ask(&model, "No such file").await.unwrap_err().to_string();
    assert!(
        error.contains("turn 2") && error.contains("\"Helo\"") && error.contains("No such file"),
        "{error}"
    );
    assert_eq!(model.turns_left(), 2);
    ask(&model, "Helo").await.unwrap();
}

#[tokio::test]
async fn lanes_have_their_own_turns_and_their_own_place() {
    let model = example();
    let (one, other) = (model.for_lane("coder-1"), model.for_lane("coder-2"));
    for lane in [&one, &other] {
        assert_eq!(ask(lane, "").await.unwrap().message.tool_calls[0].name, "read_file");
    }
    let broken = model.for_lane("broken-json");
    let cut = ask(&broken, "").await.unwrap();
    assert_eq!(cut.finish, Finish::Length);
    assert_eq!(cut.message.tool_calls[0].unparsed_arguments(), Some("{\"command\": \"ls"));
    assert!(matches!(ask(&broken, "").await, Err(ModelError::Overloaded { .. })));
    let words = ask(&broken, "").await.unwrap_err();
    assert_eq!(words.to_string(), "scripted failure: the lights went out");
    assert_eq!(model.turns_left(), 3, "the main lane has not moved");
}

#[tokio::test]
async fn a_plain_list_is_a_script() {
    let model = ScriptedModel::from_json(r#"[{"content": "hi"}]"#).unwrap();
    let answer = ask(&model, "").await.unwrap();
    assert_eq!(
        (answer.message.content.as_str(), answer.finish, answer.cost_usd_micros),
        ("hi", Finish::Stop, Some(0))
    );
}

#[test]
fn what_is_not_a_script_is_refused_with_a_reason() {
    let check = |text: &str, expected: &str| {
        let error = ScriptedModel::from_json(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{text}: {error}");
    };
    check("", "EOF");
    check("3", "invalid type");
    check(r#"{"turn": []}"#, "unknown field `turn`");
    check(r#"[{"contents": ""}]"#, "unknown field `contents`");
    check(r#"{"version": 2}"#, "version is 2");
    check(r#"[{"tool_calls": [{"name": "bash", "arguments": [1]}]}]"#, "neither an object nor a string");
    let missing = ScriptedModel::from_file(Path::new("/nonexistent/script.json")).unwrap_err().to_string();
    assert!(missing.contains("/nonexistent/script.json"), "{missing}");
}

#[test]
fn the_ceiling_is_the_next_turns_cost() {
    let messages = [Message::user("x")];
    let request = ChatRequest { messages: &messages, tools: &[], max_output_tokens: None, temperature: None };
    assert_eq!(example().cost_ceiling(&request), Some(1500));
}
