//! One slip made throughout a function: a constant, or truth taken for falsehood.

use super::constants::text_variants;
use crate::edit::Span;
use crate::enumerate::{Feature, Features, Place, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{NodeId, Role, Shape};

/// Most different constants of a function that are replaced everywhere.
const MAX_CONSTANTS: usize = 8;

/// Functions.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() != Shape::Function {
        return;
    }
    let tree = site.tree();
    let Some(body) = site.child(Role::Body) else { return };
    let in_string = |id: &NodeId| tree.enclosing(*id, &[Shape::Interpolation]).is_some();
    let inside: Vec<NodeId> = tree.subtree(body).into_iter().filter(|id| !in_string(id)).collect();
    truth(site, out, &inside);
    let mut done: Vec<&str> = Vec::new();
    for id in &inside {
        let text = tree.text(*id);
        let is_constant = matches!(tree.shape(*id), Shape::Integer | Shape::Text);
        if is_constant && !done.contains(&text) && done.len() < MAX_CONSTANTS {
            done.push(text);
            let same: Vec<NodeId> =
                inside.iter().copied().filter(|other| tree.text(*other) == text).collect();
            if same.len() > 1 {
                constant(site, out, &same);
            }
        }
    }
}

/// All `return True` become `return False` and the reverse.
fn truth(site: &Site<'_, '_>, out: &mut Proposals<'_>, inside: &[NodeId]) {
    let tree = site.tree();
    let (yes, no) = site.vocabulary().truth;
    let is_returned =
        |id: &NodeId| tree.shape(*id) == Shape::Boolean && tree.parent_shape(*id) == Some(Shape::Return);
    let returned: Vec<NodeId> = inside.iter().copied().filter(is_returned).collect();
    if returned.len() > 1 {
        let inverse = |text: &str| if text == yes { no.to_owned() } else { yes.to_owned() };
        replace(site, out, EditKind::TruthInvert, &returned, &inverse, Features::none());
    }
}

fn constant(site: &Site<'_, '_>, out: &mut Proposals<'_>, same: &[NodeId]) {
    let tree = site.tree();
    let Some(first) = same.first() else { return };
    let mut variants: Vec<(String, Features)> = Vec::new();
    if let (Shape::Integer, Ok(value)) = (tree.shape(*first), tree.text(*first).parse::<i64>()) {
        for new in [value + 1, value - 1] {
            variants.push((new.to_string(), Features::none().when(Feature::IntegerUnit, true)));
        }
    } else {
        let content = tree.text(*first).trim_matches(['"', '\'']);
        let plain = tree.text(*first).len() == content.len() + 2;
        let changed = text_variants(content).into_iter().filter(|_| plain);
        variants.extend(changed.map(|text| (site.spelling().text(&text), Features::none())));
    }
    for (new, features) in variants {
        replace(site, out, EditKind::ConstantEverywhere, same, &|_| new.clone(), features);
    }
}

/// One edit from the first of the nodes to the last.
fn replace(
    site: &Site<'_, '_>,
    out: &mut Proposals<'_>,
    kind: EditKind,
    nodes: &[NodeId],
    new: &dyn Fn(&str) -> String,
    features: Features,
) {
    let tree = site.tree();
    let (Some(first), Some(last)) = (nodes.first(), nodes.last()) else { return };
    let span = Span { start: tree.node(*first).span.start, end: tree.node(*last).span.end };
    let (mut text, mut at) = (String::new(), span.start);
    for id in nodes {
        let own = tree.node(*id).span;
        text.push_str(tree.slice(Span { start: at, end: own.start }));
        text.push_str(&new(tree.slice(own)));
        at = own.end;
    }
    out.add(kind, Place::At(*first), span, text, features);
}
