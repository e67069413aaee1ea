//! YAML 1.2 with places, built from the events of a parser that knows the syntax.
//!
//! Plain scalars follow the core schema: `null`, `true` and `false`, numbers; everything else is text. Aliases are
//! copied, and what they copy is counted, so that a small file cannot become a large tree.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span as Marked};
use serde_json::Value;

use super::{DEEPEST, MOST_NODES, Repeated, SyntaxProblem, add_entry};
use crate::node::{Entry, Kind, Node};
use crate::source::{FileIndex, Span};

/// Reads one document.
pub(super) fn parse(text: &str, file: FileIndex) -> Result<(Node, Repeated), SyntaxProblem> {
    let mut builder = Builder::new(text, file);
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, mark) = event.map_err(|error| builder.scan_problem(&error))?;
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
        }
        let span = builder.span(&mark);
        if documents > 1 {
            return Err(problem(span, "a plan is one document; remove what follows `---`"));
        }
        builder.take(event, span)?;
    }
    let repeated = std::mem::take(&mut builder.repeated);
    match builder.root {
        Some(node) => Ok((node, repeated)),
        None => Err(problem(Span::new(file, 0, 0), "the file is empty; a plan needs at least `tasks:`")),
    }
}

fn problem(span: Span, message: &str) -> SyntaxProblem {
    SyntaxProblem { span, message: message.to_owned() }
}

/// A list or mapping that is not complete yet.
struct Open {
    start: Span,
    anchor: usize,
    parts: Parts,
}

enum Parts {
    List(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<(String, Span)> },
}

struct Builder {
    file: FileIndex,
    /// The byte at which each character begins; empty for ASCII, where both are the same.
    bytes: Vec<usize>,
    length: usize,
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    root: Option<Node>,
    repeated: Repeated,
}

impl Builder {
    fn new(text: &str, file: FileIndex) -> Self {
        let bytes =
            if text.is_ascii() { Vec::new() } else { text.char_indices().map(|(at, _)| at).collect() };
        Self {
            file,
            bytes,
            length: text.len(),
            open: Vec::new(),
            anchors: BTreeMap::new(),
            nodes: 0,
            root: None,
            repeated: Vec::new(),
        }
    }

    fn byte(&self, character: usize) -> usize {
        let known = if self.bytes.is_empty() { Some(character) } else { self.bytes.get(character).copied() };
        known.unwrap_or(self.length).min(self.length)
    }

    fn span(&self, mark: &Marked) -> Span {
        Span::new(self.file, self.byte(mark.start.index()), self.byte(mark.end.index()))
    }

