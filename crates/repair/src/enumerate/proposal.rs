//! What the families produce: replacements with the place they belong to and what is known about them.

use super::context::{Context, context_of};
use super::features::{Feature, Features};
use crate::edit::Span;
use crate::kind::EditKind;
use crate::language::Language;
use crate::syntax::{NodeId, Tree};

/// Longest change, in bytes of both texts, whose tokens are counted; longer ones are judged by their length.
const MAX_COUNTED: usize = 4000;
/// Bytes of a usual token with the space after it.
const TOKEN: usize = 4;

/// One replacement before ranking.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// What the replacement does.
    pub kind: EditKind,
    /// The place: alternatives of one kind at one place share its probability.
    pub place: Place,
    /// The bytes replaced.
    pub span: Span,
    /// What takes their place.
    pub text: String,
    /// The lines (first, last) whose suspicion counts.
    pub lines: (u32, u32),
    /// What the place is part of.
    pub context: Context,
    /// What is known about it.
    pub features: Features,
}

/// Where a proposal belongs: at a node, or in the gap before or after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// The node itself.
    At(NodeId),
    /// The gap before a statement.
    Before(NodeId),
    /// The gap after the last statement of a block.
    After(NodeId),
}

impl Place {
    /// The node the place is named by.
    pub fn node(self) -> NodeId {
        match self {
            Place::At(id) | Place::Before(id) | Place::After(id) => id,
        }
    }
}

/// What all proposals at one place have in common.
#[derive(Clone, Copy)]
struct Surroundings {
    place: Place,
    lines: (u32, u32),
    context: Context,
    depth: f32,
}

/// The proposals of one region.
pub struct Proposals<'t> {
    tree: &'t Tree<'t>,
    language: &'static dyn Language,
    /// The place of the last proposal: many in a row have the same.
    last: Option<Surroundings>,
    /// In the order the families made them.
    pub list: Vec<Proposal>,
}

impl<'t> Proposals<'t> {
    /// Nothing proposed yet.
    pub fn new(tree: &'t Tree<'t>, language: &'static dyn Language) -> Self {
        Self { tree, language, last: None, list: Vec::new() }
    }

    /// Proposes to replace a span. A replacement by the same text is ignored, and so is one that would not
    /// survive inside a string with placeholders.
    pub fn add(&mut self, kind: EditKind, place: Place, span: Span, text: String, features: Features) {
        let old = self.tree.slice(span);
        if old == text || self.breaks_string(place.node(), &text) {
            return;
        }
        let (added, removed) = token_changes(old, &text);
        let features = features
            .with(Feature::Grows, (1.0 + added as f32).ln())
            .with(Feature::Shrinks, (1.0 + removed as f32).ln());
        let Surroundings { lines, context, depth, .. } = self.surroundings(place);
        let features = features
            .when(Feature::Bound, is_bound(self.tree, kind, place, context))
            .with(Feature::Depth, depth);
        self.list.push(Proposal { kind, place, span, text, lines, context, features });
    }

    fn surroundings(&mut self, place: Place) -> Surroundings {
        match self.last {
            Some(last) if last.place == place => last,
            _ => {
                let context = context_of(self.tree, self.language, place);
                let depth = (1.0 + depth(self.tree, place) as f32).ln();
                let found = Surroundings { place, lines: self.suspect_lines(place), context, depth };
                self.last = Some(found);
                found
            }
        }
    }

    /// Placeholders cannot hold quotes, backslashes, braces, comments or format separators.
    fn breaks_string(&self, node: NodeId, text: &str) -> bool {
        use crate::syntax::Shape::Interpolation;
        text.contains(['"', '\'', '\\', '{', '}', '#', ':', '!', '\n'])
            && self.tree.enclosing(node, &[Interpolation]).is_some()
    }

    /// A place inside a statement counts for all lines of the statement, of a compound one only its head;
    /// a gap counts for the statements on both sides.
    fn suspect_lines(&self, place: Place) -> (u32, u32) {
        let id = place.node();
        let own = statement_lines(self.tree, id);
        match place {
            Place::At(_) => own,
            Place::After(_) => own,
            Place::Before(_) => (previous_line(self.tree, id).unwrap_or(own.0), own.0),
        }
    }
}

