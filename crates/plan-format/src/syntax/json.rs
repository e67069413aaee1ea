//! JSON (RFC 8259) with places. A reader of its own, because YAML's escapes lack surrogate pairs, which other programs
//! write into JSON.

use serde_json::Value;

use super::{DEEPEST, MOST_NODES, Repeated, SyntaxProblem, add_entry};
use crate::node::{Entry, Kind, Node};
use crate::source::{FileIndex, Span};

/// Reads one value and nothing after it.
pub(super) fn parse(text: &str, file: FileIndex) -> Result<(Node, Repeated), SyntaxProblem> {
    let mut reader = Reader { text, at: 0, file, nodes: 0, repeated: Vec::new() };
    let node = reader.value(0)?;
    reader.blank();
    if reader.at < text.len() {
        return Err(reader.problem("there is something after the end of the value"));
    }
    Ok((node, reader.repeated))
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    file: FileIndex,
    nodes: usize,
    repeated: Repeated,
}

impl Reader<'_> {
    fn problem(&self, message: &str) -> SyntaxProblem {
        let next = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        SyntaxProblem { span: Span::new(self.file, self.at, self.at + next), message: message.to_owned() }
    }

    fn blank(&mut self) {
        let rest = self.text[self.at..].trim_start_matches([' ', '\t', '\n', '\r']);
        self.at = self.text.len() - rest.len();
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Takes `wanted`, after blanks.
    fn take(&mut self, wanted: u8) -> bool {
        self.blank();
        let there = self.peek() == Some(wanted);
        self.at += usize::from(there);
        there
    }

    fn value(&mut self, depth: usize) -> Result<Node, SyntaxProblem> {
        self.blank();
        self.nodes += 1;
        if depth > DEEPEST {
            return Err(self.problem("this is nested too deeply"));
        }
        if self.nodes > MOST_NODES {
            return Err(self.problem("the file has too many values"));
        }
        let start = self.at;
        let kind = match self.peek() {
            Some(b'{') => self.map(depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => {
                let text = self.string()?;
                Kind::Scalar { value: Value::from(text.clone()), text }
            }
            Some(_) => self.word()?,
            None => return Err(self.problem("a value is missing at the end of the file")),
        };
        Ok(Node { span: Span::new(self.file, start, self.at), kind })
    }

    fn map(&mut self, depth: usize) -> Result<Kind, SyntaxProblem> {
        self.at += 1;
        let mut entries = Vec::new();
        if self.take(b'}') {
            return Ok(Kind::Map(entries));
        }
        loop {
            self.blank();
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.problem("a name in quotes is expected here"));
            }
            let key = self.string()?;
            let key_span = Span::new(self.file, start, self.at);
            if !self.take(b':') {
                return Err(self.problem("`:` is expected here"));
            }
            let value = self.value(depth + 1)?;
            add_entry(&mut entries, Entry { key, key_span, value }, &mut self.repeated);
            if self.take(b'}') {
                return Ok(Kind::Map(entries));
            }
            if !self.take(b',') {
                return Err(self.problem("`,` or `}` is expected here"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Kind, SyntaxProblem> {
        self.at += 1;
        let mut items = Vec::new();
        if self.take(b']') {
            return Ok(Kind::List(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            if self.take(b']') {
                return Ok(Kind::List(items));
            }
            if !self.take(b',') {
                return Err(self.problem("`,` or `]` is expected here"));
            }
        }
    }

    /// A string, with its escapes undone by the JSON library once its end is found.
    fn string(&mut self) -> Result<String, SyntaxProblem> {
        let start = self.at;
        let mut escaped = false;
        let inner = self.text[start + 1..].bytes().position(|byte| {
            let ends = !escaped && byte == b'"';
            escaped = !escaped && byte == b'\\';
            ends
        });
        let Some(length) = inner else { return Err(self.problem("the string has no end")) };
        let whole = &self.text[start..start + length + 2];
        let text: String = serde_json::from_str(whole)
            .map_err(|_| self.problem("the string has a bad escape or a raw line end"))?;
        self.at += whole.len();
        Ok(text)
    }

    /// A number, `true`, `false` or `null`.
    fn word(&mut self) -> Result<Kind, SyntaxProblem> {
        let rest = &self.text[self.at..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+-._".contains(c))).unwrap_or(rest.len());
        let word = &rest[..end];
        let value: Value = serde_json::from_str(word).map_err(|_| {
            self.problem("a value is expected here: text in quotes, a number, true, false, null, [ or {")
        })?;
        self.at += end;
        Ok(Kind::Scalar { text: word.to_owned(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_what_the_json_library_says() {
        for text in [
            r#"{"a": [1, -2.5e3, true, null], "b": {"c": "d\n\"\ud83d\ude00"}, "": []}"#,
            "[]",
            " \"x\" ",
            "{}",
            "12",
        ] {
            let (node, repeated) = parse(text, 0).unwrap();
            assert_eq!(node.to_value(), serde_json::from_str::<Value>(text).unwrap(), "{text}");
            assert!(repeated.is_empty());
        }
    }

    #[test]
    fn places_cover_the_values() {
        let text = r#"{"key" : [ "two" ]}"#;
        let (node, _) = parse(text, 0).unwrap();
        let entry = &node.entries()[0];
        let slice = |span: Span| &text[span.start as usize..span.end as usize];
        assert_eq!((slice(entry.key_span), slice(entry.value.span)), (r#""key""#, r#"[ "two" ]"#));
        assert_eq!(slice(entry.value.items()[0].span), r#""two""#);
    }

    #[test]
    fn what_is_not_json_is_refused_where_it_goes_wrong() {
        for (text, at, message) in [
            ("", 0, "a value is missing"),
            ("{\"a\" 1}", 5, "`:` is expected"),
            ("{\"a\": 1 \"b\"", 8, "`,` or `}`"),
            ("[1 2]", 3, "`,` or `]`"),
            ("{a: 1}", 1, "a name in quotes"),
            ("[tru]", 1, "a value is expected"),
            ("\"abc", 0, "no end"),
            ("\"\\x\"", 0, "bad escape"),
            ("1 2", 2, "after the end"),
        ] {
            let problem = parse(text, 0).unwrap_err();
            assert!(problem.message.contains(message), "{text}: {problem:?}");
            assert_eq!(problem.span.start, at, "{text}");
        }
        let deep = format!("{}{}", "[".repeat(1000), "]".repeat(1000));
        assert!(parse(&deep, 0).unwrap_err().message.contains("too deeply"));
        assert_eq!(parse("{\"a\":1,\"a\":2}", 0).unwrap().1.len(), 1);
    }
}
