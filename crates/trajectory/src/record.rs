//! The append-only record of an attempt: what the model was told, and each of its steps.
//!
//! The record *is* the conversation: [`Trajectory::messages`] derives the message list from it, so the two cannot disagree,
//! and appending to the record can only append to the list.

use serde::{Deserialize, Serialize};

use crate::message::Message;
use crate::tool_spec::ToolSpec;
use crate::usage::Usage;

/// Fingerprint of everything a model was shown for one answer: `b3-` and the BLAKE3 of the messages and tools as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestHash(pub String);

impl RequestHash {
    /// The fingerprint of a request.
    pub fn of(messages: &[Message], tools: &[ToolSpec]) -> Self {
        let mut hasher = blake3::Hasher::new();
        // Plain data with string keys always serialises; the empty fallback only keeps this free of a panic.
        hasher.update(&serde_json::to_vec(&(messages, tools)).unwrap_or_default());
        Self(format!("b3-{}", hasher.finalize().to_hex()))
    }
}

/// What came of one tool call, or a note to the model when it made none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    /// The call this answers. `None` is a note that answers no call, such as a reminder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<String>,
    /// The text shown to the model, already bounded.
    pub content: String,
    /// Whether the call failed or was refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_error: bool,
}

impl Observation {
    /// A note that answers no call.
    pub fn note(content: impl Into<String>) -> Self {
        Self { tool_call_id: None, content: content.into(), is_error: false }
    }

    fn to_message(&self) -> Message {
        match &self.tool_call_id {
            Some(id) => Message::tool(id.clone(), self.content.clone()),
            None => Message::user(self.content.clone()),
        }
    }
}

/// One turn of an attempt: the model's answer and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// Fingerprint of what the model was shown.
    pub request_hash: RequestHash,
    /// The model's answer.
    pub message: Message,
    /// One per tool call, in the order of the calls, then any notes.
    pub observations: Vec<Observation>,
    /// What the answer took.
    #[serde(default)]
    pub usage: Usage,
}

/// One thing in the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "data", rename_all = "snake_case")]
pub enum Entry {
    /// Something the model was told: instructions, the task, feedback.
    Told(Message),
    /// A step of the model.
    Step(Step),
}

/// The ordered record of an attempt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Trajectory {
    entries: Vec<Entry>,
}

impl Trajectory {
    /// Records something the model was told.
    pub fn tell(&mut self, message: Message) {
        self.entries.push(Entry::Told(message));
    }

    /// Records a step.
    pub fn push(&mut self, step: Step) {
        self.entries.push(Entry::Step(step));
    }

    /// Everything, oldest first.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The steps, oldest first.
    pub fn steps(&self) -> impl Iterator<Item = &Step> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Step(step) => Some(step),
            Entry::Told(_) => None,
        })
    }

    /// The conversation so far: the next request's messages. Each result is an extension of every earlier one.
    pub fn messages(&self) -> Vec<Message> {
        self.entries.iter().flat_map(entry_messages).collect()
    }

    /// Tokens of all steps together.
    pub fn usage(&self) -> Usage {
        self.steps().fold(Usage::default(), |sum, step| sum + step.usage)
    }
}

fn entry_messages(entry: &Entry) -> Vec<Message> {
    match entry {
        Entry::Told(message) => vec![message.clone()],
        Entry::Step(step) => std::iter::once(step.message.clone())
            .chain(step.observations.iter().map(Observation::to_message))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Role, ToolCall};
    use serde_json::json;

    fn step(id: &str) -> Step {
        let call = ToolCall { id: id.into(), name: "bash".into(), arguments: json!({"command": "ls"}) };
        Step {
            request_hash: RequestHash::of(&[], &[]),
            message: Message::assistant("", vec![call]),
            observations: vec![
                Observation { tool_call_id: Some(id.into()), content: "a.py".into(), is_error: false },
                Observation::note("3 steps left"),
            ],
            usage: Usage { input_tokens: 10, output_tokens: 2, ..Usage::default() },
        }
    }

    #[test]
    fn the_record_reads_back_as_a_conversation() {
        let mut record = Trajectory::default();
        record.tell(Message::system("be brief"));
        record.tell(Message::user("fix it"));
        record.push(step("c1"));
        let roles: Vec<Role> = record.messages().iter().map(|m| m.role).collect();
        assert_eq!(roles, [Role::System, Role::User, Role::Assistant, Role::Tool, Role::User]);
        assert_eq!(record.messages()[3].tool_call_id.as_deref(), Some("c1"));
        assert_eq!(record.usage().total(), 12);
    }

    #[test]
    fn appending_only_extends_the_conversation() {
        let mut record = Trajectory::default();
        record.tell(Message::system("s"));
        let mut before = record.messages();
        for id in ["a", "b", "c"] {
            record.push(step(id));
            let after = record.messages();
            assert_eq!(&after[..before.len()], &before[..]);
            before = after;
        }
        assert_eq!(record.steps().count(), 3);
    }

    #[test]
    fn the_hash_sees_messages_and_tools() {
        let tool = ToolSpec { name: "bash".into(), description: String::new(), parameters: json!({}) };
        let base = RequestHash::of(&[Message::user("a")], &[]);
        assert_eq!(base, RequestHash::of(&[Message::user("a")], &[]));
        assert_ne!(base, RequestHash::of(&[Message::user("b")], &[]));
        assert_ne!(base, RequestHash::of(&[Message::user("a")], &[tool]));
        assert!(base.0.starts_with("b3-") && base.0.len() == 67, "{base:?}");
    }
}
