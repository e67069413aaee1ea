//! `read_file`: a part of a file with its line numbers.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use smallhands_shell_runtime::RuntimeError;
use smallhands_trajectory::ToolSpec;

use super::{Reply, Tool, ToolContext, inside, parsed, text_of};

/// Most lines shown at once.
const MOST_LINES: usize = 400;
/// Most bytes shown at once; below what the context cuts results at, so that what is shown here has no hole.
const MOST_BYTES: usize = 11_000;
/// Most characters shown of one line.
const LONGEST_LINE: usize = 1_000;

/// Shows files.
pub(super) struct ReadFile;

#[derive(Deserialize)]
struct Arguments {
    path: String,
    #[serde(default)]
    start_line: Option<usize>,
    #[serde(default)]
    end_line: Option<usize>,
}

#[async_trait]
impl Tool for ReadFile {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "read_file".to_owned(),
            description: "Shows a text file with line numbers, at most 400 lines at once. The number and the tab after it are \
                not part of the file."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Relative to the repository's root."},
                    "start_line": {"type": "integer", "description": "First line, from 1; the beginning if absent."},
                    "end_line": {"type": "integer", "description": "Last line, included."},
                },
                "required": ["path"],
            }),
        }
    }

    async fn call(&self, context: &ToolContext, arguments: &Value) -> Result<Reply, RuntimeError> {
        let arguments: Arguments = match parsed(self, arguments) {
            Ok(arguments) => arguments,
            Err(refused) => return Ok(refused),
        };
        if let Err(refused) = inside(&arguments.path) {
            return Ok(refused);
        }
        let text = text_of(context, &arguments.path).await?;
        Ok(text.map_or_else(|refused| refused, |text| excerpt(&arguments, &text)))
    }
}

fn excerpt(arguments: &Arguments, text: &str) -> Reply {
    let lines: Vec<&str> = text.lines().collect();
    let path = &arguments.path;
    let total = lines.len();
    if total == 0 {
        return Reply::Seen(format!("{path} is empty"));
    }
    let first = arguments.start_line.unwrap_or(1).max(1);
    let last = arguments.end_line.unwrap_or(usize::MAX).min(total).min(first.saturating_add(MOST_LINES - 1));
    if first > last {
        return Reply::Refused(format!(
            "there are no lines {first} to {last} in {path}; it has {total} lines"
        ));
    }
    let mut shown = String::new();
    let mut next = first;
    for (number, line) in (first..=last).zip(&lines[first - 1..last]) {
        let line = numbered(number, line);
        if !shown.is_empty() && shown.len() + line.len() > MOST_BYTES {
            break;
        }
        shown.push_str(&line);
        next = number + 1;
    }
    let more = if next <= total { format!("; go on with start_line {next}") } else { String::new() };
    Reply::Seen(format!("{path}, lines {first} to {} of {total}{more}\n{shown}", next - 1))
}

fn numbered(number: usize, line: &str) -> String {
    match line.char_indices().nth(LONGEST_LINE) {
        Some((end, _)) => format!("{number:>5}\t{}[… line cut]\n", &line[..end]),
        None => format!("{number:>5}\t{line}\n"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, start_line: Option<usize>, end_line: Option<usize>) -> Reply {
        excerpt(&Arguments { path: "a".into(), start_line, end_line }, text)
    }

    #[test]
    fn lines_are_shown_with_their_numbers() {
        let check = |start, end, expected: &str| {
            let (Reply::Seen(text) | Reply::Refused(text)) = read("x\ny\nz\n", start, end) else { panic!() };
            assert_eq!(text, expected, "{start:?} {end:?}");
        };
        check(None, None, "a, lines 1 to 3 of 3\n    1\tx\n    2\ty\n    3\tz\n");
        check(Some(2), Some(2), "a, lines 2 to 2 of 3; go on with start_line 3\n    2\ty\n");
        check(Some(3), Some(99), "a, lines 3 to 3 of 3\n    3\tz\n");
        check(Some(0), Some(1), "a, lines 1 to 1 of 3; go on with start_line 2\n    1\tx\n");
        check(Some(4), None, "there are no lines 4 to 3 in a; it has 3 lines");
        check(
            Some(usize::MAX),
            Some(1),
            &format!("there are no lines {} to 1 in a; it has 3 lines", usize::MAX),
        );
    }

    #[test]
    fn an_empty_file_is_said_to_be_empty() {
        assert_eq!(read("", None, None), Reply::Seen("a is empty".into()));
    }

    #[test]
    fn long_files_and_lines_are_bounded_and_can_be_continued() {
        let check = |text: &str, expected: &str| {
            let Reply::Seen(shown) = read(text, None, None) else { panic!() };
            assert!(shown.starts_with(expected) && shown.len() < MOST_BYTES + 200, "{}", &shown[..80]);
        };
        check(&"short\n".repeat(1000), "a, lines 1 to 400 of 1000; go on with start_line 401\n");
        check(
            &format!("{}\n", "ü".repeat(500)).repeat(100),
            "a, lines 1 to 10 of 100; go on with start_line 11\n",
        );
        check(&"ü".repeat(100_000), "a, lines 1 to 1 of 1\n");
    }
}
