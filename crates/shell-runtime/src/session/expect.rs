//! Patterns that end a wait before the command ends.

use regex::bytes::{Regex, RegexBuilder};

use crate::error::RuntimeError;

/// How far back new output is searched.
const WINDOW: usize = 64 << 10;

/// The patterns of one request.
#[derive(Debug)]
pub(super) struct Expectations(Vec<Regex>);

/// Output split at a match.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Match {
    pub(super) pattern: String,
    pub(super) before: Vec<u8>,
    pub(super) after: Vec<u8>,
}

impl Expectations {
    /// Compiles patterns; `.` matches line ends, as the protocol has it.
    pub(super) fn new(patterns: &[String]) -> Result<Self, RuntimeError> {
        let compile = |pattern: &String| {
            let built = RegexBuilder::new(pattern).dot_matches_new_line(true).build();
            built.map_err(|error| RuntimeError::BadPattern {
                pattern: pattern.clone(),
                reason: error.to_string(),
            })
        };
        patterns.iter().map(compile).collect::<Result<_, _>>().map(Self)
    }

    /// No pattern: only the end of the command ends the wait.
    pub(super) fn none() -> Self {
        Self(Vec::new())
    }

    /// The pattern that matches what was printed last, if any does.
    pub(super) fn appears_in(&self, output: &crate::capture::Capture) -> Option<String> {
        self.earliest(&output.recent(WINDOW)).map(|(regex, _)| regex.as_str().to_owned())
    }

    /// Takes the output up to the first match and puts the rest back.
    pub(super) fn take_match(&self, output: &mut crate::capture::Capture) -> Option<Match> {
        if self.0.is_empty() || self.appears_in(output).is_none() {
            return None;
        }
        let all = output.take();
        let found = self.split(&all);
        output.push(found.as_ref().map_or(&all, |found| &found.after));
        found
    }

    fn earliest(&self, text: &[u8]) -> Option<(&Regex, std::ops::Range<usize>)> {
        let matches = self.0.iter().filter_map(|regex| Some((regex, regex.find(text)?.range())));
        matches.min_by_key(|(_, range)| range.start)
    }

    fn split(&self, text: &[u8]) -> Option<Match> {
        let (regex, range) = self.earliest(text)?;
        Some(Match {
            pattern: regex.as_str().to_owned(),
            before: text[..range.start].to_vec(),
            after: text[range.end..].to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matched(patterns: &[&str], text: &str) -> Option<(String, String, String)> {
        let patterns: Vec<String> = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        let found = Expectations::new(&patterns).unwrap().split(text.as_bytes())?;
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Some((found.pattern, text(found.before), text(found.after)))
    }

    #[test]
    fn the_first_match_in_the_output_wins() {
        let some = |a: &str, b: &str, c: &str| Some((a.to_owned(), b.to_owned(), c.to_owned()));
        assert_eq!(matched(&[">>> "], "hello\n>>> rest"), some(">>> ", "hello\n", "rest"));
        assert_eq!(matched(&["b", "a"], "xaby"), some("a", "x", "by"));
        assert_eq!(matched(&["a.b"], "1a\nb2"), some("a.b", "1", "2"));
        assert_eq!(matched(&["z"], "abc"), None);
        assert_eq!(matched(&[], "abc"), None);
    }

    #[test]
    fn a_bad_pattern_is_named() {
        let error = Expectations::new(&["(".to_owned()]).unwrap_err();
        assert!(matches!(error, RuntimeError::BadPattern { ref pattern, .. } if pattern == "("), "{error}");
    }

    #[test]
    fn what_follows_the_match_stays_for_the_next_answer() {
        let mut output = crate::capture::Capture::new(100);
        output.push(b"one two three");
        let expectations = Expectations::new(&["two".to_owned()]).unwrap();
        assert_eq!(expectations.take_match(&mut output).unwrap().before, b"one ");
        assert_eq!(expectations.take_match(&mut output), None);
        assert_eq!(output.take(), b" three");
    }
}
