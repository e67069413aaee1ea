//! The functions of a file.

use serde::{Deserialize, Serialize};

use super::{NodeId, Role, Shape, Tree, parse};
use crate::edit::Span;
use crate::language::language_of;

/// A function or method of a source file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Function {
    /// Qualified name: `Class.method`, `outer.inner`.
    pub name: String,
    /// The whole definition, decorators included.
    pub span: Span,
    /// First line, from 1.
    pub start_line: u32,
    /// Last line.
    pub end_line: u32,
}

/// The functions of a file in source order, an outer one before those inside it. None for files in a
/// language that is not known.
pub fn functions(path: &str, source: &str) -> Vec<Function> {
    let Some(language) = language_of(path) else { return Vec::new() };
    match parse(source, &language.parser(), language.grammar()) {
        Ok(tree) => function_nodes(&tree).into_iter().map(|id| describe(&tree, id)).collect(),
        Err(_) => Vec::new(),
    }
}

/// The function definitions of a tree in source order.
pub fn function_nodes(tree: &Tree<'_>) -> Vec<NodeId> {
    let Some(root) = tree.root() else { return Vec::new() };
    tree.subtree(root).into_iter().filter(|id| tree.shape(*id) == Shape::Function).collect()
}

fn describe(tree: &Tree<'_>, id: NodeId) -> Function {
    let whole = match tree.parent(id) {
        Some(parent) if tree.shape(parent) == Shape::Decorated => parent,
        _ => id,
    };
    let node = tree.node(whole);
    Function {
        name: qualified_name(tree, id),
        span: node.span,
        start_line: node.line,
        end_line: node.last_line,
    }
}

/// Name of a function or class with the names of those around it, joined by dots.
pub fn qualified_name(tree: &Tree<'_>, id: NodeId) -> String {
    let mut names: Vec<&str> = std::iter::once(id)
        .chain(tree.ancestors(id))
        .filter(|node| matches!(tree.shape(*node), Shape::Function | Shape::Class))
        .map(|node| own_name(tree, node))
        .collect();
    names.reverse();
    names.join(".")
}

/// The name in the definition itself; a function without one is named by what it is assigned to.
fn own_name<'s>(tree: &Tree<'s>, id: NodeId) -> &'s str {
    if let Some(name) = tree.child(id, Role::Name) {
        return tree.text(name);
    }
    let target = tree.parent(id).and_then(|parent| {
        tree.child(parent, Role::Target).or(tree.child(parent, Role::Key)).or(tree.child(parent, Role::Name))
    });
    target.map_or("<anonymous>", |node| tree.text(node))
}
