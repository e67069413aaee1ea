//! The base of a run: the user's repository as it is now, published once, never changed, and extended commit by commit.
//!
//! The user's repository is only read. Its files (tracked, and untracked but not ignored, with all uncommitted changes)
//! become one commit without a parent in a private git repository: no history travels, so no agent can dig a fix out of it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::git::Git;
use crate::listing::{self, DEPENDENCIES};
use crate::tree::TreeId;

/// Folders larger than this are not worth copying.
const MAX_DEPENDENCY_BYTES: u64 = 1 << 30;

/// A published repository. Cheap to share; safe to use from many tasks at once.
#[derive(Debug)]
pub struct Base {
    folder: PathBuf,
    description: Description,
    scratch: AtomicU64,
}

/// What is stored about a base beside its objects.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Description {
    version: u16,
    head: TreeId,
    dependencies: Vec<String>,
    warnings: Vec<String>,
}

impl Base {
    /// Publishes `repo` (a git repository in any state, or a plain folder) under `folder`.
    ///
    /// # Errors
    /// When the repository cannot be read or the folder cannot be written.
    pub async fn publish(repo: &Path, folder: &Path) -> Result<Self, SandboxError> {
        if !repo.is_dir() {
            return Err(SandboxError::NotAFolder(repo.to_path_buf()));
        }
        std::fs::create_dir_all(folder).map_err(|error| SandboxError::io("create", folder, error))?;
        let git_dir = git_dir(folder);
        Git::new("make a repository", folder).args(["init", "-q", "--bare"]).args([&git_dir]).run().await?;
        turn_off_conversions(&git_dir)?;
        let listing = listing::list(repo, &git_dir).await?;
        let head = commit_files(repo, &git_dir, folder, &listing.files).await?;
        let mut warnings = listing.warnings;
        let dependencies = copy_dependencies(repo, folder, &mut warnings).await?;
        let description = Description { version: 1, head, dependencies, warnings };
        let path = description_path(folder);
        let text = serde_json::to_vec_pretty(&description)
            .map_err(|error| SandboxError::Damaged { path: path.clone(), reason: error.to_string() })?;
        std::fs::write(&path, text).map_err(|error| SandboxError::io("write", &path, error))?;
        Ok(Self { folder: folder.to_path_buf(), description, scratch: AtomicU64::new(0) })
    }

    /// Opens a base that was published earlier, perhaps by another process.
    ///
    /// # Errors
    /// [`SandboxError::Damaged`] when it was not published to its end.
    pub async fn open(folder: &Path) -> Result<Self, SandboxError> {
        let path = description_path(folder);
        let text = tokio::fs::read(&path).await.map_err(|error| SandboxError::io("read", &path, error))?;
        let description: Description = serde_json::from_slice(&text)
            .map_err(|error| SandboxError::Damaged { path: path.clone(), reason: error.to_string() })?;
        Ok(Self { folder: folder.to_path_buf(), description, scratch: AtomicU64::new(0) })
    }

    /// The repository as the user gave it.
    #[must_use]
    pub fn head(&self) -> TreeId {
        self.description.head.clone()
    }

