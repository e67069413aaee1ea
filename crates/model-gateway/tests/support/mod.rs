//! What both HTTP test suites share: a clock that tests own, options, and how to ask.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use smallhands_model_gateway::{
    ChatModel, ChatRequest, ChatResponse, ModelError, OpenAiChat, OpenAiOptions, Pace, Secret,
};
use smallhands_trajectory::Message;

/// The key that must never be seen.
pub const KEY: &str = "sk-hunter2";

/// A clock that stands still but for being slept on, and chance that is always zero.
#[derive(Debug, Default)]
pub struct StillPace {
    slept: Mutex<Vec<Duration>>,
}

impl StillPace {
    /// The pauses made so far.
    pub fn slept(&self) -> Vec<Duration> {
        self.slept.lock().unwrap().clone()
    }
}

#[async_trait]
impl Pace for StillPace {
    fn now(&self) -> Duration {
        self.slept().iter().sum()
    }

    async fn sleep(&self, time: Duration) {
        self.slept.lock().unwrap().push(time);
    }

    fn jitter(&self) -> f64 {
        0.0
    }
}

/// Options for `base_url` with a key and the still clock.
pub fn options(base_url: &str) -> (OpenAiOptions, Arc<StillPace>) {
    let pace = Arc::new(StillPace::default());
    let mut options = OpenAiOptions::new(base_url, "tiny");
    options.api_key = Some(Secret::new(KEY));
    options.pace = pace.clone();
    options.timeouts.idle = Duration::from_secs(20);
    options.timeouts.total = Duration::from_secs(60);
    (options, pace)
}

/// Asks one question, and checks that no outcome shows the key.
pub async fn ask(options: OpenAiOptions) -> Result<ChatResponse, ModelError> {
    let model = OpenAiChat::new(options).unwrap();
    let messages = [Message::user("hi")];
    let request =
        ChatRequest { messages: &messages, tools: &[], max_output_tokens: Some(50), temperature: None };
    let outcome = model.complete(request).await;
    let shown = format!(
        "{model:?} {outcome:?} {}",
        outcome.as_ref().err().map(ToString::to_string).unwrap_or_default()
    );
    assert!(!shown.contains("hunter2"), "{shown}");
    outcome
}

/// One answer as a stream of events.
pub fn stream_of(frames: &[serde_json::Value]) -> String {
    let events: String = frames.iter().map(|frame| format!("data: {frame}\n\n")).collect();
    format!("{events}data: [DONE]\n\n")
}
