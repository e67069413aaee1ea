//! Wrong exception type, raised or handled.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Role, Shape};

/// Names of exceptions.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    if site.shape() != Shape::Name || site.role() == Role::Target {
        return;
    }
    let handled = tree.enclosing(site.id, &[Shape::Handler, Shape::Block]).map(|id| tree.shape(id));
    let raised = tree.enclosing(site.id, &[Shape::Raise]).is_some();
    if handled != Some(Shape::Handler) && !raised {
        return;
    }
    let old = site.text();
    let mut offered = vec![old];
    for group in site.vocabulary().exception_groups.iter().filter(|group| group.contains(&old)) {
        for new in *group {
            if !offered.contains(new) {
                offered.push(new);
                let features = Features::none().when(Feature::First, offered.len() == 2);
                site.rewrite(out, EditKind::ExceptionReplace, tree.node(site.id).span, *new, features);
            }
        }
    }
}
