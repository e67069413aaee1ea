//! Writes the body of a request. The domain's messages are turned into the wire's by hand, here and nowhere else.

use serde_json::{Map, Value, json};
use smallhands_trajectory::{Message, Role, ToolCall, ToolSpec};

use super::options::{OpenAiOptions, TokenLimitField};
use crate::chat_model::ChatRequest;

/// The JSON body. Fields the caller leaves open are not sent: an absent field is understood everywhere, a default is not.
pub(crate) fn body(options: &OpenAiOptions, request: &ChatRequest<'_>) -> Value {
    let mut body = Map::new();
    body.insert("model".into(), json!(options.model));
    body.insert("stream".into(), json!(true));
    if options.ask_for_usage {
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    if let Some(limit) = request.max_output_tokens {
        let field = match options.token_limit_field {
            TokenLimitField::MaxTokens => "max_tokens",
            TokenLimitField::MaxCompletionTokens => "max_completion_tokens",
        };
        body.insert(field.into(), json!(limit));
    }
    if let Some(temperature) = request.temperature {
        // Through text, so that 0.2 is sent and not 0.20000000298.
        body.insert("temperature".into(), temperature.to_string().parse().unwrap_or(Value::Null));
    }
    body.extend(options.extra_body.clone());
    if !request.tools.is_empty() {
        body.insert("tools".into(), request.tools.iter().map(tool).collect());
    }
    body.insert(
        "messages".into(),
        request.messages.iter().map(|m| message(m, options.send_reasoning)).collect(),
    );
    Value::Object(body)
}

fn tool(spec: &ToolSpec) -> Value {
    json!({"type": "function", "function": {
        "name": spec.name, "description": spec.description, "parameters": spec.parameters,
    }})
}

fn message(message: &Message, send_reasoning: bool) -> Value {
    let mut wire = Map::new();
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    wire.insert("role".into(), json!(role));
    if let Some(id) = &message.tool_call_id {
        wire.insert("tool_call_id".into(), json!(id));
    }
    // Beside tool calls an empty text must be null: some endpoints refuse the empty string.
    let silent = message.content.is_empty() && !message.tool_calls.is_empty();
    wire.insert("content".into(), if silent { Value::Null } else { json!(message.content) });
    if let Some(reasoning) = message.reasoning.as_ref().filter(|_| send_reasoning) {
        wire.insert("reasoning_content".into(), json!(reasoning));
    }
    if !message.tool_calls.is_empty() {
        wire.insert("tool_calls".into(), message.tool_calls.iter().map(tool_call).collect());
    }
    Value::Object(wire)
}

/// Arguments go back as JSON text. Those that were no JSON go back inside an object: several endpoints parse the arguments
/// of earlier calls and fail on anything else.
fn tool_call(call: &ToolCall) -> Value {
    let arguments = match call.unparsed_arguments() {
        Some(raw) => json!({"unparsed": raw}).to_string(),
        None => call.arguments.to_string(),
    };
    json!({"id": call.id, "type": "function", "function": {"name": call.name, "arguments": arguments}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options() -> OpenAiOptions {
        OpenAiOptions::new("http://localhost/v1", "m")
    }

    #[test]
    fn a_whole_conversation_is_written_in_the_wires_shape() {
        let calls = vec![
            ToolCall::from_text("c1", "bash", r#"{"command":"ls"}"#),
            ToolCall::from_text("c2", "bash", r#"{"comm"#),
        ];
        let messages = [
            Message::system("be brief"),
            Message::user("fix"),
            Message { reasoning: Some("hm".into()), ..Message::assistant("", calls) },
            Message::tool("c1", "a.py"),
            Message::assistant("", vec![]),
        ];
        let tools = [ToolSpec {
            name: "bash".into(),
            description: "runs".into(),
            parameters: json!({"type": "object"}),
        }];
        let request = ChatRequest {
            messages: &messages,
            tools: &tools,
            max_output_tokens: Some(100),
            temperature: Some(0.2),
        };
        let expected = json!({
            "model": "m", "stream": true, "stream_options": {"include_usage": true},
            "max_tokens": 100, "temperature": 0.2,
            "tools": [{"type": "function", "function":
                {"name": "bash", "description": "runs", "parameters": {"type": "object"}}}],
            "messages": [
                {"role": "system", "content": "be brief"},
                {"role": "user", "content": "fix"},
                {"role": "assistant", "content": null, "tool_calls": [
                    {"id": "c1", "type": "function", "function": {"name": "bash", "arguments": "{\"command\":\"ls\"}"}},
                    {"id": "c2", "type": "function", "function": {"name": "bash", "arguments": "{\"unparsed\":\"{\\\"comm\"}"}},
                ]},
                {"role": "tool", "tool_call_id": "c1", "content": "a.py"},
                {"role": "assistant", "content": ""},
            ],
        });
        assert_eq!(body(&options(), &request), expected);
    }

    #[test]
    fn options_change_the_body() {
        let messages = [Message { reasoning: Some("hm".into()), ..Message::assistant("a", vec![]) }];
        let request =
            ChatRequest { messages: &messages, tools: &[], max_output_tokens: Some(9), temperature: None };
        let mut options = options();
        options.token_limit_field = TokenLimitField::MaxCompletionTokens;
        options.ask_for_usage = false;
        options.send_reasoning = true;
        options.extra_body.insert("reasoning_effort".into(), json!("low"));
        options.extra_body.insert("messages".into(), json!("ignored"));
        let expected = json!({
            "model": "m", "stream": true, "max_completion_tokens": 9, "reasoning_effort": "low",
            "messages": [{"role": "assistant", "content": "a", "reasoning_content": "hm"}],
        });
        assert_eq!(body(&options, &request), expected);
    }
}
