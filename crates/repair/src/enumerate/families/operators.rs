//! Wrong operator: comparison, arithmetic, bitwise, logical.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Role, Shape};

/// Operators of expressions.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::Comparison => comparison(site, out),
        Shape::Binary => binary(site, out),
        Shape::Logical => logical(site, out),
        _ => {}
    }
}

fn comparison(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let operators = site.operators();
    for (index, token) in tree.node(site.id).tokens.iter().enumerate() {
        let old = tree.slice(*token);
        let right = tree.children(site.id).get(index + 1);
        let with_null = right.is_some_and(|id| tree.shape(*id) == Shape::Null);
        let group = operators.comparison_group(old);
        let is_identity = group.contains(&"is");
        let extra: &[&str] = match (with_null, is_identity) {
            (true, false) if !operators.comparison_group("is").is_empty() => &["is", "is not"],
            (_, true) => &["==", "!="],
            _ => &[],
        };
        let usual = group.iter().filter(|new| !(with_null && operators.is_ordering(new)));
        for new in usual.chain(extra) {
            replace(site, out, EditKind::ComparisonOperator, index, new);
        }
    }
}

fn binary(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let operators = site.operators();
    let old = site.language().operator(site.tree(), site.id);
    let is_bitwise = operators.bitwise.contains(&old);
    let text_involved = [Role::Left, Role::Right]
        .iter()
        .filter_map(|role| site.child(*role))
        .any(|side| site.at(side).sorts().is_only(crate::language::Sorts::TEXT));
    if text_involved && !is_bitwise {
        return;
    }
    let (kind, alternatives) = match is_bitwise {
        true => (EditKind::BitwiseOperator, operators.bitwise),
        false => (EditKind::ArithmeticOperator, operators.arithmetic),
    };
    for new in alternatives {
        replace(site, out, kind, 0, new);
    }
    if is_bitwise {
        replace(site, out, kind, 0, "+");
        replace(site, out, kind, 0, "-");
    }
}

fn logical(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let operators = site.operators();
    let old = site.language().operator(site.tree(), site.id);
    let new = if old == operators.and { operators.or } else { operators.and };
    replace(site, out, EditKind::LogicalOperator, 0, new);
}

/// Rebuilds the expression when the new operator binds differently, so that only the operator changes its
/// meaning and not the grouping.
fn replace(site: &Site<'_, '_>, out: &mut Proposals<'_>, kind: EditKind, index: usize, new: &str) {
    let tree = site.tree();
    let Some(token) = tree.node(site.id).tokens.get(index).copied() else { return };
    let old = tree.slice(token);
    if old == new {
        return;
    }
    let weight = site.language().pair_weight(old, new);
    let features = Features::none().with(Feature::Paired, weight);
    let same_level = site.operators().level(old) == site.operators().level(new);
    match (same_level, tree.children(site.id)) {
        (false, [left, right]) => {
            let whole = site.binary(&site.fragment_of(*left), new, &site.fragment_of(*right));
            site.put(out, kind, &whole, features);
        }
        _ => site.rewrite(out, kind, token, new, features),
    }
}
