//! The syntax tree the families walk: an arena of neutral nodes over the source text.

use super::{Role, Shape};
use crate::edit::Span;

/// Index of a node in its [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(pub(super) usize);

/// One node. Comments are not nodes; operators and keywords are `tokens` of the node they belong to.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub shape: Shape,
    /// What it is to its parent.
    pub role: Role,
    /// Where it is.
    pub span: Span,
    /// Its first line, from 1.
    pub line: u32,
    /// Its last line.
    pub last_line: u32,
    /// The node around it; none for the root.
    pub parent: Option<NodeId>,
    /// The nodes in it, in source order.
    pub children: Vec<NodeId>,
    /// Operators and keywords directly in it (no brackets, commas, colons or dots), in source order.
    pub tokens: Vec<Span>,
}

/// A parsed file.
#[derive(Clone, Debug)]
pub struct Tree<'s> {
    /// The text it was parsed from.
    pub source: &'s str,
    pub(super) nodes: Vec<Node>,
    line_starts: Vec<usize>,
}

impl<'s> Tree<'s> {
    pub(super) fn new(source: &'s str) -> Self {
        let starts = source.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
        Self { source, nodes: Vec::new(), line_starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The whole file; none for an empty tree.
    pub fn root(&self) -> Option<NodeId> {
        (!self.nodes.is_empty()).then_some(NodeId(0))
    }

    /// The node with this index.
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }

    /// What the node is.
    pub fn shape(&self, id: NodeId) -> Shape {
        self.node(id).shape
    }

    /// What the node is to its parent.
    pub fn role(&self, id: NodeId) -> Role {
        self.node(id).role
    }

    /// Source text of the node.
    pub fn text(&self, id: NodeId) -> &'s str {
        self.slice(self.node(id).span)
    }

    /// Source text of a span.
    pub fn slice(&self, span: Span) -> &'s str {
        self.source.get(span.start..span.end).unwrap_or("")
    }

    /// The nodes directly in this one.
    pub fn children(&self, id: NodeId) -> &[NodeId] {
        &self.node(id).children
    }

    /// The first child in the given role.
    pub fn child(&self, id: NodeId, role: Role) -> Option<NodeId> {
        self.children(id).iter().copied().find(|child| self.role(*child) == role)
    }

    /// All children in the given role.
    pub fn children_as(&self, id: NodeId, role: Role) -> Vec<NodeId> {
        self.children(id).iter().copied().filter(|child| self.role(*child) == role).collect()
    }

    /// The node around this one.
    pub fn parent(&self, id: NodeId) -> Option<NodeId> {
        self.node(id).parent
    }

    /// Shape of the node around this one.
    pub fn parent_shape(&self, id: NodeId) -> Option<Shape> {
        self.parent(id).map(|parent| self.shape(parent))
    }

    /// The nodes around this one, innermost first.
    pub fn ancestors(&self, id: NodeId) -> impl Iterator<Item = NodeId> + '_ {
        std::iter::successors(self.parent(id), |node| self.parent(*node))
    }

    /// The innermost node around this one (or itself) with one of the shapes.
    pub fn enclosing(&self, id: NodeId, shapes: &[Shape]) -> Option<NodeId> {
        std::iter::once(id).chain(self.ancestors(id)).find(|node| shapes.contains(&self.shape(*node)))
    }

    /// This node and everything in it, in source order.
    pub fn subtree(&self, id: NodeId) -> Vec<NodeId> {
        let mut found = Vec::new();
        let mut pending = vec![id];
        while let Some(next) = pending.pop() {
            found.push(next);
            pending.extend(self.children(next).iter().rev());
        }
        found
    }

    /// The node without the parentheses around it.
    pub fn bare(&self, id: NodeId) -> NodeId {
        let mut node = id;
        while self.shape(node) == Shape::Parenthesised {
            match self.children(node) {
                [inner] => node = *inner,
                _ => break,
            }
        }
        node
    }

    /// Whether `outer` is `inner` or one of the nodes around it.
    pub fn is_within(&self, inner: NodeId, outer: NodeId) -> bool {
        inner == outer || self.ancestors(inner).any(|node| node == outer)
    }

    /// Offset of the first byte of a line (from 1).
    pub fn line_start(&self, line: u32) -> usize {
        let index = (line as usize).saturating_sub(1);
        self.line_starts.get(index).copied().unwrap_or(self.source.len())
    }

    /// Offset one past the last byte of a line, its line break not included.
    pub fn line_end(&self, line: u32) -> usize {
        let next = self.line_starts.get(line as usize).map_or(self.source.len(), |start| start - 1);
        let text = self.source.get(self.line_start(line)..next).unwrap_or("");
        self.line_start(line) + text.trim_end_matches('\r').len()
    }

    /// The text before the node on its first line, which is its indentation if it is only white space.
    pub fn before_on_line(&self, id: NodeId) -> &'s str {
        let node = self.node(id);
        self.source.get(self.line_start(node.line)..node.span.start).unwrap_or("")
    }

    /// Whether the node has its lines to itself, apart from a comment after it.
    pub fn owns_lines(&self, id: NodeId, comment: &str) -> bool {
        let node = self.node(id);
        let after = self.source.get(node.span.end..self.line_end(node.last_line)).unwrap_or("").trim();
        self.before_on_line(id).trim().is_empty() && (after.is_empty() || after.starts_with(comment))
    }
}
