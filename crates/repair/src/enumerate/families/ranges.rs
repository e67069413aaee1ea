//! Bounds of counted loops: `range(n)` for `range(1, n + 1)` and the like.

use crate::edit::Span;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Role, Shape};

/// Calls of the counting function.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let Some(range) = site.vocabulary().range else { return };
    let is_range = site.shape() == Shape::Call
        && site.child(Role::Callee).is_some_and(|callee| tree.text(callee) == range);
    let arguments = tree.children_as(site.id, Role::Argument);
    let (Some(first), Some(last), true) = (arguments.first(), arguments.last(), is_range) else { return };
    let span = Span { start: tree.node(*first).span.start, end: tree.node(*last).span.end };
    let one = site.integer(1);
    let plus = |index: usize, operator: &str| {
        arguments.get(index).map(|id| site.binary(&site.fragment_of(*id), operator, &one).text)
    };
    let text = |index: usize| arguments.get(index).map(|id| tree.text(*id).to_owned());
    let rewritten: Vec<Option<String>> = match arguments.len() {
        1 => vec![
            text(0).map(|stop| format!("1, {stop}")),
            plus(0, "+").map(|stop| format!("1, {stop}")),
            text(0).map(|stop| format!("0, {stop}, 2")),
            plus(0, "-").map(|start| format!("{start}, -1, -1")),
            text(0).map(|start| format!("{start}, 0, -1")),
        ],
        2 => vec![
            text(1),
            plus(1, "+"),
            pair(plus(0, "+"), plus(1, "+")),
            pair(plus(0, "-"), plus(1, "-")),
            pair(text(0), text(1)).map(|both| format!("{both}, 2")),
            pair(plus(1, "-"), plus(0, "-")).map(|both| format!("{both}, -1")),
            pair(text(1), text(0)).map(|both| format!("{both}, -1")),
        ],
        _ => vec![
            pair(text(0), text(1)),
            pair(text(1), text(0)),
            pair(pair(text(0), text(1)), text(2).map(|step| negated(&step))),
            pair(pair(plus(1, "-"), plus(0, "-")), text(2).map(|step| negated(&step))),
        ],
    };
    for (index, new) in rewritten.into_iter().enumerate() {
        if let Some(new) = new {
            let features = Features::none().when(Feature::First, index < 2);
            site.rewrite(out, EditKind::RangeBound, span, new, features);
        }
    }
}

fn pair(one: Option<String>, other: Option<String>) -> Option<String> {
    Some(format!("{}, {}", one?, other?))
}

fn negated(step: &str) -> String {
    step.strip_prefix('-').map_or_else(|| format!("-{step}"), str::to_owned)
}
