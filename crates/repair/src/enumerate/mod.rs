//! Enumeration: all edits of the known kinds at every place of a region.

mod context;
mod families;
mod features;
mod layout;
mod proposal;
mod site;

pub use context::Context;
pub use features::{Feature, Features};
pub use proposal::{Place, Proposal, Proposals};
pub use site::{Choice, Site};

use crate::scope::Region;

/// Every edit of a region, in source order.
pub fn proposals(region: &Region<'_>) -> Vec<Proposal> {
    let mut out = Proposals::new(region.tree, region.language);
    for id in &region.nodes {
        let site = Site { region, id: *id, after: false };
        for family in families::ALL {
            family(&site, &mut out);
        }
    }
    out.list
}
