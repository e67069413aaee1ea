//! Any endpoint that speaks OpenAI's chat-completions protocol, streamed: hosted models, gateways, local servers.
//!
//! The path of one call: [`request`] writes the body, [`client`] sends it, [`events`] reads the stream, [`answer`] puts the
//! pieces together, [`refusal`] names what went wrong, [`retry`] decides whether to try again. Endpoints differ in many small
//! ways; what is tolerated is written down where it is tolerated, each with a test.

mod answer;
mod client;
mod events;
mod options;
mod pace;
mod refusal;
mod request;
mod retry;
mod secret;
mod usage;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tokio::sync::Semaphore;

pub use options::{OpenAiOptions, Timeouts, TokenLimitField};
pub use pace::{Pace, WallPace};
pub use retry::RetryPolicy;
pub use secret::Secret;

use crate::chat_model::{ChatModel, ChatRequest, ChatResponse};
use crate::error::{ModelError, TimeoutKind};
use crate::price::estimated_usage;
use answer::Answer;
use client::Client;
use retry::Hold;

/// A model behind an OpenAI-compatible endpoint. Share one among all agents that use the endpoint: they then respect its
/// limits together.
#[derive(Debug)]
pub struct OpenAiChat {
    options: OpenAiOptions,
    client: Client,
    /// How many requests may be under way at once.
    slots: Semaphore,
    /// A pause asked of one request holds for all of them.
    hold: Hold,
}

impl OpenAiChat {
    /// Prepares the connection; sends nothing.
    ///
    /// # Errors
    /// [`ModelError::Misconfigured`] when an option cannot work.
    pub fn new(options: OpenAiOptions) -> Result<Self, ModelError> {
        let client = Client::new(&options)?;
        let slots = Semaphore::new(options.max_concurrent.clamp(1, Semaphore::MAX_PERMITS));
        Ok(Self { client, slots, hold: Hold::default(), options })
    }

    /// Tries until there is an answer, an error that trying again cannot cure, or no time left.
    async fn answer_in_time(&self, body: &Value) -> Result<Answer, ModelError> {
        let pace: &Arc<dyn Pace> = &self.options.pace;
        let deadline = pace.now().saturating_add(self.options.timeouts.total);
        let mut last: Option<ModelError> = None;
        let mut attempt = 1;
        loop {
            let left = deadline.saturating_sub(pace.now());
            let error = match tokio::time::timeout(left, self.attempt(body)).await {
                Ok(Ok(answer)) => return Ok(answer),
                Ok(Err(error)) => error,
                Err(_) => return Err(self.out_of_time(last)),
            };
            let Some(pause) = self.options.retry.pause(&error, attempt, pace.jitter()) else {
                return Err(error);
            };
            if pace.now().saturating_add(pause) >= deadline {
                return Err(error);
            }
            tracing::warn!(model = %self.options.model, attempt, pause_ms = pause.as_millis(), %error, "trying the model again");
            if matches!(error, ModelError::RateLimited { .. }) {
                self.hold.until(pace.now().saturating_add(pause));
            }
            pace.sleep(pause).await;
            last = Some(error);
            attempt += 1;
        }
    }

    async fn attempt(&self, body: &Value) -> Result<Answer, ModelError> {
        let Ok(_slot) = self.slots.acquire().await else {
            return Err(ModelError::Misconfigured { message: "the model was closed".to_owned() });
        };
        self.hold.wait(&*self.options.pace).await;
        self.client.ask(body).await
    }

    fn out_of_time(&self, last: Option<ModelError>) -> ModelError {
        let after: Duration = self.options.timeouts.total;
        ModelError::Timeout { kind: TimeoutKind::Total, after, last: last.map(|error| error.to_string()) }
    }
}

#[async_trait]
impl ChatModel for OpenAiChat {
    fn name(&self) -> &str {
        &self.options.model
    }

    async fn complete(&self, request: ChatRequest<'_>) -> Result<ChatResponse, ModelError> {
        let body = request::body(&self.options, &request);
        let answer = self.answer_in_time(&body).await?;
        let reported = answer.usage;
        let (message, finish) = answer.into_message(request.messages.len());
        let usage = reported.unwrap_or_else(|| estimated_usage(&request, &message));
        let cost_usd_micros = self.options.price.map(|price| price.cost_usd_micros(&usage));
        Ok(ChatResponse { message, finish, usage, usage_estimated: reported.is_none(), cost_usd_micros })
    }

    fn cost_ceiling(&self, request: &ChatRequest<'_>) -> Option<u64> {
        self.options.price.map(|price| price.ceiling_usd_micros(request))
    }
}
