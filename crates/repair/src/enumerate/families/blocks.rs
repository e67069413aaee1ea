//! Statements in the wrong block.

use crate::edit::Span;
use crate::enumerate::layout::{Layout, reindented};
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{NodeId, Role, Shape};

/// Statements at the end of a block, after a block, and conditions around a block.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let is_statement = site.shape().is_simple_statement() || site.shape().is_compound_statement();
    if is_statement && site.role() == Role::Statement {
        outdent(site, out);
        indent(site, out);
    }
    match site.shape() {
        Shape::If => {
            unwrap(site, out);
            exchange(site, out);
            branch_kind(site, out);
        }
        Shape::ElseIf => {
            exchange(site, out);
            branch_kind(site, out);
        }
        Shape::While => branch_kind(site, out),
        Shape::For => loop_word(site, out),
        _ => {}
    }
}

fn layout<'a>(site: &Site<'_, 'a>, id: NodeId) -> Option<Layout<'a>> {
    Layout::of(site.tree(), id, site.spelling().comment())
}

/// The last statements of a block move behind it. Only where indentation makes the block.
fn outdent(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let Some(block) = tree.parent(site.id) else { return };
    let siblings = tree.children(block);
    let Some(owner) = tree.parent(block) else { return };
    if siblings.first() == Some(&site.id) || !owner_is_movable(site, owner) || !site.spelling().indents() {
        return;
    }
    let last = siblings.last().copied().unwrap_or(site.id);
    let (Some(own), Some(end)) = (layout(site, site.id), layout(site, last)) else { return };
    let outer = tree.before_on_line(owner);
    if !own.indent.starts_with(outer) || own.indent.len() <= outer.len() || !outer.trim().is_empty() {
        return;
    }
    // Behind an `else` branch the statement follows the whole statement; behind the `if` branch of one it
    // would part the two.
    let has_successor = tree.node(owner).span.end > tree.node(block).span.end + 1
        || matches!(
            tree.shape(owner),
            Shape::ElseIf | Shape::If | Shape::Else | Shape::Handler | Shape::Finally
        ) && !ends_statement(site, block);
    if has_successor {
        return;
    }
    let span = Span { start: own.span.start, end: end.span.end };
    let count = siblings.iter().skip_while(|id| **id != site.id).count();
    let features = Features::none()
        .with(Feature::Distance, (count as f32).ln())
        .when(Feature::Last, site.shape() == Shape::Return);
    let text = reindented(tree.slice(span), own.indent, outer);
    site.rewrite(out, EditKind::StatementOutdent, span, text, features);
}

/// Whether the block is the last thing of the outermost statement it is a branch of.
fn ends_statement(site: &Site<'_, '_>, block: NodeId) -> bool {
    let tree = site.tree();
    let whole = tree.ancestors(block).find(|id| tree.shape(*id).is_compound_statement());
    whole.is_some_and(|whole| tree.node(whole).span.end <= tree.node(block).span.end)
}

fn owner_is_movable(site: &Site<'_, '_>, owner: NodeId) -> bool {
    use Shape::*;
    matches!(site.tree().shape(owner), If | ElseIf | Else | For | While | With | Try | Handler | Finally)
}

/// A statement right after a block moves to the end of that block.
fn indent(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    if !site.spelling().indents() {
        return;
    }
    let Some(block) = tree.parent(site.id) else { return };
    let siblings = tree.children(block);
    let index = siblings.iter().position(|id| *id == site.id).unwrap_or(0);
    let Some(before) = index.checked_sub(1).and_then(|index| siblings.get(index)) else { return };
    let movable =
        matches!(tree.shape(*before), Shape::If | Shape::For | Shape::While | Shape::With | Shape::Try);
    let Some(own) = layout(site, site.id).filter(|_| movable) else { return };
    let mut owner = *before;
    // Innermost last block, and every block around it up to the statement before.
    loop {
        let Some(inner) = last_block(site, owner) else { return };
        let Some(last) = tree.children(inner).last().copied() else { return };
        let Some(target) = layout(site, last) else { return };
        if !tree.shape(last).leaves() && target.indent.len() > own.indent.len() {
            let text = reindented(own.text(tree), own.indent, target.indent);
            let features = Features::none().when(Feature::Last, site.shape() == Shape::Return);
            site.rewrite(out, EditKind::StatementIndent, own.span, text, features);
        }
        if !tree.shape(last).is_compound_statement() {
            return;
        }
        owner = last;
    }
}

