//! What the code around a place offers: names in scope, hints about their values, expressions to reuse.

mod bindings;
mod hints;
mod ingredients;
mod region;

pub use bindings::{Availability, Name, Names, is_bound_here};
pub use hints::Hints;
pub use ingredients::{Expression, Ingredients, MemberUse, StatementText};
pub use region::{Region, regions};
