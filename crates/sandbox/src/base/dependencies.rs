//! Folders that builds need and that no commit should hold: installed packages. They are copied beside the base once
//! and from there into each sandbox; what is only a cache is not copied at all.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::Stdio;

use serde::{Deserialize, Serialize};

use super::Base;
use super::relocation::relocate;
use super::survey::{RelativePath, Survey};
use super::warning::Warning;
use crate::error::SandboxError;

/// Most bytes of dependency folders that are copied, together.
const MOST_BYTES: u64 = 500_000_000;

/// Where the copies lie below a base's directory.
const FOLDER: &str = "dependencies";

/// Caches by name, wherever they are.
const CACHES: [&[u8]; 4] = [b"__pycache__", b".pytest_cache", b".mypy_cache", b".ruff_cache"];

/// Files beside a `target` folder that show it to be a build's output.
const BUILD_FILES: [&str; 3] = ["Cargo.toml", "pom.xml", "build.sbt"];

/// The folders that go into each sandbox, relative to the repository.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Dependencies(Vec<String>);

impl Dependencies {
    /// Finds dependency folders at the top of `repo` and one level below, takes what belongs to them or to a cache
    /// out of the survey, and copies them below `dir`.
    pub(super) async fn collect(repo: &Path, dir: &Path, survey: &mut Survey) -> Result<Self, SandboxError> {
        let found = candidates(repo, survey);
        survey
            .untracked
            .retain(|path| !is_cache(repo, path) && !found.iter().any(|folder| lies_in(path, folder)));
        let mut kept = Vec::new();
        let mut room = MOST_BYTES;
        for folder in found {
            let source = repo.join(&folder);
            if source.is_symlink() {
                survey.untracked.remove(folder.as_bytes());
                survey.warnings.push(Warning::DependenciesLinked { path: folder });
                continue;
            }
            let bytes = size(&source, room);
            if bytes > room {
                survey.warnings.push(Warning::DependenciesTooLarge { path: folder, bytes });
                continue;
            }
            room -= bytes;
            copy(&source, &dir.join(FOLDER).join(&folder)).await?;
            kept.push(folder);
        }
        Ok(Self(kept))
    }

    /// Copies the folders of `base` into a workspace that will be found at `home`.
    pub(crate) async fn copy_into(
        &self,
        base: &Base,
        workspace: &Path,
        home: &Path,
    ) -> Result<(), SandboxError> {
        for folder in &self.0 {
            let target = workspace.join(folder);
            copy(&base.dir().join(FOLDER).join(folder), &target).await?;
            relocate(&target, base.source(), home).map_err(SandboxError::io("adapt", &target))?;
        }
        Ok(())
    }

    /// The folders, relative to the repository.
    pub(crate) fn folders(&self) -> &[String] {
        &self.0
    }
}

fn candidates(repo: &Path, survey: &Survey) -> Vec<String> {
    let mut places = vec![String::new()];
    for entry in fs::read_dir(repo).into_iter().flatten().flatten() {
        if let Ok(name) = entry.file_name().into_string()
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
            && name != ".git"
        {
            places.push(format!("{name}/"));
        }
    }
    let names = ["node_modules", ".venv", "venv", "vendor"];
    let all = places.iter().flat_map(|place| names.map(|name| (format!("{place}{name}"), name)));
    let mut found: Vec<String> = all
        .filter(|(folder, name)| is_dependencies(repo, folder, name, survey))
        .map(|(folder, _)| folder)
        .collect();
    found.sort();
    found
}

fn is_dependencies(repo: &Path, folder: &str, name: &str, survey: &Survey) -> bool {
    let path = repo.join(folder);
    let holds = |paths: &BTreeSet<RelativePath>| paths.iter().any(|path| lies_in(path, folder));
    if !path.is_dir() || holds(&survey.tracked) {
        return false;
    }
    match name {
        ".venv" | "venv" => path.join("pyvenv.cfg").is_file(),
        // Code that somebody put there belongs to the tree unless it is ignored.
        "vendor" => !holds(&survey.untracked) && !path.is_symlink(),
        _ => true,
    }
}

fn lies_in(path: &[u8], folder: &str) -> bool {
    path.strip_prefix(folder.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
}

/// Whether an untracked file is only a cache or a build's output.
fn is_cache(repo: &Path, path: &[u8]) -> bool {
    let mut parent = repo.to_owned();
    for part in path.split(|&byte| byte == b'/') {
        let built = || BUILD_FILES.iter().any(|file| parent.join(file).is_file());
        if CACHES.contains(&part) || (part == b"target" && built()) {
            return true;
        }
        parent.push(OsStr::from_bytes(part));
    }
    path.ends_with(b".pyc")
}

/// Bytes below `folder`, counted until they exceed `enough`.
fn size(folder: &Path, enough: u64) -> u64 {
    let mut bytes = 0;
    let mut pending = vec![folder.to_owned()];
    while let Some(folder) = pending.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            if metadata.is_dir() {
                pending.push(entry.path());
            } else {
                bytes += metadata.len();
            }
        }
        if bytes > enough {
            break;
        }
    }
    bytes
}

/// Copies a folder with everything in it: never hard links, shared blocks where the file system can.
async fn copy(source: &Path, target: &Path) -> Result<(), SandboxError> {
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent).map_err(SandboxError::io("create", parent))?;
    }
    let mut command = tokio::process::Command::new("cp");
    command.args(["-a", "--reflink=auto", "-T", "--"]).arg(source).arg(target).stdin(Stdio::null());
    let copied = command.kill_on_drop(true).output().await.map_err(SandboxError::io("copy", source))?;
    if copied.status.success() {
        return Ok(());
    }
    Err(SandboxError::git("copy a dependency folder", target, &copied.stderr))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caches_are_recognised() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("crate")).unwrap();
        fs::write(dir.path().join("crate/Cargo.toml"), "").unwrap();
        let cases: [(&[u8], bool); 7] = [
            (b"a/__pycache__/x.pyc", true),
            (b".pytest_cache/v/x", true),
            (b"crate/target/debug/x", true),
            (b"other/target/x", false),
            (b"a/my__pycache__/x", false),
            (b"a.pyc", true),
            (b"src/a.py", false),
        ];
        for (path, expected) in cases {
            assert_eq!(is_cache(dir.path(), path), expected, "{}", String::from_utf8_lossy(path));
        }
    }

    #[test]
    fn a_path_lies_in_a_folder_and_not_beside_it() {
        assert!(lies_in(b"node_modules/a", "node_modules"));
        assert!(!lies_in(b"node_modules", "node_modules"));
        assert!(!lies_in(b"node_modules2/a", "node_modules"));
    }
}
