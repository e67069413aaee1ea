//! JSON as Python reads it: `NaN` and `Infinity` are numbers there, and errors have their own words and count
//! characters from the start.

use serde_json::Value;
use serde_json::error::Category;

use crate::json_text::{TextFault, string_end, unescape};

/// What Python says of half a pair.
const SURROGATE: &str = "'utf-8' codec can't encode character: surrogates not allowed";

/// Why a text is not JSON.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    /// Half of a surrogate pair: Python reads it and fails on it later.
    Surrogate(String),
    /// Anything else.
    Invalid {
        /// Offset of the fault.
        at: usize,
        /// What is wrong.
        reason: String,
    },
}

/// Reads a JSON text. Numbers that are not finite become strings, which number fields take as well.
///
/// # Errors
/// [`Fault`].
pub fn parse(text: &[u8]) -> Result<Value, Fault> {
    let first = match serde_json::from_slice(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if let Some(rewritten) = with_infinities_as_text(text)
        && let Ok(value) = serde_json::from_slice(&rewritten)
    {
        return Ok(value);
    }
    Err(fault(text, &first))
}

/// From this length on a string is taken out of its text instead of being copied.
const LARGE: usize = 128 << 10;

/// Reads a JSON text as [`parse`] does. A large string on the first level becomes the text's own memory: a file to be
/// written is held once and not three times.
///
/// # Errors
/// [`Fault`].
pub fn parse_owned(text: Vec<u8>) -> Result<Value, Fault> {
    let Some(large) = Large::find(&text) else { return parse(&text) };
    let without = [&text[..large.start], &text[large.end..]].concat();
    let mut value = parse(&without).map_err(|fault| large.shift(fault))?;
    let content = large.take_from(text)?;
    // Of two fields with one name the last counts, and then this is the other.
    if let Some(place) = value.get_mut(&large.name).filter(|place| *place == "") {
        *place = Value::String(content);
    }
    Ok(value)
}

/// A large string on the first level of an object.
#[derive(Debug, PartialEq, Eq)]
struct Large {
    name: String,
    /// The string's inside.
    start: usize,
    end: usize,
}

impl Large {
    fn find(text: &[u8]) -> Option<Self> {
        if text.len() < LARGE {
            return None;
        }
        let mut at = after_blanks(text, 0);
        if text.get(at) != Some(&b'{') {
            return None;
        }
        let mut name = None;
        at += 1;
        // Looks at the strings before the first value that is neither a string nor a short word.
        loop {
            at = after_blanks(text, at);
            match text.get(at)? {
                b'"' => {
                    let (start, end) = (at + 1, at + 1 + string_end(&text[at + 1..])?);
                    match name.take() {
                        None if text[start..end].contains(&b'\\') => return None,
                        None => name = Some(std::str::from_utf8(&text[start..end]).ok()?.to_owned()),
                        Some(name) if end - start >= LARGE => return Some(Self { name, start, end }),
                        Some(_) => {}
                    }
                    at = end + 1;
                }
                b',' => {
                    name = None;
                    at += 1;
                }
                b'[' | b'{' | b']' | b'}' => return None,
                _ => at += 1,
            }
        }
    }

    /// A fault of the text without the string, as one of the whole text.
    fn shift(&self, fault: Fault) -> Fault {
        match fault {
            Fault::Invalid { at, reason } if at >= self.start => {
                Fault::Invalid { at: at + (self.end - self.start), reason }
            }
            other => other,
        }
    }

    fn take_from(&self, mut text: Vec<u8>) -> Result<String, Fault> {
        let length = unescape(&mut text[..self.end], self.start).map_err(|fault| match fault {
            TextFault::Surrogate => Fault::Surrogate(SURROGATE.to_owned()),
            TextFault::Invalid(at, reason) => {
                Fault::Invalid { at: self.start + at, reason: reason.to_owned() }
            }
        })?;
        text.truncate(length);
        let invalid = |error: std::string::FromUtf8Error| Fault::Invalid {
            at: self.start + error.utf8_error().valid_up_to(),
            reason: "invalid unicode code point".to_owned(),
        };
        String::from_utf8(text).map_err(invalid)
    }
}

fn after_blanks(text: &[u8], at: usize) -> usize {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    at + text[at..].iter().take_while(|byte| blank(byte)).count()
}

fn fault(text: &[u8], error: &serde_json::Error) -> Fault {
    let words = error.to_string();
    let reason = words.rsplit_once(" at line").map_or(words.as_str(), |(reason, _)| reason);
    if reason.contains("surrogate") || reason.contains("unexpected end of hex escape") {
        return Fault::Surrogate(SURROGATE.to_owned());
    }
    let before = text.split(|&byte| byte == b'\n').take(error.line().saturating_sub(1));
    let line_start: usize = before.map(|line| line.len() + 1).sum();
    let back = usize::from(error.classify() != Category::Eof);
    let at = line_start + error.column().saturating_sub(back);
    Fault::Invalid { at: at.min(text.len()), reason: in_pythons_words(reason).to_owned() }
}

fn in_pythons_words(reason: &str) -> &str {
    match reason {
        "EOF while parsing a value" | "expected value" | "EOF while parsing a list" => "Expecting value",
        "EOF while parsing an object" | "expected `,` or `}`" | "expected `,` or `]`" => {
            "Expecting ',' delimiter"
        }
        "expected `:`" => "Expecting ':' delimiter",
        "key must be a string" => "Expecting property name enclosed in double quotes",
        "trailing comma" => "Illegal trailing comma before end of object",
        "trailing characters" => "Extra data",
        "EOF while parsing a string" => "Unterminated string starting at",
        "invalid escape" => "Invalid \\escape",
        other if other.starts_with("control character") => "Invalid control character at",
        other => other,
    }
}

/// The text with `NaN`, `Infinity` and `-Infinity` in quotes; `None` when there is none of them.
fn with_infinities_as_text(text: &[u8]) -> Option<Vec<u8>> {
    const WORDS: [&[u8]; 3] = [b"-Infinity", b"Infinity", b"NaN"];
    let mut rewritten = Vec::new();
    let (mut quoted, mut at, mut found) = (false, 0, false);
    while at < text.len() {
        let rest = &text[at..];
        if !quoted && let Some(word) = WORDS.iter().find(|word| rest.starts_with(word)) {
            found = true;
            rewritten.push(b'"');
            rewritten.extend_from_slice(word);
            rewritten.push(b'"');
            at += word.len();
            continue;
        }
        let step = if quoted && rest[0] == b'\\' { rest.len().min(2) } else { 1 };
        quoted ^= step == 1 && rest[0] == b'"';
        rewritten.extend_from_slice(&rest[..step]);
        at += step;
    }
    found.then_some(rewritten)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn faults_are_told_in_pythons_words_and_places() {
        let cases: [(&str, usize, &str); 9] = [
            (r#"{"command":"#, 11, "Expecting value"),
            (r#"{"command":"x" x}"#, 15, "Expecting ',' delimiter"),
            ("{\"a\":1,\n\"b\":}", 12, "Expecting value"),
            (r#"{"a" 1}"#, 5, "Expecting ':' delimiter"),
            (r#"{1:2}"#, 1, "Expecting property name enclosed in double quotes"),
            ("{} {}", 3, "Extra data"),
            ("junk", 0, "Expecting value"),
            ("[1,", 3, "Expecting value"),
            ("\"a\tb\"", 2, "Invalid control character at"),
        ];
        for (text, at, reason) in cases {
            let expected = Fault::Invalid { at, reason: reason.to_owned() };
            assert_eq!(parse(text.as_bytes()), Err(expected), "{text}");
        }
    }

    #[test]
    fn numbers_that_are_not_finite_are_read() {
        let text = br#"{"a":Infinity,"b":[-Infinity,NaN],"c":"NaN \" Infinity"}"#;
        let expected = json!({"a": "Infinity", "b": ["-Infinity", "NaN"], "c": "NaN \" Infinity"});
        assert_eq!(parse(text), Ok(expected));
    }

    #[test]
    fn half_a_pair_fails_where_python_fails() {
        for text in [r#""\ud800""#, r#""\ud800x""#, r#""\udcff""#] {
            assert!(matches!(parse(text.as_bytes()), Err(Fault::Surrogate(_))), "{text}");
        }
    }

    #[test]
    fn large_strings_are_read_as_small_ones_are() {
        let long = "line \\n \\u00e9 \\\" end".repeat(LARGE / 16);
        let after =
            ["}", " , \"b\": [1, 2]}", ",\"content\":\"second\"}", "", " x}", ",\"n\":Infinity}", "} {}"];
        let texts =
            after.iter().map(|after| format!("{{\"path\": \"p\", \"n\": 5, \"content\": \"{long}\"{after}"));
        let spoilt =
            ["\\ud800", "\n", "\\x"].map(|spoilt| format!("{{\"content\":\"{long}{spoilt}{long}\"}}"));
        for text in texts.chain(spoilt) {
            let large = parse_owned(text.clone().into_bytes());
            match parse(text.as_bytes()) {
                Ok(value) if text.contains("second") => {
                    assert!(value["content"] == "second" && large.is_ok())
                }
                Ok(value) => assert!(large == Ok(value)),
                Err(Fault::Surrogate(_)) => assert!(matches!(large, Err(Fault::Surrogate(_)))),
                Err(Fault::Invalid { reason, .. }) => {
                    let told = matches!(&large, Err(Fault::Invalid { reason: told, .. }) if *told == reason);
                    assert!(told, "{reason}: {large:?}");
                }
            }
        }
        assert_eq!(Large::find(format!("[\"{long}\"]").as_bytes()), None);
    }

    #[test]
    fn depth_is_bounded() {
        assert!(matches!(parse("[".repeat(100_000).as_bytes()), Err(Fault::Invalid { .. })));
    }
}
