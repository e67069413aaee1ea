//! Patterns that end a wait before the command ends.

use std::borrow::Cow;
use std::ops::Range;

use fancy_regex::Regex;

use super::backlog::{Backlog, Taken};
use super::python_re::translate;
use crate::error::RuntimeError;

/// The patterns of one request.
#[derive(Debug)]
pub(super) struct Expectations(Vec<Expectation>);

#[derive(Debug)]
struct Expectation {
    pattern: String,
    regex: Regex,
}

impl Expectations {
    /// Compiles patterns in the syntax of Python's `re`.
    pub(super) fn new(patterns: &[String]) -> Result<Self, RuntimeError> {
        let compile = |pattern: &String| {
            let refused = |reason| RuntimeError::BadPattern { pattern: pattern.clone(), reason };
            let regex = Regex::new(&translate(pattern).map_err(refused)?)
                .map_err(|error| refused(error.to_string()))?;
            Ok(Expectation { pattern: pattern.clone(), regex })
        };
        patterns.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// No pattern: only the end of the command ends the wait.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first pattern that matches what was printed last, and where.
    pub(super) fn find(&self, output: &mut Backlog) -> Option<(String, Range<usize>)> {
        if self.0.is_empty() {
            return None;
        }
        let (recent, text) = (Readable::new(output.recent()), &self.0);
        let matches = text.iter().filter_map(|expectation| {
            // A search that needs too many steps finds nothing; the next output starts another.
            let found = expectation.regex.find(recent.text.as_ref()).ok().flatten()?;
            Some((expectation, found.range()))
        });
        let (first, range) = matches.min_by_key(|(_, range)| range.start)?;
        Some((first.pattern.clone(), recent.place(range.start)..recent.place(range.end)))
    }

    /// Takes the output up to the first match; what follows it stays.
    pub(super) fn take_match(&self, output: &mut Backlog, limit: usize) -> Option<(String, Taken)> {
        let (pattern, range) = self.find(output)?;
        Some((pattern, output.take_match(range, limit)))
    }
}

/// Bytes as text to search in, and the way back from places in the text. Invalid bytes appear as answers show them.
struct Readable<'a> {
    text: Cow<'a, str>,
    /// Where valid pieces begin in the text and in the bytes; empty when the two are the same.
    pieces: Vec<(usize, usize)>,
}

impl<'a> Readable<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let whole = match std::str::from_utf8(bytes) {
            Ok(text) => Some(text),
            // A character that is not complete yet is left to the next look.
            Err(error) if error.error_len().is_none() => {
                std::str::from_utf8(&bytes[..error.valid_up_to()]).ok()
            }
            Err(_) => None,
        };
        match whole {
            Some(text) => Self { text: Cow::Borrowed(text), pieces: Vec::new() },
            None => Self::with_invalid_bytes(bytes),
        }
    }

    fn with_invalid_bytes(bytes: &[u8]) -> Self {
        let (mut text, mut pieces, mut at) = (String::with_capacity(bytes.len()), Vec::new(), 0);
        for chunk in bytes.utf8_chunks() {
            pieces.push((text.len(), at));
            text.push_str(chunk.valid());
            at += chunk.valid().len();
            for byte in chunk.invalid() {
                pieces.push((text.len(), at));
                text.push_str(&format!("\\x{byte:02x}"));
                at += 1;
            }
        }
        pieces.push((text.len(), at));
        Self { text: Cow::Owned(text), pieces }
    }

    /// The place in the bytes of a place in the text. Inside of what shows an invalid byte it is the end of that byte.
    fn place(&self, at: usize) -> usize {
        let after = self.pieces.partition_point(|&(text, _)| text <= at);
        let Some(&(text, byte)) = after.checked_sub(1).and_then(|index| self.pieces.get(index)) else {
            return at;
        };
        let limit = self.pieces.get(after).map_or(byte, |&(_, next)| next);
        (byte + (at - text)).min(limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expectations(patterns: &[&str]) -> Expectations {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        Expectations::new(&patterns).unwrap()
    }

    fn matched(patterns: &[&str], text: &[u8]) -> Option<(String, Vec<u8>, Vec<u8>)> {
        let mut output = Backlog::new(1000);
        output.push(text);
        let (pattern, before) = expectations(patterns).take_match(&mut output, 1000)?;
        Some((pattern, before.bytes, output.take(1000).bytes))
    }

    /// Patterns, output, and what matched with what was before and after it.
    type Case =
        (&'static [&'static str], &'static [u8], Option<(&'static str, &'static [u8], &'static [u8])>);

    #[test]
    fn the_first_match_in_the_output_wins() {
        let cases: &[Case] = &[
            (&[">>> "], b"hello\n>>> rest", Some((">>> ", b"hello\n", b"rest"))),
            (&["b", "a"], b"xaby", Some(("a", b"x", b"by"))),
            (&["a.b"], b"1a\nb2", Some(("a.b", b"1", b"2"))),
            (&["z"], b"abc", None),
            (&[], b"abc", None),
            (&["b"], b"\xff\xfeabc", Some(("b", b"\xff\xfea", b"c"))),
            (&[r"\\xfe"], b"\xff\xfeabc", Some((r"\\xfe", b"\xff", b"abc"))),
            (&["b"], b"ab\xc3", Some(("b", b"a", b"\xc3"))),
            (&["z"], b"a\xc3bz\xff", Some(("z", b"a\xc3b", b"\xff"))),
        ];
        for (patterns, text, expected) in cases {
            let expected = expected.map(|(pattern, a, b)| (pattern.to_owned(), a.to_vec(), b.to_vec()));
            assert_eq!(matched(patterns, text), expected, "{patterns:?}");
        }
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = Expectations::new(&["(".to_owned()]).unwrap_err();
        assert!(matches!(error, RuntimeError::BadPattern { ref pattern, .. } if pattern == "("), "{error}");
        assert_eq!(error.class_path(), "re.error");
    }

    #[test]
    fn a_pattern_that_takes_for_ever_finds_nothing() {
        assert_eq!(matched(&[r"(a*)*\1b"], "a".repeat(900).as_bytes()), None);
    }
}
