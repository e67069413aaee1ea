//! Negations and signs too many.

use crate::enumerate::{Features, Proposals, Site};
use crate::kind::EditKind;
use crate::syntax::{Role, Shape};

/// `not x` becomes `x`, `-x` becomes `x`.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    let kind = match site.shape() {
        Shape::Not => EditKind::NotDrop,
        Shape::Unary => EditKind::SignDrop,
        _ => return,
    };
    if let Some(operand) = site.child(Role::Operand) {
        site.put(out, kind, &site.fragment_of(operand), Features::none());
    }
}
