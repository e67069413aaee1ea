//! What is wrong with a plan, where, and what to do about it; and how that is shown.

use std::fmt::Write as _;

use serde::Serialize;

use crate::source::{Sources, Span};

/// Most problems that are kept; a file with more is not a plan.
const MOST: usize = 100;
/// Characters of a source line that are shown.
const LINE_WIDTH: usize = 160;

/// One problem.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// Where.
    pub span: Span,
    /// What is wrong, one line.
    pub message: String,
    /// What to do, one line.
    pub help: Option<String>,
}

/// All problems of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Diagnostics {
    found: Vec<Diagnostic>,
}

/// A problem as scripts read it; lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Located {
    /// The file.
    pub file: String,
    /// First line.
    pub line: usize,
    /// First column.
    pub column: usize,
    /// Last line.
    pub end_line: usize,
    /// The column after the last.
    pub end_column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Diagnostics {
    /// Notes a problem.
    pub fn error(&mut self, span: Span, message: impl Into<String>) {
        self.push(Diagnostic { span, message: message.into(), help: None });
    }

    /// Notes a problem and what to do about it.
    pub fn error_with_help(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        self.push(Diagnostic { span, message: message.into(), help: Some(help.into()) });
    }

    /// Notes a problem, once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        if self.found.len() < MOST && !self.found.contains(&diagnostic) {
            self.found.push(diagnostic);
        }
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// How many problems there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.found.len()
    }

    /// The problems in the order of their places.
    #[must_use]
    pub fn sorted(&self) -> Vec<&Diagnostic> {
        let mut sorted: Vec<&Diagnostic> = self.found.iter().collect();
        sorted.sort_by_key(|diagnostic| diagnostic.span);
        sorted
    }

    /// For people: each with its line and a mark below it.
    #[must_use]
    pub fn render(&self, sources: &Sources) -> String {
        let shown: Vec<String> =
            self.sorted().into_iter().map(|diagnostic| render(diagnostic, sources)).collect();
        shown.join("\n")
    }

    /// For scripts.
    #[must_use]
    pub fn located(&self, sources: &Sources) -> Vec<Located> {
        self.sorted().into_iter().map(|diagnostic| locate(diagnostic, sources)).collect()
    }
}

fn locate(diagnostic: &Diagnostic, sources: &Sources) -> Located {
    let Diagnostic { span, message, help } = diagnostic.clone();
    let source = sources.get(span.file);
    let at = |byte| {
        source.map_or((1, 1), |source| {
            let position = source.position(byte);
            (position.line, position.column)
        })
    };
    let ((line, column), (end_line, end_column)) = (at(span.start), at(span.end));
    let file = source.map(|source| source.name.clone()).unwrap_or_default();
    Located { file, line, column, end_line, end_column, message, help }
}

/// ```text
/// error: unknown field `comand`
///   --> plan.yaml:7:5
///    |
///  7 |     comand: make
///    |     ^^^^^^
///    = help: did you mean `command`?
/// ```
fn render(diagnostic: &Diagnostic, sources: &Sources) -> String {
    let place = locate(diagnostic, sources);
    let mut out = format!("error: {}\n", one_line(&place.message));
    let gutter = " ".repeat(place.line.to_string().len());
    let _ = writeln!(out, "{gutter} --> {}:{}:{}", place.file, place.line, place.column);
    if let Some(source) = sources.get(diagnostic.span.file) {
        let line = source.line(place.line);
        let shown: String =
            line.chars().take(LINE_WIDTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        let _ = writeln!(out, "{gutter} |\n{} | {shown}", place.line);
        let _ = writeln!(out, "{gutter} | {}", mark(&place, line.chars().count()));
    }
    if let Some(help) = &place.help {
        let _ = writeln!(out, "{gutter} = help: {}", one_line(help));
    }
    out
}

/// Carets below the first line of the place, at least one.
fn mark(place: &Located, line_length: usize) -> String {
    let end = if place.end_line == place.line { place.end_column } else { line_length + 1 };
    let from = place.column.min(LINE_WIDTH);
    let length = end.min(LINE_WIDTH + 1).saturating_sub(from).max(1);
    format!("{}{}", " ".repeat(from - 1), "^".repeat(length))
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;

    fn sources() -> Sources {
        let mut sources = Sources::default();
        sources.add(Source::new("plan.yaml", "one: 1\ntwä: [2,\n  3]\n"));
        sources
    }

    #[test]
    fn problems_are_shown_in_order_with_their_lines() {
        let mut found = Diagnostics::default();
        found.error_with_help(Span::new(0, 13, 21), "wrong\nlist", "write 2");
        found.error(Span::new(0, 0, 3), "what is `one`?");
        found.error(Span::new(0, 0, 3), "what is `one`?");
        let expected = "\
error: what is `one`?
  --> plan.yaml:1:1
  |
1 | one: 1
  | ^^^

error: wrong list
  --> plan.yaml:2:6
  |
2 | twä: [2,
  |      ^^^
  = help: write 2
";
        assert_eq!(found.render(&sources()), expected);
        let located = found.located(&sources());
        assert_eq!(
            (located[1].line, located[1].column, located[1].end_line, located[1].end_column),
            (2, 6, 3, 5)
        );
    }

    #[test]
    fn places_outside_and_floods_are_bounded() {
        let mut found = Diagnostics::default();
        (0..1000).for_each(|n| found.error(Span::new(7, n, n), format!("{n}")));
        assert_eq!(found.len(), MOST);
        assert!(found.render(&sources()).contains(":1:1"));
    }
}
