//! Bytes of a file as text, with the encodings, error handlers and newline rules of Python's text files, chunk by
//! chunk, so that a file of any size is decoded in constant memory.

use crate::files::error::FileError;

/// How bytes mean characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8; `signed` drops a byte order mark at the start.
    Utf8 {
        /// Whether a mark at the start is dropped.
        signed: bool,
    },
    /// Seven bits.
    Ascii,
    /// Each byte is the character of its number.
    Latin1,
    /// Windows' western set.
    Windows1252,
    /// UTF-16; the order comes from the mark at the start, else it is little endian.
    Utf16,
    /// UTF-16, little endian.
    Utf16Le,
    /// UTF-16, big endian.
    Utf16Be,
}

impl Encoding {
    /// The encoding that Python knows by `name`; case, `-`, `_` and blanks do not matter.
    ///
    /// # Errors
    /// [`FileError::UnknownEncoding`].
    pub fn named(name: &str) -> Result<Self, FileError> {
        let plain: String =
            name.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).map(|c| c.to_ascii_lowercase()).collect();
        Ok(match plain.as_str() {
            "utf8" | "u8" | "utf" | "cp65001" | "locale" => Self::Utf8 { signed: false },
            "utf8sig" => Self::Utf8 { signed: true },
            "ascii" | "usascii" | "646" | "ansix3.41968" => Self::Ascii,
            "latin1" | "latin" | "l1" | "iso88591" | "88591" | "8859" | "cp819" => Self::Latin1,
            "cp1252" | "windows1252" | "1252" => Self::Windows1252,
            "utf16" | "u16" => Self::Utf16,
            "utf16le" | "unicodelittleunmarked" => Self::Utf16Le,
            "utf16be" | "unicodebigunmarked" => Self::Utf16Be,
            _ => return Err(FileError::UnknownEncoding { name: name.to_owned() }),
        })
    }
}

/// What happens to bytes that do not decode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unreadable {
    /// An error.
    Strict,
    /// U+FFFD stands for them.
    Replace,
    /// They are left out.
    Ignore,
    /// `\xNN` stands for each.
    Backslash,
    /// Half of a surrogate pair stands for each; such text cannot travel as UTF-8, which is an error.
    Surrogate,
    /// Nobody knows; an error once it matters.
    Unknown(String),
}

impl Unreadable {
    /// The handler that Python knows by `name`. An unknown name is an error only when it is needed, as in Python.
    pub fn named(name: &str) -> Self {
        match name {
            "strict" => Self::Strict,
            "replace" => Self::Replace,
            "ignore" => Self::Ignore,
            "backslashreplace" => Self::Backslash,
            "surrogateescape" | "surrogatepass" => Self::Surrogate,
            other => Self::Unknown(other.to_owned()),
        }
    }

    /// Whether decoding can fail on account of the bytes.
    pub fn may_fail(&self) -> bool {
        matches!(self, Self::Strict | Self::Surrogate | Self::Unknown(_))
    }
}

/// Decodes a file from its start to its end.
#[derive(Debug)]
pub struct TextDecoder {
    encoding: Encoding,
    unreadable: Unreadable,
    /// Bytes at the end of the last chunk that are the start of a character.
    carried: Vec<u8>,
    /// Where `carried` starts in the file.
    position: u64,
    /// The last character was CR and may be half of a line end.
    after_cr: bool,
    started: bool,
}

/// Bytes that do not decode.
struct Fault {
    codec: &'static str,
    reason: &'static str,
    /// Where they start in the bytes at hand, and how many they are.
    at: usize,
    length: usize,
}

impl TextDecoder {
    /// A decoder at the start of a file.
    pub fn new(encoding: Encoding, unreadable: Unreadable) -> Self {
        Self { encoding, unreadable, carried: Vec::new(), position: 0, after_cr: false, started: false }
    }

