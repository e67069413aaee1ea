//! Tokens of one or more model calls, in the classes that are billed differently.

use std::ops::{Add, AddAssign};

use serde::{Deserialize, Serialize};

/// Tokens spent. The three input classes are disjoint: their sum is the whole prompt. Reasoning is a part of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Input tokens that were neither read from nor written to a prompt cache.
    pub input_tokens: u64,
    /// Input tokens read from a prompt cache.
    #[serde(default)]
    pub cached_input_tokens: u64,
    /// Input tokens written to a prompt cache, where the vendor bills that separately.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Output tokens, reasoning included.
    pub output_tokens: u64,
    /// The part of the output that was reasoning, where the vendor tells.
    #[serde(default)]
    pub reasoning_tokens: u64,
}

impl Usage {
    /// The whole prompt, cached or not.
    pub fn total_input(&self) -> u64 {
        self.input_tokens.saturating_add(self.cached_input_tokens).saturating_add(self.cache_write_tokens)
    }

    /// Everything, input and output.
    pub fn total(&self) -> u64 {
        self.total_input().saturating_add(self.output_tokens)
    }
}

impl Add for Usage {
    type Output = Self;

    /// Sums class by class; saturates, because the numbers come from outside.
    fn add(self, other: Self) -> Self {
        Self {
            input_tokens: self.input_tokens.saturating_add(other.input_tokens),
            cached_input_tokens: self.cached_input_tokens.saturating_add(other.cached_input_tokens),
            cache_write_tokens: self.cache_write_tokens.saturating_add(other.cache_write_tokens),
            output_tokens: self.output_tokens.saturating_add(other.output_tokens),
            reasoning_tokens: self.reasoning_tokens.saturating_add(other.reasoning_tokens),
        }
    }
}

impl AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        *self = *self + other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_added_one_by_one() {
        let one = Usage {
            input_tokens: 1,
            cached_input_tokens: 2,
            cache_write_tokens: 3,
            output_tokens: 4,
            reasoning_tokens: 1,
        };
        let mut sum = one;
        sum += one;
        assert_eq!(sum.total_input(), 12);
        assert_eq!(sum.total(), 20, "reasoning is inside the output");
        assert_eq!(sum.reasoning_tokens, 2);
    }

    #[test]
    fn absurd_numbers_saturate() {
        let huge = Usage { input_tokens: u64::MAX, output_tokens: u64::MAX, ..Usage::default() };
        assert_eq!((huge + huge).total(), u64::MAX);
    }
}
