//! Making a base from a working tree that is only read: survey it, copy what builds need, import the files.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::dependencies::Dependencies;
use super::import::import;
use super::survey::{Survey, survey};
use super::warning::Warning;
use super::{FORMAT, RECORD, Record, git_dir};
use crate::error::SandboxError;
use crate::git::{Git, create_repository};
use crate::removal;

const BRANCH: &str = "refs/heads/base";
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
    let paths = survey.tracked.union(&survey.untracked).cloned().collect();
    let (head, unread) = import(&Git::bare(&git_dir), BRANCH, &repo, paths).await?;
    let warnings = survey.warnings.iter().chain(&unread).map(Warning::to_string).collect();
    let source = repo.to_string_lossy().into_owned();
    Ok(Record { format: FORMAT, head, source, warnings, dependencies })
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
