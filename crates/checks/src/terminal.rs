//! Makes captured terminal output plain: colours and cursor movements removed, line ends unified.

use std::borrow::Cow;

const ESCAPE: char = '\u{1b}';

/// `text` without ANSI escape sequences and with every line end as `\n`. Borrowed when there was nothing to do.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find([ESCAPE, '\r', '\u{8}']) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = text[first..].chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            ESCAPE => skip_escape(&mut rest),
            '\r' => {
                rest.next_if_eq(&'\n');
                out.push('\n');
            }
            '\u{8}' => {}
            _ => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The longest line that is read whole; no test's name is nearly as long.
const LINE_LIMIT: usize = 8 * 1024;

/// `text` with longer lines cut, so that no reader's work grows faster than the text.
pub(crate) fn with_bounded_lines(text: Cow<'_, str>) -> Cow<'_, str> {
    if text.lines().all(|line| line.len() <= LINE_LIMIT) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let mut end = line.len().min(LINE_LIMIT);
        while !line.is_char_boundary(end) {
            end -= 1;
        }
        out.push_str(&line[..end]);
        out.push('\n');
    }
    Cow::Owned(out)
}

/// Skips what follows an escape character: a CSI sequence, an OSC string, or one more character (ECMA-48).
fn skip_escape(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    match rest.next_if(|c| !matches!(c, '\n' | '\r')) {
        Some('[') => {
            while rest.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
            rest.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
        }
        // A link or title ends with BEL or with ESC \; an unterminated one must not swallow the following lines.
        Some(']') => {
            while rest.next_if(|c| !matches!(c, '\u{7}' | '\n' | &ESCAPE)).is_some() {}
            rest.next_if_eq(&'\u{7}');
        }
        Some('(' | ')') => {
            rest.next_if(|c| c.is_ascii_alphanumeric());
        }
        _ => {}
    }
}

/// The last lines of `text` that fit in `limit` bytes, without trailing blank space.
pub(crate) fn tail(text: &str, limit: usize) -> &str {
    let text = text.trim_end();
    let mut start = text.len().saturating_sub(limit);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    if start == 0 {
        return text;
    }
    match text[start..].find('\n') {
        Some(line_end) => &text[start + line_end + 1..],
        None => &text[start..],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn removes_escapes_and_unifies_line_ends() {
        for (input, expected) in [
            ("plain\n", "plain\n"),
            ("\u{1b}[1;31mred\u{1b}[0m", "red"),
            ("a\r\nb\rc", "a\nb\nc"),
            ("\u{1b}]8;;https://x\u{1b}\\link\u{1b}]8;;\u{7}", "link"),
            ("\u{1b}]0;never ended\nnext", "\nnext"),
            ("\u{1b}(Bx\u{1b}", "x"),
            ("\u{1b}[?25lhidden\u{1b}[2K", "hidden"),
            ("\u{1b}[31", ""),
        ] {
            assert_eq!(plain(input), expected, "{input:?}");
        }
    }

    #[test]
    fn long_lines_are_cut() {
        let text = format!("short\n{}\nend", "ü".repeat(LINE_LIMIT));
        let cut = with_bounded_lines(Cow::Borrowed(&text));
        assert_eq!(cut.lines().map(str::len).collect::<Vec<_>>(), [5, LINE_LIMIT, 3]);
        assert!(matches!(with_bounded_lines(Cow::Borrowed("a\nb")), Cow::Borrowed(_)));
    }

    #[test]
    fn the_tail_starts_at_a_line() {
        for (input, limit, expected) in [
            ("one\ntwo\nthree\n\n", 9, "three"),
            ("one\ntwo", 100, "one\ntwo"),
            ("ünbroken", 7, "nbroken"),
            ("", 5, ""),
        ] {
            assert_eq!(tail(input, limit), expected, "{input:?}");
        }
    }
}
