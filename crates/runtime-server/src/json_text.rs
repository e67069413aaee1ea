//! The inside of JSON strings, for texts that are too large to be copied more often than needed.

/// Bytes that are looked at together.
const WORD: usize = 8;

/// Room that the next step of [`escaped`] may take: a word, and an escape, which is written as one.
const STEP: usize = 2 * WORD;

/// A piece of a JSON string, without the quotes around the whole.
pub fn escaped(text: &str) -> Vec<u8> {
    let mut json = Vec::new();
    push_escaped(&mut json, text);
    json
}

/// Appends a piece of a JSON string. Most of a text needs no escape and is copied in words, of which what follows an
/// escape is written over.
pub fn push_escaped(json: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let (mut read, mut written) = (0, json.len());
    json.resize(written + bytes.len() + bytes.len() / 4 + STEP, 0);
    while read < bytes.len() {
        if json.len() - written < STEP {
            json.resize(json.len() + bytes.len() / 2 + STEP, 0);
        }
        if let Some(word) = word(bytes, read) {
            store(&mut json[written..], word.to_le_bytes());
            let plain = plain_bytes(word);
            (read, written) = (read + plain, written + plain);
            if plain == WORD {
                continue;
            }
        }
        written += put(bytes[read], &mut json[written..]);
        read += 1;
    }
    json.truncate(written);
}

/// Writes one byte of a string, as an escape if it needs one, and answers with how many bytes that takes. What stands
/// behind those within a word is of no use.
fn put(byte: u8, json: &mut [u8]) -> usize {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let (bytes, length) = match byte {
        b'\n' => (*b"\\n      ", 2),
        b'\t' => (*b"\\t      ", 2),
        plain @ (b'"' | b'\\') => ([b'\\', plain, 0, 0, 0, 0, 0, 0], 2),
        control @ ..0x20 => {
            let (high, low) = (HEX[usize::from(control >> 4)], HEX[usize::from(control & 15)]);
            ([b'\\', b'u', b'0', b'0', high, low, 0, 0], 6)
        }
        plain => ([plain, 0, 0, 0, 0, 0, 0, 0], 1),
    };
    store(json, bytes);
    length
}

/// How many bytes there are before the first that needs an escape; `None` when none does.
fn plain_run(bytes: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(word) = word(bytes, at) {
        let plain = plain_bytes(word);
        at += plain;
        if plain < WORD {
            return Some(at);
        }
    }
    bytes[at..].iter().position(|&byte| is_special(byte)).map(|plain| at + plain)
}

fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// Writes a word as one instruction does; what copies slices of any length costs more than all the rest.
fn store(into: &mut [u8], word: [u8; WORD]) {
    if let Some(place) = into.first_chunk_mut() {
        *place = word;
    }
}

/// How many bytes of a word stand before the first special one. In each byte the highest bit tells; a borrow may tell it
/// of bytes behind a special one as well, which does not matter.
fn plain_bytes(word: u64) -> usize {
    const ONES: u64 = u64::from_le_bytes([1; WORD]);
    const HIGHS: u64 = ONES << 7;
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let quotes = zeros(word ^ (ONES * u64::from(b'"')));
    let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
    ((control | quotes | backslashes) & HIGHS).trailing_zeros() as usize / 8
}

/// Why the inside of a string is none.
#[derive(Debug, PartialEq, Eq)]
pub enum TextFault {
    /// Half of a surrogate pair.
    Surrogate,
    /// Anything else: where, and what.
    Invalid(usize, &'static str),
}

/// Undoes the escapes of a string's inside, which begins at `start`, and moves the text to the front; answers with its
/// length.
///
/// # Errors
/// [`TextFault`], with places that count from `start`; the bytes are of no use then.
pub fn unescape(bytes: &mut [u8], start: usize) -> Result<usize, TextFault> {
    let (mut read, mut written) = (start, 0);
    while read < bytes.len() {
        // A whole word is written only where that reaches nothing which was not read yet.
        if let Some(word) = word(bytes, read)
            && let plain @ 1.. = plain_bytes(word)
        {
            if written + WORD <= read || plain == WORD {
                store(&mut bytes[written..], word.to_le_bytes());
            } else {
                bytes.copy_within(read..read + plain, written);
            }
            (read, written) = (read + plain, written + plain);
            continue;
        }
        match bytes[read] {
            b'\\' => {
                let unknown = || TextFault::Invalid(read - start, "Invalid \\escape");
                let escape = escape(&bytes[read + 1..]).map_err(|fault| fault.unwrap_or_else(unknown));
                let (character, used) = escape?;
                written += character.encode_utf8(&mut bytes[written..]).len();
                read += 1 + used;
            }
            special if is_special(special) => {
                return Err(TextFault::Invalid(read - start, "Invalid control character at"));
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
                for start in [0, 1, 7, 9] {
                    let mut bytes = [&b"---------"[..start], inside.as_bytes()].concat();
                    let length = unescape(&mut bytes, start).unwrap();
                    assert_eq!(std::str::from_utf8(&bytes[..length]).unwrap(), text, "{json}");
                }
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
            let mut bytes = format!("x\"{inside}").into_bytes();
            assert_eq!(unescape(&mut bytes, 2), Err(fault), "{inside}");
        }
        assert_eq!((string_end(b"no end"), string_end(b"no end\\\"")), (None, None));
    }
}
