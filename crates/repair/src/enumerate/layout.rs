//! Statements as lines: where they start and end, how they are indented, how to move them.

use super::Site;
use crate::edit::Span;
use crate::syntax::{NodeId, Role, Shape, Tree};

/// A statement that has its lines to itself.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'s> {
    /// The statement.
    pub id: NodeId,
    /// White space before it.
    pub indent: &'s str,
    /// From the start of its first line to the end of its last, line break not included.
    pub span: Span,
}

impl<'s> Layout<'s> {
    /// None for a statement that shares a line with other code.
    pub fn of(tree: &Tree<'s>, id: NodeId, comment: &str) -> Option<Self> {
        let node = tree.node(id);
        let span = Span { start: tree.line_start(node.line), end: tree.line_end(node.last_line) };
        tree.owns_lines(id, comment).then(|| Self { id, indent: tree.before_on_line(id), span })
    }

    /// Its lines without the last line break.
    pub fn text(&self, tree: &Tree<'s>) -> &'s str {
        tree.slice(self.span)
    }

    /// Its lines with the line break after them (or before them, at the end of the file).
    pub fn with_break(&self, tree: &Tree<'_>) -> Span {
        let rest = tree.source.get(self.span.end..).unwrap_or("");
        let line_break = if rest.starts_with("\r\n") { 2 } else { usize::from(rest.starts_with('\n')) };
        match line_break {
            0 => Span { start: self.span.start.saturating_sub(1), end: self.span.end },
            length => Span { start: self.span.start, end: self.span.end + length },
        }
    }
}

/// The same lines, indented by `to` instead of `from`.
pub fn reindented(text: &str, from: &str, to: &str) -> String {
    let move_line = |line: &str| match line.strip_prefix(from) {
        Some(rest) => format!("{to}{rest}"),
        None => line.to_owned(),
    };
    text.split('\n').map(move_line).collect::<Vec<_>>().join("\n")
}

/// One level of indentation, judged by the block around the statement.
pub fn unit(tree: &Tree<'_>, id: NodeId) -> String {
    let own = tree.before_on_line(id);
    let owner = tree.parent(id).and_then(|block| tree.parent(block));
    let step = owner.and_then(|owner| own.strip_prefix(tree.before_on_line(owner)));
    match step {
        Some(step) if !step.is_empty() && step.trim().is_empty() => step.to_owned(),
        _ if own.starts_with('\t') => "\t".to_owned(),
        _ => "    ".to_owned(),
    }
}

/// A place between statements where a new one can stand, seen from the statement beside it.
#[derive(Clone, Copy)]
pub struct Gap<'s> {
    /// The statement beside it.
    pub beside: Layout<'s>,
    /// Whether the gap is after the statement rather than before it.
    pub after: bool,
}

impl<'s> Gap<'s> {
    /// The gaps of a statement: before it, and after it if it is the last of its block and control comes
    /// that far. Only in functions.
    pub fn around(site: &Site<'_, 's>) -> Vec<Gap<'s>> {
        let tree = site.tree();
        let is_statement = site.shape().is_simple_statement() || site.shape().is_compound_statement();
        let in_block =
            matches!(tree.parent_shape(site.id), Some(Shape::Block)) && site.role() == Role::Statement;
        let in_function = tree.parent(site.id).and_then(|block| {
            tree.enclosing(block, &[Shape::Function, Shape::Class])
                .map(|id| tree.shape(id) == Shape::Function)
        });
        if !is_statement || !in_block || in_function != Some(true) {
            return Vec::new();
        }
        let Some(beside) = Layout::of(tree, site.id, site.spelling().comment()) else { return Vec::new() };
        let is_last = tree.parent(site.id).is_some_and(|block| tree.children(block).last() == Some(&site.id));
        let mut gaps = vec![Gap { beside, after: false }];
        if is_last && !site.shape().leaves() {
            gaps.push(Gap { beside, after: true });
        }
        gaps
    }

    /// Where the new lines go, and the new text for a statement given without indentation on its first line.
    pub fn insertion(&self, statement: &str) -> (Span, String) {
        let indent = self.beside.indent;
        if self.after {
            let at = self.beside.span.end;
            (Span { start: at, end: at }, format!("\n{indent}{statement}"))
        } else {
            let at = self.beside.span.start;
            (Span { start: at, end: at }, format!("{indent}{statement}\n"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_move_together() {
        assert_eq!(reindented("  if x:\n    y\n\n  z", "  ", ""), "if x:\n  y\n\nz");
        assert_eq!(reindented("a\nb", "", "\t"), "\ta\n\tb");
    }
}
