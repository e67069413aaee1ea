//! Bounds on a whole run, and the names of the bounds that something may run into.

use serde::{Deserialize, Serialize};

/// Bounds on a run, fixed when it is submitted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunLimits {
    /// Most attempts running at the same time; at least 1.
    pub agents: u32,
    /// When the run must stop, in milliseconds since the Unix epoch. Moves on by the time in which no process was alive.
    #[serde(default)]
    pub deadline_at_ms: Option<i64>,
    /// Most attempts over all tasks. Those lost because the process ended are not counted.
    #[serde(default)]
    pub max_attempts: Option<u32>,
}

impl Default for RunLimits {
    fn default() -> Self {
        Self { agents: 1, deadline_at_ms: None, max_attempts: None }
    }
}

/// What was run into, by an attempt or by the whole run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// The run's deadline.
    Deadline,
    /// The number of attempts.
    Attempts,
    /// The time given to one attempt.
    Time,
    /// The number of turns of an agent.
    Steps,
    /// The number of candidate edits tried.
    Candidates,
    /// Model tokens.
    Tokens,
    /// Money.
    Cost,
    /// Any other, by name.
    Other(String),
}

impl Limit {
    /// What people call it, lower case, without an article.
    pub fn name(&self) -> &str {
        match self {
            Self::Deadline => "deadline",
            Self::Attempts => "number of attempts",
            Self::Time => "time limit",
            Self::Steps => "number of steps",
            Self::Candidates => "number of candidates",
            Self::Tokens => "token budget",
            Self::Cost => "cost budget",
            Self::Other(name) => name,
        }
    }
}

impl std::fmt::Display for Limit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
