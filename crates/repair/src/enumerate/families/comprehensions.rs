//! Filters of comprehensions: missing, superfluous.

use super::conditions::tests;
use crate::edit::Span;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{NodeId, Role, Shape};

/// Most variables that filters are made up from.
const MAX_NAMES: usize = 6;

/// Comprehensions.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    match site.shape() {
        Shape::Filter if tree.parent_shape(site.id) == Some(Shape::Comprehension) => {
            let node = tree.node(site.id);
            let gap = tree.source.get(..node.span.start).map_or(0, |text| text.len() - text.trim_end().len());
            let span = Span { start: node.span.start - gap, end: node.span.end };
            site.rewrite(out, EditKind::FilterDrop, span, "", Features::none());
        }
        Shape::Comprehension => {
            let has_filter = tree.children(site.id).iter().any(|id| tree.shape(*id) == Shape::Filter);
            let last =
                tree.children(site.id).iter().rev().copied().find(|id| tree.shape(*id) == Shape::Iteration);
            if let (Some(iteration), false) = (last, has_filter) {
                add(site, out, iteration);
            }
        }
        _ => {}
    }
}

fn add(site: &Site<'_, '_>, out: &mut Proposals<'_>, iteration: NodeId) {
    let tree = site.tree();
    let Some(target) = tree.child(iteration, Role::Target) else { return };
    let at = tree.node(iteration).span.end;
    let inner = site.at(tree.child(site.id, Role::Body).unwrap_or(target));
    let mentions = |text: &str| {
        tree.subtree(target)
            .iter()
            .any(|id| tree.shape(*id) == Shape::Name && contains_word(text, tree.text(*id)))
    };
    for test in tests(&inner, MAX_NAMES) {
        let text = format!(" if {}", test.fragment.at_least(site.operators().conditional + 1));
        let features = test.features.when(Feature::SortMatch, mentions(&text));
        site.rewrite(out, EditKind::FilterAdd, Span { start: at, end: at }, text, features);
    }
}

fn contains_word(text: &str, word: &str) -> bool {
    text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|part| part == word)
}
