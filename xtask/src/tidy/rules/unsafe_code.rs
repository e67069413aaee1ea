//! Rule: `unsafe` stands only in `sandbox` and `shell-runtime`, each use under a comment that says why it is sound.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Repository};
use crate::tidy::source::{RustSource, regex};

const ALLOWED: [&str; 2] = ["crates/sandbox/", "crates/shell-runtime/"];

/// How many lines above the word the comment may begin.
const COMMENT_WITHIN: usize = 6;

/// Finds `unsafe` where it is not allowed, or without its justification.
pub fn check(repository: &Repository) -> Vec<Finding> {
    repository.own_sources().flat_map(check_source).collect()
}

fn check_source(source: &RustSource) -> Vec<Finding> {
    static UNSAFE: LazyLock<Regex> = LazyLock::new(|| regex(r"\bunsafe\b"));
    let allowed = ALLOWED.iter().any(|folder| source.path.starts_with(folder));
    let text: Vec<_> = source.text.lines().collect();
    let uses = source.code.lines().enumerate().filter(|(_, line)| UNSAFE.is_match(line));
    uses.filter_map(|(index, _)| {
        let justified =
            text[index.saturating_sub(COMMENT_WITHIN)..=index].iter().any(|line| line.contains("SAFETY"));
        let message = match (allowed, justified) {
            (true, true) => return None,
            (true, false) => "`unsafe` needs a `// SAFETY:` comment just above it",
            (false, _) => "`unsafe` is allowed in crates/sandbox and crates/shell-runtime only",
        };
        Some(Finding::at(&source.path, index + 1, message))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn unsafe_needs_its_place_and_its_reason() {
        let justified = "// SAFETY: the pointer is valid.\nunsafe { f() }\n";
        let findings = check(&Repository::of(&[
            ("crates/sandbox/src/ok.rs", justified),
            ("crates/sandbox/src/bare.rs", "fn x() {\n    unsafe { f() }\n}\n"),
            ("crates/repair/src/no.rs", justified),
            ("crates/repair/src/word.rs", "// unsafe\nlet x = \"unsafe\"; #![deny(unsafe_code)]\n"),
        ]));
        assert_eq!(places(&findings), ["crates/sandbox/src/bare.rs:2", "crates/repair/src/no.rs:2"]);
    }
}
