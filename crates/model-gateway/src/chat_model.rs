//! The port to a language model. An adapter turns one conversation into one answer and knows nothing of agents.

use async_trait::async_trait;
use smallhands_trajectory::{Message, ToolSpec, Usage};

use crate::error::ModelError;

/// What a model is shown for one answer.
#[derive(Debug, Clone, Copy)]
pub struct ChatRequest<'a> {
    /// The conversation, oldest first.
    pub messages: &'a [Message],
    /// The tools the model may call.
    pub tools: &'a [ToolSpec],
    /// Most tokens the answer may have; `None` leaves it to the endpoint.
    pub max_output_tokens: Option<u32>,
    /// Sampling temperature; `None` leaves it to the endpoint (some models accept no other value).
    pub temperature: Option<f32>,
}

/// Why the model stopped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finish {
    /// It said what it wanted to say.
    Stop,
    /// It wants tools to be called.
    ToolCalls,
    /// The answer was cut at the output limit; a tool call in it may be incomplete.
    Length,
    /// The endpoint withheld the answer.
    ContentFilter,
    /// The endpoint's own word, or empty when it gave none.
    Other(String),
}

/// One answer.
#[derive(Debug, Clone, PartialEq)]
pub struct ChatResponse {
    /// What the model said and which tools it wants called.
    pub message: Message,
    /// Why it stopped.
    pub finish: Finish,
    /// Tokens spent on this answer.
    pub usage: Usage,
    /// True when the endpoint reported no usage and `usage` is computed from text lengths.
    pub usage_estimated: bool,
    /// What the answer cost, in millionths of a US dollar, rounded up; `None` when the price is not known.
    pub cost_usd_micros: Option<u64>,
}

/// A language model that can call tools.
#[async_trait]
pub trait ChatModel: Send + Sync {
    /// The model's name, for people and records.
    fn name(&self) -> &str;

    /// Answers one request. Dropping the future abandons the request.
    ///
    /// # Errors
    /// See [`ModelError`]. Whatever is worth retrying has been retried before this returns.
    async fn complete(&self, request: ChatRequest<'_>) -> Result<ChatResponse, ModelError>;

    /// An upper estimate of what `request` can cost, in millionths of a US dollar, made before anything is sent.
    /// `None` when the price is not known: a caller with a budget must then not call.
    fn cost_ceiling(&self, request: &ChatRequest<'_>) -> Option<u64> {
        let _ = request;
        None
    }
}
