//! Statements in the wrong order.

use crate::edit::Span;
use crate::enumerate::layout::Layout;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{NodeId, Role, Shape};

/// Farthest that a statement is moved within its block, in statements.
const MAX_DISTANCE: usize = 6;

/// Statements with others after them in their block.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let is_statement = site.shape().is_simple_statement() || site.shape().is_compound_statement();
    if !is_statement || site.role() != Role::Statement {
        return;
    }
    let Some(block) = tree.parent(site.id) else { return };
    let siblings = tree.children(block);
    let Some(index) = siblings.iter().position(|id| *id == site.id) else { return };
    for (distance, other) in siblings.iter().enumerate().skip(index + 1).take(MAX_DISTANCE) {
        let distance = distance - index;
        if distance == 1 {
            move_down(site, out, *other, EditKind::StatementSwap, distance);
        } else {
            move_down(site, out, *other, EditKind::StatementMove, distance);
            move_up(site, out, *other, distance);
        }
    }
}

fn layouts<'a>(site: &Site<'_, 'a>, other: NodeId) -> Option<(Layout<'a>, Layout<'a>)> {
    let comment = site.spelling().comment();
    let own = Layout::of(site.tree(), site.id, comment)?;
    let other = Layout::of(site.tree(), other, comment)?;
    let leaves =
        |id| matches!(site.tree().shape(id), Shape::Return | Shape::Raise | Shape::Break | Shape::Continue);
    (!leaves(own.id) && own.span.end < other.span.start && own.indent == other.indent).then_some((own, other))
}

/// This statement goes after the other one.
fn move_down(site: &Site<'_, '_>, out: &mut Proposals<'_>, other: NodeId, kind: EditKind, distance: usize) {
    let tree = site.tree();
    let Some((own, last)) = layouts(site, other) else { return };
    let span = Span { start: own.span.start, end: last.span.end };
    let between = tree.source.get(own.span.end..last.span.end).unwrap_or("");
    let text = format!("{}\n{}", between.trim_start_matches(['\r', '\n']), own.text(tree));
    let features = Features::none()
        .with(Feature::Distance, (distance as f32).ln())
        .when(Feature::Last, tree.shape(other).leaves())
        .when(Feature::First, tree.shape(other).is_compound_statement());
    site.rewrite(out, kind, span, text, features);
}

/// The other statement goes before this one.
fn move_up(site: &Site<'_, '_>, out: &mut Proposals<'_>, other: NodeId, distance: usize) {
    let tree = site.tree();
    let Some((own, last)) = layouts(site, other) else { return };
    let span = Span { start: own.span.start, end: last.span.end };
    let before = tree.source.get(own.span.start..last.span.start).unwrap_or("");
    let text = format!("{}\n{}", last.text(tree), before.trim_end_matches(['\r', '\n']));
    let features = Features::none()
        .with(Feature::Distance, (distance as f32).ln())
        .when(Feature::NameUnbound, tree.child(other, Role::Value).is_none());
    site.rewrite(out, EditKind::StatementMove, span, text, features);
}
