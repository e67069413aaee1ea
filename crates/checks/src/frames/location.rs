//! `path:line` and `path:line:column`, the form in which most tools print a place.

/// The place at the start of `text` and what follows its last colon: `a.py:3: in f` is `("a.py", 3, " in f")`.
pub(crate) fn leading(text: &str) -> Option<(&str, u32, &str)> {
    let (at, line) = text.match_indices(':').find_map(|(at, _)| Some((at, number(&text[at + 1..])?)))?;
    let (line, length) = line;
    let path = text[..at].trim();
    let rest = text[at + 1 + length..].strip_prefix(':')?;
    let rest = match number(rest) {
        Some((_, column)) => rest[column..].strip_prefix(':').unwrap_or(&rest[column..]),
        None => rest,
    };
    is_path(path).then_some((path, line, rest))
}

/// The place that ends `text`: `at f (a.js:3:7` is `("at f (a.js", 3)`; the caller cuts the front.
pub(crate) fn trailing(text: &str) -> Option<(&str, u32)> {
    let (front, last) = text.rsplit_once(':')?;
    let last: u32 = last.parse().ok()?;
    match front.rsplit_once(':').and_then(|(path, line)| Some((path, line.parse().ok()?))) {
        Some((path, line)) => Some((path, line)),
        None => Some((front, last)),
    }
}

/// The decimal number that starts `text`, and its length.
fn number(text: &str) -> Option<(u32, usize)> {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    text[..length].parse().ok().map(|value| (value, length))
}

/// Whether `text` can be the path of a source file: it has an extension and no blanks at its ends.
fn is_path(text: &str) -> bool {
    let name = text.rsplit(['/', '\\']).next().unwrap_or(text);
    name.rsplit_once('.').is_some_and(|(stem, extension)| {
        !stem.is_empty() && !extension.is_empty() && extension.chars().all(char::is_alphanumeric)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_place_at_the_start() {
        for (text, expected) in [
            ("a.py:3: in f", Some(("a.py", 3, " in f"))),
            ("a.py:3: ", Some(("a.py", 3, " "))),
            ("./x.go:3:14: undefined: y", Some(("./x.go", 3, " undefined: y"))),
            ("src/a.rs:3:14", Some(("src/a.rs", 3, ""))),
            ("C:\\a.py:3: E", Some(("C:\\a.py", 3, " E"))),
            ("12:30:00 started", None),
            ("error: 3: x", None),
            ("a.py:99999999999: x", None),
            ("", None),
        ] {
            // A bare `path:line:column` ends after the column.
            assert_eq!(leading(text), expected, "{text}");
        }
    }

    #[test]
    fn finds_the_place_at_the_end() {
        for (text, expected) in [
            ("a.js:3:7", Some(("a.js", 3))),
            ("file:///w/a.js:3:7", Some(("file:///w/a.js", 3))),
            ("a.go:12", Some(("a.go", 12))),
            ("a.go", None),
            ("", None),
        ] {
            assert_eq!(trailing(text), expected, "{text}");
        }
    }
}
