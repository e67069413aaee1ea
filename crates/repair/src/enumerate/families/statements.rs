//! Statements too many, and statements that should run only sometimes.

use super::conditions::tests;
use crate::edit::Span;
use crate::enumerate::layout::{Layout, unit};
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Role, Shape};

/// Most variables that guards are made up from.
const MAX_NAMES: usize = 5;

/// Statements that have their lines to themselves.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let is_statement = site.shape().is_simple_statement() || site.shape().is_compound_statement();
    if !is_statement || site.role() != Role::Statement || site.shape() == Shape::Pass {
        return;
    }
    let Some(layout) = Layout::of(site.tree(), site.id, site.spelling().comment()) else { return };
    delete(site, out, &layout);
    let one_line = !site.text().contains('\n');
    if site.shape().is_simple_statement()
        && one_line
        && site.tree().parent_shape(site.id) == Some(Shape::Block)
    {
        guard(site, out, &layout);
    }
}

fn delete(site: &Site<'_, '_>, out: &mut Proposals<'_>, layout: &Layout<'_>) {
    let tree = site.tree();
    if matches!(site.shape(), Shape::Function | Shape::Class | Shape::Decorated) {
        return;
    }
    let siblings = tree.parent(site.id).map_or(0, |block| {
        tree.children(block).iter().filter(|id| tree.shape(**id) != Shape::Docstring).count()
    });
    let compound = site.shape().is_compound_statement();
    let features = Features::none().when(Feature::Last, compound);
    if siblings > 1 {
        site.rewrite(out, EditKind::StatementDelete, layout.with_break(tree), "", features);
    } else {
        let text = format!("{}{}", layout.indent, site.spelling().nothing());
        site.rewrite(out, EditKind::StatementDelete, layout.span, text, features);
    }
}

/// `if condition: statement` for `statement`.
fn guard(site: &Site<'_, '_>, out: &mut Proposals<'_>, layout: &Layout<'_>) {
    let tree = site.tree();
    let span: Span = tree.node(site.id).span;
    let around =
        tree.enclosing(site.id, &[Shape::If, Shape::Function]).and_then(|id| tree.child(id, Role::Condition));
    for test in tests(site, MAX_NAMES) {
        if around.is_some_and(|id| tree.text(id) == test.fragment.text) {
            continue;
        }
        let unit = unit(tree, site.id);
        let text = site.spelling().guarded(&test.fragment.text, site.text(), layout.indent, &unit);
        site.rewrite(out, EditKind::StatementGuard, span, text, test.features);
    }
}
