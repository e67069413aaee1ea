//! Wrong kind of assignment.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::scope::Availability;
use crate::syntax::{Role, Shape};

/// Augmented for plain assignments, and the reverse.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::AugmentedAssignment => augmented(site, out),
        Shape::Assignment => plain(site, out),
        _ => {}
    }
}

fn augmented(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let Some(token) = site.tree().node(site.id).tokens.first().copied() else { return };
    let old = site.tree().slice(token);
    if let Some((up, down)) = site.operators().steps
        && (old == up || old == down)
    {
        let new = if old == up { down } else { up };
        site.rewrite(
            out,
            EditKind::AugmentedOperator,
            token,
            new,
            Features::none().with(Feature::Paired, 1.5),
        );
        return;
    }
    for new in site.operators().augmented.iter().filter(|new| **new != old) {
        let features = Features::none().with(Feature::Paired, site.language().pair_weight(old, new));
        site.rewrite(out, EditKind::AugmentedOperator, token, *new, features);
    }
    site.rewrite(out, EditKind::AssignmentOperator, token, "=", Features::none());
    // `a -= b` written for `a = b - a`, and the like, is left to the ingredient families.
}

fn plain(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let (Some(target), Some(value)) = (site.child(Role::Target), site.child(Role::Value)) else { return };
    if site.spelling().declares(site.text()) {
        return;
    }
    flip(site, out);
    let Some(token) = tree.node(site.id).tokens.iter().find(|token| tree.slice(**token) == "=") else {
        return;
    };
    let is_place = matches!(tree.shape(target), Shape::Name | Shape::Attribute | Shape::Subscript);
    let name = site.region.names.get(tree.text(target));
    let is_first = name.is_some_and(|name| {
        name.availability(tree, target, tree.node(target).span.start) == Availability::Unbound
    });
    let annotated =
        tree.source.get(tree.node(target).span.end..token.start).is_some_and(|gap| gap.contains(':'));
    if !is_place || is_first || annotated || tree.shape(value) == Shape::ChainedAssignment {
        return;
    }
    let number = site.at(value).sorts();
    let operators: &[&str] = if number.is_only(Sorts::NUMBER) { &["+=", "-=", "*="] } else { &["+=", "-="] };
    for new in operators {
        let features = Features::none().with(Feature::Paired, site.language().pair_weight("=", new));
        site.rewrite(out, EditKind::AssignmentOperator, *token, *new, features);
    }
}

/// `a = b` for `b = a`.
fn flip(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let (Some(target), Some(value)) = (site.child(Role::Target), site.child(Role::Value)) else { return };
    let is_place = |shape| matches!(shape, Shape::Name | Shape::Attribute | Shape::Subscript);
    if !is_place(tree.shape(target)) || !is_place(tree.shape(value)) {
        return;
    }
    let span = crate::edit::Span { start: tree.node(target).span.start, end: tree.node(value).span.end };
    let text = site.spelling().assignment(tree.text(value), tree.text(target));
    let text = text.trim_end_matches(';');
    site.rewrite(out, EditKind::AssignmentFlip, span, text, site.code_features(&[tree.text(target)], &[]));
}
