//! Rule: every Rust file opens with `//!` and says what it is for.

use super::{Finding, Repository};

/// Finds files that say nothing about themselves.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let silent = repository.own_sources().filter(|source| !opens_with_docs(&source.text));
    silent
        .map(|source| Finding::about(&source.path, "must open with `//!`, saying what the file is for"))
        .collect()
}

fn opens_with_docs(text: &str) -> bool {
    let first = text.lines().find(|line| !line.trim().is_empty() && !line.starts_with("#!"));
    first.is_some_and(|line| line.strip_prefix("//!").is_some_and(|rest| !rest.trim().is_empty()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_that_matters_is_a_module_comment() {
        for (text, expected) in [
            ("//! What it is for.\nfn x() {}\n", true),
            ("\n#![allow(unused)]\n//! What it is for.\n", true),
            ("//!\nfn x() {}\n", false),
            ("// A comment.\n//! Too late.\n", false),
            ("fn x() {}\n", false),
            ("", false),
        ] {
            assert_eq!(opens_with_docs(text), expected, "{text}");
        }
    }
}
