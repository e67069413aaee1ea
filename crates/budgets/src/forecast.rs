//! What somebody may still get: for planners, which think before they ask. A forecast promises nothing; only a grant does.

use crate::{Amounts, Budgets, Level, LevelId, PerResource, Resource};

/// What a level may still get of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outlook {
    /// What would be granted now; `None` for as much as one likes.
    pub now: Option<u64>,
    /// What could be granted at best: if nothing that is reserved by others were needed.
    pub at_best: Option<u64>,
    /// The level at which it is tightest now, the lowest of several.
    pub bound_by: Option<LevelId>,
}

impl Budgets {
    /// What `level` may still get of `resource`. Nothing of a level that is unknown or closed, or overdrawn somewhere above.
    pub fn outlook(&self, level: &LevelId, resource: Resource) -> Outlook {
        let open = self.level(level).is_some_and(|level| !level.closed);
        if !open {
            return Outlook { now: Some(0), at_best: Some(0), bound_by: None };
        }
        let limited = || self.lineage(level).filter(|(_, level)| level.limits.get(resource).is_some());
        let shut = self.lineage(level).any(|(_, level)| is_shut(level));
        let tightest = limited().min_by_key(|(_, level)| level.available(resource));
        let now = tightest.map(|(_, level)| level.available(resource));
        let at_best =
            limited().map(|(_, level)| level.limit(resource).saturating_sub(level.spent.get(resource)));
        Outlook {
            now: if shut { Some(0) } else { now },
            at_best: at_best.min(),
            bound_by: tightest.map(|(id, _)| id.clone()),
        }
    }

    /// What `level` would be granted now, resource by resource; `None` for as much as one likes.
    pub fn available(&self, level: &LevelId) -> PerResource<Option<u64>> {
        PerResource::of(|resource| self.outlook(level, resource).now)
    }

    /// How many calls that cost `each` still fit at `level`; `None` for as many as one likes.
    pub fn calls_left(&self, level: &LevelId, each: &Amounts) -> Option<u64> {
        let available = self.available(level);
        let costly = Resource::ALL.into_iter().filter(|&resource| each.get(resource) > 0);
        costly.filter_map(|resource| available.get(resource).map(|left| left / each.get(resource))).min()
    }
}

/// Whether nothing at all is granted here, because something is overdrawn.
fn is_shut(level: &Level) -> bool {
    Resource::ALL.into_iter().any(|resource| level.is_overdrawn(resource))
}
