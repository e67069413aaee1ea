//! Which files judge the work, by their names.

use std::sync::LazyLock;

use regex::Regex;
use serde::{Deserialize, Serialize};
use smallhands_checks::is_test_path;

use super::diff::{FileDiff, Sign};

/// What a file has to do with judging the work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Tests, and what they are made of.
    Test,
    /// Steers the checks and nothing else.
    Configuration,
    /// Steers the checks among other things.
    Manifest,
    /// Runs the checks elsewhere.
    ContinuousIntegration,
    /// What tests expect, written down by a tool.
    Snapshot,
    /// The versions of dependencies.
    Lock,
}

const CONFIGURATIONS: [&str; 34] = [
    "conftest.py",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "noxfile.py",
    ".coveragerc",
    "mypy.ini",
    ".mypy.ini",
    "ruff.toml",
    ".ruff.toml",
    ".flake8",
    ".pylintrc",
    "pyrightconfig.json",
    ".nycrc",
    ".nycrc.json",
    ".eslintrc",
    ".eslintrc.js",
    ".eslintrc.json",
    ".eslintrc.yml",
    "eslint.config.js",
    "eslint.config.mjs",
    "tsconfig.test.json",
    ".mocharc.js",
    ".mocharc.json",
    ".mocharc.yml",
    "nextest.toml",
    "clippy.toml",
    ".clippy.toml",
    "deny.toml",
    "codecov.yml",
    ".codecov.yml",
    ".golangci.yml",
    "testng.xml",
    "phpunit.xml",
];

const MANIFESTS: [&str; 11] = [
    "pyproject.toml",
    "setup.cfg",
    "setup.py",
    "package.json",
    "Cargo.toml",
    "Makefile",
    "justfile",
    "CMakeLists.txt",
    "pom.xml",
    "build.gradle",
    "build.gradle.kts",
];

const CONTINUOUS_INTEGRATION: [&str; 9] = [
    ".gitlab-ci.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    ".travis.yml",
    "appveyor.yml",
    ".pre-commit-config.yaml",
    "bitbucket-pipelines.yml",
    ".drone.yml",
    "cloudbuild.yaml",
];

const LOCKS: [&str; 14] = [
    "Cargo.lock",
    "package-lock.json",
    "npm-shrinkwrap.json",
    "yarn.lock",
    "pnpm-lock.yaml",
    "bun.lock",
    "poetry.lock",
    "uv.lock",
    "pdm.lock",
    "Pipfile.lock",
    "go.sum",
    "Gemfile.lock",
    "composer.lock",
    "gradle.lockfile",
];

/// What a file has to do with judging the work; `None` for the work itself.
#[must_use]
pub fn place(path: &str) -> Option<Place> {
    static TOOL_CONFIGURATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^(jest|vitest|karma|playwright|cypress|wdio|ava|nyc)\.(conf|config|workspace|setup)\.\w+$",
        )
        .ok()
    });
    let file = path.rsplit('/').next().unwrap_or(path);
    let matches = |regex: &LazyLock<Option<Regex>>| regex.as_ref().is_some_and(|regex| regex.is_match(file));
    if LOCKS.contains(&file) {
        Some(Place::Lock)
    } else if is_snapshot(path, file) {
        Some(Place::Snapshot)
    } else if CONFIGURATIONS.contains(&file) || matches(&TOOL_CONFIGURATION) {
        Some(Place::Configuration)
    } else if is_test_path(path) {
        Some(Place::Test)
    } else if MANIFESTS.contains(&file) {
        Some(Place::Manifest)
    } else if CONTINUOUS_INTEGRATION.contains(&file)
        || is_in(path, &[".github/workflows", ".github/actions", ".circleci", ".buildkite", ".ci"])
    {
        Some(Place::ContinuousIntegration)
    } else {
        None
    }
}

fn is_in(path: &str, folders: &[&str]) -> bool {
    folders
        .iter()
        .any(|folder| path.starts_with(&format!("{folder}/")) || path.contains(&format!("/{folder}/")))
}

fn is_snapshot(path: &str, file: &str) -> bool {
    let ends = [".snap", ".golden", ".ambr", ".snap.new", ".stderr", ".approved.txt"];
    let in_folder =
        is_in(path, &["__snapshots__", "__image_snapshots__", "snapshots", "golden", "goldens", "cassettes"]);
    in_folder || ends.iter().any(|end| file.ends_with(end)) || file.contains(".approved.")
}

/// Whether what a diff changes in a manifest is about the checks: by the lines themselves, or by the section they are in.
pub(super) fn concerns_checks(file: &FileDiff) -> bool {
    static CHECKS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(r"(?i)\b(pytest|addopts|testpaths|jest|vitest|mocha|coverage|cov|fail_under|harness|doctest|nose|tox|surefire|failsafe|junit|ctest|add_test|enable_testing)\b|\[\[test\]\]|\[profile\.test|\[tool\.(pytest|coverage|mypy|ruff)|\[lints|\btests?\b").ok()
    });
    let is_about = |text: &str| CHECKS.as_ref().is_some_and(|regex| regex.is_match(text));
    file.hunks.iter().any(|hunk| {
        let mut section = hunk.heading.as_str();
        hunk.lines.iter().any(|line| {
            if line.text.trim_start().starts_with('[') {
                section = &line.text;
            }
            line.sign != Sign::Same && (is_about(&line.text) || (is_section(section) && is_about(section)))
        })
    })
}

fn is_section(text: &str) -> bool {
    text.trim_start().starts_with('[')
}

/// Whether the diff changes a file beside a lock file that asks for dependencies.
pub(super) fn has_manifest_beside(lock: &FileDiff, all: &[FileDiff]) -> bool {
    const ASKS: [&str; 8] = [
        "Cargo.toml",
        "package.json",
        "pyproject.toml",
        "Pipfile",
        "go.mod",
        "Gemfile",
        "composer.json",
        "build.gradle",
    ];
    // A workspace has one lock file and many manifests below it.
    let folder = lock.path.rsplit_once('/').map_or(String::new(), |(folder, _)| format!("{folder}/"));
    let asks = |file: &FileDiff| ASKS.iter().any(|name| file.path.rsplit('/').next() == Some(*name));
    all.iter().any(|file| file.path.starts_with(&folder) && asks(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_judge_are_known_by_name() {
        let cases = [
            ("tests/test_a.py", Some(Place::Test)),
            ("src/a.test.ts", Some(Place::Test)),
            ("conftest.py", Some(Place::Configuration)),
            ("web/jest.config.mjs", Some(Place::Configuration)),
            ("tests/pytest.ini", Some(Place::Configuration)),
            ("crates/x/Cargo.toml", Some(Place::Manifest)),
            (".github/workflows/ci.yml", Some(Place::ContinuousIntegration)),
            ("sub/.circleci/config.yml", Some(Place::ContinuousIntegration)),
            ("tests/__snapshots__/a.snap", Some(Place::Snapshot)),
            ("cmd/testdata/out.golden", Some(Place::Snapshot)),
            ("Cargo.lock", Some(Place::Lock)),
            ("src/contest.py", None),
            ("README.md", None),
        ];
        for (path, expected) in cases {
            assert_eq!(place(path), expected, "{path}");
        }
    }
}
