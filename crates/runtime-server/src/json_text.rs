//! The inside of JSON strings, for texts that are too large to be copied more often than needed.

/// A piece of a JSON string, without the quotes around the whole. Most of a text needs no escape and is copied in
/// runs.
pub fn escaped(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut json = Vec::with_capacity(bytes.len() + bytes.len() / 8);
    let mut copied = 0;
    while let Some(run) = plain_run(&bytes[copied..]) {
        let at = copied + run;
        json.extend_from_slice(&bytes[copied..at]);
        match bytes[at] {
            b'\n' => json.extend_from_slice(b"\\n"),
            b'\t' => json.extend_from_slice(b"\\t"),
            plain @ (b'"' | b'\\') => json.extend_from_slice(&[b'\\', plain]),
            control => json.extend_from_slice(format!("\\u{control:04x}").as_bytes()),
        }
        copied = at + 1;
    }
    json.extend_from_slice(&bytes[copied..]);
    json
}

/// How many bytes there are before the first that needs an escape; `None` when none does.
fn plain_run(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while at < bytes.len() {
        at = after_plain_words(bytes, at);
        match bytes.get(at) {
            None => return None,
            Some(&byte) if is_special(byte) => return Some(at),
            Some(_) => at += 1,
        }
    }
    None
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Goes on from `at` as long as the next eight bytes are plain.
fn after_plain_words(bytes: &[u8], mut at: usize) -> usize {
    while let Some(word) = word(bytes, at)
        && is_plain(word)
    {
        at += 8;
    }
    at
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_ne_bytes(*word))
}

/// Whether none of eight bytes is special; sometimes no although none is, never the other way. In each byte of the
/// word the highest bit tells, and a borrow may tell it of a neighbour as well.
fn is_plain(word: u64) -> bool {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = ONES << 7;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = zeros(word ^ (ONES * u64::from(b'"')));
    let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
    (control | quotes | backslashes) & HIGHS == 0
}

/// Why the inside of a string is none.
#[derive(Debug, PartialEq, Eq)]
pub enum TextFault {
    /// Half of a surrogate pair.
    Surrogate,
    /// Anything else: where, and what.
    Invalid(usize, &'static str),
}

/// Undoes the escapes of a string's inside where it stands, and answers with the length of the text.
///
/// # Errors
/// [`TextFault`]; the bytes are of no use then.
pub fn unescape(bytes: &mut [u8]) -> Result<usize, TextFault> {
    let (mut read, mut written) = (0, 0);
    while read < bytes.len() {
        // The text only ever gets shorter, so that nothing is overwritten before it was read.
        if let Some(word) = word(bytes, read).filter(|word| is_plain(*word)) {
            bytes[written..written + 8].copy_from_slice(&word.to_ne_bytes());
            (read, written) = (read + 8, written + 8);
            continue;
        }
        match bytes[read] {
            b'\\' => {
                let unknown = || TextFault::Invalid(read, "Invalid \\escape");
                let escape = escape(&bytes[read + 1..]).map_err(|fault| fault.unwrap_or_else(unknown));
                let (character, used) = escape?;
                written += character.encode_utf8(&mut bytes[written..]).len();
                read += 1 + used;
            }
            special if is_special(special) => {
                return Err(TextFault::Invalid(read, "Invalid control character at"));
            }
            plain => {
                bytes[written] = plain;
                (read, written) = (read + 1, written + 1);
            }
        }
    }
    Ok(written)
}

/// What an escape stands for, and how many bytes it has behind the backslash. `None` as a fault is an unknown escape.
fn escape(bytes: &[u8]) -> Result<(char, usize), Option<TextFault>> {
    let plain = match bytes.first() {
        Some(b'n') => '\n',
        Some(b't') => '\t',
        Some(b'r') => '\r',
        Some(b'b') => '\u{8}',
        Some(b'f') => '\u{c}',
        Some(&plain @ (b'"' | b'\\' | b'/')) => char::from(plain),
        Some(b'u') => return unicode(&bytes[1..]),
        _ => return Err(None),
    };
    Ok((plain, 1))
}

fn unicode(bytes: &[u8]) -> Result<(char, usize), Option<TextFault>> {
    let first = hex(bytes).ok_or(None)?;
    if !(0xd800..0xe000).contains(&first) {
        return Ok((char::from_u32(u32::from(first)).ok_or(None)?, 5));
    }
    let second = bytes.get(4..).and_then(|rest| rest.strip_prefix(b"\\u")).and_then(hex);
    let pair = char::decode_utf16([first, second.unwrap_or(0)]).next();
    match pair {
        Some(Ok(character)) => Ok((character, 11)),
        _ => Err(Some(TextFault::Surrogate)),
    }
}

fn hex(bytes: &[u8]) -> Option<u16> {
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u16::try_from(digit).ok());
    bytes.get(..4)?.iter().try_fold(0, |number, byte| Some(number << 4 | digit(byte)?))
}

