//! Puts an answer together from its pieces.
//!
//! What is tolerated, because real endpoints do it: pieces without choices; `null` anywhere; content as a list of parts; tool
//! calls without an id, without an index, all with index 0, or with the arguments as an object; the same call once more in
//! the legacy `function_call` field; several documents in one event; a finish reason missing before `[DONE]`, or `[DONE]`
//! missing after a finish reason; a whole message instead of pieces. What is not: an error frame, and an end that nothing
//! announced.

use serde_json::Value;
use smallhands_trajectory::{Message, ToolCall, Usage};

use super::{refusal, usage};
use crate::chat_model::Finish;
use crate::error::ModelError;
use crate::sse::Event;

/// More calls than any model makes at once; a guard against a broken endpoint.
const MOST_CALLS: usize = 128;

/// What has arrived of an answer.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    content: String,
    reasoning: String,
    calls: Vec<PartialCall>,
    /// The deprecated single call; endpoints that repeat a tool call here send it in `tool_calls` too.
    legacy: Option<PartialCall>,
    finish: Option<String>,
    over: bool,
    has_choice: bool,
    /// The last token counts reported; some endpoints report running counts.
    pub usage: Option<Usage>,
}

#[derive(Debug, Default)]
struct PartialCall {
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
}

impl PartialCall {
    fn is_whole(&self) -> bool {
        !self.name.is_empty() && serde_json::from_str::<serde_json::Map<_, _>>(&self.arguments).is_ok()
    }

    fn add(&mut self, function: &Value) {
        let name = function["name"].as_str().unwrap_or_default();
        // Some endpoints repeat the whole name in every piece.
        if name != self.name {
            self.name.push_str(name);
        }
        match &function["arguments"] {
            Value::String(piece) => self.arguments.push_str(piece),
            whole @ Value::Object(_) => self.arguments = whole.to_string(),
            _ => {}
        }
    }
}

