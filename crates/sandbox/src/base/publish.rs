//! Making the one commit of a base from a working tree that is only read: the index and the objects are the base's own.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::dependencies::Dependencies;
use super::survey::{RelativePath, Survey, shown, survey};
use super::warning::Warning;
use super::{FORMAT, RECORD, Record, git_dir};
use crate::error::SandboxError;
use crate::git::{Git, create_repository, first_line};
use crate::removal;
use crate::tree::{BadTreeId, TreeId};

const BRANCH: &str = "refs/heads/base";
const MESSAGE: &str = "The working tree as it was published";
const CONFIG: &str =
    "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n";

/// Publishes `repo` into `dir` and answers with what to remember of it.
pub(super) async fn publish(repo: &Path, dir: &Path) -> Result<Record, SandboxError> {
    let repo = source_folder(repo)?;
    prepare(dir).await?;
    let dir = dir.canonicalize().map_err(SandboxError::io("open", dir))?;
    let git_dir = git_dir(&dir);
    let git = Git::bare(&git_dir).with_work_tree(&repo).with_index(&dir.join("index"));
    let mut survey = survey(&repo, &git).await?;
    survey.forget(&repo, &dir);
    let dependencies = Dependencies::collect(&repo, &dir, &mut survey).await?;
    let head = commit(&git, &repo, &mut survey).await?;
    let branch = git_dir.join(BRANCH);
    fs::write(&branch, format!("{head}\n")).map_err(SandboxError::io("write", &branch))?;
    let warnings = survey.warnings.iter().map(Warning::to_string).collect();
    Ok(Record { format: FORMAT, head, source: repo, warnings, dependencies })
}

fn source_folder(repo: &Path) -> Result<PathBuf, SandboxError> {
    let folder = repo.canonicalize().ok().filter(|folder| folder.is_dir());
    folder.ok_or_else(|| SandboxError::NotAFolder { path: repo.to_owned() })
}

/// An empty private repository in place of whatever an earlier publication left.
async fn prepare(dir: &Path) -> Result<(), SandboxError> {
    let record = dir.join(RECORD);
    match fs::remove_file(&record) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(SandboxError::io("replace", &record)(error));
        }
        _ => {}
    }
    for left in [git_dir(dir), dir.join("dependencies")] {
        removal::remove_in_background(&left).await?;
    }
    fs::remove_file(dir.join("index")).ok();
    create_repository(&git_dir(dir), CONFIG, BRANCH, None).map_err(SandboxError::io("create", dir))
}

impl Survey {
    /// The private repository may lie inside the folder that is published; it is no part of it.
    fn forget(&mut self, repo: &Path, dir: &Path) {
        let Ok(relative) = dir.strip_prefix(repo) else { return };
        let prefix = [relative.as_os_str().as_bytes(), b"/"].concat();
        self.tracked.retain(|path| !path.starts_with(&prefix));
        self.untracked.retain(|path| !path.starts_with(&prefix));
    }
}

async fn commit(git: &Git, repo: &Path, survey: &mut Survey) -> Result<TreeId, SandboxError> {
    let mut paths: Vec<RelativePath> = survey.tracked.union(&survey.untracked).cloned().collect();
    // A tracked file may have been deleted, or replaced by a folder whose files are listed themselves.
    paths.retain(|path| metadata(repo, path).is_some_and(|metadata| !metadata.is_dir()));
    if let Err(error) = add(git, &paths).await {
        let (readable, unreadable): (Vec<_>, Vec<_>) =
            paths.into_iter().partition(|path| is_readable(repo, path));
        if unreadable.is_empty() {
            return Err(error);
        }
        survey.warnings.extend(unreadable.iter().map(|path| Warning::Unreadable { path: shown(path) }));
        add(git, &readable).await?;
    }
    let tree = git.run("write the tree", &["write-tree"]).await?;
    let made = git.run("make the commit", &["commit-tree", &first_line(&tree), "-m", MESSAGE]).await?;
    made_commit(&made)
}

/// The id that `commit-tree` answered with.
pub(super) fn made_commit(answer: &[u8]) -> Result<TreeId, SandboxError> {
    let parsed = first_line(answer).parse();
    parsed.map_err(|error: BadTreeId| SandboxError::GitFailed {
        what: "make the commit",
        stderr: error.to_string(),
    })
}

async fn add(git: &Git, paths: &[RelativePath]) -> Result<(), SandboxError> {
    let input: Vec<u8> = paths.iter().flat_map(|path| [path.as_slice(), b"\0"].concat()).collect();
    let args = ["update-index", "--add", "--remove", "-z", "--stdin"];
    git.run_with_input("copy the files", &args, &input).await.map(drop)
}

fn metadata(repo: &Path, path: &[u8]) -> Option<fs::Metadata> {
    repo.join(OsStr::from_bytes(path)).symlink_metadata().ok()
}

fn is_readable(repo: &Path, path: &[u8]) -> bool {
    let full = repo.join(OsStr::from_bytes(path));
    metadata(repo, path).is_some_and(|metadata| metadata.is_symlink() || fs::File::open(full).is_ok())
}
