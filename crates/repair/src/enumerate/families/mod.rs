//! The families of edits, one file each. A family looks at one site and proposes what it can.

mod arithmetic;
mod assignments;
mod attributes;
mod blocks;
mod branches;
mod calls;
mod collections;
mod comparisons;
mod comprehensions;
mod conditions;
mod constants;
mod copies;
mod defaults;
mod exceptions;
mod generators;
mod guards;
mod ingredients;
mod insertions;
mod jumps;
mod keywords;
mod lookups;
mod operands;
mod operators;
mod order;
mod ranges;
mod returns;
mod statements;
mod subscripts;
mod unary;
mod variables;
mod whole;
mod wrapping;

use super::{Proposals, Site};

/// A family of edits.
pub type Family = fn(&Site<'_, '_>, &mut Proposals<'_>);

/// All families; the order decides only between proposals that score the same.
pub const ALL: &[Family] = &[
    operators::propose,
    assignments::propose,
    operands::propose,
    unary::propose,
    constants::propose,
    variables::propose,
    attributes::propose,
    calls::propose,
    keywords::propose,
    comparisons::propose,
    conditions::propose,
    branches::propose,
    arithmetic::propose,
    wrapping::propose,
    subscripts::propose,
    collections::propose,
    comprehensions::propose,
    ranges::propose,
    lookups::propose,
    defaults::propose,
    exceptions::propose,
    generators::propose,
    jumps::propose,
    whole::propose,
    returns::propose,
    ingredients::propose,
    statements::propose,
    order::propose,
    blocks::propose,
    guards::propose,
    copies::propose,
    insertions::propose,
];
