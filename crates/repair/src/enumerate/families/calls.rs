//! Calls: wrong function, arguments in the wrong order, one too many or too few, or no call at all.

use crate::edit::Span;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{NodeId, Role, Shape};

/// Most variables offered as a further argument.
const MAX_NAMES: usize = 8;

/// Calls.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() == Shape::Name && site.role() == Role::Callee {
        callee(site, out);
    }
    if site.shape() != Shape::Call {
        return;
    }
    let arguments = site.tree().children_as(site.id, Role::Argument);
    // A generator without parentheses of its own cannot have company.
    let lone_generator = arguments.first().is_some_and(|id| site.tree().node(*id).span.end == end(site));
    if !lone_generator {
        swap(site, out, &arguments);
        drop(site, out, &arguments);
        add(site, out, &arguments);
    }
    unwrap(site, out, &arguments);
}

fn end(site: &Site<'_, '_>) -> usize {
    site.tree().node(site.id).span.end
}

fn callee(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let old = site.text();
    let vocabulary = site.vocabulary();
    let mut offered = vec![old];
    for group in vocabulary.function_groups.iter().filter(|group| group.contains(&old)) {
        for new in *group {
            if !offered.contains(new) {
                offered.push(new);
                let features =
                    Features::none().with(Feature::Paired, site.language().pair_weight(old, new) + 1.0);
                site.rewrite(out, EditKind::CalleeReplace, site.tree().node(site.id).span, *new, features);
            }
        }
    }
    let arguments =
        site.tree().parent(site.id).map_or(0, |call| site.tree().children_as(call, Role::Argument).len());
    for known in &site.region.ingredients.callees {
        if offered.contains(&known.name) {
            continue;
        }
        offered.push(known.name);
        let arity = known.parameters.as_ref().map(Vec::len);
        let features = Features::none()
            .when(Feature::SortMatch, arity == Some(arguments))
            .when(Feature::SortClash, arity.is_some_and(|arity| arity != arguments))
            .when(Feature::Familiar, known.is_used)
            .with(Feature::NameSimilar, super::variables::similarity(old, known.name));
        site.rewrite(out, EditKind::CalleeReplace, site.tree().node(site.id).span, known.name, features);
    }
}

/// Rewrites the whole argument list.
fn relist(
    site: &Site<'_, '_>,
    out: &mut Proposals<'_>,
    kind: EditKind,
    ids: &[NodeId],
    new: &[&str],
    features: Features,
) {
    let tree = site.tree();
    if let (Some(first), Some(last)) = (ids.first(), ids.last()) {
        let span = Span { start: tree.node(*first).span.start, end: tree.node(*last).span.end };
        site.rewrite(out, kind, span, new.join(", "), features);
    }
}

fn is_plain(site: &Site<'_, '_>, id: NodeId) -> bool {
    !matches!(site.tree().shape(id), Shape::KeywordArgument | Shape::Starred)
}

fn swap(site: &Site<'_, '_>, out: &mut Proposals<'_>, arguments: &[NodeId]) {
    let tree = site.tree();
    for (one, first) in arguments.iter().enumerate() {
        for (other, second) in arguments.iter().enumerate().skip(one + 1) {
            if !is_plain(site, *first) || !is_plain(site, *second) {
                continue;
            }
            let mut texts: Vec<&str> = arguments.iter().map(|id| tree.text(*id)).collect();
            texts.swap(one, other);
            let sorts = site.sort_features(site.at(*first).sorts(), site.at(*second).sorts());
            relist(site, out, EditKind::ArgumentSwap, arguments, &texts, sorts);
        }
    }
}

fn drop(site: &Site<'_, '_>, out: &mut Proposals<'_>, arguments: &[NodeId]) {
    let tree = site.tree();
    for (index, argument) in arguments.iter().enumerate() {
        let kept: Vec<&str> =
            arguments.iter().filter(|other| *other != argument).map(|id| tree.text(*id)).collect();
        let features = Features::none()
            .when(Feature::Last, index + 1 == arguments.len())
            .when(Feature::First, index == 0)
            .when(Feature::SortMatch, !is_plain(site, *argument));
        relist(site, out, EditKind::ArgumentDrop, arguments, &kept, features);
    }
}

fn add(site: &Site<'_, '_>, out: &mut Proposals<'_>, arguments: &[NodeId]) {
    let tree = site.tree();
    let callee = site.child(Role::Callee).map_or("", |callee| tree.text(callee));
    let definition = site.region.ingredients.callees.iter().find(|known| known.name == callee);
    let parameters = definition.and_then(|known| known.parameters.as_ref());
    let lacking = parameters.is_some_and(|names| names.len() > arguments.len());
    let complete = parameters.is_some_and(|names| names.len() <= arguments.len());
    let known = Features::none().when(Feature::SortMatch, lacking).when(Feature::SortClash, complete);
    let all_plain = arguments.iter().all(|id| is_plain(site, *id));
    let choices = site.names(Sorts::UNKNOWN, MAX_NAMES);
    let mut texts: Vec<(String, Features)> =
        choices.iter().map(|choice| (choice.name.text.to_owned(), choice.features.or(known))).collect();
    for value in [0, 1, 2] {
        texts.push((value.to_string(), super::constants::integer_features(site, value).or(known)));
    }
    for (text, features) in texts {
        let gaps: &[bool] = if arguments.is_empty() { &[true] } else { &[true, false] };
        for at_end in gaps {
            if *at_end && !all_plain {
                continue;
            }
            let here = Features::none().when(Feature::Last, *at_end).when(Feature::First, !at_end);
            insert(site, out, arguments, &text, *at_end, features.or(here));
        }
    }
}

fn insert(
    site: &Site<'_, '_>,
    out: &mut Proposals<'_>,
    ids: &[NodeId],
    text: &str,
    at_end: bool,
    features: Features,
) {
    let tree = site.tree();
    let beside = ids.iter().any(|id| tree.text(*id) == text);
    let features = features.when(Feature::Repeats, beside);
    let (at, text) = match (ids.first(), ids.last()) {
        (Some(_), Some(last)) if at_end => (tree.node(*last).span.end, format!(", {text}")),
        (Some(first), _) => (tree.node(*first).span.start, format!("{text}, ")),
        _ => (end(site) - 1, text.to_owned()),
    };
    site.rewrite(out, EditKind::ArgumentAdd, Span { start: at, end: at }, text, features);
}

/// `x` for `f(x)`, `x` for `x.f()`.
fn unwrap(site: &Site<'_, '_>, out: &mut Proposals<'_>, arguments: &[NodeId]) {
    if !site.is_value() {
        return;
    }
    for argument in arguments.iter().filter(|id| is_plain(site, **id)) {
        let sorts = site.sort_features(site.needed(), site.at(*argument).sorts());
        let features = sorts.when(Feature::Last, arguments.len() == 1);
        site.put(out, EditKind::Unwrap, &site.fragment_of(*argument), features);
    }
    let Some(callee) = site.child(Role::Callee) else { return };
    if let (Shape::Attribute, Some(object)) =
        (site.tree().shape(callee), site.tree().child(callee, Role::Object))
    {
        let sorts = site.sort_features(site.needed(), site.at(object).sorts());
        site.put(out, EditKind::Unwrap, &site.fragment_of(object), sorts.when(Feature::First, true));
    }
}
