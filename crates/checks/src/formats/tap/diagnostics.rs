//! The YAML block after a test point, as far as test runners use YAML: one level of keys, scalars and block scalars.

use crate::frames::{Dialect, Frame, Place, any_dialect};

use crate::formats::outline::indent;

/// The entries of a block: key and value lines.
pub(super) struct Diagnostics<'t> {
    entries: Vec<(&'t str, Vec<&'t str>)>,
}

impl<'t> Diagnostics<'t> {
    pub(super) fn of(lines: &[&'t str]) -> Self {
        let base = lines.first().map_or(0, |line| indent(line));
        let mut entries: Vec<(&str, Vec<&str>)> = Vec::new();
        for line in lines {
            let key = (indent(line) == base).then(|| line[base..].split_once(':')).flatten();
            match (key, entries.last_mut()) {
                (Some((key, value)), _) => entries.push((key, vec![value.trim()])),
                (None, Some((_, value))) => value.push(line),
                (None, None) => {}
            }
        }
        Self { entries }
    }

    /// The value of `key` without quotes; the lines of a block scalar without their indentation.
    fn text(&self, key: &str) -> Option<String> {
        let (_, lines) = self.entries.iter().find(|(known, _)| *known == key)?;
        let (first, rest) = lines.split_first()?;
        if !matches!(*first, "|" | "|-" | "|+" | ">" | ">-" | "") {
            return Some(unquoted(first));
        }
        let depth =
            rest.iter().filter(|line| !line.trim().is_empty()).map(|line| indent(line)).min().unwrap_or(0);
        let cut: Vec<&str> = rest.iter().map(|line| line.get(depth..).unwrap_or_default()).collect();
        Some(cut.join("\n"))
    }

    /// What went wrong.
    pub(super) fn message(&self) -> Option<String> {
        ["error", "message", "msg"].iter().find_map(|key| self.text(key)).map(|text| text.trim().to_owned())
    }

    /// How long the test took.
    pub(super) fn duration_ms(&self) -> Option<f64> {
        self.text("duration_ms")?.trim().parse().ok()
    }

    /// The stack, which Node prints without the usual `at`; or else the place of the test itself.
    pub(super) fn frames(&self, place: &Place<'_>) -> Vec<Frame> {
        let stack = self.text("stack").unwrap_or_default();
        let marked: String =
            stack.lines().map(|line| format!("at {}\n", line.trim().trim_start_matches("at "))).collect();
        let frames = Dialect::JavaScript.frames(&marked, place);
        if !frames.is_empty() {
            return frames;
        }
        match self.text("location").or_else(|| self.text("at")) {
            Some(location) => Dialect::JavaScript.frames(&format!("at {location}"), place),
            None => any_dialect(&stack, place),
        }
    }
}

fn unquoted(text: &str) -> String {
    for quote in ['\'', '"'] {
        if let Some(inner) = text.strip_prefix(quote).and_then(|rest| rest.strip_suffix(quote)) {
            return match quote {
                '\'' => inner.replace("''", "'"),
                _ => inner.replace("\\n", "\n").replace("\\\"", "\"").replace("\\\\", "\\"),
            };
        }
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_scalars_and_blocks() {
        let lines = [
            "  duration_ms: 1.5",
            "  error: |-",
            "    one",
            "      two",
            "  code: 'it''s'",
            "  stack: |-",
            "    f (file:///w/r/a.js:3:1)",
            "    node:internal/x:1:2",
            "    file:///w/r/b.js:4:1",
        ];
        let diagnostics = Diagnostics::of(&lines);
        assert_eq!(diagnostics.duration_ms(), Some(1.5));
        assert_eq!(diagnostics.message().as_deref(), Some("one\n  two"));
        assert_eq!(diagnostics.text("code").as_deref(), Some("it's"));
        let frames = diagnostics.frames(&Place::new(Some("/w/r"), ""));
        let places: Vec<String> =
            frames.iter().map(|frame| format!("{}:{}", frame.file, frame.line)).collect();
        assert_eq!(places, ["b.js:4", "a.js:3"]);
    }

    #[test]
    fn survives_what_is_no_yaml() {
        let diagnostics = Diagnostics::of(&["ü", "", "  : :"]);
        assert_eq!(diagnostics.message(), None);
        assert!(diagnostics.frames(&Place::default()).is_empty());
    }
}
