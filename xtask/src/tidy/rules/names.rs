//! Rule: no crate, folder or module has a name that says nothing; such places collect whatever nobody could name.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Repository};
use crate::tidy::source::regex;

const BANNED: [&str; 12] = [
    "utils", "util", "common", "core", "types", "helpers", "helper", "services", "service", "manager",
    "managers", "misc",
];

/// Finds banned names among crates, folders, files and modules written in place.
pub fn check(repository: &Repository) -> Vec<Finding> {
    static MODULE: LazyLock<Regex> = LazyLock::new(|| regex(r"\bmod\s+([a-z0-9_]+)\s*\{"));
    let mut findings = Vec::new();
    for source in repository.own_sources() {
        let parts = source.path.trim_end_matches(".rs").split('/');
        let modules =
            MODULE.captures_iter(&source.code).filter_map(|found| found.get(1)).map(|name| name.as_str());
        for name in parts.chain(modules).filter(|name| is_banned(name)) {
            findings.push(Finding::about(
                &source.path,
                format!("`{name}` says nothing; name it after what it knows"),
            ));
        }
    }
    let crates = repository
        .packages
        .iter()
        .filter(|package| is_banned(package.name.trim_start_matches("smallhands-")));
    findings.extend(
        crates.map(|package| Finding::about(&package.folder, format!("`{}` says nothing", package.name))),
    );
    findings
}

fn is_banned(name: &str) -> bool {
    BANNED.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn names_that_say_nothing_are_found_wherever_they_are() {
        let findings = check(&Repository::of(&[
            ("crates/a/src/utils.rs", ""),
            ("crates/a/src/core/x.rs", ""),
            ("crates/a/src/inline.rs", "mod helpers { }\nfn score(core: u8) {}"),
            ("crates/a/src/scores.rs", "// mod utils {\nmod hardcore {}"),
            ("examples/utils.rs", ""),
        ]));
        assert_eq!(
            places(&findings),
            ["crates/a/src/utils.rs", "crates/a/src/core/x.rs", "crates/a/src/inline.rs"]
        );
    }
}
