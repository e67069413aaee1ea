//! The vocabulary of an attempt: what was said to a model, what it asked for, what came of it, what it cost.
//!
//! Pure: plain data, one hash and one codec. Nothing here talks to a model or knows a vendor's wire format.
//!
//! - [`message`]: one message of a conversation and the tool calls inside it.
//! - [`tool_spec`]: what a model is told about a tool.
//! - [`usage`]: tokens spent, in the classes that vendors bill differently.
//! - [`record`]: the append-only trajectory, and how it reads back as a conversation.
//! - [`codec`]: its versioned JSON form.

pub mod codec;
pub mod message;
pub mod record;
pub mod tool_spec;
pub mod usage;

pub use codec::{DecodeError, decode, encode};
pub use message::{Message, Role, ToolCall};
pub use record::{Entry, Observation, RequestHash, Step, Trajectory};
pub use tool_spec::ToolSpec;
pub use usage::Usage;
