//! Variable misuse.

use super::constants::integer_features;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::scope::is_bound_here;
use crate::syntax::{Role, Shape};

/// Most variables offered in place of one.
const MAX_NAMES: usize = 24;

/// Another variable, or a constant, in place of a variable.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() != Shape::Name || site.role() == Role::Name {
        return;
    }
    if is_bound_here(site.tree(), site.id) {
        replace(site, out, EditKind::TargetReplace);
    } else if site.role() == Role::Callee {
        if site.region.names.get(site.text()).is_some() {
            replace(site, out, EditKind::VariableReplace);
        }
    } else {
        replace(site, out, EditKind::VariableReplace);
        constants(site, out);
    }
}

fn replace(site: &Site<'_, '_>, out: &mut Proposals<'_>, kind: EditKind) {
    let old = site.text();
    let needed = match site.role() {
        Role::Callee => Sorts::CALLABLE,
        _ => site.needed(),
    };
    let only_use = site.region.names.get(old).is_some_and(|name| name.reads == 1 && !name.is_outer);
    for choice in site.names(needed, MAX_NAMES) {
        let new = choice.name.text;
        let features = choice
            .features
            .with(Feature::NameSimilar, similarity(old, new))
            .when(Feature::NameOnlyUse, only_use && kind == EditKind::VariableReplace);
        site.put(out, kind, &site.atom(new), features);
    }
}

fn constants(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let sorts = site.needed();
    let numeric = !sorts.clashes(Sorts::NUMBER);
    let is_object = matches!(site.role(), Role::Object | Role::Callee);
    if numeric && !is_object {
        for value in [0, 1, 2, -1] {
            site.put(out, EditKind::VariableToConstant, &site.integer(value), integer_features(site, value));
        }
    }
    if is_object || site.role() == Role::Iterable {
        return;
    }
    for (new, given) in site.vocabulary().empty.iter().filter(|(new, _)| *new != "0") {
        if sorts.is_unknown() || sorts.meets(*given) {
            let features = site.sort_features(sorts, *given).when(Feature::LiteralEmpty, true);
            site.put(out, EditKind::VariableToConstant, &site.atom(*new), features);
        }
    }
    if site.role() != Role::Left && site.role() != Role::Right {
        let features = Features::none().when(Feature::LiteralNull, true);
        site.put(out, EditKind::VariableToConstant, &site.atom(site.vocabulary().null), features);
    }
}

/// 0 for names that look unrelated, up to 1 for names that differ in a letter.
pub fn similarity(one: &str, other: &str) -> f32 {
    if one.len() == 1 && other.len() == 1 {
        return 0.5;
    }
    let words = |name: &str| -> Vec<String> {
        name.split('_').filter(|word| word.len() > 1).map(str::to_lowercase).collect()
    };
    let (left, right) = (words(one), words(other));
    let shared = left.iter().filter(|word| right.contains(word)).count();
    let by_words = shared as f32 / left.len().max(right.len()).max(1) as f32;
    let prefix = one.bytes().zip(other.bytes()).take_while(|(a, b)| a == b).count();
    let by_prefix = prefix as f32 / one.len().max(other.len()).max(1) as f32;
    by_words.max(if prefix >= 2 || by_prefix >= 0.5 { by_prefix } else { 0.0 })
}
