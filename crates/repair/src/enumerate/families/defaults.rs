//! Default values of parameters.

use crate::enumerate::{Features, Proposals, Site};
use crate::kind::EditKind;
use crate::language::Sorts;
use crate::syntax::Role;

/// Default values.
pub fn propose(site: &Site<'_, '_>, out: &mut Proposals<'_>) {
    if site.role() != Role::Default {
        return;
    }
    let vocabulary = site.vocabulary();
    let sorts = site.sorts();
    let (yes, no) = vocabulary.truth;
    for new in [vocabulary.null, yes, no] {
        site.put(out, EditKind::DefaultReplace, &site.atom(new), Features::none());
    }
    for (new, given) in vocabulary.empty {
        let features = site.sort_features(sorts, *given);
        // Mutable defaults are shared between calls, which is a bug of its own.
        if given.is_only(Sorts::NUMBER | Sorts::TEXT) || new == &"()" {
            site.put(out, EditKind::DefaultReplace, &site.atom(*new), features);
        }
    }
}
