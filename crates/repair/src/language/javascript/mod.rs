//! JavaScript.

mod confusions;
mod grammar;
mod operators;
mod spelling;
mod vocabulary;

use super::{Confusion, Language, Operators, Spelling, Vocabulary};
use crate::syntax::Grammar;

/// JavaScript with modules and classes, as Node.js and browsers run it.
pub struct JavaScript;

impl Language for JavaScript {
    fn name(&self) -> &'static str {
        "javascript"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["js", "mjs", "cjs", "jsx"]
    }

    fn parser(&self) -> tree_sitter::Language {
        tree_sitter_javascript::LANGUAGE.into()
    }

    fn grammar(&self) -> &'static Grammar {
        &grammar::GRAMMAR
    }

    fn operators(&self) -> &'static Operators {
        &operators::OPERATORS
    }

    fn vocabulary(&self) -> &'static Vocabulary {
        &vocabulary::VOCABULARY
    }

    fn confusions(&self) -> &'static [Confusion] {
        confusions::CONFUSIONS
    }

    fn spelling(&self) -> &'static dyn Spelling {
        &spelling::JavaScriptSpelling
    }

    /// The slips are the same as in Python and nothing was fitted on JavaScript, so neither are the weights.
    fn priors(&self) -> &'static str {
        include_str!("../../../data/python.priors")
    }
}
