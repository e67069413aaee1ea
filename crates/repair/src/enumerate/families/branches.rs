//! Conditional expressions: branches exchanged or dropped.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Fragment, Role, Shape};

/// Conditional expressions.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() != Shape::Conditional {
        return;
    }
    let parts = (site.child(Role::Condition), site.child(Role::Then), site.child(Role::Otherwise));
    let (Some(condition), Some(then), Some(otherwise)) = parts else { return };
    let level = site.operators().conditional;
    let [condition, then, otherwise] = [condition, then, otherwise].map(|id| site.fragment_of(id));
    let tight = |fragment: &Fragment| fragment.at_least(level + 1);
    let swapped = site.spelling().conditional(&tight(&condition), &tight(&otherwise), &tight(&then));
    site.put(out, EditKind::BranchSwap, &Fragment::new(swapped, level), Features::none());
    site.put(out, EditKind::ConditionalDrop, &then, Features::none().when(Feature::First, true));
    site.put(out, EditKind::ConditionalDrop, &otherwise, Features::none().when(Feature::Last, true));
}