impl Answer {
    /// Takes one event of the stream, or a whole document as if it were one.
    pub fn take(&mut self, event: &Event) -> Result<(), ModelError> {
        let text = event.data.trim();
        let (text, done) = match text.strip_suffix("[DONE]") {
            Some(before) => (before, true),
            None => (text, false),
        };
        for frame in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            match frame {
                Ok(frame) => self.frame(event, &frame)?,
                Err(_) if event.name == "error" => {
                    return Err(refusal::of_frame(&Value::String(text.to_owned())));
                }
                Err(error) => {
                    return Err(ModelError::Malformed { message: format!("a piece is not JSON: {error}") });
                }
            }
        }
        self.over |= done;
        Ok(())
    }

    /// Whether the endpoint has said that the answer is whole.
    pub fn is_complete(&self) -> bool {
        self.has_choice && (self.over || self.finish.is_some())
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What has arrived, in a few words.
    pub fn progress(&self) -> String {
        if !self.has_choice {
            return "nothing of it".to_owned();
        }
        format!("{} characters and {} tool calls", self.content.chars().count(), self.calls.len())
    }

    /// The answer as a message. `turn` makes the ids of calls that came without one unique in their conversation.
    pub fn into_message(mut self, turn: usize) -> (Message, Finish) {
        if self.calls.is_empty() {
            self.calls.extend(self.legacy.take());
        }
        let finish = self.finish();
        let mut calls: Vec<ToolCall> = Vec::with_capacity(self.calls.len());
        for (nth, call) in self.calls.into_iter().enumerate() {
            let taken = calls.iter().any(|earlier| earlier.id == call.id);
            let id = if call.id.is_empty() || taken { format!("call-{turn}-{nth}") } else { call.id };
            calls.push(ToolCall::from_text(id, call.name, &call.arguments));
        }
        let reasoning = (!self.reasoning.is_empty()).then_some(self.reasoning);
        (Message { reasoning, ..Message::assistant(self.content, calls) }, finish)
    }

    fn finish(&self) -> Finish {
        match self.finish.as_deref().unwrap_or_default() {
            "length" | "max_tokens" => Finish::Length,
            "content_filter" => Finish::ContentFilter,
            _ if !self.calls.is_empty() => Finish::ToolCalls,
            "stop" | "end_turn" | "eos" | "tool_calls" | "function_call" | "tool_use" => Finish::Stop,
            other => Finish::Other(other.to_owned()),
        }
    }

    fn frame(&mut self, event: &Event, frame: &Value) -> Result<(), ModelError> {
        if event.name == "error" || frame.get("error").is_some_and(|error| !error.is_null()) {
            return Err(refusal::of_frame(frame));
        }
        self.usage = usage::from_frame(frame).or(self.usage);
        let choices = frame["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        match choices.iter().find(|choice| choice["index"].as_u64().unwrap_or(0) == 0) {
            Some(choice) => self.choice(choice),
            None => Ok(()),
        }
    }

    fn choice(&mut self, choice: &Value) -> Result<(), ModelError> {
        self.has_choice = true;
        let whole = choice["message"].is_object();
        let delta = if whole { &choice["message"] } else { &choice["delta"] };
        self.content.push_str(&text_of(&delta["content"]));
        let reasoning = ["reasoning_content", "reasoning"].iter().find_map(|key| delta[*key].as_str());
        self.reasoning.push_str(reasoning.unwrap_or_default());
        for call in delta["tool_calls"].as_array().map(Vec::as_slice).unwrap_or_default() {
            self.call(call)?;
        }
        if delta["function_call"].is_object() {
            self.legacy.get_or_insert_default().add(&delta["function_call"]);
        }
        match choice["finish_reason"].as_str() {
            Some("error") => Err(ModelError::Overloaded {
                status: None,
                message: "the endpoint ended the answer with an error it does not explain".to_owned(),
            }),
            Some(reason) if !reason.is_empty() => {
                self.finish = Some(reason.to_owned());
                Ok(())
            }
            _ => {
                self.over |= whole;
                Ok(())
            }
        }
    }

    fn call(&mut self, piece: &Value) -> Result<(), ModelError> {
        let at = match self.belongs_to(piece) {
            Some(at) => at,
            None if self.calls.len() >= MOST_CALLS => {
                return Err(ModelError::Malformed {
                    message: format!("it has more than {MOST_CALLS} tool calls"),
                });
            }
            None => {
                self.calls.push(PartialCall { index: piece["index"].as_u64(), ..PartialCall::default() });
                self.calls.len() - 1
            }
        };
        let call = &mut self.calls[at];
        if call.id.is_empty() {
            call.id = piece["id"].as_str().unwrap_or_default().to_owned();
        }
        call.add(&piece["function"]);
        Ok(())
    }

    /// Which call a piece continues; `None` when it begins one.
    ///
    /// An index should decide. Without one, or where every call has the same, a new id begins a call, and so does a name
    /// after a call that is whole already.
    fn belongs_to(&self, piece: &Value) -> Option<usize> {
        let index = piece["index"].as_u64();
        let id = piece["id"].as_str().unwrap_or_default();
        let named = piece["function"]["name"].as_str().is_some_and(|name| !name.is_empty());
        let same_id = || self.calls.iter().rposition(|call| !id.is_empty() && call.id == id);
        let place = match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index),
            None => same_id().or_else(|| self.calls.len().checked_sub(1)),
        }?;
        let call = &self.calls[place];
        let other_id = !id.is_empty() && !call.id.is_empty() && call.id != id;
        let has_arguments = !matches!(piece["function"]["arguments"].as_str(), Some(""))
            && !piece["function"]["arguments"].is_null();
        let begins = named && (other_id || (id.is_empty() && has_arguments && call.is_whole()));
        if begins { same_id() } else { Some(place) }
    }
}

/// The text of a content field: a string, or a list of parts of which only the text is kept.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str()).collect(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
