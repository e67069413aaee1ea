//! Source text as a language-neutral syntax tree.

mod fragment;
mod functions;
mod lower;
mod shape;
mod tree;

pub use fragment::{Fragment, Level};
pub use functions::{Function, functions, qualified_name};
pub use lower::{Grammar, parse};
pub use shape::{Role, Shape};
pub use tree::{NodeId, Tree};
