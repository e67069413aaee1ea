//! A model that plays back a file. It ships: with it the whole system runs, and is tested, without a model.
//!
//! # The format
//!
//! ```json
//! {
//!   "version": 1,
//!   "name": "scripted",
//!   "turns": [
//!     {"content": "I look first.", "tool_calls": [{"name": "bash", "arguments": {"command": "ls"}}]},
//!     {"match": "app.py", "tool_calls": [{"name": "submit", "arguments": {"message": "done"}}]},
//!     {"error": "overloaded"}
//!   ],
//!   "lanes": {"reviewer": [{"content": "Looks fine."}]}
//! }
//! ```
//!
//! - Each request plays the next turn of its lane. A lane named in `lanes` has turns of its own; any other plays `turns`.
//!   See [`ScriptedModel::for_lane`].
//! - `content`, `tool_calls`: the answer; both optional. `arguments` is an object, or a string to play a model that writes
//!   broken JSON.
//! - `match`: text that the last message must contain; if it does not, the request fails and nothing is played.
//! - `error`: the request fails in this way instead: `unauthorized`, `rate_limited`, `quota_exhausted`, `overloaded`,
//!   `context_overflow`, `bad_request`, `stream_cut`, or any other words.
//! - `finish`: `"length"` plays an answer cut at the output limit.
//! - `usage`: `{"input_tokens": …, "output_tokens": …}`, zero when absent. `cost_usd_micros`: zero when absent.
//! - A plain list is a script with only `turns`. Unknown fields are refused: they are misspelt ones.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::Value;
use smallhands_trajectory::{Message, ToolCall, Usage};

use crate::chat_model::{ChatModel, ChatRequest, ChatResponse, Finish};
use crate::error::{ModelError, ScriptError};

const VERSION: u32 = 1;
const MAIN_LANE: &str = "main";

