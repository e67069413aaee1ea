//! Python.

mod confusions;
mod grammar;
mod operators;
mod spelling;
mod vocabulary;

use super::{Confusion, Language, Operators, Spelling, Vocabulary};
use crate::syntax::Grammar;

/// Python 3.
pub struct Python;

impl Language for Python {
    fn name(&self) -> &'static str {
        "python"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["py", "pyi"]
    }

    fn parser(&self) -> tree_sitter::Language {
        tree_sitter_python::LANGUAGE.into()
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
        &spelling::PythonSpelling
    }

    fn priors(&self) -> &'static str {
        include_str!("../../../data/python.priors")
    }
}
