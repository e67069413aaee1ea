//! Edits: one contiguous replacement in one file, and the ranked candidate that carries it.

use serde::{Deserialize, Serialize};

use crate::kind::EditKind;

/// Longest text that [`Edit::summary`] returns, in characters.
pub const SUMMARY_LIMIT: usize = 120;

/// A half-open range of byte offsets into a source text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset one past the last byte.
    pub end: usize,
}

impl Span {
    /// Number of bytes covered.
    pub fn len(self) -> usize {
        self.end.saturating_sub(self.start)
    }

    /// Whether the span covers nothing, as the span of an insertion does.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// Whether `other` lies inside this span; a span contains itself.
    pub fn contains(self, other: Span) -> bool {
        self.start <= other.start && other.end <= self.end
    }
}

/// One contiguous replacement; offsets are bytes of the source the edit was made for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Edit {
    /// Repository-relative path of the file to change.
    pub file: String,
    /// Offset of the first replaced byte.
    pub start: usize,
    /// Offset one past the last replaced byte; equal to `start` for an insertion.
    pub end: usize,
    /// What takes the place of the replaced bytes.
    pub text: String,
}

impl Edit {
    /// The source with this edit made. An edit whose offsets do not fit `source` (it was made for another
    /// text) changes nothing.
    pub fn apply(&self, source: &str) -> String {
        match (source.get(..self.start), source.get(self.end..)) {
            (Some(before), Some(after)) if self.start <= self.end => {
                let mut edited = String::with_capacity(before.len() + self.text.len() + after.len());
                edited.push_str(before);
                edited.push_str(&self.text);
                edited.push_str(after);
                edited
            }
            _ => source.to_owned(),
        }
    }

    /// The lines (first, last; from 1) of `source` that this edit replaces; an insertion is on the line it
    /// is made at.
    pub fn lines_of(&self, source: &str) -> (u32, u32) {
        let first = line_at(source, self.start);
        let last_byte = if self.end > self.start { self.end - 1 } else { self.start };
        (first, line_at(source, last_byte).max(first))
    }

    /// The same edit without what old and new text have in common at their ends: equal for all edits of one
    /// source that give the same result.
    pub fn trimmed(&self, source: &str) -> Edit {
        let old = source.get(self.start..self.end).unwrap_or("");
        let front = common_prefix(old, &self.text);
        let (old_rest, new_rest) = (&old[front..], &self.text[front..]);
        let back = common_suffix(old_rest, new_rest);
        let trimmed = Edit {
            file: self.file.clone(),
            start: self.start + front,
            end: self.start + old.len() - back,
            text: new_rest[..new_rest.len() - back].to_owned(),
        };
        trimmed.slid(source)
    }

    /// A pure insertion or deletion as far to the right as it has the same result: taking either `a` out of
    /// `aa` is the same edit.
    fn slid(mut self, source: &str) -> Edit {
        let old = source.get(self.start..self.end).unwrap_or("");
        let changed = if self.text.is_empty() { old } else { &self.text };
        let only_one_side = self.text.is_empty() != old.is_empty();
        let Some(after) = source.get(self.end..).filter(|_| only_one_side) else { return self };
        let around: Vec<char> = changed.chars().collect();
        let steps = after.chars().zip(around.iter().copied().cycle());
        let shift: Vec<char> =
            steps.take_while(|(next, first)| next == first).map(|(next, _)| next).collect();
        let bytes: usize = shift.iter().map(|c| c.len_utf8()).sum();
        if !self.text.is_empty() {
            let turn = shift.len() % around.len();
            self.text = around[turn..].iter().chain(&around[..turn]).collect();
        }
        self.start += bytes;
        self.end += bytes;
        self
    }

    /// What the edit does, for people: `old → new` with the surrounding line for very small edits, on one
    /// line of at most [`SUMMARY_LIMIT`] characters.
    pub fn summary(&self, source: &str) -> String {
        let old = source.get(self.start..self.end).unwrap_or("");
        let (old, new) = if old.contains('\n') || self.text.contains('\n') {
            (old.to_owned(), self.text.clone())
        } else {
            self.with_line_context(source, old)
        };
        let side = (SUMMARY_LIMIT - 3) / 2;
        format!("{} → {}", one_line(&old, side), one_line(&new, side))
    }

    /// Old and new text of the whole line, when it is short enough to say more than the bare tokens.
    fn with_line_context(&self, source: &str, old: &str) -> (String, String) {
        let bare = (old.to_owned(), self.text.clone());
        let (Some(before), Some(after)) = (source.get(..self.start), source.get(self.end..)) else {
            return bare;
        };
        let head = before.rsplit('\n').next().unwrap_or("");
        let tail = after.split('\n').next().unwrap_or("");
        let old_line = format!("{head}{old}{tail}");
        if old_line.trim().chars().count() > (SUMMARY_LIMIT - 3) / 2 {
            return bare;
        }
        (old_line.trim().to_owned(), format!("{head}{}{tail}", self.text).trim().to_owned())
    }
}

