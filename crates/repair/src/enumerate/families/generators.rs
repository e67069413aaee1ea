//! Generators and coroutines: delegation, missing and superfluous `await`.

use crate::edit::Span;
use crate::enumerate::{Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Fragment, Role, Shape};

/// `yield` and `await`.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::Yield => delegate(site, out),
        Shape::Await => {
            if let Some(value) = site.child(Role::Value) {
                site.put(out, EditKind::AwaitToggle, &site.fragment_of(value), Features::none());
            }
        }
        Shape::Call if site.is_value() => wait(site, out),
        _ => {}
    }
}

fn delegate(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let tokens = &tree.node(site.id).tokens;
    let Some(value) = site.child(Role::Value) else { return };
    let (Some(keyword), rest) = (tokens.first(), tokens.get(1)) else { return };
    let text = match rest {
        Some(_) => format!("{} {}", tree.slice(*keyword), tree.text(value)),
        None if tree.slice(*keyword) == "yield" => delegation(site, value),
        None => return,
    };
    site.rewrite(out, EditKind::YieldDelegate, tree.node(site.id).span, text, Features::none());
}

fn delegation(site: &Site<'_, '_>, value: crate::syntax::NodeId) -> String {
    format!("{} {}", site.spelling().delegation(), site.fragment_of(value).at_least(1))
}

/// Only in a function that waits elsewhere, or is declared to.
fn wait(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let Some(function) = tree.enclosing(site.id, &[Shape::Function, Shape::Lambda]) else { return };
    let is_async = tree.node(function).tokens.iter().any(|token| tree.slice(*token) == "async");
    let waits = tree.parent_shape(site.id) == Some(Shape::Await);
    if !is_async || waits || tree.shape(function) != Shape::Function {
        return;
    }
    let span: Span = tree.node(site.id).span;
    let new = Fragment::new(format!("await {}", tree.slice(span)), site.operators().primary - 1);
    site.put(out, EditKind::AwaitToggle, &new, Features::none());
}
