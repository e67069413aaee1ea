//! How an agent reaches a language model: one port, and the adapters that implement it.
//!
//! - [`chat_model`]: the port [`ChatModel`]: a conversation and tools in, one answer out.
//! - [`error`]: everything that can go wrong with a model, each with what to do next.
//! - [`price`]: what an answer costs, in integers.
//! - [`openai`]: any endpoint that speaks OpenAI's chat-completions protocol, streamed.
//! - [`scripted`]: a model that plays back a file. It ships: it is how the whole system runs and is tested without a model.
//!
//! Not here: prompts, tools, budgets over several calls. Nothing in this crate reads the environment or a configuration
//! file; every option is passed in.

pub mod chat_model;
pub mod error;
pub mod openai;
pub mod price;
pub mod scripted;
mod sse;

pub use chat_model::{ChatModel, ChatRequest, ChatResponse, Finish};
pub use error::{ModelError, ScriptError, TimeoutKind};
pub use openai::{OpenAiChat, OpenAiOptions, Pace, RetryPolicy, Secret, Timeouts, TokenLimitField};
pub use price::Price;
pub use scripted::ScriptedModel;
