//! Token counts as endpoints report them: everyone agrees on the sums and nobody on the parts.

use serde_json::Value;
use smallhands_trajectory::Usage;

/// The token counts in one frame, if it has any: in `usage`, or in Groq's `x_groq.usage`.
pub(crate) fn from_frame(frame: &Value) -> Option<Usage> {
    [&frame["usage"], &frame["x_groq"]["usage"]].into_iter().find(|u| u.is_object()).and_then(parse)
}

/// `prompt_tokens` includes what was read from and written to the cache; the record keeps the three apart.
fn parse(usage: &Value) -> Option<Usage> {
    let number = |pointers: &[&str]| pointers.iter().find_map(|pointer| usage.pointer(pointer)?.as_u64());
    let prompt = number(&["/prompt_tokens", "/input_tokens"])?;
    let cached = number(&[
        "/prompt_tokens_details/cached_tokens",
        "/input_tokens_details/cached_tokens",
        "/prompt_cache_hit_tokens",
        "/cached_tokens",
    ])
    .unwrap_or(0)
    .min(prompt);
    let written = number(&["/prompt_tokens_details/cache_write_tokens", "/cache_creation_input_tokens"])
        .unwrap_or(0)
        .min(prompt - cached);
    Some(Usage {
        input_tokens: prompt - cached - written,
        cached_input_tokens: cached,
        cache_write_tokens: written,
        output_tokens: number(&["/completion_tokens", "/output_tokens"]).unwrap_or(0),
        reasoning_tokens: number(&[
            "/completion_tokens_details/reasoning_tokens",
            "/output_tokens_details/reasoning_tokens",
            "/reasoning_tokens",
        ])
        .unwrap_or(0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_vendors_counts_are_understood() {
        let check = |frame: Value, expected: Option<[u64; 5]>| {
            let found = from_frame(&frame).map(|u| {
                [
                    u.input_tokens,
                    u.cached_input_tokens,
                    u.cache_write_tokens,
                    u.output_tokens,
                    u.reasoning_tokens,
                ]
            });
            assert_eq!(found, expected, "{frame}");
        };
        check(json!({}), None);
        check(json!({"usage": null}), None);
        check(json!({"usage": {}}), None);
        check(json!({"usage": {"prompt_tokens": 10, "completion_tokens": 2}}), Some([10, 0, 0, 2, 0]));
        check(
            json!({"usage": {"prompt_tokens": 10, "completion_tokens": 5,
                "prompt_tokens_details": {"cached_tokens": 8}, "completion_tokens_details": {"reasoning_tokens": 4}}}),
            Some([2, 8, 0, 5, 4]),
        );
        check(json!({"usage": {"prompt_tokens": 10, "prompt_cache_hit_tokens": 6}}), Some([4, 6, 0, 0, 0]));
        check(
            json!({"usage": {"prompt_tokens": 10, "prompt_tokens_details": {"cached_tokens": 3, "cache_write_tokens": 4}}}),
            Some([3, 3, 4, 0, 0]),
        );
        check(
            json!({"usage": {"prompt_tokens": 1, "prompt_tokens_details": {"cached_tokens": 9}}}),
            Some([0, 1, 0, 0, 0]),
        );
        check(json!({"usage": {"prompt_tokens": 1, "prompt_tokens_details": null}}), Some([1, 0, 0, 0, 0]));
        check(
            json!({"x_groq": {"usage": {"prompt_tokens": 3, "completion_tokens": 1}}}),
            Some([3, 0, 0, 1, 0]),
        );
    }
}
