//! A catalogue of what the repair search must find, must leave alone, and must hold to, through its public
//! interface: rows of small realistic code.

mod corpus;
mod harness;
mod invariants;
mod localisation;
mod python_expressions;
mod python_statements;
mod python_tokens;
mod python_untouched;
mod realistic_bugs;
