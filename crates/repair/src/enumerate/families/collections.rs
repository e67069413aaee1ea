//! Collection literals and target lists: elements exchanged, missing, superfluous.

use crate::edit::Span;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Role, Shape};

/// Longest literal whose elements are exchanged.
const MAX_ELEMENTS: usize = 6;
/// Longest literal whose elements are left out one by one.
const MAX_DROPPED: usize = 24;
/// Most variables offered as a further element.
const MAX_NAMES: usize = 8;

/// Literals, target lists, and values that could be put in a literal.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let is_literal = matches!(site.shape(), Shape::Listing | Shape::Tuple | Shape::Targets | Shape::Set);
    if is_literal {
        let count = tree.children(site.id).len();
        if (2..=MAX_ELEMENTS).contains(&count) && site.shape() != Shape::Set {
            swap(site, out);
        }
        if site.shape() == Shape::Listing && site.is_value() && count <= MAX_ELEMENTS {
            add(site, out);
        }
        if site.is_value()
            && (1..=MAX_DROPPED).contains(&count)
            && (site.shape() == Shape::Listing || count > 2)
        {
            drop(site, out);
        }
    }
    wrap(site, out);
}

fn swap(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let elements = tree.children(site.id);
    let (Some(first), Some(last)) = (elements.first(), elements.last()) else { return };
    let span = Span { start: tree.node(*first).span.start, end: tree.node(*last).span.end };
    for one in 0..elements.len() {
        for other in one + 1..elements.len() {
            let mut texts: Vec<&str> = elements.iter().map(|id| tree.text(*id)).collect();
            texts.swap(one, other);
            let features = Features::none().when(Feature::First, other == one + 1);
            site.rewrite(out, EditKind::ElementSwap, span, texts.join(", "), features);
        }
    }
}

fn add(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let elements = site.tree().children(site.id);
    let end = site.tree().node(site.id).span.end - 1;
    let after = elements.last().map_or(end, |last| site.tree().node(*last).span.end);
    let needed = elements.first().map_or(Sorts::UNKNOWN, |first| site.at(*first).sorts());
    let separator = if elements.is_empty() { "" } else { ", " };
    let mut offered: Vec<(String, Features)> = vec![("[]".to_owned(), Features::none())];
    for value in [0, 1] {
        offered.push((value.to_string(), super::constants::integer_features(site, value)));
    }
    let names = site.names(needed, MAX_NAMES).into_iter();
    offered.extend(names.map(|choice| (choice.name.text.to_owned(), choice.features)));
    for (text, features) in offered {
        let span = Span { start: after, end: after };
        site.rewrite(out, EditKind::ElementAdd, span, format!("{separator}{text}"), features);
        if let Some(first) = elements.first() {
            let at = site.tree().node(*first).span.start;
            let span = Span { start: at, end: at };
            let features = features.when(Feature::First, true);
            site.rewrite(out, EditKind::ElementAdd, span, format!("{text}, "), features);
        }
    }
}

fn drop(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let elements = tree.children(site.id);
    let (Some(first), Some(last)) = (elements.first(), elements.last()) else { return };
    let span = Span { start: tree.node(*first).span.start, end: tree.node(*last).span.end };
    for element in elements {
        let kept: Vec<&str> = elements.iter().filter(|id| *id != element).map(|id| tree.text(*id)).collect();
        let features = Features::none().when(Feature::Last, element == last);
        site.rewrite(out, EditKind::ElementDrop, span, kept.join(", "), features);
    }
}

/// `[value]` for `value`.
fn wrap(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let useful =
        matches!(site.role(), Role::Argument | Role::Value | Role::Left | Role::Right | Role::Element);
    let is_value = site.is_value() && !site.shape().is_truth() && site.shape() != Shape::Yield;
    let is_statement = site.tree().parent_shape(site.id) == Some(Shape::ExpressionStatement);
    if useful && is_value && !is_statement {
        let features = site.sort_features(Sorts::LIST, site.sorts());
        let inner = site.fragment().at_least(1);
        site.put(out, EditKind::WrapCollection, &site.atom(format!("[{inner}]")), features);
    }
}
