//! Rule: a file holds at most 800 lines of production code; a longer one hides more than one concept.

use super::{Finding, Repository};

const MOST_LINES: usize = 800;

/// Finds files that are too long.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let long = repository.own_sources().filter(|source| source.production_lines() > MOST_LINES);
    let message =
        |lines| format!("{lines} lines of production code; split it by concept (at most {MOST_LINES})");
    long.map(|source| Finding::about(&source.path, message(source.production_lines()))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn only_production_lines_count() {
        let (fits, long) = ("// x\n".repeat(800), "// x\n".repeat(801));
        let tested = format!("{fits}#[cfg(test)]\nmod tests {{\n{long}}}\n");
        let findings = check(&Repository::of(&[
            ("crates/a/src/fits.rs", &fits),
            ("crates/a/src/long.rs", &long),
            ("crates/a/src/tested.rs", &tested),
            ("crates/a/tests/long.rs", &long),
        ]));
        assert_eq!(places(&findings), ["crates/a/src/long.rs"]);
    }
}
