//! Finds out how a repository is checked, from the files it holds.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::command::Framework;
use crate::toolchains::{Project, TOOLCHAINS};

/// The files of a repository, as a caller can read them.
pub trait RepoFiles {
    /// The text of a file, or nothing where it does not exist or is not text.
    fn read(&self, path: &str) -> Option<String>;

    /// All files, relative to the repository, with `/` between folders.
    fn paths(&self) -> &[String];
}

/// The language family a check belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Toolchain {
    /// Python.
    Python,
    /// JavaScript and TypeScript.
    JavaScript,
    /// Rust.
    Rust,
    /// Go.
    Go,
    /// Java and its relatives.
    Jvm,
    /// C, C++ and what else is built by CMake or make.
    Native,
}

/// A command that checks the repository, and why we think so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DetectedCheck {
    /// The command, to be run by a POSIX shell in the repository's root.
    pub command: String,
    /// What it starts.
    pub framework: Framework,
    /// The language family it checks.
    pub toolchain: Toolchain,
    /// The evidence, as a sentence fragment: `pyproject.toml has [tool.pytest.ini_options]`.
    pub reason: String,
}

/// The checks of a repository, best first.
///
/// The root is looked at first. Where nothing there is testable, a single subfolder that holds a project is, and its
/// checks begin with `cd folder &&`.
pub fn detect(files: &dyn RepoFiles) -> Vec<DetectedCheck> {
    let root = checks_in(files, "");
    if !root.is_empty() {
        return root;
    }
    let folders: Vec<String> = project_folders(files);
    let mut found = folders.iter().map(|folder| checks_in(files, folder)).filter(|checks| !checks.is_empty());
    match (found.next(), found.next()) {
        (Some(only), None) => only,
        _ => Vec::new(),
    }
}

/// The checks of the project in `folder`, strongest evidence first; ties keep the order of [`TOOLCHAINS`].
fn checks_in(files: &dyn RepoFiles, folder: &str) -> Vec<DetectedCheck> {
    let project = Project::new(files, folder);
    let mut found: Vec<_> = TOOLCHAINS.iter().flat_map(|toolchain| toolchain.checks(&project)).collect();
    found.sort_by_key(|candidate| std::cmp::Reverse(candidate.strength));
    let mut checks: Vec<DetectedCheck> = Vec::new();
    for candidate in found {
        if !checks.iter().any(|known| known.command == candidate.check.command) {
            checks.push(candidate.check);
        }
    }
    if !folder.is_empty() {
        let quoted = shell_words::quote(folder);
        checks.iter_mut().for_each(|check| check.command = format!("cd {quoted} && {}", check.command));
    }
    checks
}

/// Folders at most two levels deep that hold a project, without those nested in another such folder.
fn project_folders(files: &dyn RepoFiles) -> Vec<String> {
    let shown_by = |path: &'_ str| -> Vec<String> {
        TOOLCHAINS.iter().filter_map(|toolchain| toolchain.project_folder(path)).map(str::to_owned).collect()
    };
    let is_near = |folder: &String| folder.split('/').count() <= 2 && !is_vendored(folder);
    let folders: BTreeSet<String> =
        files.paths().iter().flat_map(|path| shown_by(path)).filter(is_near).collect();
    let is_outermost =
        |folder: &&String| folder.rsplit_once('/').is_none_or(|(parent, _)| !folders.contains(parent));
    folders.iter().filter(is_outermost).cloned().collect()
}

