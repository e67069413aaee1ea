//! The list of rules: one file each, one line each in [`RULES`].

mod changelog;
mod configuration;
mod crates_have_tests;
mod file_length;
mod forbidden_words;
mod function_length;
mod layers;
mod module_docs;
mod names;
mod purity;
pub mod test_ratio;
mod unsafe_code;

use super::Finding;
use super::repository::Repository;

/// A rule of the repository.
pub struct Rule {
    /// Its name, as exceptions and messages use it.
    pub name: &'static str,
    /// Finds what breaks it.
    pub check: fn(&Repository) -> Vec<Finding>,
}

/// Every rule.
pub static RULES: [Rule; 12] = [
    Rule { name: "changelog", check: changelog::check },
    Rule { name: "configuration", check: configuration::check },
    Rule { name: "crates-have-tests", check: crates_have_tests::check },
    Rule { name: "file-length", check: file_length::check },
    Rule { name: "forbidden-words", check: forbidden_words::check },
    Rule { name: "function-length", check: function_length::check },
    Rule { name: "layers", check: layers::check },
    Rule { name: "module-docs", check: module_docs::check },
    Rule { name: "names", check: names::check },
    Rule { name: "purity", check: purity::check },
    Rule { name: "test-ratio", check: test_ratio::check },
    Rule { name: "unsafe-code", check: unsafe_code::check },
];

/// The crates that never touch the outside.
const PURE_CRATES: [&str; 8] = [
    "crates/budgets/",
    "crates/checks/",
    "crates/leases/",
    "crates/merge-queue/",
    "crates/plan-format/",
    "crates/repair/",
    "crates/task-graph/",
    "crates/trajectory/",
];

/// Lines of findings as `path:line`, for the tests of rules.
#[cfg(test)]
fn places(findings: &[Finding]) -> Vec<String> {
    let place =
        |f: &Finding| f.line.map_or_else(|| f.subject.clone(), |line| format!("{}:{line}", f.subject));
    findings.iter().map(place).collect()
}
