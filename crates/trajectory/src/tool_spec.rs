//! What a model is told about a tool.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A tool as the model sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolSpec {
    /// The name used in calls: letters, digits, `_` and `-`.
    pub name: String,
    /// What it does and when to use it, one short paragraph.
    pub description: String,
    /// JSON Schema of the arguments; an object schema.
    pub parameters: Value,
}
