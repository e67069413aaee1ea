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

    /// Publishes a folder with these files and chooses its checks.
    async fn chosen(files: &[(&str, &str)], given: &[&str]) -> Result<Vec<SelectedCheck>, RunError> {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("project");
        for (path, text) in files {
            let path = repo.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let base = Base::publish(&repo, &folder.path().join("base")).await.unwrap();
        let given: Vec<String> = given.iter().map(|command| (*command).to_owned()).collect();
        select(&given, &base, &repo).await
    }

    #[tokio::test]
    async fn checks_that_are_given_are_taken_as_they_are_and_in_order() {
        let selected =
            chosen(&[("Makefile", "test:\n\ttrue\n")], &["make lint", "A=1 pytest -q"]).await.unwrap();
        let commands: Vec<&str> = selected.iter().map(|check| check.command.as_str()).collect();
        assert_eq!(commands, ["make lint", "A=1 pytest -q"]);
        assert!(selected.iter().all(|check| check.reason == "given"));
    }

    #[tokio::test]
    async fn the_best_detected_check_is_taken_with_its_reason() {
        let test = "import unittest\n\n\nclass T(unittest.TestCase):\n    def test_x(self):\n        pass\n";
        let cases: &[(&[(&str, &str)], &str)] = &[
            (&[("test_x.py", test), ("x.py", "")], "unittest"),
            (&[("Cargo.toml", "[package]\nname = \"x\"\n"), ("src/lib.rs", "")], "cargo test"),
            (&[("go.mod", "module x\n"), ("x_test.go", "package x\n")], "go test"),
            (&[("Makefile", "test:\n\ttrue\n")], "make test"),
        ];
        for (files, expected) in cases {
            let selected = chosen(files, &[]).await.unwrap();
            let [check] = &selected[..] else { panic!("{expected}: {selected:?}") };
            assert!(check.command.contains(expected), "{expected}: {check:?}");
            assert!(!check.reason.is_empty() && check.reason != "given", "{check:?}");
        }
    }

    #[tokio::test]
    async fn where_nothing_is_found_the_folder_and_the_way_out_are_named() {
        let error = chosen(&[("notes.txt", "x")], &[]).await.unwrap_err();
        let RunError::NoChecks { path, .. } = &error else { panic!("{error}") };
        assert!(path.ends_with("project"), "{error}");
        assert!(error.to_string().contains("--check"), "{error}");
    }
}
