//! Builds the result of a failed test from the text that a runner printed about it.

use crate::frames::{Dialect, Place};
use crate::report::{Outcome, TestResult};

/// A result with the message and the stack frames in `text`; says `TimedOut` where the message does.
pub(super) fn explained(
    outcome: Outcome,
    message: &str,
    text: &str,
    dialect: Dialect,
    place: &Place<'_>,
) -> TestResult {
    let outcome = if says_timeout(message) { Outcome::TimedOut } else { outcome };
    TestResult::new(outcome).with_message(message).with_frames(dialect.frames(text, place))
}

/// Whether the first line of `message` is one with which a runner reports that a test took too long.
pub(super) fn says_timeout(message: &str) -> bool {
    const PHRASES: [&str; 10] = [
        "test timed out after",
        "Test timed out in",
        "Timeout >",
        "Timeout (>",
        "Exceeded timeout of",
        "exceeded timeout of",
        "Timeout of ",
        "timed out after",
        "execution timed out",
        "TestTimedOutException",
    ];
    let first = message.trim_start().lines().next().unwrap_or_default();
    PHRASES.iter().any(|phrase| first.contains(phrase))
}

/// What a Python traceback says at its end: the exception and its message.
pub(super) fn python_exception(text: &str) -> &str {
    let mut start = 0;
    let mut offset = 0;
    let mut in_stack = false;
    for line in text.split_inclusive('\n') {
        offset += line.len();
        if line.starts_with("  File \"") || line.starts_with("Traceback (") {
            in_stack = true;
        } else if in_stack && !line.starts_with("    ") {
            in_stack = false;
            start = offset - line.len();
        }
    }
    text[start..].trim()
}

/// What a Rust panic says: the text between its location and the notes that follow. All of `text` without a panic.
pub(super) fn rust_panic(text: &str) -> &str {
    let Some((_, rest)) = text.split_once(" panicked at ") else { return text.trim() };
    let (location, rest) = rest.split_once('\n').unwrap_or((rest, ""));
    // Before Rust 1.73 the message stood in front of the location.
    let older = || location.rsplit_once(", ").map_or(location, |(message, _)| message).trim_matches('\'');
    let message = if location.ends_with(':') { rest } else { older() };
    let ends = ["\nnote: run with", "note: run with", "\nstack backtrace:"];
    let end = ends.iter().filter_map(|end| message.find(end)).min().unwrap_or(message.len());
    message[..end].trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_is_what_follows_the_last_stack_entry() {
        for (text, expected) in [
            (
                "Traceback (most recent call last):\n  File \"a\", line 1, in f\n    x\n    ^^\nKeyError: 'a'\n",
                "KeyError: 'a'",
            ),
            (
                "Traceback (most recent call last):\n  File \"a\", line 1\nE: one\n\nDuring handling of\n\nTraceback (x\n  File \"b\", line 2\n    y\nAssertionError: 1 != 2\n- a\n+ b\n",
                "AssertionError: 1 != 2\n- a\n+ b",
            ),
            ("no traceback", "no traceback"),
            ("", ""),
        ] {
            assert_eq!(python_exception(text), expected);
        }
    }

    #[test]
    fn a_panic_message_stands_between_location_and_notes() {
        for (text, expected) in [
            (
                "thread 't' (1) panicked at src/a.rs:1:2:\nboom\n  left: 1\nnote: run with `RUST_BACKTRACE=1`",
                "boom\n  left: 1",
            ),
            ("thread 't' panicked at 'boom', src/a.rs:1:2\nnote: run with", "boom"),
            ("thread 't' panicked at src/a.rs:1:2:\nboom\nstack backtrace:\n 0: x", "boom"),
            ("Error: \"went wrong\"", "Error: \"went wrong\""),
            ("x panicked at ", ""),
        ] {
            assert_eq!(rust_panic(text), expected);
        }
    }

    #[test]
    fn a_timeout_is_told_by_the_first_line() {
        assert!(says_timeout("Failed: Timeout >1.0s"));
        assert!(says_timeout("test timed out after 50ms"));
        assert!(!says_timeout("AssertionError: x\nTimeout of 20ms exceeded"));
    }
}
