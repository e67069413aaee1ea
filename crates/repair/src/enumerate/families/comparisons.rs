//! Comparisons: bounds that are off by one in a way an operator alone cannot say, and links of a chain.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::Shape;

/// Most variables offered for a further link.
const MAX_NAMES: usize = 6;

/// Comparison operators together with what they compare to.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() != Shape::Comparison {
        return;
    }
    let children = site.tree().children(site.id);
    if children.len() == 2 {
        bound(site, out);
        chain(site, out);
    } else {
        unchain(site, out);
    }
}

/// `x > 0` for `x != 1`: operator and constant at once.
fn bound(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let [left, right] = tree.children(site.id) else { return };
    let operator = site.language().operator(tree, site.id);
    let (true, Ok(value)) = (tree.shape(*right) == Shape::Integer, tree.text(*right).parse::<i64>()) else {
        return;
    };
    let group = site.operators().comparison_group(operator);
    if !group.contains(&"<") {
        return;
    }
    for new in group {
        for constant in [value - 1, value, value + 1, 0] {
            if *new == operator || constant == value {
                continue;
            }
            let whole = site.binary(&site.fragment_of(*left), new, &site.integer(constant));
            let features = super::constants::integer_features(site, constant)
                .with(Feature::Paired, site.language().pair_weight(operator, new))
                .when(Feature::IntegerUnit, (constant - value).abs() == 1);
            site.put(out, EditKind::ComparisonBound, &whole, features);
        }
    }
}

/// `0 <= a < b` for `a < b`.
fn chain(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let [left, right] = tree.children(site.id) else { return };
    let operator = site.language().operator(tree, site.id);
    if !site.operators().chains || !site.operators().is_ordering(operator) {
        return;
    }
    let strict: &[&str] = if operator.starts_with('<') { &["<", "<="] } else { &[">", ">="] };
    let text = |id| site.fragment_of(id).at_least(site.operators().level(operator) + 1);
    let mut links: Vec<(String, Features)> =
        vec![("0".to_owned(), Features::none().with(Feature::IntegerZero, 1.0))];
    let names = site.names(Sorts::NUMBER, MAX_NAMES).into_iter();
    links.extend(names.map(|choice| (choice.name.text.to_owned(), choice.features)));
    for (link, features) in links {
        for new in strict {
            let level = site.operators().level(operator);
            let chains = [
                format!("{} {operator} {} {new} {link}", text(*left), text(*right)),
                format!("{link} {new} {} {operator} {}", text(*left), text(*right)),
            ];
            let repeats = link == tree.text(*left) || link == tree.text(*right);
            for chain in chains {
                let fragment = crate::syntax::Fragment::new(chain, level);
                site.put(out, EditKind::ComparisonChain, &fragment, features.when(Feature::Repeats, repeats));
            }
        }
    }
}

/// `a < b` for `a < b < c`.
fn unchain(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let (children, tokens) = (tree.children(site.id), &tree.node(site.id).tokens);
    for (pair, token) in children.windows(2).zip(tokens) {
        if let [left, right] = pair {
            let link = site.binary(&site.fragment_of(*left), tree.slice(*token), &site.fragment_of(*right));
            site.put(out, EditKind::ComparisonChain, &link, Features::none());
        }
    }
}
