//! One message of a conversation. Vendors' wire shapes are made from this at the rim, never stored.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Standing instructions.
    System,
    /// The task, reminders and feedback.
    User,
    /// The model.
    Assistant,
    /// The result of one tool call.
    Tool,
}

/// One use of a tool that the model asks for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolCall {
    /// Names this call in the conversation; its result carries the same id.
    pub id: String,
    /// The tool's name, as the model wrote it; it need not exist.
    pub name: String,
    /// A JSON object, or a JSON string holding the model's raw text when that text was not a JSON object.
    pub arguments: Value,
}

impl ToolCall {
    /// Takes the argument text a model wrote. Nothing at all means "no arguments"; text that is no JSON object is kept as
    /// it is, so that the model can be told what was wrong with it.
    pub fn from_text(id: impl Into<String>, name: impl Into<String>, arguments: &str) -> Self {
        let parsed = match arguments.trim() {
            "" => Value::Object(serde_json::Map::new()),
            text => match serde_json::from_str(text) {
                Ok(object @ Value::Object(_)) => object,
                Ok(_) | Err(_) => Value::String(arguments.to_owned()),
            },
        };
        Self { id: id.into(), name: name.into(), arguments: parsed }
    }

    /// The raw argument text when it could not be understood.
    pub fn unparsed_arguments(&self) -> Option<&str> {
        self.arguments.as_str()
    }
}

/// One message.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The text; may be empty when there are tool calls.
    pub content: String,
    /// What the model asks for; only on [`Role::Assistant`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// Which call this answers; only on [`Role::Tool`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The model's visible reasoning, where the endpoint gives it. Some models work better when it is sent back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<String>,
}

impl Message {
    /// Standing instructions.
    pub fn system(content: impl Into<String>) -> Self {
        Self::plain(Role::System, content)
    }

    /// Something said to the model.
    pub fn user(content: impl Into<String>) -> Self {
        Self::plain(Role::User, content)
    }

    /// An answer of the model.
    pub fn assistant(content: impl Into<String>, tool_calls: Vec<ToolCall>) -> Self {
        Self { tool_calls, ..Self::plain(Role::Assistant, content) }
    }

    /// The result of the call named `tool_call_id`.
    pub fn tool(tool_call_id: impl Into<String>, content: impl Into<String>) -> Self {
        Self { tool_call_id: Some(tool_call_id.into()), ..Self::plain(Role::Tool, content) }
    }

    fn plain(role: Role, content: impl Into<String>) -> Self {
        Self { role, content: content.into(), tool_calls: Vec::new(), tool_call_id: None, reasoning: None }
    }

    /// Bytes of text in this message, arguments included: a cheap measure of how long a conversation is.
    pub fn text_len(&self) -> usize {
        let calls: usize = self.tool_calls.iter().map(|c| c.name.len() + c.arguments.to_string().len()).sum();
        self.content.len() + self.reasoning.as_deref().map_or(0, str::len) + calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn argument_text_becomes_an_object_or_stays_raw() {
        let check = |text: &str, expected: Value| {
            let call = ToolCall::from_text("1", "bash", text);
            assert_eq!(call.arguments, expected, "{text:?}");
            assert_eq!(call.unparsed_arguments().is_some(), expected.is_string(), "{text:?}");
        };
        check("", json!({}));
        check("  \n", json!({}));
        check(r#"{"a":1}"#, json!({"a": 1}));
        check(r#" {"a":"ü"} "#, json!({"a": "ü"}));
        check(r#"{"a":"#, json!(r#"{"a":"#));
        check("[1]", json!("[1]"));
        check("null", json!("null"));
        check("{\"a\":\"line\nbreak\"}", json!("{\"a\":\"line\nbreak\"}"));
    }

    #[test]
    fn keys_keep_the_order_in_which_the_model_wrote_them() {
        let call = ToolCall::from_text("1", "t", r#"{"z":1,"a":2}"#);
        assert_eq!(call.arguments.to_string(), r#"{"z":1,"a":2}"#);
    }

    #[test]
    fn absent_parts_are_not_written() {
        let text = serde_json::to_string(&Message::user("hi")).unwrap();
        assert_eq!(text, r#"{"role":"user","content":"hi"}"#);
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), Message::user("hi"));
    }

    #[test]
    fn text_len_counts_content_and_arguments() {
        let call = ToolCall::from_text("1", "bash", r#"{"a":1}"#);
        assert_eq!(Message::assistant("four", vec![call]).text_len(), 4 + 4 + 7);
    }
}
