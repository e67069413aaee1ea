//! How to reach an endpoint. Plain data, filled in by the caller; nothing is looked up.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::pace::{Pace, WallPace};
use super::retry::RetryPolicy;
use super::secret::Secret;
use crate::price::Price;

/// Bounds on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// To get a connection.
    pub connect: Duration,
    /// Between two pieces of the answer, and before the first. Keep it long: reasoning models think in silence.
    pub idle: Duration,
    /// For the whole call: every attempt and every pause.
    pub total: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            idle: Duration::from_secs(180),
            total: Duration::from_secs(900),
        }
    }
}

/// What the endpoint calls the limit on output tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TokenLimitField {
    /// `max_tokens`: understood nearly everywhere.
    #[default]
    MaxTokens,
    /// `max_completion_tokens`: what OpenAI's reasoning models insist on.
    MaxCompletionTokens,
}

/// How to reach an endpoint, and how to treat it.
#[derive(Clone)]
pub struct OpenAiOptions {
    /// The address before `/chat/completions`, usually ending in `/v1`.
    pub base_url: String,
    /// The model's name at the endpoint.
    pub model: String,
    /// Sent as a bearer token; local servers need none.
    pub api_key: Option<Secret>,
    /// What the model costs; without it answers have no cost and budgets in money cannot be kept.
    pub price: Option<Price>,
    /// Bounds on waiting.
    pub timeouts: Timeouts,
    /// When to try again.
    pub retry: RetryPolicy,
    /// How many requests may be under way at once.
    pub max_concurrent: usize,
    /// What the endpoint calls the limit on output tokens.
    pub token_limit_field: TokenLimitField,
    /// Ask for token counts at the end of the stream. Turn off for endpoints that refuse `stream_options`.
    pub ask_for_usage: bool,
    /// Send the model's earlier reasoning back to it as `reasoning_content`. Some models want it; others refuse the field.
    pub send_reasoning: bool,
    /// Further fields of the request, such as `reasoning_effort`. They may replace any field but the conversation.
    pub extra_body: Map<String, Value>,
    /// Further headers. Their values are treated as secrets.
    pub extra_headers: Vec<(String, Secret)>,
    /// An HTTP proxy to go through. The environment's proxies are not used.
    pub proxy: Option<String>,
    /// Time and chance.
    pub pace: Arc<dyn Pace>,
}

impl OpenAiOptions {
    /// Sensible values for everything but the address and the model.
    pub fn new(base_url: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            api_key: None,
            price: None,
            timeouts: Timeouts::default(),
            retry: RetryPolicy::default(),
            max_concurrent: 16,
            token_limit_field: TokenLimitField::default(),
            ask_for_usage: true,
            send_reasoning: false,
            extra_body: Map::new(),
            extra_headers: Vec::new(),
            proxy: None,
            pace: Arc::new(WallPace::default()),
        }
    }
}

impl fmt::Debug for OpenAiOptions {
    /// Leaves out what may carry secrets: the address's user part and query, the key, header values, the proxy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let headers: Vec<&str> = self.extra_headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("OpenAiOptions")
            .field("base_url", &super::client::shown_address(&self.base_url))
            .field("model", &self.model)
            .field("api_key", &self.api_key)
            .field("price", &self.price)
            .field("timeouts", &self.timeouts)
            .field("retry", &self.retry)
            .field("max_concurrent", &self.max_concurrent)
            .field("extra_headers", &headers)
            .field("proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_no_secret() {
        let mut options = OpenAiOptions::new("https://user:hunter1@models.example/v1?key=hunter2", "m");
        options.api_key = Some(Secret::new("hunter3"));
        options.extra_headers = vec![("x-key".into(), Secret::new("hunter4"))];
        options.proxy = Some("http://u:hunter5@proxy.example".into());
        options.extra_body.insert("user".into(), "hunter6".into());
        let shown = format!("{options:?}");
        assert!(!shown.contains("hunter"), "{shown}");
        assert!(shown.contains("https://models.example/v1") && shown.contains("x-key"), "{shown}");
    }
}
