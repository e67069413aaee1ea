//! Blanks out comments and the contents of literals, so that what is left can be searched and its braces counted.

/// The text with every character of comments, string literals and character literals replaced by a blank.
///
/// Line breaks stay, and so does the number of bytes: offsets and lines mean the same in both texts.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut masked = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = skipped_until(bytes, at);
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut masked[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8_lossy(&masked).into_owned()
}

/// The end of the comment or literal that begins at `at`; `at` itself when none does.
fn skipped_until(bytes: &[u8], at: usize) -> usize {
    let rest = &bytes[at..];
    match rest {
        [b'/', b'/', ..] => at + rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => at + block_comment(rest),
        [b'"', ..] => at + quoted(rest, b'"'),
        [b'r', ..] if starts_word(bytes, at) => raw_string(rest, 1).map_or(at, |length| at + length),
        [b'b', b'r', ..] if starts_word(bytes, at) => raw_string(rest, 2).map_or(at, |length| at + length),
        [b'\'', ..] => at + character(rest),
        _ => at,
    }
}

fn starts_word(bytes: &[u8], at: usize) -> bool {
    at == 0 || !(bytes[at - 1].is_ascii_alphanumeric() || bytes[at - 1] == b'_')
}

/// Length of a block comment; they nest.
fn block_comment(rest: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => {
                depth += 1;
                at += 2;
            }
            [b'*', b'/', ..] => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of a literal in quotes with backslash escapes.
fn quoted(rest: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// Length of a raw string whose hashes begin after `prefix` bytes; `None` when it is a name or a raw identifier.
fn raw_string(rest: &[u8], prefix: usize) -> Option<usize> {
    let hashes = rest[prefix..].iter().take_while(|&&byte| byte == b'#').count();
    let opening = prefix + hashes;
    if rest.get(opening) != Some(&b'"') {
        return None;
    }
    let closing: Vec<u8> = std::iter::once(b'"').chain(std::iter::repeat_n(b'#', hashes)).collect();
    let body = &rest[opening + 1..];
    let end = body.windows(closing.len()).position(|window| window == closing);
    Some(end.map_or(rest.len(), |end| opening + 1 + end + closing.len()))
}

/// Length of a character literal; 0 for a lifetime or a label.
fn character(rest: &[u8]) -> usize {
    match rest {
        [_, b'\\', ..] => quoted(rest, b'\''),
        [_, byte, ..] => {
            let width = match byte {
                0xF0.. => 4,
                0xE0.. => 3,
                0xC0.. => 2,
                _ => 1,
            };
            if rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The literal between the two pieces of code is blanked out, the code stays.
    fn check(before: &str, literal: &str, after: &str) {
        let text = [before, literal, after].concat();
        assert_eq!(mask(&text), [before, &" ".repeat(literal.len()), after].concat(), "of {text}");
    }

    #[test]
    fn comments_and_literals_disappear_and_code_stays() {
        check("a ", "// b {", "\nc");
        check("a ", "/* { /* } */ */", " b");
        check("f(", r#""}\"{""#, ") + 1");
        check("f(", r##"r#"}"{"#"##, ") + 1");
        check("f(b", "\"{\"", ") g");
        for character in ["'{'", "'\\''", "'é'", "'\\u{7d}'"] {
            check("f(", character, ", x)");
        }
    }

    #[test]
    fn lifetimes_labels_and_raw_identifiers_are_code() {
        check("fn f<'a>(x: &'a str) {}", "", "");
        check("'outer: loop { break 'outer }", "", "");
        check("r#type + var", "", "");
    }

    #[test]
    fn lines_and_length_survive_any_text() {
        for text in ["\"open", "/* open", "r#\"open", "'", "'\\", "é'é'", "\"a\nb\"\n"] {
            let masked = mask(text);
            assert_eq!(masked.matches('\n').count(), text.matches('\n').count(), "{text}");
            assert_eq!(masked.len(), text.len(), "{text}");
        }
    }
}
