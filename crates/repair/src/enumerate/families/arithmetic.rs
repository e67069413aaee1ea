//! Arithmetic that is missing: one too few, a factor, another operand, a bound, a sign.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Fragment, Role, Shape};

/// Most variables offered as a further operand.
const MAX_NAMES: usize = 8;

/// Expressions that may be numbers, and collections that can be joined.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let is_plain = matches!(
        site.shape(),
        Shape::Name
            | Shape::Attribute
            | Shape::Subscript
            | Shape::Call
            | Shape::Binary
            | Shape::Integer
            | Shape::Conditional
            | Shape::Float
    );
    let sorts = site.sorts();
    if !site.is_value() || site.role() == Role::Object {
        return;
    }
    if is_plain && (sorts.is_unknown() || sorts.meets(Sorts::NUMBER)) {
        numeric(site, out, sorts);
    }
    if sorts.meets(Sorts::SEQUENCE) && site.shape() != Shape::Tuple {
        joined(site, out, sorts);
    }
}

fn numeric(site: &Site<'_, '_>, out: &mut Proposals<'_>, sorts: Sorts) {
    let own = site.fragment();
    let known = site.sort_features(Sorts::NUMBER, sorts);
    let is_constant = site.shape().is_constant();
    if !is_constant {
        for operator in ["+", "-"] {
            let new = site.binary(&own, operator, &site.integer(1));
            site.put(out, EditKind::OffByOne, &new, known.when(Feature::First, operator == "+"));
        }
        scaled(site, out, known);
        negate(site, out, known);
    }
    operands(site, out, &own);
    bounds(site, out, known);
}

/// `own * 2` and the like, also by other constants of the function.
fn scaled(site: &Site<'_, '_>, out: &mut Proposals<'_>, known: Features) {
    let seen = site.region.ingredients.integers.iter().copied().filter(|value| *value > 2).take(4);
    for value in std::iter::once(2).chain(seen) {
        for operator in ["*", "//", "/", "**", "%"] {
            let fits = operator != "**" || value <= 4;
            if fits && site.operators().arithmetic.contains(&operator) {
                let new = site.binary(&site.fragment(), operator, &site.integer(value));
                let features = super::constants::integer_features(site, value).or(known);
                site.put(out, EditKind::Scale, &new, features.when(Feature::First, operator == "*"));
            }
        }
    }
}

fn negate(site: &Site<'_, '_>, out: &mut Proposals<'_>, known: Features) {
    let inner = site.fragment().at_least(site.operators().sign);
    let new = Fragment::new(format!("-{inner}"), site.operators().sign);
    site.put(out, EditKind::Negate, &new, known);
}

/// `own + name`, `name - own` and the like. The other operand may be a small integer, too.
fn operands(site: &Site<'_, '_>, out: &mut Proposals<'_>, own: &Fragment) {
    let beside = |name: &str| own.text == name;
    for choice in site.names(Sorts::NUMBER, MAX_NAMES) {
        if choice.sorts.clashes(Sorts::NUMBER) {
            continue;
        }
        let name = site.atom(choice.name.text);
        let features = choice.features.when(Feature::Repeats, beside(choice.name.text));
        for operator in ["+", "-", "*", "//", "/", "%", "**"] {
            if site.operators().arithmetic.contains(&operator) {
                let weight = operand_weight(operator);
                let features = features.with(Feature::Paired, weight);
                site.put(out, EditKind::OperandAdd, &site.binary(own, operator, &name), features);
                let reversed = features.with(Feature::Paired, weight - 0.7);
                site.put(out, EditKind::OperandAdd, &site.binary(&name, operator, own), reversed);
            }
        }
    }
}

/// Sums and differences are more common than other arithmetic.
fn operand_weight(operator: &str) -> f32 {
    match operator {
        "+" => 1.0,
        "-" => 0.7,
        "*" => 0.5,
        "**" => -0.7,
        _ => 0.0,
    }
}

/// `max(0, own)`, `min(own, name)`.
fn bounds(site: &Site<'_, '_>, out: &mut Proposals<'_>, known: Features) {
    let Some((smaller, larger)) = site.vocabulary().bounds else { return };
    let is_statement = site.tree().parent_shape(site.id) == Some(Shape::ExpressionStatement);
    if site.shape().is_constant() || is_statement {
        return;
    }
    for function in [smaller, larger] {
        for value in [0, 1] {
            let new = site.atom(format!("{function}({value}, {})", site.fragment().text));
            site.put(out, EditKind::WrapBound, &new, known.when(Feature::IntegerZero, value == 0));
        }
        for choice in site.names(Sorts::NUMBER, MAX_NAMES) {
            let new = site.atom(format!("{function}({}, {})", choice.name.text, site.fragment().text));
            let repeats = choice.name.text == site.text();
            site.put(out, EditKind::WrapBound, &new, choice.features.when(Feature::Repeats, repeats));
        }
    }
}

/// `own + name` and `name + own` for texts and lists.
fn joined(site: &Site<'_, '_>, out: &mut Proposals<'_>, sorts: Sorts) {
    let own = site.fragment();
    for choice in site.names(sorts, MAX_NAMES) {
        let elements = site.region.hints.name(choice.name.text).elements;
        if choice.sorts.clashes(sorts) && elements.clashes(sorts) {
            continue;
        }
        let features = choice.features.when(Feature::Repeats, choice.name.text == own.text);
        let mut parts = vec![site.atom(choice.name.text)];
        if sorts.is_only(Sorts::LIST) && !choice.sorts.meets(Sorts::LIST) {
            parts = vec![site.atom(format!("[{}]", choice.name.text))];
        }
        for part in parts {
            site.put(
                out,
                EditKind::OperandAdd,
                &site.binary(&own, "+", &part),
                features.when(Feature::Last, true),
            );
            site.put(
                out,
                EditKind::OperandAdd,
                &site.binary(&part, "+", &own),
                features.when(Feature::First, true),
            );
        }
    }
}
