//! Values wrapped in a call: conversions, builtin functions, functions of the file.

use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::{Sorts, Wrapper};
use crate::syntax::{Role, Shape};

/// Most functions of the file that are wrapped around a value.
const MAX_LOCAL: usize = 8;

/// Values of any kind.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.shape() == Shape::Comparison {
        both(site, out);
    }
    let is_statement = site.tree().parent_shape(site.id) == Some(Shape::ExpressionStatement);
    let is_wrappable =
        !site.shape().is_truth() && !site.shape().is_constant() && site.shape() != Shape::Yield;
    if !site.is_value() || is_statement || !is_wrappable || site.role() == Role::Object {
        return;
    }
    for wrapper in site.vocabulary().wrappers {
        builtin(site, out, wrapper);
    }
    local(site, out);
    additions(site, out);
}

/// Name of the function this value is the only argument of.
fn wrapped_by<'a>(site: &Site<'_, 'a>) -> &'a str {
    let tree = site.tree();
    let call = tree.parent(site.id).filter(|_| site.role() == Role::Argument);
    call.and_then(|call| tree.child(call, Role::Callee)).map_or("", |callee| tree.text(callee))
}

fn builtin(site: &Site<'_, '_>, out: &mut Proposals<'_>, wrapper: &Wrapper) {
    let sorts = site.sorts();
    let pointless =
        wrapped_by(site) == wrapper.name || site.text().starts_with(&format!("{}(", wrapper.name));
    if sorts.clashes(wrapper.takes) || pointless {
        return;
    }
    let kind = if wrapper.converts { EditKind::WrapConversion } else { EditKind::WrapFunction };
    let new = site.atom(format!("{}({})", wrapper.name, site.argument_text()));
    let used =
        site.region.ingredients.callees.iter().any(|known| known.is_used && known.name == wrapper.name);
    let features = Features::none()
        .when(Feature::SortMatch, sorts.meets(wrapper.takes))
        .when(Feature::SortClash, site.needed().clashes(wrapper.gives) && !wrapper.converts)
        .when(Feature::IntegerSeen, used)
        .when(Feature::Calls, true);
    site.put(out, kind, &new, features);
}

fn local(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let vocabulary = site.vocabulary();
    let candidates = site.region.ingredients.callees.iter().filter(|known| {
        let takes_one = known.parameters.as_ref().is_none_or(|names| names.len() == 1);
        takes_one && !vocabulary.builtins.contains(&known.name) && known.name != wrapped_by(site)
    });
    for known in candidates.take(MAX_LOCAL) {
        let new = site.atom(format!("{}({})", known.name, site.argument_text()));
        let features = Features::none()
            .when(Feature::IntegerSeen, known.is_used)
            .when(Feature::SortMatch, known.parameters.is_some())
            .when(Feature::Calls, true);
        site.put(out, EditKind::WrapLocal, &new, features);
    }
}

/// `f(a) == f(b)` for `a == b`.
fn both(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let tree = site.tree();
    let [left, right] = tree.children(site.id) else { return };
    let operator = site.language().operator(tree, site.id);
    let sorts = site.at(*left).sorts() | site.at(*right).sorts();
    if !site.operators().comparison_group(operator).contains(&site.operators().equality.0)
        || tree.shape(*right) == Shape::Null
    {
        return;
    }
    let texts = [*left, *right].map(|id| site.fragment_of(id));
    for wrapper in site.vocabulary().wrappers.iter().filter(|wrapper| !sorts.clashes(wrapper.takes)) {
        let sides = texts.each_ref().map(|side| site.atom(format!("{}({})", wrapper.name, side.at_least(1))));
        let features = Features::none().when(Feature::SortMatch, sorts.meets(wrapper.takes));
        site.put(out, EditKind::WrapBoth, &site.binary(&sides[0], operator, &sides[1]), features);
    }
    for addition in site.vocabulary().additions.iter().filter(|addition| sorts.meets(addition.takes)) {
        let primary = site.operators().primary;
        let sides =
            texts.each_ref().map(|side| site.atom(format!("{}{}", side.at_least(primary), addition.text)));
        let features = Features::none().when(Feature::SortMatch, true);
        site.put(out, EditKind::WrapBoth, &site.binary(&sides[0], operator, &sides[1]), features);
    }
}

/// `value.lower()` and the like.
fn additions(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let sorts = site.sorts();
    for addition in site.vocabulary().additions {
        let pointless = site.text().ends_with(addition.text);
        if pointless || sorts.clashes(addition.takes) {
            continue;
        }
        let object = site.fragment().at_least(site.operators().primary);
        let features = Features::none()
            .when(Feature::SortMatch, sorts.meets(addition.takes))
            .when(Feature::SortClash, sorts.clashes(addition.gives) && !addition.gives.meets(Sorts::LIST))
            .when(Feature::Calls, true);
        site.put(out, EditKind::MethodAdd, &site.atom(format!("{object}{}", addition.text)), features);
    }
}

impl Site<'_, '_> {
    /// The node's text as a single argument: a bare tuple needs its parentheses, a generator loses them.
    fn argument_text(&self) -> String {
        self.fragment().at_least(1)
    }
}
