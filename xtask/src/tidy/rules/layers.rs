//! Rule: crates depend on each other only as the table says, and the pure ones on nothing that reaches the outside.

use super::{Finding, PURE_CRATES, Repository};
use crate::tidy::repository::Package;

/// Allowed edges between our crates, from the bottom up; a crate may use a subset. Tests may use anything below them.
const LAYERS: [(&str, &[&str]); 19] = [
    // pure
    ("smallhands-budgets", &[]),
    ("smallhands-checks", &[]),
    ("smallhands-leases", &[]),
    ("smallhands-merge-queue", &["smallhands-checks"]),
    ("smallhands-repair", &[]),
    ("smallhands-task-graph", &[]),
    ("smallhands-plan-format", &["smallhands-task-graph"]),
    ("smallhands-trajectory", &[]),
    // leaves: input and output
    ("smallhands-event-log", &[]),
    ("smallhands-event-log-postgres", &["smallhands-event-log"]),
    ("smallhands-shell-runtime", &[]),
    ("smallhands-sandbox", &["smallhands-shell-runtime"]),
    ("smallhands-model-gateway", &["smallhands-trajectory"]),
    // the runtime over HTTP
    ("smallhands-runtime-server", &["smallhands-shell-runtime"]),
    ("smallhands-runtime-client", &["smallhands-shell-runtime"]),
    // behaviour
    (
        "smallhands-agent",
        &[
            "smallhands-checks",
            "smallhands-model-gateway",
            "smallhands-repair",
            "smallhands-shell-runtime",
            "smallhands-trajectory",
        ],
    ),
    // application
    (
        "smallhands-orchestrator",
        &[
            "smallhands-agent",
            "smallhands-checks",
            "smallhands-event-log",
            "smallhands-merge-queue",
            "smallhands-model-gateway",
            "smallhands-plan-format",
            "smallhands-repair",
            "smallhands-sandbox",
            "smallhands-shell-runtime",
            "smallhands-task-graph",
            "smallhands-trajectory",
        ],
    ),
    // edges
    (
        "smallhands",
        &[
            "smallhands-agent",
            "smallhands-checks",
            "smallhands-event-log",
            "smallhands-model-gateway",
            "smallhands-orchestrator",
            "smallhands-plan-format",
            "smallhands-runtime-server",
            "smallhands-sandbox",
        ],
    ),
    ("xtask", &[]),
];

/// Outside crates that do input or output, tell the time, draw random numbers or start threads.
const IMPURE: [&str; 12] = [
    "async-trait",
    "chrono",
    "crossbeam",
    "getrandom",
    "libc",
    "nix",
    "rand",
    "rayon",
    "reqwest",
    "tempfile",
    "time",
    "tokio",
];

/// Finds edges that the table does not allow, and crates that it does not know.
pub fn check(repository: &Repository) -> Vec<Finding> {
    repository.packages.iter().flat_map(check_package).collect()
}

fn check_package(package: &Package) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", package.folder);
    let Some((_, allowed)) = LAYERS.iter().find(|(name, _)| *name == package.name) else {
        return vec![Finding::about(
            manifest,
            "the crate is not in the layer table of xtask/src/tidy/rules/layers.rs",
        )];
    };
    let pure = PURE_CRATES.contains(&format!("{}/", package.folder).as_str());
    let normal = package
        .dependencies
        .iter()
        .filter(|dependency| dependency.normal)
        .map(|dependency| dependency.name.as_str());
    normal
        .filter_map(|name| {
            let ours = LAYERS.iter().any(|(known, _)| *known == name);
            let message = if ours && !allowed.contains(&name) {
                format!("must not depend on {name}: dependencies point downwards, as the layer table says")
            } else if pure && IMPURE.contains(&name) {
                format!("is pure and must not depend on {name}")
            } else {
                return None;
            };
            Some(Finding::about(&manifest, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::Dependency;

    fn messages(name: &str, dependencies: &[(&str, bool)]) -> Vec<String> {
        let folder = format!("crates/{}", name.trim_start_matches("smallhands-"));
        let dependencies =
            dependencies.iter().map(|&(name, normal)| Dependency { name: name.to_owned(), normal }).collect();
        let package = Package { name: name.to_owned(), folder, dependencies };
        check_package(&package).into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn edges_follow_the_table() {
        assert!(
            messages("smallhands-sandbox", &[("smallhands-shell-runtime", true), ("serde", true)]).is_empty()
        );
        let upwards = messages("smallhands-shell-runtime", &[("smallhands-sandbox", true)]);
        assert!(upwards[0].contains("smallhands-sandbox"), "{upwards:?}");
        assert!(messages("smallhands-agent", &[("smallhands-sandbox", false)]).is_empty(), "tests may");
        assert_eq!(messages("smallhands-newcomer", &[]).len(), 1);
    }

    #[test]
    fn pure_crates_bring_nothing_impure_in() {
        assert_eq!(messages("smallhands-repair", &[("tokio", true), ("serde", true)]).len(), 1);
        assert!(messages("smallhands-repair", &[("tokio", false)]).is_empty());
        assert!(messages("smallhands-agent", &[("tokio", true)]).is_empty());
    }

    #[test]
    fn the_table_has_no_way_up() {
        for (index, (name, allowed)) in LAYERS.iter().enumerate() {
            for below in *allowed {
                assert!(LAYERS[..index].iter().any(|(known, _)| known == below), "{name} -> {below}");
            }
        }
    }
}
