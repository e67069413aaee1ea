//! Keyword arguments: another name, a missing one.

use crate::edit::Span;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Role, Shape};

/// Most keyword names offered in place of one.
const MAX_KEYWORDS: usize = 12;

/// Keyword arguments of calls.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::KeywordArgument => rename(site, out),
        Shape::Call => {
            usual(site, out);
            of_definition(site, out);
        }
        _ => {}
    }
}

/// Name of the function or method that is called.
fn called<'a>(site: &Site<'_, 'a>) -> &'a str {
    let tree = site.tree();
    let Some(callee) = site.child(Role::Callee) else { return "" };
    match tree.shape(callee) {
        Shape::Attribute => tree.child(callee, Role::Member).map_or("", |member| tree.text(member)),
        _ => tree.text(callee),
    }
}

fn parameters<'r>(site: &'r Site<'_, '_>, function: &str) -> &'r [&'r str] {
    let known = site.region.ingredients.callees.iter().find(|known| known.name == function);
    known.and_then(|known| known.parameters.as_deref()).unwrap_or(&[])
}

fn rename(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let (Some(name), Some(call)) = (site.child(Role::Name), tree.parent(site.id)) else { return };
    let call = site.at(call);
    let taken: Vec<&str> = tree
        .children_as(call.id, Role::Argument)
        .into_iter()
        .filter_map(|argument| tree.child(argument, Role::Name))
        .map(|name| tree.text(name))
        .collect();
    for new in parameters(&call, called(&call)).iter().filter(|new| !taken.contains(*new)).take(MAX_KEYWORDS)
    {
        let similar = super::variables::similarity(tree.text(name), new);
        let features = Features::none().with(Feature::NameSimilar, similar);
        site.rewrite(out, EditKind::KeywordReplace, tree.node(name).span, *new, features);
    }
}

/// Keyword arguments that calls of well-known functions often lack.
fn usual(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let function = called(site);
    for (_, argument) in site.vocabulary().keywords.iter().filter(|(name, _)| *name == function) {
        append(site, out, argument, Features::none());
    }
}

/// `name=name` for a parameter of a function of the file that is not passed although a variable of that
/// name is there.
fn of_definition(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let passed = site.tree().children_as(site.id, Role::Argument).len();
    for name in parameters(site, called(site)).iter().skip(passed) {
        if site.region.names.get(name).is_some() {
            append(site, out, &format!("{name}={name}"), Features::none().when(Feature::NameSimilar, true));
        }
    }
}

fn append(site: &Site<'_, '_>, out: &mut Proposals<'_>, argument: &str, features: Features) {
    let tree = site.tree();
    let arguments = tree.children_as(site.id, Role::Argument);
    let call_end = tree.node(site.id).span.end;
    let name = argument.split('=').next().unwrap_or("");
    let present =
        arguments.iter().any(|id| tree.child(*id, Role::Name).is_some_and(|own| tree.text(own) == name));
    let lone_generator = arguments.first().is_some_and(|id| tree.node(*id).span.end == call_end);
    if present || lone_generator {
        return;
    }
    let (at, text) = match arguments.last() {
        Some(last) => (tree.node(*last).span.end, format!(", {argument}")),
        None => (call_end - 1, argument.to_owned()),
    };
    site.rewrite(out, EditKind::KeywordAdd, Span { start: at, end: at }, text, features);
}
