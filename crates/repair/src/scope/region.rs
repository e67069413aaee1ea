//! Regions: the pieces of a file that are searched one by one: outermost functions, and the code outside.

use super::{Hints, Ingredients, Names};
use crate::language::Language;
use crate::syntax::{NodeId, Role, Shape, Tree};

/// Expressions longer than this, in bytes, are not edited as a whole: tables of data, mostly.
const MAX_EDITED: usize = 1000;

/// One outermost function or method, or the code of a file outside any function.
pub struct Region<'a> {
    /// The file.
    pub tree: &'a Tree<'a>,
    /// Its language.
    pub language: &'static dyn Language,
    /// Name of the instance in a method (`self`); empty outside methods.
    pub receiver: &'a str,
    /// Nodes that may be edited, in source order.
    pub nodes: Vec<NodeId>,
    /// Names that can be used.
    pub names: Names<'a>,
    /// What is known about the values of names.
    pub hints: Hints,
    /// Code to reuse.
    pub ingredients: Ingredients<'a>,
}

/// All regions of a file in source order, without names and ingredients: those are computed by
/// [`Region::new`] for the regions that are searched.
pub fn regions(tree: &Tree<'_>) -> Vec<Option<NodeId>> {
    let Some(root) = tree.root() else { return Vec::new() };
    let mut found = vec![None];
    let mut pending = vec![root];
    while let Some(id) = pending.pop() {
        match tree.shape(id) {
            Shape::Function => found.push(Some(id)),
            _ => pending.extend(tree.children(id).iter().rev()),
        }
    }
    found
}

impl<'a> Region<'a> {
    /// Everything about one region that the families ask for.
    pub fn new(tree: &'a Tree<'a>, language: &'static dyn Language, function: Option<NodeId>) -> Self {
        let nodes = match function {
            Some(function) => tree.subtree(function),
            None => outside_functions(tree),
        };
        let class = function.and_then(|id| class_of(tree, id));
        let receiver = match (function, class) {
            (Some(function), Some(_)) => {
                let fixed = language.vocabulary().receiver;
                fixed.unwrap_or_else(|| first_parameter(tree, function))
            }
            _ => "",
        };
        let names = Names::collect(tree, language, function, &nodes);
        let hints = Hints::infer(tree, language, function, &nodes);
        let ingredients = Ingredients::collect(tree, language, class, &nodes, &hints);
        let nodes = nodes.into_iter().filter(|id| is_editable(tree, *id)).collect();
        Self { tree, language, receiver, nodes, names, hints, ingredients }
    }
}

/// Code of the module and of class bodies; function definitions are left out whole.
fn outside_functions(tree: &Tree<'_>) -> Vec<NodeId> {
    let mut found = Vec::new();
    let mut pending: Vec<NodeId> = tree.root().into_iter().collect();
    while let Some(id) = pending.pop() {
        if tree.shape(id) != Shape::Function {
            found.push(id);
            pending.extend(tree.children(id).iter().rev());
        }
    }
    found
}

fn class_of(tree: &Tree<'_>, function: NodeId) -> Option<NodeId> {
    let around =
        tree.ancestors(function).find(|id| matches!(tree.shape(*id), Shape::Class | Shape::Function))?;
    (tree.shape(around) == Shape::Class).then_some(around)
}

fn first_parameter<'s>(tree: &Tree<'s>, function: NodeId) -> &'s str {
    let parameters = tree.children(function).iter().find(|id| tree.shape(**id) == Shape::Parameters);
    let first = parameters.and_then(|id| tree.children(*id).first().copied());
    match first {
        Some(id) if tree.shape(id) == Shape::Name => tree.text(id),
        _ => "",
    }
}

/// Whether edits may be proposed at a node: not in imports, documentation or things not understood, and not
/// at a name that only declares a parameter.
fn is_editable(tree: &Tree<'_>, id: NodeId) -> bool {
    let frozen = |id: NodeId| matches!(tree.shape(id), Shape::Import | Shape::Docstring | Shape::Opaque);
    if frozen(id) || tree.ancestors(id).any(frozen) {
        return false;
    }
    if tree.shape(id).is_expression() && tree.node(id).span.len() > MAX_EDITED {
        return false;
    }
    let declares =
        matches!(tree.parent_shape(id), Some(Shape::Parameters | Shape::Parameter | Shape::Lambda));
    !(declares && tree.role(id) == Role::Target)
}
