//! Python tracebacks: the interpreter's own, and the `path:line: in function` forms of pytest.

use super::location::leading;
use super::{Frame, Place};

/// The frames in `text`, in the order printed, which is innermost last.
pub(super) fn frames(text: &str, place: &Place<'_>) -> Vec<Frame> {
    text.lines().filter_map(|line| frame(line, place)).collect()
}

fn frame(line: &str, place: &Place<'_>) -> Option<Frame> {
    let line = line.strip_prefix("E ").unwrap_or(line);
    match line.trim_start().strip_prefix("File \"") {
        Some(interpreter) => interpreter_frame(interpreter, place),
        None => pytest_frame(line, place),
    }
}

/// `x.py", line 3, in f`; syntax errors have no function.
fn interpreter_frame(rest: &str, place: &Place<'_>) -> Option<Frame> {
    let (path, rest) = rest.split_once("\", line ")?;
    let (line, function) = match rest.split_once(", in ") {
        Some((line, function)) => (line, Some(function)),
        None => (rest, None),
    };
    Some(Frame {
        file: place.relative(path)?,
        line: line.trim().parse().ok()?,
        function: function.and_then(named),
    })
}

/// `x.py:3: in f` inside a stack, `x.py:3: ValueError` or `x.py:3: ` where a long-form entry ends.
fn pytest_frame(line: &str, place: &Place<'_>) -> Option<Frame> {
    if line.starts_with(char::is_whitespace) {
        return None;
    }
    let (path, number, rest) = leading(line)?;
    let rest = rest.trim();
    let function = rest.strip_prefix("in ");
    let is_entry = function.is_some() || rest.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_'));
    if !is_entry || !path.ends_with(".py") {
        return None;
    }
    Some(Frame { file: place.relative(path)?, line: number, function: function.and_then(named) })
}

fn named(function: &str) -> Option<String> {
    let function = function.trim();
    (!function.is_empty() && !function.starts_with('<')).then(|| function.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn reads_the_interpreters_traceback() {
        let text = "Traceback (most recent call last):\n  File \"/w/repo/tests/test_a.py\", line 5, in test_x\n    f()\n  File \"/w/repo/a.py\", line 9, in f\n    ~~^^~~\n  File \"/usr/lib/python3/json/__init__.py\", line 1, in loads\nZeroDivisionError: division by zero\n";
        check(frames, text, &["tests/test_a.py:5 test_x", "a.py:9 f"]);
    }

    #[test]
    fn reads_both_forms_of_pytest() {
        check(
            frames,
            "tests/test_a.py:5: in test_x\n    f()\na.py:9: in <module>\nE   File \"/w/repo/b.py\", line 3\n",
            &["tests/test_a.py:5 test_x", "a.py:9", "b.py:3"],
        );
        check(
            frames,
            ">       f()\n\ntests/test_a.py:5: \n_ _ _\na.py:9: ZeroDivisionError\n",
            &["tests/test_a.py:5", "a.py:9"],
        );
    }

    #[test]
    fn ignores_what_only_looks_like_a_place() {
        check(frames, "a.py:3: DeprecationWarning: old\n  a.py:3: in f\nuse.txt:3: in f\nE   a.py: 3\n", &[]);
    }
}
