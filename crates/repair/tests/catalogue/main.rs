//! A catalogue of what the repair search must find, must leave alone, and must hold to, through its public
//! interface: rows of small realistic code.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::type_complexity, reason = "tables say what they hold where they are written")]

mod corpus;
mod harness;
mod invariants;
mod localisation;
mod python_expressions;
mod python_statements;
mod python_tokens;
mod python_untouched;
mod realistic_bugs;