/// Whether a folder holds other people's code or build results.
pub(crate) fn is_vendored(folder: &str) -> bool {
    const VENDORED: [&str; 12] = [
        "node_modules",
        "vendor",
        "third_party",
        "site-packages",
        "target",
        "build",
        "dist",
        "venv",
        "env",
        "out",
        "__pycache__",
        "deps",
    ];
    folder.split('/').any(|part| VENDORED.contains(&part) || (part.starts_with('.') && part != ".config"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A repository in memory: `(path, text)`.
    struct Repo {
        texts: Vec<(String, String)>,
        paths: Vec<String>,
    }

    impl RepoFiles for Repo {
        fn read(&self, path: &str) -> Option<String> {
            self.texts.iter().find(|(known, _)| known == path).map(|(_, text)| text.clone())
        }

        fn paths(&self) -> &[String] {
            &self.paths
        }
    }

    fn repo(files: &[(&str, &str)]) -> Repo {
        let texts: Vec<(String, String)> =
            files.iter().map(|(path, text)| (path.to_string(), text.to_string())).collect();
        Repo { paths: texts.iter().map(|(path, _)| path.clone()).collect(), texts }
    }

    /// Asserts the commands found, best first.
    fn check(files: &[(&str, &str)], expected: &[&str]) {
        let commands: Vec<String> = detect(&repo(files)).into_iter().map(|check| check.command).collect();
        assert_eq!(commands, expected, "{files:?}");
    }

    const UNITTEST: &str = "import unittest\n\nclass T(unittest.TestCase):\n    def test_x(self): pass\n";
    const BARE: &str = "def test_x():\n    assert True\n";

    #[test]
    fn pytest_needs_evidence() {
        let plain = ("tests/test_a.py", UNITTEST);
        for (evidence, reason) in [
            (("pytest.ini", ""), "pytest.ini exists"),
            (
                ("pyproject.toml", "[tool.pytest.ini_options]\n"),
                "pyproject.toml has [tool.pytest.ini_options]",
            ),
            (("setup.cfg", "[tool:pytest]\n"), "setup.cfg has [tool:pytest]"),
            (("tox.ini", "[pytest]\n"), "tox.ini has [pytest]"),
            (("tests/conftest.py", ""), "tests/conftest.py exists"),
            (("requirements.txt", "requests\npytest>=7\n"), "requirements.txt lists pytest"),
        ] {
            let found = detect(&repo(&[plain, evidence]));
            assert_eq!(found[0].reason, reason);
            assert_eq!(
                (found[0].command.as_str(), found[0].framework),
                ("python3 -m pytest", Framework::Pytest)
            );
            assert_eq!(found[1].framework, Framework::Unittest, "unittest stays possible");
        }
        check(&[("tests/test_a.py", BARE), ("a.py", "")], &["python3 -m pytest"]);
        check(&[("tests/test_a.py", "import pytest\n")], &["python3 -m pytest"]);
        check(
            &[plain, ("requirements.txt", "pytest-runner-like\n# pytest\n")],
            &["python3 -m unittest discover -s tests"],
        );
    }

    #[test]
    fn unittest_gets_the_arguments_its_discovery_needs() {
        let test = |path: &'static str| (path, UNITTEST);
        let package = |path: &'static str| (path, "");
        check(&[test("tests/test_a.py")], &["python3 -m unittest discover -s tests"]);
        check(
            &[package("tests/__init__.py"), test("tests/test_a.py")],
            &["python3 -m unittest discover -s tests -t ."],
        );
        check(&[test("test_a.py"), package("a.py")], &["python3 -m unittest discover"]);
        check(
            &[package("pkg/__init__.py"), test("pkg/test_a.py"), test("test_b.py")],
            &["python3 -m unittest discover"],
        );
        check(&[test("a_test.py")], &["python3 -m unittest discover -p '*_test.py'"]);
        check(
            &[package("src/pkg/__init__.py"), test("tests/test_a.py")],
            &["PYTHONPATH=src python3 -m unittest discover -s tests"],
        );
        check(
            &[package("a.py"), test("one/test_a.py"), test("two/test_b.py")],
            &["python3 -m unittest one/test_a.py two/test_b.py"],
        );
        check(&[package("manage.py"), test("app/tests.py")], &["python3 manage.py test"]);
    }

    #[test]
    fn javascript_follows_the_manifest_and_the_lock_file() {
        let script = |text: &'static str| ("package.json", text);
        let jest = script(r#"{"scripts":{"test":"jest"}}"#);
        check(&[jest], &["npm test"]);
        check(&[jest, ("yarn.lock", "")], &["yarn test"]);
        check(&[jest, ("pnpm-lock.yaml", "")], &["pnpm test"]);
        check(&[script(r#"{"scripts":{"test":"node --test test/"}}"#)], &["node --test test/"]);
        check(&[script(r#"{"scripts":{"pretest":"x","test":"node --test"}}"#)], &["npm test"]);
        check(&[script(r#"{"scripts":{"test":"react-scripts test"}}"#)], &["CI=true npm test"]);
        check(&[script(r#"{"devDependencies":{"vitest":"1"}}"#)], &["npx vitest run"]);
        let placeholder = script(r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#);
        check(&[placeholder], &[]);
        check(&[placeholder, ("a.test.js", "import test from 'node:test'")], &["node --test"]);
        check(&[("tests/a.mjs", "import test from \"node:test\"")], &["node --test tests/a.mjs"]);
        check(&[script("{broken"), ("a.test.js", "describe()")], &[]);
    }

    #[test]
    fn compiled_languages_go_by_their_build_files() {
        check(&[("Cargo.toml", "[package]\n")], &["cargo test"]);
        check(&[("Cargo.toml", "[workspace]\n"), ("a/Cargo.toml", "")], &["cargo test --workspace"]);
        check(&[("Cargo.toml", ""), (".config/nextest.toml", "")], &["cargo test", "cargo nextest run"]);
        check(&[("go.mod", ""), ("a_test.go", "")], &["go test ./..."]);
        check(
            &[("go.work", "go 1.22\nuse (\n\t./api\n\t./web/ // site\n)\n"), ("api/go.mod", "")],
            &["go test ./api/... ./web/..."],
        );
        check(&[("pom.xml", "")], &["mvn -q test"]);
        check(&[("pom.xml", ""), ("mvnw", "")], &["./mvnw -q test"]);
        check(&[("build.gradle.kts", ""), ("gradlew", "")], &["./gradlew test --continue"]);
        let ctest =
            "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure";
        check(&[("CMakeLists.txt", "project(x)\n"), ("t/CMakeLists.txt", "add_test(NAME a)")], &[ctest]);
        check(&[("CMakeLists.txt", "project(x)\n# add_test\n")], &[]);
    }

    #[test]
    fn make_targets_count_least() {
        check(&[("Makefile", "all: x\ntest check: all\n\t./t\n")], &["make test"]);
        check(&[("Makefile", "check:\n\t./t\n")], &["make check"]);
        check(&[("Makefile", "test := a\n.PHONY: test\n\ttest: x\n")], &[]);
        check(&[("Makefile", "test:\n\tpytest\n"), ("pytest.ini", "")], &["python3 -m pytest", "make test"]);
    }

    #[test]
    fn a_single_project_in_a_subfolder_is_found() {
        check(&[("README.md", ""), ("back end/pytest.ini", "")], &["cd 'back end' && python3 -m pytest"]);
        check(
            &[("app/shop/cart.py", ""), ("app/tests/test_cart.py", UNITTEST)],
            &["cd app && python3 -m unittest discover -s tests"],
        );
        check(
            &[("services/api/go.mod", ""), ("services/api/x_test.go", "")],
            &["cd services/api && go test ./..."],
        );
        check(&[("web/package.json", "{}"), ("api/go.mod", "")], &["cd api && go test ./..."]);
        check(&[("a/go.mod", ""), ("b/go.mod", "")], &[]);
        check(&[("node_modules/x/Cargo.toml", ""), (".hidden/go.mod", "")], &[]);
        check(&[("a/b/c/go.mod", "")], &[]);
        check(&[], &[]);
    }

    #[test]
    fn python_in_all_its_layouts() {
        let test = |path: &'static str| (path, UNITTEST);
        let empty = |path: &'static str| (path, "");
        for (files, expected) in [
            // Packages within packages are found from their top.
            (
                vec![empty("pkg/__init__.py"), empty("pkg/tests/__init__.py"), test("pkg/tests/test_a.py")],
                "python3 -m unittest discover -s pkg/tests -t .",
            ),
            (
                vec![
                    empty("tests/__init__.py"),
                    empty("tests/unit/__init__.py"),
                    test("tests/unit/test_a.py"),
                    test("tests/test_b.py"),
                ],
                "python3 -m unittest discover -s tests -t .",
            ),
            // A folder below that is no package would not be entered.
            (
                vec![empty("tests/__init__.py"), test("tests/test_b.py"), test("tests/unit/test_a.py")],
                "python3 -m unittest tests/test_b.py tests/unit/test_a.py",
            ),
            (vec![empty("a.py"), test("my tests/test_a.py")], "python3 -m unittest discover -s 'my tests'"),
            (
                vec![empty("src/__init__.py"), test("tests/test_a.py")],
                "python3 -m unittest discover -s tests",
            ),
            (vec![("tests.py", UNITTEST)], "python3 -m unittest discover"),
        ] {
            check(&files, &[expected]);
        }
        check(
            &[empty("src/pkg/a.py"), empty("pytest.ini"), ("tests/test_a.py", BARE)],
            &["PYTHONPATH=src python3 -m pytest"],
        );
        check(&[test("tests/test_a.py"), ("tests/test_b.py", BARE)], &["python3 -m pytest"]);
        check(&[("setup.py", ""), ("docs/conf.py", "")], &[]);
        check(&[test("venv/lib/test_a.py"), test(".tox/py/test_b.py"), ("README.md", "")], &[]);
    }

    #[test]
    fn dependency_lists_name_pytest_in_many_ways() {
        for (file, text, listed) in [
            ("requirements.txt", "pytest\n", true),
            ("requirements-dev.txt", "pytest==8.0 ; python_version > '3'\n", true),
            ("pyproject.toml", "dev = [\"pytest>=7\", \"ruff\"]\n", true),
            ("pyproject.toml", "[dependency-groups]\ntest = ['pytest']\n", true),
            ("setup.py", "extras_require={'test': ['pytest']}\n", true),
            ("requirements.txt", "pytest-cov-only\n", false),
            ("requirements.txt", "my.pytest\n", false),
            ("requirements.txt", "# pytest\n", false),
        ] {
            let found = detect(&repo(&[("tests/test_a.py", UNITTEST), (file, text)]));
            assert_eq!(found[0].framework == Framework::Pytest, listed, "{file}: {text}");
        }
    }

    #[test]
    fn node_tests_of_nested_packages_are_not_the_roots() {
        let nested = [("demo/package.json", "{}"), ("demo/test/a.test.js", "import 'node:test'")];
        check(&[("package.json", "{}"), nested[0], nested[1]], &["cd demo && node --test"]);
        check(&[("Cargo.toml", ""), nested[0], nested[1]], &["cargo test"]);
    }

    #[test]
    fn every_check_says_why() {
        for (files, reason) in [
            (vec![("Cargo.toml", "[workspace]\n")], "Cargo.toml has [workspace]"),
            (vec![("go.mod", ""), ("a_test.go", "")], "go.mod exists"),
            (vec![("pom.xml", ""), ("mvnw", "")], "pom.xml and the wrapper mvnw exist"),
            (vec![("Makefile", "test:\n")], "Makefile has the target test"),
            (vec![("CMakeLists.txt", "enable_testing()\n")], "CMakeLists.txt has enable_testing"),
            (vec![("package.json", r#"{"devDependencies":{"jest":"29"}}"#)], "package.json depends on jest"),
            (vec![("tests/test_a.py", BARE)], "tests/test_a.py has test functions outside classes"),
            (vec![("tests/test_a.py", UNITTEST)], "tests/test_a.py uses unittest"),
        ] {
            assert_eq!(detect(&repo(&files))[0].reason, reason);
        }
    }

    #[test]
    fn the_root_wins_over_subfolders() {
        check(
            &[("go.mod", ""), ("a_test.go", ""), ("web/package.json", r#"{"scripts":{"test":"jest"}}"#)],
            &["go test ./..."],
        );
    }
}
