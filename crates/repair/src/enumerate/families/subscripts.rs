//! Subscripts and slices: missing, superfluous, with other bounds.

use super::constants::integer_features;
use crate::edit::Span;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{NodeId, Role, Shape};

/// Most variables offered as an index or a bound.
const MAX_NAMES: usize = 8;
/// Most collections, and most indices, whose elements are offered.
const MAX_COLLECTIONS: usize = 3;

/// Subscripts, slices, and values that could have one.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::Slice => bounds(site, out),
        Shape::Subscript if site.is_value() => {
            if let Some(object) = site.child(Role::Object) {
                site.put(out, EditKind::SubscriptDrop, &site.fragment_of(object), Features::none());
            }
        }
        _ => {}
    }
    let has_parts = matches!(site.shape(), Shape::Name | Shape::Attribute | Shape::Call | Shape::Subscript);
    let is_built = matches!(site.shape(), Shape::Comprehension | Shape::Listing | Shape::Binary);
    let sorts = site.sorts();
    if site.is_value() && is_built && site.role() != Role::Argument && sorts.meets(Sorts::SEQUENCE) {
        slice(site, out, sorts);
    }
    if site.is_value()
        && matches!(site.shape(), Shape::Name | Shape::Subscript)
        && site.role() != Role::Object
    {
        access(site, out);
    }
    if site.is_value() && has_parts && (sorts.is_unknown() || sorts.meets(Sorts::CONTAINER)) {
        element(site, out, sorts);
        if sorts.is_unknown() || sorts.meets(Sorts::SEQUENCE) {
            slice(site, out, sorts);
        }
    }
}

/// `value[0]`, `value[name]`.
fn element(site: &Site<'_, '_>, out: &mut Proposals<'_>, sorts: Sorts) {
    let object = site.fragment().at_least(site.operators().primary);
    let known = site.sort_features(Sorts::SEQUENCE | Sorts::MAPPING, sorts);
    for value in [0, -1, 1] {
        let new = site.atom(format!("{object}[{value}]"));
        site.put(out, EditKind::SubscriptAdd, &new, known.or(integer_features(site, value)));
    }
    for choice in site.names(Sorts::NUMBER, MAX_NAMES) {
        let clash = sorts.is_only(Sorts::SEQUENCE) && choice.sorts.clashes(Sorts::NUMBER);
        if !clash && choice.name.text != site.text() {
            let new = site.atom(format!("{object}[{}]", choice.name.text));
            site.put(out, EditKind::SubscriptAdd, &new, known.or(choice.features));
        }
    }
}

/// `collection[index]` for another value: an element of a collection in scope by an index in scope.
fn access(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let needed = site.sorts();
    let names = site.names(Sorts::UNKNOWN, MAX_NAMES * 2);
    let collections =
        names.iter().filter(|choice| choice.sorts.is_only(Sorts::CONTAINER)).take(MAX_COLLECTIONS);
    for collection in collections {
        let elements = site.region.hints.name(collection.name.text).elements;
        let known = site.sort_features(needed, elements);
        let indices = names.iter().filter(|choice| choice.sorts.is_only(Sorts::NUMBER)).take(MAX_COLLECTIONS);
        for index in indices {
            let new = site.atom(format!("{}[{}]", collection.name.text, index.name.text));
            let features = index.features.or(collection.features).or(known);
            site.put(out, EditKind::ElementAccess, &new, features);
        }
        for value in [0, -1] {
            let new = site.atom(format!("{}[{value}]", collection.name.text));
            let features = collection.features.or(known).or(integer_features(site, value));
            site.put(out, EditKind::ElementAccess, &new, features);
        }
    }
}

/// `value[1:]`, `value[:name]`, `value[::-1]`, `value[:]`.
fn slice(site: &Site<'_, '_>, out: &mut Proposals<'_>, sorts: Sorts) {
    if !site.operators().slices {
        return;
    }
    let object = site.fragment().at_least(site.operators().primary);
    let known = site.sort_features(Sorts::SEQUENCE, sorts);
    for (bounds, value) in [("1:", 1), (":-1", -1), ("::-1", -1), (":", 0), (":1", 1), ("2:", 2), ("-1:", -1)]
    {
        let new = site.atom(format!("{object}[{bounds}]"));
        site.put(out, EditKind::SliceAdd, &new, known.or(integer_features(site, value)));
    }
    for choice in site.names(Sorts::NUMBER, MAX_NAMES) {
        if choice.sorts.clashes(Sorts::NUMBER) || choice.name.text == site.text() {
            continue;
        }
        let name = choice.name.text;
        for bounds in [format!("{name}:"), format!(":{name}"), format!("{name} + 1:")] {
            let new = site.atom(format!("{object}[{bounds}]"));
            site.put(out, EditKind::SliceAdd, &new, known.or(choice.features));
        }
    }
}

/// Other bounds of an existing slice; single constants and names in it are other families' business.
fn bounds(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let part = |role| site.child(role).map(|id: NodeId| tree.text(id).to_owned());
    let (lower, upper, step) = (part(Role::Lower), part(Role::Upper), part(Role::Step));
    let mut offered: Vec<(Option<String>, Features)> = vec![(None, Features::none())];
    for value in [0, 1, -1, 2] {
        offered.push((Some(value.to_string()), integer_features(site, value)));
    }
    for choice in site.names(Sorts::NUMBER, MAX_NAMES) {
        if !choice.sorts.clashes(Sorts::NUMBER) {
            let name = choice.name.text;
            offered.push((Some(name.to_owned()), choice.features));
            offered.push((Some(format!("{name} + 1")), choice.features.when(Feature::IntegerUnit, true)));
        }
    }
    for (bound, features) in offered {
        let first = features.when(Feature::First, true);
        write(site, out, [&bound, &upper, &step], first);
        write(site, out, [&lower, &bound, &step], features.when(Feature::Last, true));
    }
    if step.is_none() {
        write(
            site,
            out,
            [&lower, &upper, &Some("-1".to_owned())],
            Features::none().when(Feature::IntegerMinus, true),
        );
        write(site, out, [&lower, &upper, &Some("2".to_owned())], Features::none());
    } else {
        write(site, out, [&lower, &upper, &None], Features::none());
    }
}

fn write(site: &Site<'_, '_>, out: &mut Proposals<'_>, parts: [&Option<String>; 3], features: Features) {
    let [lower, upper, step] = parts.map(|part| part.as_deref().unwrap_or(""));
    let step = if step.is_empty() { String::new() } else { format!(":{step}") };
    let span: Span = site.tree().node(site.id).span;
    site.rewrite(out, EditKind::SliceBound, span, format!("{lower}:{upper}{step}"), features);
}
