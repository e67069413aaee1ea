//! Finds out how a repository is checked, from the files it holds.

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

/// Folders at most two levels deep that hold a manifest, without those nested in another such folder.
fn project_folders(files: &dyn RepoFiles) -> Vec<String> {
    let manifests = TOOLCHAINS.iter().flat_map(|toolchain| toolchain.manifests());
    let manifests: Vec<&str> = manifests.copied().collect();
    let mut folders: Vec<String> = Vec::new();
    for path in files.paths() {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        if folder.split('/').count() <= 2 && manifests.contains(&name) && !is_vendored(folder) {
            folders.push(folder.to_owned());
        }
    }
    folders.sort();
    folders.dedup();
    let nested = |folder: &str| {
        folders
            .iter()
            .any(|other| folder.strip_prefix(other.as_str()).is_some_and(|rest| rest.starts_with('/')))
    };
    folders.iter().filter(|folder| !nested(folder)).cloned().collect()
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
    folder.split('/').any(|part| VENDORED.contains(&part) || (part.starts_with('.') && part.len() > 1))
}