/// An edit with what is known about it before it is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The replacement itself.
    pub edit: Edit,
    /// Which family of rewrites proposed it.
    pub kind: EditKind,
    /// 1 token, 2 expression, 3 statement.
    pub tier: u8,
    /// First line (from 1) of the code the edit changes.
    pub line: u32,
    /// Qualified name of the enclosing function; none for module-level code.
    pub function: Option<String>,
    /// Logarithm of an unnormalised probability: comparable across files, higher is tried first.
    pub score: f64,
}

/// Bytes that two texts have in common at their start, in whole characters.
fn common_prefix(one: &str, other: &str) -> usize {
    let pairs = one.chars().zip(other.chars());
    pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// Bytes that two texts have in common at their end, in whole characters.
fn common_suffix(one: &str, other: &str) -> usize {
    let pairs = one.chars().rev().zip(other.chars().rev());
    pairs.take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum()
}

/// Line number (from 1) of a byte offset.
fn line_at(source: &str, offset: usize) -> u32 {
    let end = offset.min(source.len());
    let newlines = source.as_bytes()[..end].iter().filter(|byte| **byte == b'\n').count();
    u32::try_from(newlines).unwrap_or(u32::MAX - 1) + 1
}

/// `text` with white space runs collapsed and cut to `limit` characters; nothing is shown as `∅`.
fn one_line(text: &str, limit: usize) -> String {
    let collapsed = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if collapsed.is_empty() {
        return "∅".to_owned();
    }
    if collapsed.chars().count() <= limit {
        return collapsed;
    }
    let mut cut: String = collapsed.chars().take(limit.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit { file: "a.py".into(), start, end, text: text.into() }
    }

    #[test]
    fn applies_replacements_insertions_and_deletions() {
        assert_eq!(edit(4, 5, "<=").apply("a = b < c"), "a = <= < c");
        assert_eq!(edit(0, 0, "x\n").apply("y"), "x\ny");
        assert_eq!(edit(1, 3, "").apply("abcd"), "ad");
    }

    #[test]
    fn edits_made_for_another_text_change_nothing() {
        assert_eq!(edit(5, 9, "x").apply("abc"), "abc");
        assert_eq!(edit(1, 2, "x").apply("é"), "é");
        assert_eq!(Edit { start: 2, end: 1, ..edit(0, 0, "x") }.apply("abc"), "abc");
    }

    #[test]
    fn edits_with_the_same_result_are_the_same_when_trimmed() {
        let source = "f(é, b)";
        let whole = Edit { file: "a.py".into(), start: 0, end: source.len(), text: "f(é, c)".into() };
        let part = Edit { file: "a.py".into(), start: 6, end: 7, text: "c".into() };
        assert_eq!(whole.trimmed(source), part.trimmed(source));
        assert_eq!(edit(1, 1, "aa").trimmed("aaa"), edit(3, 3, "aa"));
        assert_eq!(edit(0, 6, "is").trimmed("is not x"), edit(3, 7, "").trimmed("is not x"));
        assert_eq!(edit(0, 0, "ab").trimmed("abc"), edit(2, 2, "ab").trimmed("abc"));
        assert_eq!(edit(0, 0, "ba").trimmed("bc"), edit(1, 1, "ab").trimmed("bc"));
    }

    #[test]
    fn lines_are_counted_from_one() {
        let source = "a\nbb\nccc\n";
        assert_eq!(edit(0, 1, "").lines_of(source), (1, 1));
        assert_eq!(edit(2, 4, "").lines_of(source), (2, 2));
        assert_eq!(edit(2, 5, "").lines_of(source), (2, 2));
        assert_eq!(edit(2, 6, "").lines_of(source), (2, 3));
        assert_eq!(edit(5, 5, "").lines_of(source), (3, 3));
    }

    #[test]
    fn summaries_show_the_line_and_stay_bounded() {
        assert_eq!(edit(9, 10, "<=").summary("    if a < b:\n"), "if a < b: → if a <= b:");
        assert_eq!(edit(0, 0, "    x = 1\n").summary("    y = 2\n"), "∅ → x = 1");
        let long = "x".repeat(500);
        let summary = edit(0, 500, &"y".repeat(300)).summary(&long);
        assert!(summary.chars().count() <= SUMMARY_LIMIT, "{summary}");
    }
}