    /// What the user should know about the copy.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.description.warnings
    }

    /// The private git repository.
    #[must_use]
    pub fn git_dir(&self) -> PathBuf {
        git_dir(&self.folder)
    }

    /// Folders with the project's dependencies, by name, and where their copies are.
    pub fn dependencies(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        let folder = dependencies_folder(&self.folder);
        self.description.dependencies.iter().map(move |name| (name.as_str(), folder.join(name)))
    }

    /// Puts a git unified diff on the tree `on`, three-way where the blobs it names are known. The same patch on the same
    /// tree gives the same commit.
    ///
    /// # Errors
    /// [`SandboxError::Conflict`] when it does not fit; the base is then as before.
    pub async fn commit_patch(&self, on: &TreeId, patch: &str, message: &str) -> Result<TreeId, SandboxError> {
        let index = ScratchIndex::new(self);
        self.git("read a tree").index(&index.path).args(["read-tree", on.as_str()]).run().await?;
        let apply = self
            .git("apply a patch")
            .index(&index.path)
            .args(["apply", "--cached", "--3way", "--whitespace=nowarn", "-"])
            .input(patch.as_bytes().to_vec())
            .output()
            .await?;
        let unmerged = self.git("look for conflicts").index(&index.path).args(["ls-files", "-u", "-z"]).run().await?;
        if !apply.status.success() || !unmerged.is_empty() {
            return Err(SandboxError::Conflict { files: files_in_conflict(&apply.stderr) });
        }
        let tree = self.git("write a tree").index(&index.path).args(["write-tree"]).line().await?;
        commit_tree(&self.git_dir(), &self.folder, &tree, Some(on), message).await
    }

    /// What changed between two trees, as a binary-safe git diff.
    ///
    /// # Errors
    /// When a tree is unknown.
    pub async fn diff(&self, from: &TreeId, to: &TreeId) -> Result<String, SandboxError> {
        let arguments = ["diff", "--binary", "--no-color", "--no-ext-diff", "--no-renames", from.as_str(), to.as_str()];
        Ok(String::from_utf8_lossy(&self.git("compare trees").args(arguments).run().await?).into_owned())
    }

    /// A file of a tree; `None` when the tree has no such file.
    ///
    /// # Errors
    /// When the tree is unknown.
    pub async fn read(&self, at: &TreeId, path: &str) -> Result<Option<Vec<u8>>, SandboxError> {
        let output = self.git("read a file").args(["cat-file", "blob", &format!("{at}:{path}")]).output().await?;
        Ok(output.status.success().then_some(output.stdout))
    }

    /// The files of a tree, sorted.
    ///
    /// # Errors
    /// When the tree is unknown.
    pub async fn paths(&self, at: &TreeId) -> Result<Vec<String>, SandboxError> {
        let listed = self.git("list a tree").args(["ls-tree", "-r", "-z", "--name-only", at.as_str()]).run().await?;
        let paths = listed.split(|byte| *byte == 0).filter(|path| !path.is_empty());
        Ok(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }

    fn git(&self, what: &str) -> Git {
        Git::new(what, &self.folder).repository(&self.git_dir())
    }
}

/// An index file of its own, so that several commits can be prepared at once; removed when dropped.
struct ScratchIndex {
    path: PathBuf,
}

impl ScratchIndex {
    fn new(base: &Base) -> Self {
        let number = base.scratch.fetch_add(1, Ordering::Relaxed);
        Self { path: base.folder.join(format!("index-{}-{number}", std::process::id())) }
    }
}