/// The end of a string's inside, which `bytes` begin with: where its closing quote stands.
pub fn string_end(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += plain_run(&bytes[at..])?;
        match bytes[at] {
            b'"' => return Some(at),
            b'\\' => at += 2,
            _ => at += 1,
        }
        if at >= bytes.len() {
            return None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_json() {
        let every: String = (0..0x300).filter_map(char::from_u32).collect();
        for text in
            ["", "plain", "a\"b", "\u{1}", "long enough to be looked at in words \n and \\ and \"", &every]
        {
            for shift in 0..9 {
                let text = format!("{}{text}{}", "x".repeat(shift), "y".repeat(shift));
                let json = [&b"\""[..], &escaped(&text), b"\""].concat();
                assert_eq!(serde_json::from_slice::<String>(&json).unwrap(), text);
            }
        }
    }

    #[test]
    fn plain_runs_end_where_they_should() {
        let cases = [
            ("", None),
            ("abcdefgh", None),
            ("\n", Some(0)),
            ("abcdefgh\"", Some(8)),
            ("abcdefg\\h", Some(7)),
            ("!!!!!!!!#[]]", None),
            ("\u{7f}\u{80}\u{ff}éééééé", None),
        ];
        for (text, expected) in cases {
            assert_eq!(plain_run(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn escapes_are_undone_where_they_stand() {
        let every: String =
            (0..0x300).filter_map(char::from_u32).chain("\u{1f600}\u{ffff}".chars()).collect();
        for text in ["", "plain", "a\"b\\", "\u{8}\u{c}\r\n\t/", &every] {
            for json in [serde_json::to_string(text).unwrap(), ascii(text)] {
                let inside = &json[1..json.len() - 1];
                assert_eq!(string_end(&json.as_bytes()[1..]), Some(inside.len()), "{json}");
                let mut bytes = inside.as_bytes().to_vec();
                let length = unescape(&mut bytes).unwrap();
                assert_eq!(std::str::from_utf8(&bytes[..length]).unwrap(), text, "{json}");
            }
        }
    }

    /// As Python writes it: everything beyond ASCII is escaped.
    fn ascii(text: &str) -> String {
        let inside: String = text.encode_utf16().map(|unit| format!("\\u{unit:04X}")).collect();
        format!("\"{inside}\"")
    }

    #[test]
    fn what_is_no_string_is_told() {
        let cases = [
            ("a\nb", TextFault::Invalid(1, "Invalid control character at")),
            ("ab\\x", TextFault::Invalid(2, "Invalid \\escape")),
            ("ab\\", TextFault::Invalid(2, "Invalid \\escape")),
            ("\\u12g4", TextFault::Invalid(0, "Invalid \\escape")),
            ("\\u12", TextFault::Invalid(0, "Invalid \\escape")),
            ("\\ud800", TextFault::Surrogate),
            ("\\ud800\\u0041", TextFault::Surrogate),
            ("\\udc00", TextFault::Surrogate),
        ];
        for (inside, fault) in cases {
            assert_eq!(unescape(&mut inside.as_bytes().to_vec()), Err(fault), "{inside}");
        }
        assert_eq!((string_end(b"no end"), string_end(b"no end\\\"")), (None, None));
    }
}
