//! The tree that both syntaxes lead to: values with their places.

use serde_json::Value;

use crate::source::{Sources, Span};

/// A value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where.
    pub span: Span,
    /// What.
    pub kind: Kind,
}

/// The kinds of values.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Anything without parts.
    Scalar {
        /// As written, without quotes.
        text: String,
        /// As understood: null, boolean, number or text.
        value: Value,
    },
    /// A list.
    List(Vec<Node>),
    /// A mapping, in the order written.
    Map(Vec<Entry>),
}

/// A key of a mapping with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key stands.
    pub key_span: Span,
    /// The value.
    pub value: Node,
}

impl Node {
    /// The value under `key`, if this is a mapping that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The entries of a mapping; none of anything else.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        match &self.kind {
            Kind::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; a value that is no list counts as a list of itself.
    #[must_use]
    pub fn items(&self) -> &[Node] {
        match &self.kind {
            Kind::List(items) => items,
            _ => std::slice::from_ref(self),
        }
    }

    /// The text of a scalar other than null, as written.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.kind {
            Kind::Scalar { value: Value::Null, .. } => None,
            Kind::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The value of a scalar.
    #[must_use]
    pub fn scalar(&self) -> Option<&Value> {
        match &self.kind {
            Kind::Scalar { value, .. } => Some(value),
            _ => None,
        }
    }

    /// The whole as plain JSON.
    #[must_use]
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Scalar { value, .. } => value.clone(),
            Kind::List(items) => Value::Array(items.iter().map(Self::to_value).collect()),
            Kind::Map(entries) => Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect(),
            ),
        }
    }

    /// What people call this kind of value.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match &self.kind {
            Kind::List(_) => "a list",
            Kind::Map(_) => "a mapping",
            Kind::Scalar { value, .. } => match value {
                Value::Null => "nothing",
                Value::Bool(_) => "true or false",
                Value::Number(_) => "a number",
                _ => "text",
            },
        }
    }

    /// Where the bytes `from..to` of a scalar's text stand in the file. Exact but for escape sequences in quotes, where
    /// it is near.
    #[must_use]
    pub fn place(&self, sources: &Sources, from: usize, to: usize) -> Span {
        let Kind::Scalar { text, .. } = &self.kind else { return self.span };
        let raw = sources.slice(self.span);
        let start = align(raw, text, from);
        let end = if to > from { align_last(raw, text, to) } else { start };
        let base = self.span.start as usize;
        Span::new(self.span.file, base + start, base + end.max(start))
    }
}

/// The byte of `raw` that byte `at` of `text` comes from: what is visible is matched one to one, blanks and
/// backslashes that the syntax adds are passed over.
fn align(raw: &str, text: &str, at: usize) -> usize {
    let quoted = raw.starts_with(['"', '\'']) && raw.chars().next() != text.chars().next();
    let mut rest = raw.char_indices().skip(usize::from(quoted)).peekable();
    let visible = |c: char| !c.is_whitespace();
    for c in text.get(..at).unwrap_or(text).chars().filter(|c| visible(*c)) {
        if rest.clone().any(|(_, r)| r == c) {
            while rest.next().is_some_and(|(_, r)| r != c) {}
        }
    }
    let wanted = text.get(at..).and_then(|after| after.chars().next());
    match wanted {
        Some(c) if visible(c) => {
            let found = rest.clone().find(|(_, r)| *r == c);
            found.or_else(|| rest.peek().copied()).map_or(raw.len(), |(index, _)| index)
        }
        _ => rest.peek().map_or(raw.len(), |(index, _)| *index),
    }
}

/// The end of the character before byte `to`.
fn align_last(raw: &str, text: &str, to: usize) -> usize {
    let before = text.get(..to).and_then(|before| before.char_indices().next_back());
    let Some((at, c)) = before else { return 0 };
    align(raw, text, at) + c.len_utf8()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn scalar(raw: &str, text: &str) -> (Sources, Node) {
        let mut sources = Sources::default();
        sources.add(Source::new("p", raw));
        let kind = Kind::Scalar { text: text.to_owned(), value: Value::from(text) };
        (sources, Node { span: Span::new(0, 0, raw.len()), kind })
    }

    #[test]
    fn parts_of_text_are_found_in_the_file() {
        for (raw, text, part) in [
            ("plain words", "plain words", "words"),
            ("\"quoted words\"", "quoted words", "words"),
            ("\"an \\\"escaped\\\" word\"", "an \"escaped\" word", "word"),
            ("'it''s here'", "it's here", "here"),
            ("first\n    second\n", "first\nsecond\n", "second"),
            ("folded\n    text\n", "folded text", "text"),
            ("ünder öber", "ünder öber", "öber"),
        ] {
            let (sources, node) = scalar(raw, text);
            let at = text.find(part).unwrap();
            let place = node.place(&sources, at, at + part.len());
            assert_eq!(sources.slice(place), part, "{raw:?}");
        }
    }

    #[test]
    fn places_beyond_the_text_are_its_end() {
        let (sources, node) = scalar("abc", "abc");
        assert_eq!(node.place(&sources, 3, 3), Span::new(0, 3, 3));
        assert_eq!(node.place(&sources, 9, 12).end, 3);
    }
}
