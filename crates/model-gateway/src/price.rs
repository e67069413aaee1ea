//! What an answer costs. Money is counted in integers: a price in micro-dollars per million tokens times a number of tokens
//! is a number of pico-dollars, exactly.

use serde::{Deserialize, Serialize};
use smallhands_trajectory::{Message, ToolSpec, Usage};

use crate::chat_model::ChatRequest;

const PICO_PER_MICRO: u128 = 1_000_000;

/// Output tokens assumed for an answer whose length is not limited.
const UNLIMITED_OUTPUT: u64 = 32_000;

/// Bytes of text per token when estimating. English and code have about four; three overestimates the tokens.
const BYTES_PER_TOKEN: u64 = 3;

/// Prices in micro-US-dollars per million tokens: 3 dollars per million tokens is `3_000_000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Price {
    /// Of input that is neither read from nor written to a cache.
    pub input: u64,
    /// Of input read from a cache; `None` means the same as `input`.
    #[serde(default)]
    pub cached_input: Option<u64>,
    /// Of input written to a cache; `None` means the same as `input`.
    #[serde(default)]
    pub cache_write: Option<u64>,
    /// Of output, reasoning included.
    pub output: u64,
}

impl Price {
    /// What `usage` costs, in micro-US-dollars, rounded up.
    pub fn cost_usd_micros(&self, usage: &Usage) -> u64 {
        let part = |tokens: u64, price: u64| u128::from(tokens) * u128::from(price);
        let pico = [
            part(usage.input_tokens, self.input),
            part(usage.cached_input_tokens, self.cached_input.unwrap_or(self.input)),
            part(usage.cache_write_tokens, self.cache_write.unwrap_or(self.input)),
            part(usage.output_tokens, self.output),
        ]
        .into_iter()
        .fold(0u128, u128::saturating_add);
        u64::try_from(pico.div_ceil(PICO_PER_MICRO)).unwrap_or(u64::MAX)
    }

    /// An upper estimate of what `request` can cost: all of its input at the dearest input price, all of the output it allows.
    pub fn ceiling_usd_micros(&self, request: &ChatRequest<'_>) -> u64 {
        let input = self.input.max(self.cache_write.unwrap_or(0));
        let usage = Usage {
            input_tokens: estimated_tokens(request_bytes(request.messages, request.tools)),
            output_tokens: request.max_output_tokens.map_or(UNLIMITED_OUTPUT, u64::from),
            ..Usage::default()
        };
        Self { input, ..*self }.cost_usd_micros(&usage)
    }
}

/// Usage computed from text lengths, for endpoints that report none.
pub(crate) fn estimated_usage(request: &ChatRequest<'_>, answer: &Message) -> Usage {
    Usage {
        input_tokens: estimated_tokens(request_bytes(request.messages, request.tools)),
        output_tokens: estimated_tokens(answer.text_len()),
        ..Usage::default()
    }
}

fn request_bytes(messages: &[Message], tools: &[ToolSpec]) -> usize {
    let said: usize = messages.iter().map(Message::text_len).sum();
    let offered: usize =
        tools.iter().map(|t| t.name.len() + t.description.len() + t.parameters.to_string().len()).sum();
    said + offered
}

fn estimated_tokens(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX).div_ceil(BYTES_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price =
        Price { input: 3_000_000, cached_input: Some(300_000), cache_write: None, output: 15_000_000 };

    #[test]
    fn cost_is_exact_and_rounded_up() {
        let check = |input, cached, written, output, micros| {
            let usage = Usage {
                input_tokens: input,
                cached_input_tokens: cached,
                cache_write_tokens: written,
                output_tokens: output,
                reasoning_tokens: 0,
            };
            assert_eq!(PRICE.cost_usd_micros(&usage), micros, "{usage:?}");
        };
        check(0, 0, 0, 0, 0);
        check(1, 0, 0, 0, 3);
        check(0, 1, 0, 0, 1); // 0.3 micro-dollars
        check(0, 10, 0, 0, 3);
        check(0, 0, 1, 0, 3);
        check(1_000_000, 1_000_000, 0, 1_000_000, 18_300_000);
        check(u64::MAX, u64::MAX, u64::MAX, u64::MAX, u64::MAX);
    }

    #[test]
    fn the_ceiling_is_never_below_a_plausible_cost() {
        let messages = [Message::user("x".repeat(300))];
        let request =
            ChatRequest { messages: &messages, tools: &[], max_output_tokens: Some(10), temperature: None };
        assert_eq!(PRICE.ceiling_usd_micros(&request), 100 * 3 + 10 * 15);
        let unlimited = ChatRequest { max_output_tokens: None, ..request };
        assert!(PRICE.ceiling_usd_micros(&unlimited) >= 32_000 * 15);
    }

    #[test]
    fn missing_usage_is_estimated_from_text() {
        let messages = [Message::user("x".repeat(300))];
        let request =
            ChatRequest { messages: &messages, tools: &[], max_output_tokens: None, temperature: None };
        let usage = estimated_usage(&request, &Message::assistant("y".repeat(31), vec![]));
        assert_eq!((usage.input_tokens, usage.output_tokens), (100, 11));
    }
}
