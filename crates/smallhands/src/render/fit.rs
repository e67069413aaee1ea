//! Makes text fit a terminal line: no control characters, no more columns than there are.

/// The text on one line, without anything a terminal would obey: names of tests and files are other people's words.
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_invisible(c) { ' ' } else { c }).collect()
}

/// The longest beginning of the text that fits into `columns`, with `…` where something was cut off.
pub fn cut(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let mut used = 1; // the ellipsis
    let kept = text.chars().take_while(|&c| {
        used += char_width(c);
        used <= columns
    });
    let mut kept: String = if columns == 0 { return String::new() } else { kept.collect() };
    kept.push('…');
    kept
}

/// The text cut or filled up with blanks to exactly `columns`.
pub fn pad(text: &str, columns: usize) -> String {
    let text = cut(text, columns);
    let blanks = columns - width(&text);
    text + &" ".repeat(blanks)
}

/// Columns that the text takes.
pub fn width(text: &str) -> usize {
    text.chars().map(char_width).sum()
}

/// Two columns for East Asian wide characters and pictures, one for all others; a guess on the safe side for combining ones.
fn char_width(c: char) -> usize {
    let wide = matches!(u32::from(c),
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF | 0xFE30..=0xFE6F
        | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD);
    1 + usize::from(wide)
}

/// Marks that change the direction of text, or take no place at all.
fn is_invisible(c: char) -> bool {
    matches!(u32::from(c), 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0xFEFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_to_columns_not_bytes() {
        for (text, columns, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "long…"),
            ("é→é→é→", 4, "é→é…"),
            ("日本語", 6, "日本語"),
            ("日本語", 5, "日本…"),
            ("日本語", 4, "日…"),
            ("any", 1, "…"),
            ("any", 0, ""),
            ("", 0, ""),
        ] {
            assert_eq!(cut(text, columns), expected, "{text} in {columns}");
            assert!(width(&cut(text, columns)) <= columns);
        }
    }

    #[test]
    fn padding_gives_the_exact_width() {
        for text in ["", "a", "日本語", "much too long for this"] {
            assert_eq!(width(&pad(text, 8)), 8, "{text}");
        }
    }

    #[test]
    fn nothing_that_a_terminal_would_obey_survives() {
        assert_eq!(printable("a\x1b[31mred\nb\tc\u{202e}d"), "a [31mred b c d");
    }
}
