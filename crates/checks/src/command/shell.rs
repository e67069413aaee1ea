//! Splits a shell command line into the simple commands it runs.

/// One simple command of a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Segment {
    /// Its words, quotes removed, redirections left out.
    pub(super) words: Vec<String>,
    /// Where its text starts in the command line, in bytes.
    pub(super) start: usize,
    /// Where its text ends, before the operator or redirection that follows.
    pub(super) end: usize,
}

impl Segment {
    pub(super) fn has_any(&self, flags: &[&str]) -> bool {
        self.words.iter().any(|word| flags.contains(&word.as_str()))
    }
}

/// The simple commands of `command`, in order; what cannot be read as shell words is left out.
pub(super) fn segments(command: &str) -> Vec<Segment> {
    spans(command).into_iter().filter_map(|(start, end)| segment(command, start, end)).collect()
}

fn segment(command: &str, start: usize, end: usize) -> Option<Segment> {
    let text = command[start..end].trim_start_matches(['(', '{', ' ', '\t', '\n', '!']);
    let start = end - text.len();
    let words = shell_words::split(text.trim_end_matches([')', '}', ' '])).ok()?;
    (!words.is_empty()).then_some(Segment { words, start, end })
}

/// The byte ranges between unquoted operators; a redirection ends the range of its command.
fn spans(command: &str) -> Vec<(usize, usize)> {
    let mut spans = Vec::new();
    let mut start = 0;
    let mut quote = None;
    let mut redirected = false;
    let mut escaped = false;
    for (at, c) in command.char_indices() {
        if escaped {
            escaped = false;
        } else if let Some(open) = quote {
            escaped = c == '\\' && open == '"';
            quote = (c != open).then_some(open);
        } else if matches!(c, '\'' | '"') {
            quote = Some(c);
        } else if c == '\\' {
            escaped = true;
        } else if matches!(c, '<' | '>') && !redirected {
            spans.push((start, before_descriptor(command, start, at)));
            redirected = true;
        } else if matches!(c, '&' | '|' | ';' | '\n') && !is_descriptor_copy(command, at) {
            if !redirected {
                spans.push((start, at));
            }
            redirected = false;
            start = at + 1;
        }
    }
    if !redirected {
        spans.push((start, command.len()));
    }
    spans
}

/// The `&` of `2>&1` and `&>log` is part of a redirection.
fn is_descriptor_copy(command: &str, at: usize) -> bool {
    let bytes = command.as_bytes();
    let next_to = |index: usize| bytes.get(index).is_some_and(|byte| matches!(byte, b'>' | b'<'));
    bytes[at] == b'&' && (next_to(at + 1) || at.checked_sub(1).is_some_and(next_to))
}

/// The end of a command in front of a redirection at `at`, leaving out the `2` of ` 2>`.
fn before_descriptor(command: &str, start: usize, at: usize) -> usize {
    let text = command[start..at].trim_end_matches('&');
    let bare = text.trim_end_matches(|c: char| c.is_ascii_digit());
    if bare.ends_with(' ') { start + bare.len() } else { start + text.len() }
}

/// The repository-relative folder that a command changes to before it runs its checks: `cd a && cd b && x` is `a/b`.
pub(crate) fn working_folder(command: &str) -> String {
    let mut folder = String::new();
    for segment in segments(command) {
        match segment.words.as_slice() {
            [program, target] if program == "cd" && !target.starts_with(['/', '~', '$', '-']) => {
                let target = target.trim_start_matches("./").trim_end_matches('/');
                let separator = if folder.is_empty() || target.is_empty() { "" } else { "/" };
                folder = format!("{folder}{separator}{target}");
            }
            [program, flag, target, ..] if program == "make" && flag == "-C" => return target.clone(),
            [shell, flag, script] if shell.ends_with("sh") && flag.ends_with('c') => {
                return working_folder(script);
            }
            _ => break,
        }
    }
    folder
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn splits_at_unquoted_operators() {
        for (command, expected) in [
            ("a b && c", vec![vec!["a", "b"], vec!["c"]]),
            ("a 'x && y'; b", vec![vec!["a", "x && y"], vec!["b"]]),
            ("a 2>&1 | b", vec![vec!["a"], vec!["b"]]),
            ("a &> log || b", vec![vec!["a"], vec!["b"]]),
            ("(cd x && a)", vec![vec!["cd", "x"], vec!["a"]]),
            ("a \\; b", vec![vec!["a", ";", "b"]]),
            ("a \"q\\\"&&\" b", vec![vec!["a", "q\"&&", "b"]]),
            ("a 'open", vec![]),
            ("a\nb &", vec![vec!["a"], vec!["b"]]),
            ("", vec![]),
        ] {
            let words: Vec<Vec<String>> =
                segments(command).into_iter().map(|segment| segment.words).collect();
            assert_eq!(words, expected, "{command}");
        }
    }

    #[test]
    fn a_segment_ends_before_its_redirection() {
        let command = "x=1 a b 2>&1 | c";
        let ends: Vec<&str> = segments(command).iter().map(|s| &command[s.start..s.end]).collect();
        assert_eq!(ends, ["x=1 a b ", "c"]);
    }

    #[test]
    fn follows_changes_of_folder() {
        for (command, expected) in [
            ("pytest", ""),
            ("cd sub && pytest", "sub"),
            ("cd ./a/ && cd b && pytest", "a/b"),
            ("cd /abs && pytest", ""),
            ("pytest && cd x", ""),
            ("make -C lib test", "lib"),
            ("bash -c 'cd sub && pytest'", "sub"),
        ] {
            assert_eq!(working_folder(command), expected, "{command}");
        }
    }
}
