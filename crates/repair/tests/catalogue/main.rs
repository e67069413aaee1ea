//! A catalogue of what the repair search must find, must leave alone, and must hold to, through its public
//! interface: rows of small realistic code.

mod harness;
mod python_expressions;
mod python_statements;
mod python_tokens;
mod realistic_bugs;
