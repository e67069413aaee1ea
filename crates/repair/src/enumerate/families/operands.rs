//! Operands in the wrong order, one too many, or grouped wrongly.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{NodeId, Role, Shape};

/// Operands of binary, comparison and logical operators.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let (shape, children) = (site.shape(), tree.children(site.id));
    let [left, right] = children else { return };
    if !matches!(shape, Shape::Binary | Shape::Logical | Shape::Comparison) {
        return;
    }
    let operator = site.language().operator(tree, site.id);
    let (left_text, right_text) = (site.fragment_of(*left), site.fragment_of(*right));
    let commutes =
        matches!(operator, "+" | "*" | "==" | "!=" | "&" | "|" | "^" | "is" | "is not" | "===" | "!==");
    let numeric = site.at(*left).sorts() == crate::language::Sorts::NUMBER;
    if !commutes || (operator == "+" && !numeric) {
        let swapped = site.binary(&right_text, operator, &left_text);
        site.put(out, EditKind::OperandSwap, &swapped, Features::none());
    }
    if shape != Shape::Comparison {
        site.put(out, EditKind::OperandDrop, &left_text, Features::none().when(Feature::Last, true));
        site.put(out, EditKind::OperandDrop, &right_text, Features::none().when(Feature::First, true));
    }
    regroup(site, out, operator, *left, *right);
}

/// `a * c` for `a + b * c`.
fn drop_inner(site: &Site<'_, '_>, out: &mut Proposals<'_>, one: NodeId, operator: &str, other: NodeId) {
    let whole = site.binary(&site.fragment_of(one), operator, &site.fragment_of(other));
    site.put(out, EditKind::OperandDrop, &whole, Features::none());
}

/// `(a - b) / c` for `a - b / c`, and `a + b * c` for `(a + b) * c`.
fn regroup(site: &Site<'_, '_>, out: &mut Proposals<'_>, operator: &str, left: NodeId, right: NodeId) {
    let tree = site.tree();
    let parts = |id: NodeId| {
        let id = tree.bare(id);
        let inner = matches!(tree.shape(id), Shape::Binary | Shape::Logical);
        let sides = (tree.child(id, Role::Left), tree.child(id, Role::Right));
        match sides {
            (Some(one), Some(other)) if inner => Some((one, site.language().operator(tree, id), other)),
            _ => None,
        }
    };
    if site.shape() == Shape::Comparison {
        return;
    }
    if let Some((a, inner, b)) = parts(left) {
        let tail = site.binary(&site.fragment_of(b), operator, &site.fragment_of(right));
        let whole = site.binary(&site.fragment_of(a), inner, &tail);
        site.put(out, EditKind::Reassociate, &whole, Features::none());
    }
    if let Some((a, inner, b)) = parts(left) {
        drop_inner(site, out, a, operator, right);
        // `a // c - b` for `(a - b) // c`.
        let head = site.binary(&site.fragment_of(a), operator, &site.fragment_of(right));
        let whole = site.binary(&head, inner, &site.fragment_of(b));
        site.put(out, EditKind::Reassociate, &whole, Features::none().when(Feature::Last, true));
    }
    if let Some((b, inner, c)) = parts(right) {
        drop_inner(site, out, left, operator, c);
        // `a // c - b` for `a - b // c`.
        let head = site.binary(&site.fragment_of(left), inner, &site.fragment_of(c));
        let whole = site.binary(&head, operator, &site.fragment_of(b));
        site.put(out, EditKind::Reassociate, &whole, Features::none().when(Feature::Last, true));
    }
    if let Some((b, inner, c)) = parts(right) {
        let head = site.binary(&site.fragment_of(left), operator, &site.fragment_of(b));
        let whole = site.binary(&head, inner, &site.fragment_of(c));
        site.put(out, EditKind::Reassociate, &whole, Features::none());
    }
}
