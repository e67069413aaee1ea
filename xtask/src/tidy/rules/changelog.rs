//! Rule: `CHANGELOG.md` has a section for what is not released yet, so that a change always has a place to be told in.

use super::{Finding, Repository};

/// Finds a missing changelog or a changelog without its section.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let changelog = repository.files.iter().find(|file| file.path == "CHANGELOG.md");
    let has_section =
        changelog.is_some_and(|file| file.text.lines().any(|line| line.trim_end() == "## [Unreleased]"));
    if has_section {
        Vec::new()
    } else {
        vec![Finding::about("CHANGELOG.md", "needs a section `## [Unreleased]`")]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_section_is_required() {
        for (text, findings) in [("# Changelog\n\n## [Unreleased]\n", 0), ("# Changelog\n\n## 0.1.0\n", 1)] {
            assert_eq!(check(&Repository::of(&[("CHANGELOG.md", text)])).len(), findings, "{text}");
        }
        assert_eq!(check(&Repository::of(&[])).len(), 1);
    }
}