/// How much of the last message a mismatch shows.
const SHOWN: usize = 200;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Script {
    #[serde(default = "first_version")]
    version: u32,
    #[serde(default = "default_name")]
    name: String,
    #[serde(default)]
    turns: Vec<Turn>,
    #[serde(default)]
    lanes: BTreeMap<String, Vec<Turn>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Turn {
    #[serde(default)]
    content: String,
    #[serde(default)]
    tool_calls: Vec<ScriptedCall>,
    #[serde(default, rename = "match")]
    expected: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    finish: Option<ScriptedFinish>,
    #[serde(default)]
    usage: Option<ScriptedUsage>,
    #[serde(default)]
    cost_usd_micros: u64,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedCall {
    name: String,
    #[serde(default)]
    arguments: Value,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum ScriptedFinish {
    Stop,
    Length,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScriptedUsage {
    #[serde(default)]
    input_tokens: u64,
    #[serde(default)]
    output_tokens: u64,
}

fn first_version() -> u32 {
    VERSION
}

fn default_name() -> String {
    "scripted".to_owned()
}

/// Plays one lane of a script.
#[derive(Debug)]
pub struct ScriptedModel {
    script: Arc<Script>,
    lane: String,
    /// How many turns have been played.
    played: Mutex<usize>,
}

impl ScriptedModel {
    /// Reads a script; plays its main lane.
    ///
    /// # Errors
    /// [`ScriptError::Malformed`] when `json` is not a script.
    pub fn from_json(json: &str) -> Result<Self, ScriptError> {
        let script = parse(json).map_err(|message| ScriptError::Malformed { message })?;
        Ok(Self { script: Arc::new(script), lane: MAIN_LANE.to_owned(), played: Mutex::new(0) })
    }

    /// Reads a script from a file.
    ///
    /// # Errors
    /// [`ScriptError::Unreadable`], or [`ScriptError::Malformed`].
    pub fn from_file(path: &Path) -> Result<Self, ScriptError> {
        let text = std::fs::read_to_string(path).map_err(|error| ScriptError::Unreadable {
            path: path.display().to_string(),
            message: error.to_string(),
        })?;
        Self::from_json(&text)
    }

    /// The same script from its beginning, for another agent. Agents that work at the same time each need a lane of their
    /// own, or the order of their requests would decide who gets which answer.
    pub fn for_lane(&self, lane: &str) -> Self {
        Self { script: Arc::clone(&self.script), lane: lane.to_owned(), played: Mutex::new(0) }
    }

    /// Turns of this lane that have not been played. A test that ends with some left went another way than it meant to.
    pub fn turns_left(&self) -> usize {
        self.turns().len().saturating_sub(self.played())
    }

    fn played(&self) -> usize {
        *self.played.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn turns(&self) -> &[Turn] {
        self.script.lanes.get(&self.lane).unwrap_or(&self.script.turns)
    }

    /// The turn for a request that ends with `last`, with its number from 0.
    fn next(&self, last: &str) -> Result<(usize, &Turn), ScriptError> {
        let turns = self.turns();
        let mut played = self.played.lock().unwrap_or_else(PoisonError::into_inner);
        let nth = *played;
        let turn = turns
            .get(nth)
            .ok_or_else(|| ScriptError::Exhausted { lane: self.lane.clone(), turns: turns.len() })?;
        match &turn.expected {
            Some(expected) if !last.contains(expected.as_str()) => Err(ScriptError::Mismatch {
                lane: self.lane.clone(),
                turn: nth + 1,
                expected: expected.clone(),
                found: last.chars().take(SHOWN).collect(),
            }),
            _ => {
                *played += 1;
                Ok((nth, turn))
            }
        }
    }
}

fn parse(json: &str) -> Result<Script, String> {
    let document: Value = serde_json::from_str(json).map_err(|error| error.to_string())?;
    let script = if document.is_array() {
        let turns = serde_json::from_value(document).map_err(|error| error.to_string())?;
        Script { version: VERSION, name: default_name(), turns, lanes: BTreeMap::new() }
    } else {
        serde_json::from_value(document).map_err(|error| error.to_string())?
    };
    if script.version != VERSION {
        return Err(format!("its version is {}, this program plays version {VERSION}", script.version));
    }
    let faulty =
        |call: &ScriptedCall| !matches!(call.arguments, Value::Object(_) | Value::String(_) | Value::Null);
    let mut calls =
        script.turns.iter().chain(script.lanes.values().flatten()).flat_map(|turn| &turn.tool_calls);
    match calls.find(|call| faulty(call)) {
        Some(call) => {
            Err(format!("the arguments of a call of {:?} are neither an object nor a string", call.name))
        }
        None => Ok(script),
    }
}

fn failure(kind: &str) -> ModelError {
    let message = format!("scripted {kind}");
    match kind {
        "unauthorized" => ModelError::Unauthorized { endpoint: "the script".to_owned(), message },
        "rate_limited" => ModelError::RateLimited { retry_after: None, message },
        "quota_exhausted" => ModelError::QuotaExhausted { message },
        "overloaded" => ModelError::Overloaded { status: None, message },
        "context_overflow" => ModelError::ContextOverflow { message },
        "bad_request" => ModelError::BadRequest { message },
        "stream_cut" => ModelError::StreamCut { received: message },
        words => ScriptError::Scripted { message: words.to_owned() }.into(),
    }
}

fn calls(nth: usize, turn: &Turn) -> Vec<ToolCall> {
    let arguments = |call: &ScriptedCall| match &call.arguments {
        Value::String(raw) => raw.clone(),
        Value::Null => String::new(),
        object => object.to_string(),
    };
    turn.tool_calls
        .iter()
        .enumerate()
        .map(|(place, call)| ToolCall::from_text(format!("call-{nth}-{place}"), &call.name, &arguments(call)))
        .collect()
}

#[async_trait]
impl ChatModel for ScriptedModel {
    fn name(&self) -> &str {
        &self.script.name
    }

    async fn complete(&self, request: ChatRequest<'_>) -> Result<ChatResponse, ModelError> {
        let last = request.messages.last().map_or("", |message| message.content.as_str());
        let (nth, turn) = self.next(last)?;
        if let Some(kind) = &turn.error {
            return Err(failure(kind));
        }
        let tool_calls = calls(nth, turn);
        let finish = match turn.finish {
            Some(ScriptedFinish::Length) => Finish::Length,
            _ if !tool_calls.is_empty() => Finish::ToolCalls,
            _ => Finish::Stop,
        };
        let usage = turn.usage.map_or_else(Usage::default, |usage| Usage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            ..Usage::default()
        });
        Ok(ChatResponse {
            message: Message::assistant(turn.content.clone(), tool_calls),
            finish,
            usage,
            usage_estimated: false,
            cost_usd_micros: Some(turn.cost_usd_micros),
        })
    }

    /// What the next turn is said to cost.
    fn cost_ceiling(&self, _request: &ChatRequest<'_>) -> Option<u64> {
        let next = self.turns().get(self.played());
        Some(next.map_or(0, |turn| turn.cost_usd_micros))
    }
}
