//! JavaScript and TypeScript projects: the package's test script, a known runner, or Node's own.

use serde_json::Value;

use super::{Candidate, Detector, Project, Strength, folder_of, name_of};
use crate::command::{Framework, classify};
use crate::detection::Toolchain;

/// Detects Node packages.
pub(super) struct JavaScript;

/// The most test files read for evidence, and named on one command line.
const FILE_LIMIT: usize = 40;

/// The script that `npm init` writes.
const PLACEHOLDER: &str = "no test specified";

/// Lock files, and the package manager each belongs to.
const PACKAGE_MANAGERS: [(&str, &str); 4] = [
    ("pnpm-lock.yaml", "pnpm test"),
    ("yarn.lock", "yarn test"),
    ("bun.lock", "bun run test"),
    ("bun.lockb", "bun run test"),
];

/// Runners that a package may depend on without a script, and how each runs once.
const RUNNERS: [(&str, &str); 4] =
    [("vitest", "npx vitest run"), ("jest", "npx jest"), ("mocha", "npx mocha"), ("ava", "npx ava")];

impl Detector for JavaScript {
    fn manifests(&self) -> &'static [&'static str] {
        &["package.json"]
    }

    fn checks(&self, project: &Project<'_>) -> Vec<Candidate> {
        let manifest =
            project.read("package.json").and_then(|text| serde_json::from_str::<Value>(&text).ok());
        let manifest = manifest.unwrap_or(Value::Null);
        let found = script_check(project, &manifest).or_else(|| runner_check(&manifest));
        found.or_else(|| node_check(project)).into_iter().collect()
    }
}

/// The check that `scripts.test` is.
fn script_check(project: &Project<'_>, manifest: &Value) -> Option<Candidate> {
    let scripts = &manifest["scripts"];
    let script = scripts["test"].as_str().map(str::trim).filter(|script| !script.is_empty())?;
    if script.contains(PLACEHOLDER) {
        return None;
    }
    let reason = format!("package.json has the test script `{script}`");
    let surrounded = scripts.get("pretest").is_some() || scripts.get("posttest").is_some();
    let command = if is_plain_node_test(script) && !surrounded {
        script.to_owned()
    } else {
        let manager = PACKAGE_MANAGERS.iter().find(|(lock, _)| project.has(lock));
        let command = manager.map_or("npm test", |(_, command)| *command);
        // Its runner watches files for ever unless told that nobody is there.
        let unattended = if script.contains("react-scripts test") { "CI=true " } else { "" };
        format!("{unattended}{command}")
    };
    Some(Candidate::new(Toolchain::JavaScript, Strength::Configured, command, reason))
}

/// Such a script needs nothing that the package manager would add.
fn is_plain_node_test(script: &str) -> bool {
    classify(script) == Framework::NodeTest
        && script.starts_with("node ")
        && !script.contains(['&', '|', ';', '$'])
}

/// A runner among the dependencies.
fn runner_check(manifest: &Value) -> Option<Candidate> {
    let depends = |name: &str| {
        ["devDependencies", "dependencies"].iter().any(|list| manifest[list].get(name).is_some())
    };
    let (name, command) = RUNNERS.iter().find(|(name, _)| depends(name))?;
    let reason = format!("package.json depends on {name}");
    Some(Candidate::new(Toolchain::JavaScript, Strength::Configured, *command, reason))
}

/// Test files written for Node's own runner, which need no manifest.
fn node_check(project: &Project<'_>) -> Option<Candidate> {
    let own = |path: &&str| is_script(path) && !belongs_to_nested_package(project, path);
    let scripts = project.paths().iter().copied().filter(own);
    let likely = scripts.filter(|path| crate::test_paths::is_test_path(path)).take(FILE_LIMIT);
    let uses_runner = |path: &&str| {
        project.read(path).is_some_and(|text| text.contains("\"node:test\"") || text.contains("'node:test'"))
    };
    let tests: Vec<&str> = likely.filter(uses_runner).collect();
    let first = tests.first()?;
    let named: String = tests.iter().map(|path| format!(" {}", shell_words::quote(path))).collect();
    let arguments = if tests.iter().all(|path| is_found_by_node(path)) { String::new() } else { named };
    let reason = format!("{first} uses node:test");
    Some(Candidate::new(
        Toolchain::JavaScript,
        Strength::TestFiles,
        format!("node --test{arguments}"),
        reason,
    ))
}

/// Whether a folder between the root and `path` is a package of its own.
fn belongs_to_nested_package(project: &Project<'_>, path: &str) -> bool {
    let folders = path.match_indices('/').map(|(at, _)| &path[..at]);
    folders.into_iter().any(|folder| project.has(&format!("{folder}/package.json")))
}

fn is_script(path: &str) -> bool {
    [".js", ".mjs", ".cjs"].iter().any(|end| path.ends_with(end))
}

/// Whether `node --test` without arguments finds `path`: by its name, or in a folder called `test`.
/// (Node.js documentation, "Running tests from the command line".)
fn is_found_by_node(path: &str) -> bool {
    let stem = name_of(path).rsplit_once('.').map_or("", |(stem, _)| stem);
    let by_name = stem == "test" || stem.starts_with("test-");
    let by_end = [".test", "-test", "_test"].iter().any(|end| stem.ends_with(end));
    by_name || by_end || folder_of(path).split('/').any(|folder| folder == "test")
}
