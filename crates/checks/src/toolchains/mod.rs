//! Recognises projects by their files: one detector per toolchain, all listed in [`TOOLCHAINS`].

mod go;
mod javascript;
mod jvm;
mod native;
mod python;
mod rust;

use crate::command::{Framework, classify};
use crate::detection::{DetectedCheck, RepoFiles, Toolchain, is_vendored};

/// Knows how the projects of one toolchain are checked.
pub(crate) trait Detector: Sync {
    /// Files whose presence says that a folder holds a project of this toolchain.
    fn manifests(&self) -> &'static [&'static str];

    /// The folder below the root in which `path` shows a project to be.
    fn project_folder<'p>(&self, path: &'p str) -> Option<&'p str> {
        let (folder, name) = path.rsplit_once('/')?;
        self.manifests().contains(&name).then_some(folder)
    }

    /// The checks for which `project` holds evidence.
    fn checks(&self, project: &Project<'_>) -> Vec<Candidate>;
}

/// All toolchains; the order decides between checks of equal strength.
pub(crate) const TOOLCHAINS: [&dyn Detector; 6] =
    [&rust::Rust, &python::Python, &javascript::JavaScript, &go::Go, &jvm::Jvm, &native::Native];

/// How much a piece of evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Strength {
    /// A second way to run the same tests, or a target that may do more than test.
    Fallback,
    /// Files that look like tests.
    TestFiles,
    /// A manifest or configuration that names the runner.
    Configured,
}

/// A check with the weight of its evidence.
pub(crate) struct Candidate {
    pub(crate) check: DetectedCheck,
    pub(crate) strength: Strength,
}

impl Candidate {
    fn new(
        toolchain: Toolchain,
        strength: Strength,
        command: impl Into<String>,
        reason: impl Into<String>,
    ) -> Self {
        let (command, reason) = (command.into(), reason.into());
        let framework: Framework = classify(&command);
        Self { check: DetectedCheck { command, framework, toolchain, reason }, strength }
    }
}

/// The files of one project: a folder of the repository, seen as if it were the root.
pub(crate) struct Project<'a> {
    files: &'a dyn RepoFiles,
    folder: String,
    paths: Vec<&'a str>,
}

impl<'a> Project<'a> {
    /// The project in `folder` (empty for the root), without vendored files.
    pub(crate) fn new(files: &'a dyn RepoFiles, folder: &str) -> Self {
        let prefix = if folder.is_empty() { String::new() } else { format!("{folder}/") };
        let own =
            |path: &'a String| path.strip_prefix(prefix.as_str()).filter(|own| !is_vendored(folder_of(own)));
        let mut paths: Vec<&str> = files.paths().iter().filter_map(own).collect();
        paths.sort_unstable();
        Self { files, folder: prefix, paths }
    }

    /// All files, relative to the project, sorted.
    pub(crate) fn paths(&self) -> &[&'a str] {
        &self.paths
    }

    /// Whether the project has the file `path`.
    pub(crate) fn has(&self, path: &str) -> bool {
        self.paths.binary_search(&path).is_ok()
    }

    /// The first of `paths` that the project has.
    pub(crate) fn first_of<'n>(&self, paths: &[&'n str]) -> Option<&'n str> {
        paths.iter().find(|path| self.has(path)).copied()
    }

    /// The text of the file `path`.
    pub(crate) fn read(&self, path: &str) -> Option<String> {
        if !self.has(path) {
            return None;
        }
        self.files.read(&format!("{}{path}", self.folder))
    }
}

/// The folder part of `path`; empty for a file at the top.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last component of `path`.
pub(crate) fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}