    /// The next bytes as they are, where they are UTF-8 with plain line ends and nothing is left over from before; most
    /// files are nothing else. `None` says that they are still to be decoded.
    pub fn plain<'a>(&mut self, chunk: &'a [u8]) -> Option<&'a str> {
        let is_plain = matches!(self.encoding, Encoding::Utf8 { signed } if self.started || !signed);
        if !is_plain || !self.carried.is_empty() || self.after_cr {
            return None;
        }
        let text = match std::str::from_utf8(chunk) {
            Ok(all) => all,
            Err(error) if error.error_len().is_some() => return None,
            Err(error) => std::str::from_utf8(&chunk[..error.valid_up_to()]).ok()?,
        };
        if text.contains('\r') {
            return None;
        }
        self.started = true;
        self.position += text.len() as u64;
        self.carried.extend_from_slice(&chunk[text.len()..]);
        Some(text)
    }

    /// Appends the text of the next bytes to `text`, with every line end as LF. `last` says that nothing follows.
    ///
    /// # Errors
    /// [`FileError::Undecodable`] and what the error handler leads to.
    pub fn decode(&mut self, chunk: &[u8], last: bool, text: &mut String) -> Result<(), FileError> {
        let start = text.len();
        let joined;
        let bytes = if self.carried.is_empty() {
            chunk
        } else {
            self.carried.extend_from_slice(chunk);
            joined = std::mem::take(&mut self.carried);
            &joined
        };
        let skipped = self.order_mark(bytes, last);
        text.reserve(bytes.len());
        let used = skipped + self.characters(&bytes[skipped..], last, skipped, text)?;
        self.carried.extend_from_slice(&bytes[used..]);
        self.position += used as u64;
        self.plain_newlines(text, start);
        Ok(())
    }

    /// The length of a byte order mark at the start of the file.
    fn order_mark(&mut self, bytes: &[u8], last: bool) -> usize {
        let enough = if matches!(self.encoding, Encoding::Utf8 { .. }) { 3 } else { 2 };
        if self.started || (bytes.len() < enough && !last) {
            return 0;
        }
        self.started = true;
        match self.encoding {
            Encoding::Utf8 { signed: true } if bytes.starts_with(&[0xef, 0xbb, 0xbf]) => 3,
            Encoding::Utf16 if bytes.starts_with(&[0xfe, 0xff]) => {
                self.encoding = Encoding::Utf16Be;
                2
            }
            Encoding::Utf16 if bytes.starts_with(&[0xff, 0xfe]) => {
                self.encoding = Encoding::Utf16Le;
                2
            }
            _ => 0,
        }
    }

    /// Decodes as much as is complete and answers with how many bytes that were.
    fn characters(
        &mut self,
        bytes: &[u8],
        last: bool,
        skipped: usize,
        text: &mut String,
    ) -> Result<usize, FileError> {
        if !self.started {
            return Ok(0);
        }
        let step = match self.encoding {
            Encoding::Utf8 { .. } => utf8,
            Encoding::Ascii => ascii,
            Encoding::Latin1 => latin1,
            Encoding::Windows1252 => windows1252,
            Encoding::Utf16 | Encoding::Utf16Le => utf16le,
            Encoding::Utf16Be => utf16be,
        };
        let mut used = 0;
        loop {
            let rest = &bytes[used..];
            let (valid, fault) = step(rest, last, text);
            used += valid;
            let Some(fault) = fault else { return Ok(used) };
            let start = used - valid + fault.at;
            let at = self.position + (skipped + start) as u64;
            self.stand_in(&bytes[start..start + fault.length], &fault, at, text)?;
            used = start + fault.length;
        }
    }

    fn stand_in(&self, bytes: &[u8], fault: &Fault, at: u64, text: &mut String) -> Result<(), FileError> {
        match &self.unreadable {
            Unreadable::Strict => return Err(undecodable(bytes, fault, at)),
            Unreadable::Unknown(name) => {
                return Err(FileError::UnknownErrorHandler { name: name.clone() });
            }
            Unreadable::Surrogate => {
                let byte = bytes.first().copied().unwrap_or(0);
                return Err(FileError::Unencodable { surrogate: 0xdc00 + u32::from(byte) });
            }
            Unreadable::Replace => text.push(char::REPLACEMENT_CHARACTER),
            Unreadable::Ignore => {}
            Unreadable::Backslash => bytes.iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}"))),
        }
        Ok(())
    }

    /// Makes every line end behind `start` an LF.
    fn plain_newlines(&mut self, text: &mut String, start: usize) {
        let new = &text[start..];
        if new.is_empty() || (!self.after_cr && !new.contains('\r')) {
            return;
        }
        let rest = if self.after_cr { new.strip_prefix('\n').unwrap_or(new) } else { new };
        self.after_cr = rest.ends_with('\r');
        let plain = rest.replace("\r\n", "\n").replace('\r', "\n");
        text.truncate(start);
        text.push_str(&plain);
    }
}