/// The block that ends a compound statement.
fn last_block(site: &Site<'_, '_>, statement: NodeId) -> Option<NodeId> {
    let tree = site.tree();
    let mut node = tree.children(statement).last().copied()?;
    while tree.shape(node) != Shape::Block {
        node = tree.children(node).last().copied()?;
    }
    Some(node)
}

/// The body of an `if` without its condition.
fn unwrap(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let has_more = tree.child(site.id, Role::Alternative).is_some();
    let Some(body) = site.child(Role::Then).filter(|_| !has_more && site.spelling().indents()) else {
        return;
    };
    let (Some(first), Some(last)) = (tree.children(body).first(), tree.children(body).last()) else { return };
    let (Some(own), Some(first), Some(last)) =
        (layout(site, site.id), layout(site, *first), layout(site, *last))
    else {
        return;
    };
    let inner = Span { start: first.span.start, end: last.span.end };
    let text = reindented(tree.slice(inner), first.indent, own.indent);
    site.rewrite(out, EditKind::StatementUnwrap, own.span, text, Features::none());
}

/// The bodies of this branch and of the next one exchanged. Only where indentation makes the block.
fn exchange(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let next = match site.shape() {
        Shape::If => site.child(Role::Alternative),
        _ => tree.parent(site.id).and_then(|whole| {
            let branches = tree.children_as(whole, Role::Alternative);
            let index = branches.iter().position(|id| *id == site.id)?;
            branches.get(index + 1).copied()
        }),
    };
    let Some(next) = next.filter(|_| site.spelling().indents()) else { return };
    let bodies = (site.child(Role::Then), tree.child(next, Role::Then).or(tree.child(next, Role::Body)));
    let (Some(one), Some(other)) = bodies else { return };
    let lines = |block: NodeId| {
        let statements = tree.children(block);
        let first = layout(site, *statements.first()?)?;
        let last = layout(site, *statements.last()?)?;
        Some(Span { start: first.span.start, end: last.span.end })
    };
    if let (Some(one), Some(other)) = (lines(one), lines(other)) {
        let between = Span { start: one.end, end: other.start };
        let text = format!("{}{}{}", tree.slice(other), tree.slice(between), tree.slice(one));
        let whole = Span { start: one.start, end: other.end };
        site.rewrite(out, EditKind::BranchExchange, whole, text, Features::none());
    }
}

/// `while` for `if`, `elif` for a second `if`, and the reverse.
fn branch_kind(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let Some(keyword) = tree.node(site.id).tokens.first().copied() else { return };
    let has_more = tree.child(site.id, Role::Alternative).is_some();
    match (site.shape(), tree.slice(keyword)) {
        (Shape::If, "if") => {
            if !has_more {
                let features = Features::none().when(Feature::Last, true);
                site.rewrite(out, EditKind::BranchKind, keyword, "while", features);
            }
            let follows_if =
                previous(site).is_some_and(|id| tree.shape(id) == Shape::If && is_open(site, id));
            if follows_if && site.spelling().indents() {
                let features = Features::none().when(Feature::First, true);
                site.rewrite(out, EditKind::BranchKind, keyword, "elif", features);
            }
        }
        (Shape::While, "while") if !has_more && !jumps(site) => {
            site.rewrite(out, EditKind::BranchKind, keyword, "if", Features::none());
        }
        (Shape::ElseIf, "elif") => {
            let features = Features::none().when(Feature::First, true);
            site.rewrite(out, EditKind::BranchKind, keyword, "if", features);
        }
        _ => {}
    }
}

/// `for … of` for `for … in`.
fn loop_word(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let Some((one, other)) = site.operators().loops else { return };
    for token in &tree.node(site.id).tokens {
        let new = match tree.slice(*token) {
            word if word == one => other,
            word if word == other => one,
            _ => continue,
        };
        site.rewrite(out, EditKind::BranchKind, *token, new, Features::none().when(Feature::First, true));
    }
}

fn previous(site: &Site<'_, '_>) -> Option<NodeId> {
    let tree = site.tree();
    let siblings = tree.children(tree.parent(site.id)?);
    let index = siblings.iter().position(|id| *id == site.id)?;
    siblings.get(index.checked_sub(1)?).copied()
}

/// Whether an `if` has no final `else`.
fn is_open(site: &Site<'_, '_>, id: NodeId) -> bool {
    let tree = site.tree();
    !tree.children(id).iter().any(|child| tree.shape(*child) == Shape::Else)
}

/// Whether the loop is left or continued from within.
fn jumps(site: &Site<'_, '_>) -> bool {
    let tree = site.tree();
    tree.subtree(site.id).iter().any(|id| matches!(tree.shape(*id), Shape::Break | Shape::Continue))
}