    fn scan_problem(&self, error: &saphyr_parser::ScanError) -> SyntaxProblem {
        let at = self.byte(error.marker().index());
        let message = format!("this is not YAML: {}", error.info());
        SyntaxProblem { span: Span::new(self.file, at, at), message }
    }

    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), SyntaxProblem> {
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag.filter(|tag| !tag.is_yaml_core_schema()) {
                    return Err(problem(
                        span,
                        &format!("the tag `{}{}` means nothing here", tag.handle, tag.suffix),
                    ));
                }
                let value =
                    if style == ScalarStyle::Plain { plain(&text) } else { Value::from(text.as_ref()) };
                let kind = Kind::Scalar { text: text.into_owned(), value };
                self.add(Node { span, kind }, anchor, 1)
            }
            Event::SequenceStart(anchor, _) => self.begin(span, anchor, Parts::List(Vec::new())),
            Event::MappingStart(anchor, _) => {
                self.begin(span, anchor, Parts::Map { entries: Vec::new(), key: None })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => {
                let Some((node, size)) = self.anchors.get(&anchor).cloned() else {
                    return Err(problem(span, "an alias must not stand inside what it names"));
                };
                self.add(Node { span, ..node }, 0, size)
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, start: Span, anchor: usize, parts: Parts) -> Result<(), SyntaxProblem> {
        if self.open.len() >= DEEPEST {
            return Err(problem(start, "this is nested too deeply"));
        }
        if let Some(Open { parts: Parts::Map { key: None, .. }, .. }) = self.open.last() {
            return Err(problem(start, "a key must be plain text, not a list or a mapping"));
        }
        self.open.push(Open { start, anchor, parts });
        Ok(())
    }

    fn end(&mut self, end: Span) -> Result<(), SyntaxProblem> {
        let Some(open) = self.open.pop() else { return Ok(()) };
        let (kind, last) = match open.parts {
            Parts::List(items) => {
                let last = items.last().map(|item| item.span);
                (Kind::List(items), last)
            }
            Parts::Map { entries, .. } => {
                let last = entries.last().map(|entry| entry.value.span);
                (Kind::Map(entries), last)
            }
        };
        // Block collections end where their last part does; the event stands at the next token.
        let end = if end.end > end.start { end } else { last.unwrap_or(open.start) };
        let node = Node { span: open.start.to(end), kind };
        self.add(node, open.anchor, 1)
    }

    /// Puts a complete node where it belongs; `size` is what it adds to the tree.
    fn add(&mut self, node: Node, anchor: usize, size: usize) -> Result<(), SyntaxProblem> {
        self.nodes += size;
        if self.nodes > MOST_NODES {
            return Err(problem(node.span, "the file has too many values, or its aliases repeat too much"));
        }
        if anchor > 0 {
            let size = count(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut().map(|open| &mut open.parts) {
            None => self.root = Some(node),
            Some(Parts::List(items)) => items.push(node),
            Some(Parts::Map { entries, key }) => match key.take() {
                None => match node.kind {
                    Kind::Scalar { text, .. } => *key = Some((text, node.span)),
                    _ => return Err(problem(node.span, "a key must be plain text, not a list or a mapping")),
                },
                Some((key, key_span)) => {
                    add_entry(entries, Entry { key, key_span, value: node }, &mut self.repeated);
                }
            },
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    match &node.kind {
        Kind::Scalar { .. } => 1,
        Kind::List(items) => 1 + items.iter().map(count).sum::<usize>(),
        Kind::Map(entries) => 1 + entries.iter().map(|entry| count(&entry.value)).sum::<usize>(),
    }
}

/// The core schema of YAML 1.2, without octal and hexadecimal numbers.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "true" | "True" | "TRUE" => Value::Bool(true),
        "false" | "False" | "FALSE" => Value::Bool(false),
        _ => number(text).unwrap_or_else(|| Value::from(text)),
    }
}

fn number(text: &str) -> Option<Value> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if !digits.starts_with(|c: char| c.is_ascii_digit()) || digits.ends_with('.') {
        return None;
    }
    if let Ok(whole) = text.parse::<i64>() {
        return Some(Value::from(whole));
    }
    digits
        .contains(['.', 'e', 'E'])
        .then(|| text.parse::<f64>().ok().filter(|n| n.is_finite()).map(Value::from))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn value(text: &str) -> Value {
        parse(text, 0).unwrap().0.to_value()
    }

    #[test]
    fn scalars_follow_the_core_schema() {
        let text =
            "[a b, 12, -3, 1.5, 1e3, true, False, ~, null, '12', \"true\", 1.2.3, 1., 2024-01-01, 10m, .5]";
        let expected = json!([
            "a b",
            12,
            -3,
            1.5,
            1000.0,
            true,
            false,
            null,
            null,
            "12",
            "true",
            "1.2.3",
            "1.",
            "2024-01-01",
            "10m",
            ".5"
        ]);
        assert_eq!(value(text), expected);
    }

    #[test]
    fn json_is_yaml() {
        let text = "{\"a\": [1, \"x\\ny\", null], \"b\": {\"c\": true}}";
        assert_eq!(value(text), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn places_are_exact_also_after_other_letters() {
        let text = "# größe\nkey: [ä, \"two\"]\nblock: |\n  one\n  two\nlast:\n  - x\n";
        let (node, _) = parse(text, 0).unwrap();
        let slice = |span: Span| &text[span.start as usize..span.end as usize];
        let entries = node.entries();
        assert_eq!(slice(entries[0].key_span), "key");
        assert_eq!(slice(entries[0].value.span), "[ä, \"two\"]");
        assert_eq!(slice(entries[0].value.items()[1].span), "\"two\"");
        assert_eq!(slice(entries[1].value.span).trim_end(), "one\n  two", "without the header of the block");
        assert_eq!(slice(entries[2].value.items()[0].span), "x");
        assert_eq!(slice(entries[2].value.span), "- x");
    }

    #[test]
    fn aliases_are_copied_and_bombs_are_not() {
        assert_eq!(value("a: &x [1]\nb: *x"), json!({"a": [1], "b": [1]}));
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = level - 1;
            let items = vec![format!("*a{before}"); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{items}]\n"));
        }
        let refused = parse(&bomb, 0).unwrap_err();
        assert!(
            refused.message.contains("repeat too much") || refused.message.contains("not YAML"),
            "{refused:?}"
        );
    }

    #[test]
    fn what_is_not_a_plan_is_refused() {
        for (text, message) in [
            ("", "empty"),
            ("# only a comment\n", "empty"),
            ("a: 1\n---\nb: 2\n", "one document"),
            ("a: [1, 2\nb: 3", "not YAML"),
            ("a: &x [*x]", "inside"),
            ("? [a]\n: b", "a key must be"),
            ("a: !secret x", "means nothing"),
        ] {
            let refused = parse(text, 0).unwrap_err();
            assert!(refused.message.contains(message), "{text}: {refused:?}");
        }
        let deep = "[".repeat(500);
        assert!(parse(&deep, 0).is_err());
        assert_eq!(parse("a: 1\na: 2", 0).unwrap().1, [("a".to_owned(), Span::new(0, 5, 6))]);
    }
}