fn undecodable(bytes: &[u8], fault: &Fault, at: u64) -> FileError {
    let what = match bytes {
        [byte] => format!("byte 0x{byte:02x} in position {at}"),
        _ => format!("bytes in position {at}-{}", at + bytes.len() as u64 - 1),
    };
    FileError::Undecodable { codec: fault.codec, what, reason: fault.reason }
}

/// What a step of decoding finds: how many bytes are done, and the fault after them, if one ended the step.
type Step = (usize, Option<Fault>);

fn utf8(bytes: &[u8], last: bool, text: &mut String) -> Step {
    let error = match std::str::from_utf8(bytes) {
        Ok(all) => {
            text.push_str(all);
            return (bytes.len(), None);
        }
        Err(error) => error,
    };
    let at = error.valid_up_to();
    text.push_str(std::str::from_utf8(&bytes[..at]).unwrap_or_default());
    let fault = |length, reason| Some(Fault { codec: "utf-8", reason, at, length });
    match error.error_len() {
        None if !last => (at, None),
        None => (at, fault(bytes.len() - at, "unexpected end of data")),
        Some(length) if matches!(bytes[at], 0x80..=0xc1 | 0xf5..) => {
            (at, fault(length, "invalid start byte"))
        }
        Some(length) => (at, fault(length, "invalid continuation byte")),
    }
}

fn ascii(bytes: &[u8], _last: bool, text: &mut String) -> Step {
    let at = bytes.iter().position(|byte| !byte.is_ascii()).unwrap_or(bytes.len());
    text.push_str(std::str::from_utf8(&bytes[..at]).unwrap_or_default());
    let fault = Fault { codec: "ascii", reason: "ordinal not in range(128)", at, length: 1 };
    (at, (at < bytes.len()).then_some(fault))
}

fn latin1(bytes: &[u8], _last: bool, text: &mut String) -> Step {
    text.extend(bytes.iter().map(|&byte| char::from(byte)));
    (bytes.len(), None)
}

fn windows1252(bytes: &[u8], _last: bool, text: &mut String) -> Step {
    // What the bytes 0x80 to 0x9f mean; the replacement character marks those that mean nothing.
    const HIGH: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ";
    for (at, &byte) in bytes.iter().enumerate() {
        let character = match byte {
            0x80..=0x9f => HIGH.chars().nth(usize::from(byte) - 0x80).unwrap_or('\u{fffd}'),
            other => char::from(other),
        };
        if character == '\u{fffd}' {
            let reason = "character maps to <undefined>";
            return (at, Some(Fault { codec: "charmap", reason, at, length: 1 }));
        }
        text.push(character);
    }
    (bytes.len(), None)
}

fn utf16le(bytes: &[u8], last: bool, text: &mut String) -> Step {
    utf16(bytes, last, text, "utf-16-le", u16::from_le_bytes)
}

fn utf16be(bytes: &[u8], last: bool, text: &mut String) -> Step {
    utf16(bytes, last, text, "utf-16-be", u16::from_be_bytes)
}

