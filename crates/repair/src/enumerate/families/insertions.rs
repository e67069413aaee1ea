//! Missing statements: updates of collections and counters, assignments, returns, jumps.

use crate::enumerate::layout::Gap;
use crate::enumerate::{Choice, Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::Shape;

/// Most variables in each part of a made-up statement.
const MAX_NAMES: usize = 6;

/// Gaps between statements.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    for gap in Gap::around(site) {
        let here = site.in_gap(&gap);
        let names = here.names(Sorts::UNKNOWN, MAX_NAMES * 2);
        updates(&here, out, &gap, &names);
        assignments(&here, out, &gap, &names);
        increments(&here, out, &gap, &names);
        if gap.after {
            returns(&here, out, &gap, &names);
            if super::guards::in_loop(site) {
                jumps(&here, out, &gap);
            }
        }
    }
}

/// `collection.add(name)`: methods that change a collection, by what the collection seems to be.
fn updates(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>, names: &[Choice<'_, '_>]) {
    for object in names {
        let methods = site.vocabulary().updates.iter().filter(|(_, receiver)| object.sorts.meets(*receiver));
        let used: Vec<&str> = used_on(site, object.name.text);
        let seen = used
            .iter()
            .copied()
            .filter(|method| !site.vocabulary().updates.iter().any(|row| row.0 == *method));
        for method in methods.map(|row| row.0).chain(seen) {
            call(site, out, gap, object, method, names);
        }
    }
}

/// Methods the file calls on a variable with one argument.
fn used_on<'r>(site: &Site<'r, '_>, object: &str) -> Vec<&'r str> {
    let of_object =
        |used: &&crate::scope::MemberUse<'_>| used.object == object && used.called && used.arguments == 1;
    site.region.ingredients.members.iter().filter(of_object).map(|used| used.member).collect()
}

fn call(
    site: &Site<'_, '_>,
    out: &mut Proposals<'_>,
    gap: &Gap<'_>,
    object: &Choice<'_, '_>,
    method: &str,
    names: &[Choice<'_, '_>],
) {
    let elements = site.region.hints.name(object.name.text).elements;
    let known = Features::none().when(Feature::Familiar, used_on(site, object.name.text).contains(&method));
    for argument in names.iter().filter(|argument| argument.name.text != object.name.text).take(MAX_NAMES) {
        let text =
            site.spelling().expression(&format!("{}.{method}({})", object.name.text, argument.name.text));
        let sorts = site.sort_features(elements, argument.sorts);
        let features = argument.features.or(known).or(sorts);
        site.insert(out, EditKind::InsertCall, gap, &text, features);
    }
}

fn assignments(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>, names: &[Choice<'_, '_>]) {
    for target in names.iter().take(MAX_NAMES).filter(|choice| !choice.name.is_outer) {
        for value in names.iter().take(MAX_NAMES).filter(|choice| choice.name.text != target.name.text) {
            let sorts = site.sort_features(target.sorts, value.sorts);
            let text = site.spelling().assignment(target.name.text, value.name.text);
            let features = value.features.or(sorts).or(Features::none().when(Feature::NameLoop, false));
            site.insert(out, EditKind::InsertAssignment, gap, &text, features);
        }
    }
}

fn increments(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>, names: &[Choice<'_, '_>]) {
    for target in names.iter().take(MAX_NAMES).filter(|choice| !choice.name.is_outer) {
        if target.sorts.clashes(Sorts::NUMBER) {
            continue;
        }
        let sorts = site.sort_features(Sorts::NUMBER, target.sorts);
        for (operator, first) in [("+=", true), ("-=", false)] {
            let text = site.spelling().augmented(target.name.text, operator, "1");
            let features =
                target.features.or(sorts).when(Feature::First, first).when(Feature::IntegerUnit, true);
            site.insert(out, EditKind::InsertIncrement, gap, &text, features);
        }
        for value in names.iter().take(MAX_NAMES).filter(|choice| choice.name.text != target.name.text) {
            if value.sorts.meets(Sorts::NUMBER) {
                let text = site.spelling().augmented(target.name.text, "+=", value.name.text);
                site.insert(out, EditKind::InsertIncrement, gap, &text, value.features.or(sorts));
            }
        }
    }
}

/// Only at the end of a block: anything after a return would be dead.
fn returns(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>, names: &[Choice<'_, '_>]) {
    let vocabulary = site.vocabulary();
    let tree = site.tree();
    let of_function = tree.parent(site.id).and_then(|block| tree.parent(block));
    let at_end = of_function.is_some_and(|id| tree.shape(id) == Shape::Function);
    let known = Features::none().when(Feature::Last, at_end);
    for choice in names.iter().take(MAX_NAMES) {
        let text = site.spelling().return_value(choice.name.text);
        site.insert(out, EditKind::InsertReturn, gap, &text, choice.features.or(known));
    }
    let (yes, no) = vocabulary.truth;
    let constants = [yes, no, vocabulary.null].into_iter().chain(vocabulary.empty.iter().map(|row| row.0));
    for value in constants {
        site.insert(out, EditKind::InsertReturn, gap, &site.spelling().return_value(value), known);
    }
}

fn jumps(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>) {
    for (index, word) in ["break", "continue"].into_iter().enumerate() {
        let features = Features::none().when(Feature::First, index == 0);
        site.insert(out, EditKind::InsertJump, gap, &site.spelling().jump(word), features);
    }
}
