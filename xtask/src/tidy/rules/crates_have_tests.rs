//! Rule: every crate has tests of its own.

use super::{Finding, Repository};

/// Finds packages in which nothing is a test.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let untested = repository.packages.iter().filter(|package| {
        let folder = format!("{}/", package.folder);
        let mut sources = repository.sources.iter().filter(|source| source.path.starts_with(&folder));
        !sources.any(|source| source.code.contains("#[test]") || source.code.contains("#[tokio::test"))
    });
    untested.map(|package| Finding::about(&package.folder, "the crate has no tests")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;
    use crate::tidy::repository::Package;

    #[test]
    fn a_crate_without_a_test_is_found() {
        let mut repository = Repository::of(&[
            ("crates/a/src/lib.rs", "#[cfg(test)] mod tests { #[test] fn t() {} }"),
            ("crates/ab/src/lib.rs", "// #[test]\nfn x() {}"),
            ("crates/c/tests/t.rs", "#[tokio::test(flavor = \"multi_thread\")] async fn t() {}"),
        ]);
        let package = |name: &str| Package {
            name: name.into(),
            folder: format!("crates/{name}"),
            dependencies: vec![],
        };
        repository.packages = ["a", "ab", "c"].map(package).into();
        assert_eq!(places(&check(&repository)), ["crates/ab"]);
    }
}
