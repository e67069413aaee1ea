//! Wrong or missing return value.

use super::conditions::tests;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Role, Shape};

/// Most variables offered.
const MAX_NAMES: usize = 8;

/// Return statements, and expression statements whose value is lost.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::Return => match site.child(Role::Value) {
            Some(value) => {
                constants(site, out, value);
                conditions(site, out, value);
            }
            None => values(site, out),
        },
        Shape::ExpressionStatement => returned(site, out),
        _ => {}
    }
}

fn constants(site: &Site<'_, '_>, out: &mut Proposals<'_>, value: crate::syntax::NodeId) {
    let vocabulary = site.vocabulary();
    let sorts = site.at(value).needed();
    let (yes, no) = vocabulary.truth;
    let truths = [(yes, Sorts::TRUTH), (no, Sorts::TRUTH), (vocabulary.null, Sorts::NULL)];
    for (new, given) in
        truths.iter().chain(vocabulary.empty).chain(&[("1", Sorts::NUMBER), ("-1", Sorts::NUMBER)])
    {
        let features = site
            .sort_features(sorts, *given)
            .when(Feature::LiteralTruth, *given == Sorts::TRUTH)
            .when(Feature::LiteralNull, *given == Sorts::NULL)
            .when(Feature::LiteralEmpty, !matches!(*given, Sorts::TRUTH | Sorts::NULL | Sorts::NUMBER));
        site.put_for(out, EditKind::ReturnConstant, value, &site.atom(*new), features);
    }
}

fn conditions(site: &Site<'_, '_>, out: &mut Proposals<'_>, value: crate::syntax::NodeId) {
    let sorts = site.at(value).needed();
    if sorts.clashes(Sorts::TRUTH) {
        return;
    }
    for test in tests(&site.at(value), MAX_NAMES) {
        let features = test.features.or(site.sort_features(sorts, Sorts::TRUTH));
        site.put_for(out, EditKind::ReturnCondition, value, &test.fragment, features);
    }
}

/// `return value` for a bare `return`.
fn values(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let vocabulary = site.vocabulary();
    let span = site.tree().node(site.id).span;
    let (yes, no) = vocabulary.truth;
    for choice in site.names(Sorts::UNKNOWN, MAX_NAMES) {
        let text = site.spelling().return_value(choice.name.text);
        site.rewrite(out, EditKind::ReturnValue, span, text, choice.features);
    }
    for new in [yes, no].into_iter().chain(vocabulary.empty.iter().map(|row| row.0)) {
        site.rewrite(out, EditKind::ReturnValue, span, site.spelling().return_value(new), Features::none());
    }
}

/// `return f(x)` for `f(x)`.
fn returned(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let Some(value) = site.child(Role::Value) else { return };
    let in_function = site.tree().enclosing(site.id, &[Shape::Function, Shape::Class]);
    let in_function = in_function.is_some_and(|id| site.tree().shape(id) == Shape::Function);
    let yields = site.tree().shape(value) == Shape::Yield;
    if in_function && !yields {
        let parent = site.tree().parent(site.id);
        let is_last = parent.is_some_and(|block| site.tree().children(block).last() == Some(&site.id));
        let text = site.spelling().return_value(site.tree().text(value));
        let features = Features::none().when(Feature::Last, is_last);
        site.rewrite(out, EditKind::ReturnAdd, site.tree().node(site.id).span, text, features);
    }
}
