//! Rule: a function has at most 80 lines; the tail, not the median, is what makes code tiring to read.

use super::{Finding, Repository};

const MOST_LINES: usize = 80;

/// Finds functions, of tests too, that are too long.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let functions = repository
        .own_sources()
        .flat_map(|source| source.functions().into_iter().map(|f| (source.path.as_str(), f)));
    functions
        .filter_map(|(path, function)| {
            let lines = function.last - function.first + 1;
            let message = format!("{lines} lines; name the steps and take them out (at most {MOST_LINES})");
            (lines > MOST_LINES).then(|| Finding::about(format!("{path}::{}", function.name), message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn length_is_counted_from_fn_to_the_closing_brace() {
        let function =
            |name: &str, lines: usize| format!("fn {name}() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
        let text = function("fits", 80) + &function("long", 81);
        let findings = check(&Repository::of(&[("crates/a/src/x.rs", &text), ("examples/x.rs", &text)]));
        assert_eq!(places(&findings), ["crates/a/src/x.rs::long"]);
    }
}
