//! Look-ups of keys: tolerant ones, and their fallbacks.

use crate::edit::Span;
use crate::enumerate::{Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::{Role, Shape};

/// Subscripts of mappings, and look-ups by method.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let Some(method) = site.vocabulary().lookup else { return };
    match site.shape() {
        Shape::Subscript if site.is_value() => tolerate(site, out, method),
        Shape::Call => fallback(site, out, method),
        _ => {}
    }
}

/// `mapping.get(key, fallback)` for `mapping[key]`.
fn tolerate(site: &Site<'_, '_>, out: &mut Proposals<'_>, method: &str) {
    let tree = site.tree();
    let (Some(object), Some(index)) = (site.child(Role::Object), site.child(Role::Index)) else { return };
    let sorts = site.at(object).sorts();
    if sorts.clashes(Sorts::MAPPING) || tree.shape(index) == Shape::Slice {
        return;
    }
    let features = site.sort_features(Sorts::MAPPING, sorts);
    let (object, key) = (tree.text(object), site.fragment_of(index).at_least(1));
    site.put(out, EditKind::LookupDefault, &site.atom(format!("{object}.{method}({key})")), features);
    for (empty, _) in site.vocabulary().empty {
        let new = site.atom(format!("{object}.{method}({key}, {empty})"));
        site.put(out, EditKind::LookupDefault, &new, features);
    }
}

/// Another fallback, or the strict look-up.
fn fallback(site: &Site<'_, '_>, out: &mut Proposals<'_>, method: &str) {
    let tree = site.tree();
    let Some(callee) = site.child(Role::Callee) else { return };
    let (Some(object), Some(member)) = (tree.child(callee, Role::Object), tree.child(callee, Role::Member))
    else {
        return;
    };
    let arguments = tree.children_as(site.id, Role::Argument);
    if tree.text(member) != method {
        return;
    }
    if let Some(key) = arguments.first() {
        let strict = site.atom(format!("{}[{}]", tree.text(object), tree.text(*key)));
        site.put(out, EditKind::LookupDefault, &strict, Features::none());
        if arguments.len() == 1 {
            let at = tree.node(*key).span.end;
            for (empty, _) in site.vocabulary().empty {
                let span = Span { start: at, end: at };
                site.rewrite(out, EditKind::LookupDefault, span, format!(", {empty}"), Features::none());
            }
        }
    }
}
