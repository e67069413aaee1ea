//! Terminal output as text: control sequences go, everything else stays exactly as it was written.

/// Decodes UTF-8; invalid bytes appear as `\xNN`, as SWE-ReX shows them.
pub(super) fn decode(bytes: Vec<u8>) -> String {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return text,
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// Removes terminal control sequences (ECMA-48: CSI, OSC and other strings, two-byte escapes).
pub(super) fn without_escapes(text: String) -> String {
    if !text.contains('\x1b') {
        return text;
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('\x1b') {
        plain.push_str(&rest[..at]);
        let sequence = &rest[at..];
        let length = sequence_length(sequence);
        rest = &sequence[length..];
        if length == 1 {
            plain.push('\x1b');
            rest = &sequence[1..];
        }
    }
    plain.push_str(rest);
    plain
}

/// Bytes of the control sequence at the start of `text`, or 1 when its escape character starts none.
fn sequence_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.get(1) {
        Some(b'[') => 2 + control_sequence(&bytes[2..]),
        Some(b']' | b'P' | b'X' | b'^' | b'_') => control_string(bytes).unwrap_or(2),
        Some(b' '..=b'/') => 2 + usize::from(bytes.get(2).is_some_and(|byte| (b'0'..=b'~').contains(byte))),
        Some(b'0'..=b'~') => 2,
        _ => 1,
    }
}

/// Parameters (`0-?`), intermediates (space to `/`) and one final byte.
fn control_sequence(bytes: &[u8]) -> usize {
    let parameters = bytes.iter().take_while(|byte| (b'0'..=b'?').contains(byte)).count();
    let intermediates = bytes[parameters..].iter().take_while(|byte| (b' '..=b'/').contains(byte)).count();
    let end = parameters + intermediates;
    end + usize::from(bytes.get(end).is_some_and(|byte| (b'@'..=b'~').contains(byte)))
}

/// Up to BEL or `ESC \`; `None` when the string does not end.
fn control_string(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().skip(1).position(|&byte| byte == 7 || byte == 0x1b)? + 1;
    match (bytes[end], bytes.get(end + 1)) {
        (7, _) => Some(end + 1),
        (_, Some(b'\\')) => Some(end + 2),
        _ => None,
    }
}

/// Output of a program that talks, without the echo of what was typed and without the blanks around it.
pub(super) fn without_echo<'a>(output: &'a str, typed: &str) -> &'a str {
    let output = output.trim_start();
    output.strip_prefix(typed.trim()).unwrap_or(output).trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_sequences_disappear_and_nothing_else() {
        let cases = [
            ("plain\ttext\r\n", "plain\ttext\r\n"),
            ("\x1b[31mred\x1b[0m", "red"),
            ("\x1b[?2004hx\x1b[2K\x1b[1;32;40my", "xy"),
            ("\x1b]0;title\x07text", "text"),
            ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
            ("\x1b(Bx\x1b=y\x1bMz", "xyz"),
            ("\x1b]never ends", "never ends"),
            ("a\x1b", "a\x1b"),
            ("\x1b\u{e9}", "\x1b\u{e9}"),
            ("\x1b[", ""),
            ("\x1b[\u{e9}", "\u{e9}"),
        ];
        for (text, expected) in cases {
            assert_eq!(without_escapes(text.to_owned()), expected, "{text:?}");
        }
    }

    #[test]
    fn invalid_bytes_are_shown() {
        let cases: [(&[u8], &str); 3] =
            [(b"a\xffb", "a\\xffb"), ("\u{e9}".as_bytes(), "\u{e9}"), (b"\xc3", "\\xc3")];
        for (bytes, expected) in cases {
            assert_eq!(decode(bytes.to_vec()), expected);
        }
    }

    #[test]
    fn the_echo_of_the_typed_line_is_removed() {
        let cases = [("print(1)\n1\n", "print(1)", "1"), ("\n  1\n", "print(1)", "1"), ("x", "", "x")];
        for (output, typed, expected) in cases {
            assert_eq!(without_echo(output, typed), expected, "{output:?}");
        }
    }
}
