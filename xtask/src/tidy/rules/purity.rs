//! Rule: pure crates do no input or output, read no clock, draw no random numbers and start no threads.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, PURE_CRATES, Repository};
use crate::tidy::source::regex;

/// Finds what reaches the outside in the production code of pure crates.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let sources = repository
        .own_sources()
        .filter(|source| PURE_CRATES.iter().any(|folder| source.path.starts_with(folder)));
    let lines = sources.flat_map(|source| {
        source.production_code().map(|(number, line)| (source.path.as_str(), number, line))
    });
    lines
        .filter_map(|(path, number, line)| {
            let used = impure_in(line)?;
            Some(Finding::at(
                path,
                number,
                format!("the crate is pure and must not use `{used}`; take the value as an argument"),
            ))
        })
        .collect()
}

fn impure_in(line: &str) -> Option<&str> {
    static IMPURE: LazyLock<Regex> = LazyLock::new(|| {
        let outside =
            r"std::(?:fs|net|process|env|thread|os)\b|std::\{[^}]*\b(?:fs|net|process|env|thread|os)\b";
        let clock = r"std::time::(?:\{[^}]*\b)?(?:Instant|SystemTime)\b|\b(?:Instant|SystemTime)::now\b";
        let chance = r"\b(?:tokio|rand|getrandom)::|\bRandomState\b|\bthread_local!";
        regex(&format!("{outside}|{clock}|{chance}"))
    });
    IMPURE.find(line).map(|found| found.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn each_way_out_is_recognised() {
        for line in [
            "use std::fs;",
            "use std::{collections::BTreeMap, fs};",
            "std::env::var(x)",
            "use std::time::Instant;",
            "use std::time::{Duration, SystemTime};",
            "let now = Instant::now();",
            "std::thread::spawn(f)",
            "tokio::spawn(f)",
            "rand::random()",
        ] {
            assert!(impure_in(line).is_some(), "{line}");
        }
        for line in ["use std::time::Duration;", "let operand::X = y;", "use std::fmt;", "my::fs::read()"] {
            assert_eq!(impure_in(line), None, "{line}");
        }
    }

    #[test]
    fn only_production_code_of_pure_crates_is_meant() {
        let text = "//! std::fs\nuse std::fs;\n#[cfg(test)]\nmod tests { use std::fs; }\n";
        let findings = check(&Repository::of(&[
            ("crates/repair/src/a.rs", text),
            ("crates/repair/tests/a.rs", text),
            ("crates/sandbox/src/a.rs", text),
        ]));
        assert_eq!(places(&findings), ["crates/repair/src/a.rs:2"]);
    }
}
