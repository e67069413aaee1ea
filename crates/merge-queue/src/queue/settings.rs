//! What a queue is told when it is opened.

use serde::{Deserialize, Serialize};

use super::Check;

/// How a queue works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// What must be green on a tree before the head advances to it.
    pub checks: Vec<Check>,
    /// Verifications that may be under way at once; batches too. At least 1.
    pub parallel: usize,
    /// Most entries in a batch. At least 1. A red batch halves what is tried next, a green one doubles it again.
    pub max_batch: usize,
    /// Rounds that an entry may be in the first batch without a verdict about it. After them it goes first and alone. It is
    /// rejected when the base has moved more often than this while it was in the first batch.
    pub max_rounds: u32,
    /// Times that an entry may be handed to a merge task.
    pub max_handovers: u32,
    /// Times that a verification which broke without saying anything is begun again; then the tree counts as red.
    pub max_lost: u32,
}

impl Settings {
    /// Usual bounds, one verification at a time.
    #[must_use]
    pub fn new(checks: Vec<Check>) -> Self {
        Self { checks, parallel: 1, max_batch: 16, max_rounds: 6, max_handovers: 1, max_lost: 2 }
    }
}
