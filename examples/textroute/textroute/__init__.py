"""Route patterns, expressions, text layout and rate limits."""
