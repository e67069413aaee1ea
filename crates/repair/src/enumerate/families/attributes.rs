//! Wrong attribute, wrong method, missing or superfluous receiver.

use super::variables::similarity;
use crate::enumerate::{Feature, Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::scope::MemberUse;
use crate::syntax::{NodeId, Role, Shape};

/// Most members offered at one place.
const MAX_MEMBERS: usize = 16;

/// Members of objects.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    match site.shape() {
        Shape::Attribute => {
            if let (Some(object), Some(member)) = (site.child(Role::Object), site.child(Role::Member)) {
                replace(site, out, object, member);
                drop(site, out, object);
            }
        }
        Shape::Name => receiver(site, out),
        _ => {}
    }
    if matches!(site.shape(), Shape::Name | Shape::Attribute | Shape::Subscript) && site.is_value() {
        add(site, out);
    }
}

/// Another member of the same object.
fn replace(site: &Site<'_, '_>, out: &mut Proposals<'_>, object: NodeId, member: NodeId) {
    let tree = site.tree();
    let called = site.role() == Role::Callee;
    let kind = if called { EditKind::MethodReplace } else { EditKind::AttributeReplace };
    let old = tree.text(member);
    let mut offered = vec![old];
    for group in site.vocabulary().method_groups.iter().filter(|group| group.contains(&old)) {
        for new in *group {
            if !offered.contains(new) {
                offered.push(new);
                let weight = site.language().pair_weight(old, new);
                let features = Features::none().with(Feature::Paired, weight + 1.0);
                let features = features.when(Feature::Familiar, is_used(site, new));
                site.rewrite(out, kind, tree.node(member).span, *new, features);
            }
        }
    }
    let (receiver, _) = site.vocabulary().method(old);
    let own = tree.text(object) == site.region.receiver && site.has_receiver();
    let of_class = site.region.ingredients.own_members.iter().copied().filter(|_| own);
    let of_file = site.region.ingredients.members.iter().filter(|used| used.called == called);
    let same_object = of_file.clone().filter(|used| used.object == tree.text(object)).map(|used| used.member);
    let others = of_file.filter(|used| used.object != tree.text(object)).map(|used| used.member);
    for (rank, new) in of_class.chain(same_object).chain(others).enumerate() {
        let clashes = receiver.clashes(site.vocabulary().method(new).0);
        if offered.len() > MAX_MEMBERS || offered.contains(&new) || clashes {
            continue;
        }
        offered.push(new);
        let features = Features::none()
            .with(Feature::NameSimilar, similarity(old, new))
            .with(Feature::Distance, (1.0 + rank as f32).ln() / 2.0);
        site.rewrite(out, kind, tree.node(member).span, new, features);
    }
}

fn is_used(site: &Site<'_, '_>, member: &str) -> bool {
    site.region.ingredients.members.iter().any(|used| used.member == member)
}

/// `object` for `object.member`.
fn drop(site: &Site<'_, '_>, out: &mut Proposals<'_>, object: NodeId) {
    if site.is_value() {
        site.put(out, EditKind::AttributeDrop, &site.fragment_of(object), Features::none());
    }
    let own = site.tree().text(object) == site.region.receiver && site.has_receiver();
    let member = site.child(Role::Member).map_or("", |member| site.tree().text(member));
    let is_variable = site.region.names.get(member).is_some();
    if own && is_variable {
        site.put(out, EditKind::ReceiverDrop, &site.atom(member), Features::none());
    }
}

/// `self.name` for `name`.
fn receiver(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let name = site.text();
    let is_member = site.region.ingredients.own_members.contains(name);
    if site.has_receiver() && is_member && site.role() != Role::Name {
        let text = format!("{}.{name}", site.region.receiver);
        let known = site.region.names.get(name).is_none();
        site.put(out, EditKind::ReceiverAdd, &site.atom(text), Features::none().when(Feature::First, known));
    }
}

/// `object.member` for `object`; only members that the file uses on something alike.
fn add(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let ingredients = &site.region.ingredients;
    let sorts = site.sorts();
    if sorts.is_only(Sorts::NUMBER | Sorts::TRUTH) {
        return;
    }
    let near = ingredients.members.iter().take(ingredients.near_members);
    let far =
        ingredients.members.iter().skip(ingredients.near_members).filter(|used| used.object == site.text());
    let mut offered: Vec<&str> = Vec::new();
    for used in near.chain(far).filter(|used| !used.called || used.arguments == 0) {
        if offered.len() >= MAX_MEMBERS || offered.contains(&used.member) || !fits(site, used, sorts) {
            continue;
        }
        offered.push(used.member);
        let text = format!("{}.{}{}", site.text(), used.member, if used.called { "()" } else { "" });
        let kind = if used.called { EditKind::MethodAdd } else { EditKind::AttributeAdd };
        let features = Features::none()
            .when(Feature::SortMatch, used.object == site.text())
            .when(Feature::Calls, used.called);
        site.put(out, kind, &site.atom(text), features);
    }
}

/// Whether a member could be one of the site's value.
fn fits(site: &Site<'_, '_>, used: &MemberUse<'_>, sorts: Sorts) -> bool {
    let (receiver, _) = site.vocabulary().method(used.member);
    let is_module = site.region.names.get(used.object).is_none() && !used.object.contains(['.', '[', '(']);
    !receiver.clashes(sorts) && (used.object == site.text() || !is_module)
}
