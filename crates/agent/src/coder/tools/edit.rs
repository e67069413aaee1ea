//! `edit_file`: replaces a text that occurs exactly once, or creates a file. Never fuzzy: an edit that almost fits would
//! silently damage a file, while a refusal costs one turn.

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Value, json};
use smallhands_shell_runtime::RuntimeError;
use smallhands_trajectory::ToolSpec;

use super::{Reply, Tool, ToolContext, inside, parsed, text_of};

/// Lines shown around a change.
const AROUND: usize = 3;
/// Most changed lines shown.
const MOST_SHOWN: usize = 40;

/// Changes files.
pub(super) struct EditFile;

#[derive(Deserialize)]
struct Arguments {
    path: String,
    old: String,
    new: String,
}

#[async_trait]
impl Tool for EditFile {
    fn spec(&self) -> ToolSpec {
        ToolSpec {
            name: "edit_file".to_owned(),
            description: "Replaces text in a file. `old` must occur exactly once, with the same spaces and line breaks. With \
                an empty `old` it creates a new file that contains `new`."
                .to_owned(),
            parameters: json!({
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Relative to the repository's root."},
                    "old": {"type": "string", "description": "The text to replace; empty to create a file."},
                    "new": {"type": "string", "description": "The text to put there."},
                },
                "required": ["path", "old", "new"],
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
        if arguments.old.is_empty() {
            return create(context, &arguments).await;
        }
        let text = match text_of(context, &arguments.path).await? {
            Ok(text) => text,
            Err(refused) => return Ok(refused),
        };
        match replaced(&arguments, &text) {
            Ok((start, changed)) => {
                let shown = surroundings(&changed, start, arguments.new.len());
                write(
                    context,
                    &arguments.path,
                    &changed,
                    format!("edited {}; it now reads\n{shown}", arguments.path),
                )
                .await
            }
            Err(reason) => Ok(Reply::Refused(reason)),
        }
    }
}

async fn create(context: &ToolContext, arguments: &Arguments) -> Result<Reply, RuntimeError> {
    let path = &arguments.path;
    match context.runtime.read_file(path).await {
        Err(RuntimeError::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
            let lines = arguments.new.lines().count();
            write(context, path, &arguments.new, format!("created {path} with {lines} lines")).await
        }
        Err(broken @ RuntimeError::Closed) => Err(broken),
        Err(error) => Ok(Reply::Refused(error.to_string())),
        Ok(_) => Ok(Reply::Refused(format!(
            "{path} exists already and was left as it is; `old` must be the text to replace, and is empty only for new files"
        ))),
    }
}

async fn write(context: &ToolContext, path: &str, text: &str, done: String) -> Result<Reply, RuntimeError> {
    match context.runtime.write_file(path, text.as_bytes()).await {
        Ok(()) => Ok(Reply::Changed(done)),
        Err(broken @ RuntimeError::Closed) => Err(broken),
        Err(error) => Ok(Reply::Refused(error.to_string())),
    }
}

/// Where the replacement begins, and the text with it; or why there is none.
fn replaced(arguments: &Arguments, text: &str) -> Result<(usize, String), String> {
    let Arguments { path, old, new } = arguments;
    if old == new {
        return Err("`old` and `new` are the same, so nothing would change".to_owned());
    }
    let lines: Vec<usize> = starts(text, old).map(|start| line_of(text, start)).take(10).collect();
    match lines.as_slice() {
        [] => Err(format!("`old` does not occur in {path}; nothing was changed. {}", why_absent(text, old))),
        [_] => {
            let start = text.find(old.as_str()).unwrap_or(0);
            Ok((start, format!("{}{new}{}", &text[..start], &text[start + old.len()..])))
        }
        several => Err(format!(
            "`old` occurs more than once in {path} (lines {several:?}); nothing was changed. Take in more of the lines around \
             the one you mean"
        )),
    }
}

/// Every place where `part` begins, overlapping ones included: `aa` is twice in `aaa`, and replacing "the" one is a guess.
fn starts<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    let step = part.chars().next().map_or(1, char::len_utf8);
    let mut from = 0;
    std::iter::from_fn(move || {
        let start = from + text.get(from..)?.find(part)?;
        from = start + step;
        Some(start)
    })
}

fn line_of(text: &str, at: usize) -> usize {
    text[..at].matches('\n').count() + 1
}

/// What is near to what was looked for. It only informs; nothing that merely resembles `old` is ever replaced.
fn why_absent(text: &str, old: &str) -> String {
    if text.contains("\r\n") && !old.contains('\r') && text.replace("\r\n", "\n").contains(old) {
        return "The file's lines end in \\r\\n; write the line breaks like that, or edit one line at a time"
            .to_owned();
    }
    let wanted: Vec<&str> = old.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let lines: Vec<(usize, &str)> =
        (1..).zip(text.lines().map(str::trim)).filter(|(_, line)| !line.is_empty()).collect();
    let spaced =
        lines.windows(wanted.len().max(1)).find(|window| window.iter().map(|(_, line)| line).eq(&wanted));
    if let Some(window) = spaced {
        return format!("The same text with other spaces is at line {}; copy it exactly", window[0].0);
    }
    let first = wanted.first().and_then(|first| lines.iter().find(|(_, line)| line == first));
    match first {
        Some((number, _)) => {
            format!("Its first line is at line {number}, but what follows differs; read the file again")
        }
        None => "Read the file again: it does not contain the first line of it either".to_owned(),
    }
}

/// The changed lines and a few around them, numbered.
fn surroundings(text: &str, start: usize, length: usize) -> String {
    let first = line_of(text, start).saturating_sub(AROUND).max(1);
    let last = (line_of(text, start + length) + AROUND).min(first + MOST_SHOWN);
    let shown = (1..).zip(text.lines()).skip(first - 1).take(last + 1 - first);
    shown.map(|(number, line)| format!("{number:>5}\t{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(text: &str, old: &str, new: &str) -> Result<String, String> {
        let arguments = Arguments { path: "a.py".into(), old: old.into(), new: new.into() };
        replaced(&arguments, text).map(|(_, changed)| changed)
    }

    #[test]
    fn exactly_one_occurrence_is_replaced() {
        let check = |text: &str, old: &str, new: &str, expected: &str| {
            assert_eq!(edit(text, old, new).as_deref(), Ok(expected), "{old:?}");
        };
        check("a\nb\nc\n", "b", "x", "a\nx\nc\n");
        check("a\nb\n", "a\nb", "", "\n");
        check("zażółć", "żół", "u", "zauć");
        check("a\r\nb\r\n", "a\r\nb", "c", "c\r\n");
    }

    #[test]
    fn anything_else_is_refused_with_what_to_do() {
        let check = |text: &str, old: &str, expected: &str| {
            let reason = edit(text, old, "new").unwrap_err();
            assert!(reason.contains(expected), "{old:?}: {reason}");
        };
        check("x = 1\ny = 2\nx = 1\n", "x = 1", "lines [1, 3]");
        check("aaa", "aa", "lines [1, 1]");
        check("zażażaż", "żaż", "more than once");
        check("def f():\n    return 1\n", "def f():\n  return 1", "other spaces is at line 1");
        check("\n\n\tx = 1\n", "  x = 1\n", "other spaces is at line 3");
        check("def f():\n    return 1\n", "def f():\n    return 2", "first line is at line 1");
        check("a\r\nb\r\n", "a\nb", "\\r\\n");
        check("a", "b", "Read the file again");
        check("", "b", "Read the file again");
        check("new", "new", "nothing would change");
    }

    #[test]
    fn the_change_is_shown_in_its_place() {
        let text: String = (1..=20).map(|n| format!("l{n}\n")).collect();
        let start = text.find("l10").unwrap();
        let shown = surroundings(&text, start, 3);
        assert!(shown.starts_with("    7\tl7\n") && shown.ends_with("   13\tl13\n"), "{shown}");
        assert_eq!(surroundings("x\n", 0, 1), "    1\tx\n");
        assert_eq!(surroundings("", 0, 0), "");
        assert!(surroundings(&text.repeat(10), 0, 700).lines().count() <= MOST_SHOWN + 1);
    }
}