fn utf16(bytes: &[u8], last: bool, text: &mut String, codec: &'static str, unit: fn([u8; 2]) -> u16) -> Step {
    let unit_at = |at: usize| bytes.get(at..at + 2).map(|pair| unit([pair[0], pair[1]]));
    let mut at = 0;
    loop {
        let fault = |length, reason| Some(Fault { codec, reason, at, length });
        let Some(first) = unit_at(at) else {
            let rest = bytes.len() - at;
            return (at, if last && rest > 0 { fault(rest, "truncated data") } else { None });
        };
        if !(0xd800..=0xdfff).contains(&first) {
            text.push(char::from_u32(u32::from(first)).unwrap_or(char::REPLACEMENT_CHARACTER));
            at += 2;
            continue;
        }
        if first >= 0xdc00 {
            return (at, fault(2, "illegal encoding"));
        }
        match unit_at(at + 2) {
            Some(second) if (0xdc00..=0xdfff).contains(&second) => {
                let decoded = char::decode_utf16([first, second]).next().and_then(Result::ok);
                text.push(decoded.unwrap_or(char::REPLACEMENT_CHARACTER));
                at += 4;
            }
            Some(_) => return (at, fault(2, "illegal UTF-16 surrogate")),
            None if last => return (at, fault(bytes.len() - at, "unexpected end of data")),
            None => return (at, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Decodes with every size of chunk and expects the same each time.
    fn decoded(bytes: &[u8], encoding: &str, errors: &str) -> Result<String, String> {
        let all = |size: usize| {
            let mut decoder = TextDecoder::new(Encoding::named(encoding).unwrap(), Unreadable::named(errors));
            let mut text = String::new();
            for chunk in bytes.chunks(size) {
                match decoder.plain(chunk) {
                    Some(plain) => text.push_str(plain),
                    None => decoder.decode(chunk, false, &mut text).map_err(|error| error.to_string())?,
                }
            }
            decoder.decode(&[], true, &mut text).map_err(|error| error.to_string())?;
            Ok(text)
        };
        let whole = all(bytes.len().max(1));
        for size in 1..bytes.len().min(8) {
            assert_eq!(all(size), whole, "in chunks of {size}");
        }
        whole
    }

    /// Bytes, encoding, error handler, and the text or the error.
    type Case = (&'static [u8], &'static str, &'static str, Result<&'static str, &'static str>);

    #[test]
    fn text_reads_as_in_python() {
        let cases: [Case; 22] = [
            (b"", "utf-8", "strict", Ok("")),
            ("h\u{e9}\u{1f600}".as_bytes(), "UTF8", "strict", Ok("h\u{e9}\u{1f600}")),
            (b"a\r\nb\rc\nd\r", "utf-8", "strict", Ok("a\nb\nc\nd\n")),
            (b"\r\r\n\n\r", "utf-8", "strict", Ok("\n\n\n\n")),
            (b"\xef\xbb\xbfa", "utf-8", "strict", Ok("\u{feff}a")),
            (b"\xef\xbb\xbfa", "utf-8-sig", "strict", Ok("a")),
            (
                b"ab\xff",
                "utf-8",
                "strict",
                Err("'utf-8' codec can't decode byte 0xff in position 2: invalid start byte"),
            ),
            (
                b"\xe2\x28",
                "utf-8",
                "strict",
                Err("'utf-8' codec can't decode byte 0xe2 in position 0: invalid continuation byte"),
            ),
            (
                b"x\xe2\x82",
                "utf-8",
                "strict",
                Err("'utf-8' codec can't decode bytes in position 1-2: unexpected end of data"),
            ),
            (b"\xe2\x82x\xff", "utf-8", "backslashreplace", Ok("\\xe2\\x82x\\xff")),
            (b"\xe2\x82x\xff", "utf-8", "replace", Ok("\u{fffd}x\u{fffd}")),
            (b"\xe2\x82x\xff", "utf-8", "ignore", Ok("x")),
            (b"ok", "utf-8", "nope", Ok("ok")),
            (b"\xff", "utf-8", "nope", Err("unknown error handler name 'nope'")),
            (
                b"\xd0",
                "utf-8",
                "surrogateescape",
                Err("'utf-8' codec can't encode character '\\udcd0': surrogates not allowed"),
            ),
            (
                b"a\xe9",
                "ascii",
                "strict",
                Err("'ascii' codec can't decode byte 0xe9 in position 1: ordinal not in range(128)"),
            ),
            (b"a\xe9", "ascii", "replace", Ok("a\u{fffd}")),
            (b"a\xe9\x85", "latin-1", "strict", Ok("a\u{e9}\u{85}")),
            (b"\x80\x9f", "cp1252", "strict", Ok("\u{20ac}\u{178}")),
            (b"\xff\xfeh\0\r\0\n\0", "utf-16", "strict", Ok("h\n")),
            (b"\xfe\xff\0h\xd8\x3d\xde\0", "utf-16", "strict", Ok("h\u{1f600}")),
            (
                b"h\0i",
                "utf-16-le",
                "strict",
                Err("'utf-16-le' codec can't decode byte 0x69 in position 2: truncated data"),
            ),
        ];
        for (bytes, encoding, errors, expected) in cases {
            let expected = expected.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(decoded(bytes, encoding, errors), expected, "{bytes:x?} {encoding} {errors}");
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        assert_eq!(Encoding::named("klingon").unwrap_err().to_string(), "unknown encoding: klingon");
        assert_eq!(Encoding::named("ISO 8859-1").unwrap(), Encoding::Latin1);
        assert!(Unreadable::named("strict").may_fail() && !Unreadable::named("ignore").may_fail());
    }
}
