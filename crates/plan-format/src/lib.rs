//! Plan files: what may be written, what is wrong with what was written, and how a plan unfolds into tasks while it runs.
//!
//! ```text
//! text ─► syntax ─► Node (values with places) ─► shape (table of fields) ─► model (steps, expressions)
//!      ─► rules (names, cycles, types) ─► expand (what runs now, given what is known) ─► draw, forecast
//! ```
//! Nothing here reads files, clocks or the environment: files that a plan uses are handed in by the caller.

pub mod diagnostic;
pub mod draw;
pub mod expand;
pub mod expression;
pub mod forecast;
pub mod inputs;
pub mod loading;
pub mod model;
pub mod node;
pub mod outputs;
pub mod quantity;
mod reading;
mod rules;
pub mod shape;
pub mod similar;
pub mod sketch;
pub mod source;
pub mod syntax;
pub mod template;
pub mod value_type;