impl Drop for ScratchIndex {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

fn git_dir(folder: &Path) -> PathBuf {
    folder.join("base.git")
}

fn description_path(folder: &Path) -> PathBuf {
    folder.join("base.json")
}

fn dependencies_folder(folder: &Path) -> PathBuf {
    folder.join("dependencies")
}

/// Files are stored byte for byte: no line-ending conversion, no filters (LFS, encryption), no keyword expansion.
fn turn_off_conversions(git_dir: &Path) -> Result<(), SandboxError> {
    let path = git_dir.join("info/attributes");
    let create = |error| SandboxError::io("write", &path, error);
    std::fs::create_dir_all(git_dir.join("info")).map_err(create)?;
    std::fs::write(&path, "* -text -filter -ident -working-tree-encoding\n").map_err(create)
}

async fn commit_files(repo: &Path, git_dir: &Path, folder: &Path, files: &[PathBuf]) -> Result<TreeId, SandboxError> {
    use std::os::unix::ffi::OsStrExt;
    let index = folder.join("index");
    let mut names = Vec::new();
    for file in files {
        names.extend_from_slice(file.as_os_str().as_bytes());
        names.push(0);
    }
    let git = |what: &str| Git::new(what, repo).repository(git_dir).work_tree(repo).index(&index);
    git("read the repository's files").args(["update-index", "--add", "-z", "--stdin"]).input(names).run().await?;
    let tree = git("write a tree").args(["write-tree"]).line().await?;
    let commit = commit_tree(git_dir, folder, &tree, None, "The repository as it was when the run began").await?;
    let _ = std::fs::remove_file(&index);
    Ok(commit)
}

/// Commits with a fixed author and date, so that the id depends on nothing but the content.
async fn commit_tree(
    git_dir: &Path,
    folder: &Path,
    tree: &str,
    parent: Option<&TreeId>,
    message: &str,
) -> Result<TreeId, SandboxError> {
    let mut git = Git::new("commit", folder).repository(git_dir).args(["commit-tree", tree, "-m", message]);
    if let Some(parent) = parent {
        git = git.args(["-p", parent.as_str()]);
    }
    for role in ["AUTHOR", "COMMITTER"] {
        git = git
            .env(&format!("GIT_{role}_NAME"), "smallhands")
            .env(&format!("GIT_{role}_EMAIL"), "smallhands@localhost")
            .env(&format!("GIT_{role}_DATE"), "2000-01-01T00:00:00Z");
    }
    let id = git.line().await?;
    id.parse().map_err(|_| SandboxError::GitFailed { what: "commit".into(), stderr: format!("it answered `{id}`") })
}

/// Copies dependency folders that are not part of the tree, once per run.
async fn copy_dependencies(repo: &Path, folder: &Path, warnings: &mut Vec<String>) -> Result<Vec<String>, SandboxError> {
    let mut copied = Vec::new();
    for name in DEPENDENCIES {
        let from = repo.join(name);
        if !from.is_dir() || from.is_symlink() || is_tracked(repo, name).await {
            continue;
        }
        let size = tokio::task::spawn_blocking({
            let from = from.clone();
            move || bytes_below(&from)
        });
        if size.await.unwrap_or(u64::MAX) > MAX_DEPENDENCY_BYTES {
            warnings.push(format!("{name} is larger than 1 GiB and is left out; checks that need it will fail"));
            continue;
        }
        let to = dependencies_folder(folder);
        std::fs::create_dir_all(&to).map_err(|error| SandboxError::io("create", &to, error))?;
        copy_folder(&from, &to).await?;
        copied.push(name.to_owned());
    }
    Ok(copied)
}

async fn is_tracked(repo: &Path, name: &str) -> bool {
    let listed = Git::new("look for tracked files", repo).args(["ls-files", "--error-unmatch", name]).output().await;
    listed.is_ok_and(|output| output.status.success())
}

fn bytes_below(folder: &Path) -> u64 {
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).follow_links(false).build();
    walk.flatten().filter_map(|entry| entry.metadata().ok()).filter(std::fs::Metadata::is_file).map(|file| file.len()).sum()
}

/// `cp -a`, sharing blocks where the file system can.
async fn copy_folder(from: &Path, to: &Path) -> Result<(), SandboxError> {
    let output = tokio::process::Command::new("cp")
        .args(["-a", "--reflink=auto", "--"])
        .args([from, to])
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| SandboxError::io("copy", from, error))?;
    if output.status.success() {
        return Ok(());
    }
    let reason = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Err(SandboxError::io("copy", from, std::io::Error::other(reason)))
}

/// Files that git names in lines such as `error: patch failed: src/a.py:3`.
fn files_in_conflict(stderr: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(stderr);
    let named = text.lines().filter_map(|line| {
        let line = line.strip_prefix("error: ").unwrap_or(line);
        line.strip_prefix("patch failed: ")
            .and_then(|rest| rest.rsplit_once(':').map(|(file, _)| file))
            .or_else(|| line.strip_suffix(": patch does not apply"))
            .or_else(|| line.strip_prefix("U "))
    });
    let mut files: Vec<String> = named.map(str::to_owned).collect();
    files.sort();
    files.dedup();
    files
}