/// Whether the edit counts one more or less at the start or end of something.
fn is_bound(tree: &Tree<'_>, kind: EditKind, place: Place, context: Context) -> bool {
    let steps = matches!(kind, EditKind::OffByOne | EditKind::IntegerStep);
    let compared = tree.parent_shape(place.node()) == Some(crate::syntax::Shape::Comparison);
    steps && (compared || matches!(context, Context::Index | Context::Range))
}

/// How many nodes are between a place and its statement.
fn depth(tree: &Tree<'_>, place: Place) -> usize {
    let Place::At(id) = place else { return 0 };
    let in_statement = |id: &NodeId| tree.role(*id) != crate::syntax::Role::Statement;
    std::iter::once(id).chain(tree.ancestors(id)).take_while(in_statement).count()
}

/// Lines of the simple statement around a node, or from the head of a compound one to its body.
fn statement_lines(tree: &Tree<'_>, id: NodeId) -> (u32, u32) {
    use crate::syntax::Role;
    let is_statement =
        |id: &NodeId| tree.shape(*id).is_simple_statement() || tree.shape(*id).is_compound_statement();
    let Some(statement) = std::iter::once(id).chain(tree.ancestors(id)).find(is_statement) else {
        let node = tree.node(id);
        return (node.line, node.last_line);
    };
    let node = tree.node(statement);
    if tree.shape(statement).is_simple_statement() {
        return (node.line, node.last_line);
    }
    // Heads of compound statements: only the lines of the part the node is in.
    let is_block = |child: &&NodeId| matches!(tree.role(**child), Role::Then | Role::Body);
    let body = tree.children(statement).iter().find(is_block);
    let head_end = body.map_or(node.line, |body| tree.node(*body).line.saturating_sub(1).max(node.line));
    let own = tree.node(id);
    if id == statement || own.line <= head_end {
        (own.line.min(head_end), own.last_line.min(head_end))
    } else {
        (own.line, own.last_line.min(own.line))
    }
}

/// Last line of the statement before this one in its block, or the head of the block.
fn previous_line(tree: &Tree<'_>, id: NodeId) -> Option<u32> {
    let parent = tree.parent(id)?;
    let siblings = tree.children(parent);
    let index = siblings.iter().position(|sibling| *sibling == id)?;
    match index.checked_sub(1).and_then(|before| siblings.get(before)) {
        Some(before) => Some(statement_lines(tree, *before).0.max(tree.node(*before).line)),
        None => tree.parent(parent).map(|owner| tree.node(owner).line),
    }
}

/// Numbers of tokens only in the new text and only in the old one, in whatever order: moved code costs
/// nothing.
fn token_changes(old: &str, new: &str) -> (usize, usize) {
    if old.len() + new.len() > MAX_COUNTED {
        let (old, new) = (old.len() / TOKEN, new.len() / TOKEN);
        return (new.saturating_sub(old), old.saturating_sub(new));
    }
    let (mut old, mut new) = (tokens(old), tokens(new));
    old.sort_unstable();
    new.sort_unstable();
    let (mut shared, mut rest) = (0, old.as_slice());
    for token in &new {
        let skipped = rest.partition_point(|other| other < token);
        rest = rest.get(skipped..).unwrap_or(&[]);
        if rest.first() == Some(token) {
            shared += 1;
            rest = rest.get(1..).unwrap_or(&[]);
        }
    }
    (new.len() - shared, old.len() - shared)
}

/// Words and single other characters.
fn tokens(text: &str) -> Vec<&str> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let end =
            if is_word(first) { rest.find(|c| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        found.push(&rest[..end]);
        rest = rest[end..].trim_start();
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn size_of_a_change_ignores_what_stays() {
        assert_eq!(token_changes("a < b", "a <= b"), (1, 0));
        assert_eq!(token_changes("x", "x + 1"), (2, 0));
        assert_eq!(token_changes("f(x)", "x"), (0, 3));
        assert_eq!(token_changes("", "return é"), (2, 0));
        assert_eq!(token_changes("aa", "aa aa"), (1, 0));
        assert_eq!(token_changes("f(a, b)", "f(b, a)"), (0, 0));
    }
}
