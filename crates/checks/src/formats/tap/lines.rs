//! The single lines of TAP.

use crate::report::Outcome;

/// One test point: `not ok 2 - adds # TODO later`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Point<'t> {
    pub(super) indent: usize,
    ok: bool,
    number: &'t str,
    description: &'t str,
    directive: &'t str,
}

impl<'t> Point<'t> {
    /// Reads a line without its indentation.
    pub(super) fn parse(indent: usize, text: &'t str) -> Option<Self> {
        let (ok, rest) = match text.strip_prefix("not ok") {
            Some(rest) => (false, rest),
            None => (true, text.strip_prefix("ok")?),
        };
        if !rest.is_empty() && !rest.starts_with(' ') {
            return None;
        }
        let rest = rest.trim_start();
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, rest) = rest.split_at(digits);
        let (description, directive) = split_directive(rest.trim_start());
        let description = description.trim().strip_prefix("- ").unwrap_or(description.trim());
        Some(Self { indent, ok, number, description, directive: directive.trim() })
    }

    /// The description, or the number where there is none.
    pub(super) fn name(&self) -> String {
        match self.description {
            "" => format!("#{}", self.number),
            text => unescaped(text),
        }
    }

    /// How the test ended: what is marked as to do may fail.
    pub(super) fn outcome(&self) -> Outcome {
        let directive = self.directive.get(..4).unwrap_or_default().to_ascii_uppercase();
        match directive.as_str() {
            "SKIP" => Outcome::Skipped,
            "TODO" if !self.ok => Outcome::Skipped,
            _ if self.ok => Outcome::Passed,
            _ => Outcome::Failed,
        }
    }

    /// Why the test was skipped.
    pub(super) fn reason(&self) -> &'t str {
        self.directive.split_once(' ').map_or("", |(_, reason)| reason)
    }
}

/// Splits at the first ` # ` that is not escaped.
fn split_directive(text: &str) -> (&str, &str) {
    let found = text.match_indices('#').find(|(at, _)| {
        let front = &text[..*at];
        front.is_empty() || (front.ends_with(' ') && !front.ends_with("\\ "))
    });
    match found {
        Some((at, _)) => (&text[..at], &text[at + 1..]),
        None => (text, ""),
    }
}

/// `1..5`, possibly with a reason to skip everything.
pub(super) fn is_plan(text: &str) -> bool {
    text.strip_prefix("1..").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

/// `text` without the backslashes that TAP puts before `#` and itself.
pub(super) fn unescaped(text: &str) -> String {
    text.replace("\\#", "#").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_test_points() {
        for (text, expected) in [
            ("ok 1 - adds", Some(("adds", Outcome::Passed))),
            ("ok 1 adds", Some(("adds", Outcome::Passed))),
            ("not ok 2 - adds \\# of lines", Some(("adds # of lines", Outcome::Failed))),
            ("ok 3 - later # SKIP no network", Some(("later", Outcome::Skipped))),
            ("not ok 4 - later # TODO", Some(("later", Outcome::Skipped))),
            ("ok 4 - done # todo", Some(("done", Outcome::Passed))),
            ("not ok 5 - slow # time=12ms", Some(("slow", Outcome::Failed))),
            ("ok 6", Some(("#6", Outcome::Passed))),
            ("ok", Some(("#", Outcome::Passed))),
            ("okay", None),
            ("not okay", None),
        ] {
            let point = Point::parse(0, text);
            let found = point.map(|point| (point.name(), point.outcome()));
            assert_eq!(found.as_ref().map(|(name, outcome)| (name.as_str(), *outcome)), expected, "{text}");
        }
    }
}
