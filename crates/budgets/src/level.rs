//! One level of the budget: its limits, and what is reserved and spent at it and below.

use crate::{Amounts, LevelId, Limits, Resource, Shortfall};

/// A run, a task, an attempt, or whatever else has limits of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Level {
    /// The level above; every grant must fit there as well.
    pub parent: Option<LevelId>,
    /// The most that may be reserved and spent here and below.
    pub limits: Limits,
    /// How often a limit was changed.
    pub revision: u32,
    /// What was spent here and below.
    pub spent: Amounts,
    /// What is reserved here and below.
    pub reserved: Amounts,
    /// What was spent here and below without having been reserved, because somebody asked for too little.
    pub excess: Amounts,
    /// Whether nothing can be reserved here any more, for good.
    pub closed: bool,
}

impl Level {
    pub(crate) fn new(parent: Option<LevelId>, limits: Limits) -> Self {
        Self {
            parent,
            limits,
            revision: 0,
            spent: Amounts::ZERO,
            reserved: Amounts::ZERO,
            excess: Amounts::ZERO,
            closed: false,
        }
    }

    /// What is reserved or spent.
    pub fn committed(&self) -> Amounts {
        self.spent.plus(self.reserved)
    }

    /// The limit. Where there is none, it is the most that can be counted: so sums are always exact.
    pub fn limit(&self, resource: Resource) -> u64 {
        self.limits.get(resource).unwrap_or(u64::MAX)
    }

    /// What could be reserved now, levels above aside.
    pub fn available(&self, resource: Resource) -> u64 {
        self.limit(resource).saturating_sub(self.committed().get(resource))
    }

    /// Whether more is reserved and spent than the limit allows. Then nothing at all is granted until it fits again.
    pub fn is_overdrawn(&self, resource: Resource) -> bool {
        self.committed().get(resource) > self.limit(resource)
    }

    /// What stands in the way of `asked`, if anything does.
    pub(crate) fn shortfall(&self, id: &LevelId, resource: Resource, asked: u64) -> Option<Shortfall> {
        let fits = asked <= self.available(resource) && !self.is_overdrawn(resource);
        (!fits).then(|| Shortfall {
            level: id.clone(),
            resource,
            limit: self.limit(resource),
            spent: self.spent.get(resource),
            reserved: self.reserved.get(resource),
            asked,
        })
    }
}
