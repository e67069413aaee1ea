//! Wrong way to leave or continue a loop.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::Shape;

/// `break`, `continue`, and doing nothing.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let in_loop = tree.enclosing(site.id, &[Shape::For, Shape::While, Shape::Function]);
    let in_loop = in_loop.is_some_and(|id| tree.shape(id) != Shape::Function);
    let spelling = site.spelling();
    let (exit, next, nothing) =
        (spelling.jump("break"), spelling.jump("continue"), spelling.nothing().to_owned());
    let new = match site.shape() {
        Shape::Break => vec![next, nothing],
        Shape::Continue => vec![exit, nothing],
        Shape::Pass if in_loop => vec![exit, next],
        _ => return,
    };
    for (index, text) in new.into_iter().enumerate() {
        let features = Features::none().when(Feature::First, index == 0);
        site.rewrite(out, EditKind::LoopJump, tree.node(site.id).span, text, features);
    }
}
