//! Rule: the environment is read in one file of the binary; everything else is given its options.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Repository};
use crate::tidy::source::regex;

/// The one place that may look things up.
const ALLOWED: &str = "crates/smallhands/src/configuration.rs";

/// Finds look-ups of environment variables and of what they decide (home and temporary folders) elsewhere.
pub fn check(repository: &Repository) -> Vec<Finding> {
    static LOOK_UP: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"\benv::\{?[a-z_, ]*\b(var|vars|var_os|vars_os|set_var|remove_var|temp_dir|home_dir)\b")
    });
    let sources = repository
        .own_sources()
        .filter(|source| source.path != ALLOWED && !source.path.ends_with("/build.rs"));
    let lines = sources.flat_map(|source| {
        source.production_code().map(|(number, line)| (source.path.as_str(), number, line))
    });
    lines
        .filter(|(_, _, line)| LOOK_UP.is_match(line))
        .map(|(path, number, _)| {
            Finding::at(path, number, format!("looks up the environment; only {ALLOWED} may: pass it in"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn only_one_file_looks_things_up() {
        let text = "//! x\nfn a() { std::env::var(\"A\"); }\nuse std::env::{args, vars_os};\nfn b() { std::env::args(); }\n";
        let tests = "#[cfg(test)]\nmod tests { fn t() { std::env::temp_dir(); } }\n";
        let findings = check(&Repository::of(&[
            ("crates/agent/src/a.rs", text),
            ("crates/agent/src/b.rs", tests),
            ("crates/agent/tests/c.rs", text),
            ("crates/agent/build.rs", text),
            (ALLOWED, text),
        ]));
        assert_eq!(places(&findings), ["crates/agent/src/a.rs:2", "crates/agent/src/a.rs:3"]);
    }
}
