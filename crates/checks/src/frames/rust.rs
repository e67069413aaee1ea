//! Rust panics, backtraces and compiler diagnostics.

use super::location::trailing;
use super::{Frame, Place};

/// The frames in `text`: a backtrace, outermost first, then the places that panicked or did not compile.
pub(super) fn frames(text: &str, place: &Place<'_>) -> Vec<Frame> {
    let mut stack = Vec::new();
    let mut places = Vec::new();
    let mut function = None;
    for line in text.lines() {
        let trimmed = line.trim_start();
        if let Some(location) = panic_location(trimmed).or_else(|| trimmed.strip_prefix("--> ")) {
            places.extend(frame(location, None, place));
        } else if let Some(location) = trimmed.strip_prefix("at ") {
            stack.extend(frame(location, function.take(), place));
        } else {
            function = backtrace_function(trimmed);
        }
    }
    stack.reverse();
    // A backtrace ends where the panic was; that frame stays, since it knows the function.
    let known =
        |found: &Frame| stack.last().is_some_and(|last| (&last.file, last.line) == (&found.file, found.line));
    places.retain(|found| !known(found));
    stack.extend(places);
    stack
}

/// `thread 'a::b' panicked at src/lib.rs:5:9:` or, before Rust 1.73, `... panicked at 'message', src/lib.rs:5:9`.
fn panic_location(line: &str) -> Option<&str> {
    let (_, rest) = line.strip_prefix("thread '")?.split_once(" panicked at ")?;
    match rest.strip_suffix(':') {
        Some(location) => Some(location),
        None => Some(rest.rsplit_once(", ").map_or(rest, |(_, location)| location)),
    }
}

/// `12: crate::module::function` in a backtrace.
fn backtrace_function(line: &str) -> Option<&str> {
    let (number, function) = line.split_once(": ")?;
    number.parse::<u32>().ok()?;
    Some(function)
}

fn frame(location: &str, function: Option<&str>, place: &Place<'_>) -> Option<Frame> {
    let (path, line) = trailing(location.trim())?;
    let file = place.relative(path)?;
    file.ends_with(".rs").then(|| Frame { file, line, function: function.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn reads_panics_of_old_and_new_compilers() {
        for text in [
            "thread 'a::b' panicked at src/lib.rs:5:9:\nassertion failed",
            "thread 'a::b' (1234) panicked at src/lib.rs:5:9:\nboom",
            "thread 'a::b' panicked at 'left, right: 1, 2', src/lib.rs:5:9",
        ] {
            check(frames, text, &["src/lib.rs:5"]);
        }
    }

    #[test]
    fn reads_compiler_diagnostics() {
        check(frames, "error[E0308]: mismatched types\n  --> src/lib.rs:5:9\n   |\n", &["src/lib.rs:5"]);
    }

    #[test]
    fn reads_backtraces_innermost_last() {
        let text = "thread 't' panicked at src/a.rs:9:5:\nboom\nstack backtrace:\n   0: std::panicking::begin\n             at /rustc/abc/library/std/src/panicking.rs:1:1\n   1: demo::inner\n             at ./src/a.rs:9:5\n   2: demo::tests::outer\n             at ./tests/b.rs:3:1\n";
        check(frames, text, &["tests/b.rs:3 demo::tests::outer", "src/a.rs:9 demo::inner"]);
    }
}
