//! Expressions of the same function, and of elsewhere in the file, in place of others.

use crate::enumerate::{Feature, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::scope::Expression;
use crate::syntax::{Role, Shape};

/// Most expressions offered from the region, and from elsewhere.
const MAX_NEAR: usize = 60;
const MAX_FAR: usize = 20;

/// Values and places that are assigned.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let ingredients = &site.region.ingredients;
    let is_statement = site.tree().parent_shape(site.id) == Some(Shape::ExpressionStatement);
    if site.role() == Role::Target && is_place(site.shape()) {
        let around = site.tree().parent(site.id);
        let is_assigned = around.is_some_and(|id| {
            let assigns = matches!(site.tree().shape(id), Shape::Assignment | Shape::AugmentedAssignment);
            assigns && !site.spelling().declares(site.tree().text(id))
        });
        if !is_assigned {
            return;
        }
        for expression in ingredients.expressions.iter().filter(|e| is_place(e.shape) && !e.calls) {
            offer(site, out, EditKind::TargetIngredient, expression, Sorts::UNKNOWN);
        }
        return;
    }
    if !site.is_value() || site.shape() == Shape::Parenthesised || is_statement {
        return;
    }
    let needed = site.needed();
    for expression in nearest(site, &ingredients.expressions, MAX_NEAR) {
        offer(site, out, EditKind::Ingredient, expression, needed);
    }
    let simple =
        matches!(site.shape(), Shape::Attribute | Shape::Subscript | Shape::Call | Shape::Comparison);
    if simple {
        let similar = ingredients.far.iter().filter(|far| far.shape == site.shape());
        for expression in similar.take(MAX_FAR) {
            offer(site, out, EditKind::IngredientFar, expression, needed);
        }
    }
    whole_for_part(site, out);
}

fn is_place(shape: Shape) -> bool {
    matches!(shape, Shape::Name | Shape::Attribute | Shape::Subscript)
}

fn nearest<'r, 's>(
    site: &Site<'_, '_>,
    expressions: &'r [Expression<'s>],
    limit: usize,
) -> Vec<&'r Expression<'s>> {
    let line = site.tree().node(site.id).line;
    let distance =
        |e: &Expression<'_>| e.lines.iter().map(|other| other.abs_diff(line)).min().unwrap_or(u32::MAX);
    let mut sorted: Vec<&Expression<'_>> = expressions.iter().collect();
    sorted.sort_by_key(|expression| distance(expression));
    sorted.truncate(limit);
    sorted
}

fn offer(
    site: &Site<'_, '_>,
    out: &mut Proposals<'_>,
    kind: EditKind,
    expression: &Expression<'_>,
    needed: Sorts,
) {
    if expression.fragment.text == site.text() {
        return;
    }
    let features = site
        .expression_features(expression, needed)
        .when(Feature::Last, expression.fragment.text.contains(site.text()))
        .when(Feature::First, site.text().contains(&expression.fragment.text));
    site.put(out, kind, &expression.fragment, features);
}

/// A compound value replaced by one of the variables in scope.
fn whole_for_part(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let is_compound = !matches!(site.shape(), Shape::Name) && !site.shape().is_constant();
    if is_compound {
        for choice in site.names(site.needed(), 10) {
            let within = site.text().contains(choice.name.text);
            let features = choice.features.when(Feature::First, within);
            site.put(out, EditKind::Ingredient, &site.atom(choice.name.text), features);
        }
    }
}
