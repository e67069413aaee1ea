//! Statements of the function repeated elsewhere, as they are or with one variable changed.

use crate::enumerate::layout::Gap;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::scope::StatementText;
use crate::syntax::Shape;

/// Most statements repeated at one gap, and most variables put into one of them.
const MAX_STATEMENTS: usize = 16;
const MAX_NAMES: usize = 6;

/// Gaps between statements, and statements that could be other ones.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let gaps = Gap::around(site);
    for gap in &gaps {
        let here = site.in_gap(gap);
        for statement in nearest(&here, gap) {
            if !is_beside(&here, gap, statement) {
                copy(&here, out, gap, statement);
            }
            rename(&here, out, gap, statement);
        }
    }
    let replaceable = matches!(
        site.shape(),
        Shape::Assignment
            | Shape::AugmentedAssignment
            | Shape::ExpressionStatement
            | Shape::Return
            | Shape::Raise
    );
    if let (true, Some(gap)) = (replaceable, gaps.first()) {
        replace(site, out, gap);
    }
}

/// Statements by distance; those that leave a block are only offered for its end, and jumps only in loops.
fn nearest<'r>(site: &Site<'r, '_>, gap: &Gap<'_>) -> Vec<&'r StatementText<'r>> {
    let tree = site.tree();
    let line = tree.node(site.id).line;
    let in_loop = super::guards::in_loop(site);
    let mut found: Vec<&StatementText<'_>> = site.region.ingredients.statements.iter().collect();
    found.retain(|statement| {
        let shape = tree.shape(statement.id);
        let jumps = matches!(shape, Shape::Break | Shape::Continue);
        let is_lost_jump = jumps && !in_loop;
        let leaves_too_early = shape.leaves() && !gap.after;
        !is_lost_jump && !leaves_too_early
    });
    found.sort_by_key(|statement| tree.node(statement.id).line.abs_diff(line));
    found.truncate(MAX_STATEMENTS);
    found
}

/// Whether the gap is right before or after a statement.
fn is_beside(site: &Site<'_, '_>, gap: &Gap<'_>, statement: &StatementText<'_>) -> bool {
    let tree = site.tree();
    let siblings = tree.parent(site.id).map(|block| tree.children(block)).unwrap_or(&[]);
    let index = siblings.iter().position(|id| *id == site.id).unwrap_or(0);
    let before = index.checked_sub(1).and_then(|before| siblings.get(before));
    statement.id == site.id || (!gap.after && before == Some(&statement.id))
}

fn features(site: &Site<'_, '_>, statement: &StatementText<'_>) -> Features {
    let read: Vec<&str> =
        statement.names.iter().filter(|(.., bound)| !bound).map(|(_, name, _)| *name).collect();
    let line = site.tree().node(statement.id).line;
    site.code_features(&read, &[line]).when(Feature::Calls, statement.text.contains('('))
}

fn copy(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>, statement: &StatementText<'_>) {
    site.insert(out, EditKind::StatementCopy, gap, statement.text, features(site, statement));
}

fn rename(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>, statement: &StatementText<'_>) {
    let known = features(site, statement);
    for (offset, old, _) in &statement.names {
        let needed = site.region.hints.name(old).sorts;
        for choice in site.names(needed, MAX_NAMES) {
            let new = choice.name.text;
            if new == *old {
                continue;
            }
            let text = substituted(statement.text, *offset, old, new);
            let repeats = is_pointless(&text);
            let features = choice.features.or(known).when(Feature::Repeats, repeats);
            site.insert(out, EditKind::StatementRename, gap, &text, features);
        }
    }
}

fn substituted(text: &str, offset: usize, old: &str, new: &str) -> String {
    let before = text.get(..offset).unwrap_or("");
    let after = text.get(offset + old.len()..).unwrap_or("");
    format!("{before}{new}{after}")
}

/// `a = a`.
fn is_pointless(statement: &str) -> bool {
    statement.trim_end_matches(';').split_once(" = ").is_some_and(|(target, value)| target == value)
}

/// Another statement of the function in place of this one, as it is or with one variable changed.
fn replace(site: &Site<'_, '_>, out: &mut Proposals<'_>, gap: &Gap<'_>) {
    let tree = site.tree();
    let span = tree.node(site.id).span;
    let in_loop = super::guards::in_loop(site);
    for statement in nearest(site, gap) {
        let jumps = matches!(tree.shape(statement.id), Shape::Break | Shape::Continue);
        if jumps && !in_loop {
            continue;
        }
        let same_shape = tree.shape(statement.id) == site.shape();
        let known = features(site, statement).when(Feature::SortMatch, same_shape);
        site.rewrite(out, EditKind::StatementReplace, span, statement.text, known);
        if !same_shape {
            continue;
        }
        for (offset, old, _) in &statement.names {
            for choice in
                site.names(Sorts::UNKNOWN, MAX_NAMES / 2).into_iter().filter(|c| c.name.text != *old)
            {
                let text = substituted(statement.text, *offset, old, choice.name.text);
                let features = choice.features.or(known).when(Feature::Last, true);
                site.rewrite(out, EditKind::StatementReplace, span, text, features);
            }
        }
    }
}
