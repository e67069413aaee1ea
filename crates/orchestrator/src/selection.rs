//! Which checks a run uses: those the user names, or the best that can be detected.

use std::path::Path;

use smallhands_checks::{RepoFiles, detect};
use smallhands_sandbox::{Base, TreeId};

use crate::request::RunError;
use crate::spec::SelectedCheck;

/// Files that detection may want to read are small; larger ones are not configuration.
const MAX_BYTES: usize = 1 << 20;

/// A published tree as detection sees it.
struct PublishedFiles {
    paths: Vec<String>,
    texts: std::collections::BTreeMap<String, String>,
}

impl RepoFiles for PublishedFiles {
    fn read(&self, path: &str) -> Option<String> {
        self.texts.get(path).cloned()
    }

    fn paths(&self) -> &[String] {
        &self.paths
    }
}

/// Chooses the checks of a run.
///
/// # Errors
/// [`RunError::NoChecks`] when none is given and none is found.
pub async fn select(given: &[String], base: &Base, repo: &Path) -> Result<Vec<SelectedCheck>, RunError> {
    if !given.is_empty() {
        return given.iter().map(|command| selected_as_given(command)).collect();
    }
    let files = read_published(base, repo).await?;
    match detect(&files).into_iter().next() {
        Some(best) => Ok(vec![SelectedCheck { command: best.command, reason: best.reason }]),
        None => Err(RunError::NoChecks {
            path: repo.to_path_buf(),
            looked_for: "no pytest or unittest tests, Cargo.toml, package.json with tests, go.mod, pom.xml, build.gradle, \
                         CMakeLists.txt with tests or Makefile with a test target"
                .into(),
        }),
    }
}

fn selected_as_given(command: &str) -> Result<SelectedCheck, RunError> {
    if command.trim().is_empty() {
        return Err(RunError::BadInput(
            "an empty --check was given; name a command, such as --check 'pytest -q'".into(),
        ));
    }
    Ok(SelectedCheck { command: command.to_owned(), reason: "given".into() })
}

/// Reads the files that can matter for detection from the published copy, in one go.
async fn read_published(base: &Base, repo: &Path) -> Result<PublishedFiles, RunError> {
    let head: TreeId = base.head();
    let paths = base.paths(&head).await?;
    let mut texts = std::collections::BTreeMap::new();
    for path in paths.iter().filter(|path| matters(path)) {
        // The published copy equals the user's files; reading those directly saves a process per file.
        let Ok(bytes) = tokio::fs::read(repo.join(path)).await else { continue };
        if let (true, Ok(text)) = (bytes.len() <= MAX_BYTES, String::from_utf8(bytes)) {
            texts.insert(path.clone(), text);
        }
    }
    Ok(PublishedFiles { paths, texts })
}

/// Detection looks at configuration near the root and at test files, not at everything.
fn matters(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    smallhands_checks::is_test_path(path) || path.matches('/').count() <= 2 && is_configuration(name)
}

fn is_configuration(name: &str) -> bool {
    const SUFFIXES: [&str; 10] =
        [".toml", ".ini", ".cfg", ".json", ".xml", ".gradle", ".kts", ".mod", ".txt", ".lock"];
    SUFFIXES.iter().any(|suffix| name.ends_with(suffix))
        || name.to_ascii_lowercase().ends_with("makefile")
        || name == "gradlew"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_detection_reads() {
        let cases = [
            ("pyproject.toml", true),
            ("web/package.json", true),
            ("Makefile", true),
            ("tests/test_a.py", true),
            ("src/a.py", false),
            ("README.md", false),
            ("a/b/c/d/package.json", false),
        ];
        for (path, expected) in cases {
            assert_eq!(matters(path), expected, "{path}");
        }
    }

    #[test]
    fn an_empty_check_is_refused() {
        assert!(selected_as_given("  ").is_err());
        assert_eq!(selected_as_given("make test").unwrap().reason, "given");
    }
}
