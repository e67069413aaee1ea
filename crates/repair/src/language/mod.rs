//! What the enumerator must know about a programming language: data tables, and how to spell statements.
//!
//! A new language is one folder beside `python/`: a grammar table (which node kinds mean what), operators
//! with their binding strengths, a vocabulary of builtins, statement spellings, and a file of priors.

mod binding;
mod confusions;
mod javascript;
mod operators;
mod python;
mod vocabulary;

pub use confusions::Confusion;
pub use operators::Operators;
pub use vocabulary::{Addition, Sorts, Vocabulary, Wrapper};

use crate::syntax::Grammar;

/// One programming language; the built-in ones are found with [`language_of`].
pub trait Language: Sync {
    /// Lower-case name, such as `python`.
    fn name(&self) -> &'static str;
    /// File name extensions without the dot.
    fn extensions(&self) -> &'static [&'static str];
    /// The tree-sitter parser.
    fn parser(&self) -> tree_sitter::Language;
    /// How the parser's node kinds are read.
    fn grammar(&self) -> &'static Grammar;
    /// Operators and how tightly they bind.
    fn operators(&self) -> &'static Operators;
    /// Builtin functions, methods and literals.
    fn vocabulary(&self) -> &'static Vocabulary;
    /// What is written for what.
    fn confusions(&self) -> &'static [Confusion];
    /// Statement spellings.
    fn spelling(&self) -> &'static dyn Spelling;
    /// The text of the priors file for the ranking.
    fn priors(&self) -> &'static str;
}

/// How a language writes what the families propose. Blocks are given and returned without the indentation of
/// their first line; `indent` is that indentation and `unit` one level more.
pub trait Spelling: Sync {
    /// `target = value`.
    fn assignment(&self, target: &str, value: &str) -> String;
    /// `target += value` with any operator.
    fn augmented(&self, target: &str, operator: &str, value: &str) -> String;
    /// `return value`; an empty value returns nothing.
    fn return_value(&self, value: &str) -> String;
    /// An expression as a statement.
    fn expression(&self, expression: &str) -> String;
    /// `break` or `continue`.
    fn jump(&self, word: &str) -> String;
    /// The statement run only if the condition holds.
    fn guarded(&self, condition: &str, statement: &str, indent: &str, unit: &str) -> String;
    /// What stands for a statement in a block that would otherwise be empty.
    fn nothing(&self) -> &'static str;
    /// `condition` that holds for a missing value.
    fn is_null(&self, value: &str) -> String;
    /// `condition` that holds for any but a missing value.
    fn is_not_null(&self, value: &str) -> String;
    /// The number of elements of a value.
    fn length(&self, value: &str) -> String;
    /// `if condition then first else second` as an expression.
    fn conditional(&self, condition: &str, first: &str, second: &str) -> String;
    /// The keywords of a generator that hands out what another one does.
    fn delegation(&self) -> &'static str;
    /// Whether the statement declares a name, so that it cannot be repeated in its block.
    fn declares(&self, statement: &str) -> bool;
    /// Whether indentation alone says which block a statement is in.
    fn indents(&self) -> bool;
    /// What starts a comment to the end of the line.
    fn comment(&self) -> &'static str;
    /// A string literal.
    fn text(&self, content: &str) -> String;
}

/// The languages there are.
const LANGUAGES: &[&dyn Language] = &[&python::Python, &javascript::JavaScript];

/// Every language there is.
#[cfg(test)]
pub fn all_languages() -> &'static [&'static dyn Language] {
    LANGUAGES
}

/// The language of a file, by the extension of its name.
pub fn language_of(path: &str) -> Option<&'static dyn Language> {
    let name = path.rsplit('/').next()?;
    let (stem, extension) = name.rsplit_once('.')?;
    if stem.is_empty() {
        return None;
    }
    LANGUAGES.iter().copied().find(|language| language.extensions().contains(&extension))
}
