//! Missing guards: early returns for empty or missing values, rounds of a loop that should be skipped.

use super::conditions::{Test, tests};
use crate::enumerate::layout::{Gap, unit};
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Fragment, Role, Shape};

/// Most variables that guards are made up from.
const MAX_NAMES: usize = 5;

/// Gaps between statements.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    for gap in Gap::around(site).into_iter().filter(|gap| !gap.after) {
        let here = site.in_gap(&gap);
        returns(&here, out, &gap);
        if in_loop(site) {
            jumps(&here, out, &gap);
        }
    }
}

/// Whether the statement runs in a loop of its own function.
pub fn in_loop(site: &Site<'_, '_>) -> bool {
    let tree = site.tree();
    let around = tree
        .parent(site.id)
        .and_then(|id| tree.enclosing(id, &[Shape::For, Shape::While, Shape::Function, Shape::Class]));
    around.is_some_and(|id| matches!(tree.shape(id), Shape::For | Shape::While))
}

/// What the function returns elsewhere, then the usual values of nothing.
fn returned_values(site: &Site<'_, '_>) -> Vec<(String, bool)> {
    let tree = site.tree();
    let mut values: Vec<(String, bool)> = Vec::new();
    let Some(function) = tree.enclosing(site.id, &[Shape::Function]) else { return values };
    for id in tree.subtree(function) {
        let value = tree.child(id, Role::Value).filter(|_| tree.shape(id) == Shape::Return);
        if let Some(value) = value
            && (tree.shape(value).is_constant() || tree.children(value).is_empty())
            && !values.iter().any(|(text, _)| text == tree.text(value))
        {
            values.push((tree.text(value).to_owned(), true));
        }
    }
    let vocabulary = site.vocabulary();
    let (yes, no) = vocabulary.truth;
    let usual = [vocabulary.null, no, yes].into_iter().chain(vocabulary.empty.iter().map(|row| row.0));
    for text in usual {
        if !values.iter().any(|(known, _)| known == text) {
            values.push((text.to_owned(), false));
        }
    }
    values
}

/// `if not x: return x` and the like, where `x` is a parameter or was just bound.
fn returns(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>) {
    let values = returned_values(site);
    let unit = unit(site.tree(), site.id);
    let at_start = site.tree().parent(site.id).and_then(|block| site.tree().parent(block));
    let at_start = at_start.is_some_and(|id| site.tree().shape(id) == Shape::Function);
    for test in early_tests(site) {
        for (value, known) in &values {
            let statement = site.spelling().return_value(value);
            let text = site.spelling().guarded(&test.fragment.text, &statement, gap.beside.indent, &unit);
            let features = test.features.when(Feature::IntegerSeen, *known).when(Feature::First, at_start);
            site.insert(out, EditKind::GuardReturn, gap, &text, features);
        }
    }
}

/// Emptiness, absence and smallness of the nearest variables.
fn early_tests(site: &Site<'_, '_>) -> Vec<Test> {
    let operators = site.operators();
    let (equal, _) = operators.equality;
    let comparison = operators.level(equal);
    let mut found = Vec::new();
    for choice in site.names(Sorts::UNKNOWN, MAX_NAMES) {
        let name = choice.name.text;
        let negated = Fragment::new(format!("{}{name}", operators.not), operators.negation);
        let missing = Fragment::new(site.spelling().is_null(name), comparison);
        found.push(Test { fragment: negated, features: choice.features });
        found.push(Test {
            fragment: missing,
            features: choice.features.when(Feature::SortClash, !choice.sorts.is_unknown()),
        });
        if choice.sorts.meets(Sorts::NUMBER) {
            for (operator, value) in [(equal, 0), (equal, 1), ("<", 0), ("<=", 0), ("<", 2)] {
                let fragment = Fragment::new(format!("{name} {operator} {value}"), comparison);
                found.push(Test { fragment, features: choice.features.when(Feature::SortMatch, true) });
            }
        }
        if choice.sorts.is_only(Sorts::CONTAINER) {
            let length = site.spelling().length(name);
            let fragment = Fragment::new(format!("{length} {equal} 1"), comparison);
            found.push(Test { fragment, features: choice.features });
        }
    }
    found
}

/// `if condition: continue` and `if condition: break`.
fn jumps(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>) {
    let unit = unit(site.tree(), site.id);
    for test in tests(site, MAX_NAMES) {
        for (index, word) in ["continue", "break"].into_iter().enumerate() {
            let statement = site.spelling().jump(word);
            let text = site.spelling().guarded(&test.fragment.text, &statement, gap.beside.indent, &unit);
            let features: Features = test.features.when(Feature::First, index == 0);
            site.insert(out, EditKind::GuardLoop, gap, &text, features);
        }
    }
}
