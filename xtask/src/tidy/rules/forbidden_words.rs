//! Rule: tracked files name no private place: neither paths of the machine they were written on nor package registry hosts.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Repository};
use crate::tidy::source::regex;

/// Written in pieces, because this file is checked as well.
const FORBIDDEN: [&str; 7] = [
    concat!("/wo", "rk/"),
    concat!("registry.", "npmjs.org"),
    concat!("registry.", "yarnpkg.com"),
    concat!("pypi", ".org"),
    concat!("files.python", "hosted.org"),
    concat!("index.", "crates.io"),
    concat!("static.", "crates.io"),
];

/// Lock files name their registries; nobody writes them by hand.
const LOCK_FILES: [&str; 4] = ["Cargo.lock", "package-lock.json", "yarn.lock", "go.sum"];

/// Finds forbidden words in every tracked text file.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let files =
        repository.files.iter().filter(|file| !LOCK_FILES.iter().any(|name| file.path.ends_with(name)));
    let lines = files
        .flat_map(|file| file.text.lines().enumerate().map(|(index, line)| (&file.path, index + 1, line)));
    lines
        .filter_map(|(path, number, line)| {
            let word = forbidden_in(line)?;
            Some(Finding::at(path, number, format!("names `{word}`, which has no place in the repository")))
        })
        .collect()
}

/// The forbidden word in a line. A path counts only where it begins: `a/b` is a part of many honest paths.
fn forbidden_in(line: &str) -> Option<&str> {
    static WORDS: LazyLock<Regex> = LazyLock::new(|| {
        let words = FORBIDDEN.map(regex::escape).join("|");
        regex(&format!(r"(?:^|[^A-Za-z0-9_.-])({words})"))
    });
    WORDS.captures(line)?.get(1).map(|word| word.as_str())
}

#[cfg(test)]
mod tests {
    use super::super::places;
    use super::*;

    #[test]
    fn forbidden_words_are_found_in_any_text_file_but_lock_files() {
        let text = format!("fine\nsee {}x for more\n", FORBIDDEN[0]);
        let findings =
            check(&Repository::of(&[("README.md", &text), ("examples/a.py", &text), ("Cargo.lock", &text)]));
        assert_eq!(places(&findings), ["README.md:2", "examples/a.py:2"]);
    }

    #[test]
    fn a_part_of_another_path_is_not_meant() {
        let [path, host, ..] = FORBIDDEN;
        for line in [format!("home{path}x"), format!("my-{host}"), "/workspace/x".to_owned()] {
            assert_eq!(forbidden_in(&line), None, "{line}");
        }
        assert_eq!(forbidden_in(&format!("https://{host}/x")), Some(host));
        assert_eq!(forbidden_in(&format!("\"{path}x\"")), Some(path));
    }
}
