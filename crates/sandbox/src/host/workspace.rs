//! The directory of a sandbox: made in one go, looked at through git data that its commands do not touch, removed.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::lease::Lease;
use crate::base::{Base, patch_text};
use crate::error::SandboxError;
use crate::git::{Git, create_repository};
use crate::removal;
use crate::tree::TreeId;

const BRANCH: &str = "refs/heads/main";

/// The copy of the repository, below the sandbox's directory.
const WORK: &str = "work";

/// Settings of the repository that commands in the sandbox see: they may commit, and git does no work of its own.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = false\n\
    \tautocrlf = false\n[user]\n\tname = smallhands\n\temail = smallhands@localhost\n\
    [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n[commit]\n\tgpgSign = false\n";

/// What is never part of a change, besides what the repository itself ignores.
const NO_CHANGE: [&str; 7] =
    ["__pycache__/", "*.pyc", ".pytest_cache/", ".mypy_cache/", ".ruff_cache/", ".coverage", ".DS_Store"];

/// A sandbox's directory. Removed when dropped, unless it was removed before.
#[derive(Debug)]
pub(super) struct Workspace {
    dir: PathBuf,
    /// Where it lies while it is being made or removed.
    unfinished: PathBuf,
    at: TreeId,
    /// Whether there is still something to remove.
    present: AtomicBool,
}

impl Workspace {
    /// Makes the directory below `sandboxes` and checks `at` out into it. It appears under its own name only when it
    /// is complete.
    pub(super) async fn create(
        sandboxes: &Path,
        lease: &Lease,
        base: &Base,
        at: &TreeId,
    ) -> Result<Self, SandboxError> {
        let begun = sandboxes.join(lease.unfinished_name());
        let mut workspace =
            Self { dir: begun.clone(), unfinished: begun, at: at.clone(), present: AtomicBool::new(true) };
        workspace.lay_out(lease, base)?;
        workspace.check_out(base).await?;
        let finished = sandboxes.join(&lease.id);
        base.dependencies().copy_into(base, &workspace.work(), &finished.join(WORK)).await?;
        fs::rename(&workspace.dir, &finished).map_err(SandboxError::io("create", &finished))?;
        workspace.dir = finished;
        Ok(workspace)
    }

    pub(super) fn work(&self) -> PathBuf {
        self.dir.join(WORK)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    pub(super) fn temporary(&self) -> PathBuf {
        self.dir.join("tmp")
    }

    fn control(&self) -> PathBuf {
        self.dir.join("control")
    }

    fn lay_out(&self, lease: &Lease, base: &Base) -> Result<(), SandboxError> {
        fs::create_dir(&self.dir).map_err(SandboxError::io("create", &self.dir))?;
        lease.write(&self.dir)?;
        self.lay_out_folders(base).map_err(SandboxError::io("create", &self.dir))
    }

    fn lay_out_folders(&self, base: &Base) -> io::Result<()> {
        for folder in [self.home(), self.temporary(), self.work()] {
            fs::create_dir(folder)?;
        }
        let objects = base.git_dir().join("objects");
        let excludes = excludes(base.dependencies().folders());
        for repository in [self.control(), self.work().join(".git")] {
            create_repository(&repository, CONFIG, BRANCH, Some(&objects))?;
            fs::write(repository.join("info/exclude"), &excludes)?;
            fs::write(repository.join(BRANCH), format!("{}\n", self.at))?;
        }
        Ok(())
    }

    fn git(&self, index: &Path) -> Git {
        Git::bare(&self.control()).with_work_tree(&self.work()).with_index(index)
    }

    async fn check_out(&self, base: &Base) -> Result<(), SandboxError> {
        const WHAT: &str = "check the files out";
        let index = self.control().join("index");
        let output =
            self.git(&index).try_run(WHAT, &["read-tree", "--reset", "-u", self.at.as_str()], &[]).await?;
        if !output.status.success() {
            let unknown = base.read_many(&self.at, &[]).await.err();
            return Err(unknown.unwrap_or_else(|| SandboxError::git(WHAT, &self.dir, &output.stderr)));
        }
        let seen = self.work().join(".git/index");
        copy_index(&index, &seen).map_err(SandboxError::io("write", &seen))
    }

    /// What changed since the checkout; see [`crate::Sandbox::diff`].
    pub(super) async fn diff(&self) -> Result<String, SandboxError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let index = self.control().join(format!("index-{number}"));
        copy_index(&self.control().join("index"), &index).map_err(SandboxError::io("write", &index))?;
        let git = self.git(&index);
        let patch = match collect_changes(&git).await {
            Ok(()) => patch_text(&git, &["diff", "--cached", self.at.as_str()]).await,
            Err(error) => Err(error),
        };
        fs::remove_file(&index).ok();
        patch
    }

    /// Whether nobody began to remove it.
    pub(super) fn is_present(&self) -> bool {
        self.present.load(Ordering::SeqCst)
    }

    /// Removes everything.
    pub(super) async fn remove(&self) -> Result<(), SandboxError> {
        if !self.present.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        removal::remove_in_background(&self.out_of_the_way()).await
    }

    /// The same without async work.
    pub(super) fn remove_now(&self) -> Result<(), SandboxError> {
        if !self.present.swap(false, Ordering::SeqCst) {
            return Ok(());
        }
        removal::remove(&self.out_of_the_way())
    }

    /// Renames the directory, so that nobody finds it half removed under its own name.
    fn out_of_the_way(&self) -> PathBuf {
        match fs::rename(&self.dir, &self.unfinished) {
            Ok(()) => self.unfinished.clone(),
            Err(_) => self.dir.clone(),
        }
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if let Err(error) = self.remove_now() {
            tracing::warn!(%error, "a sandbox stays behind until the next reconciliation");
        }
    }
}

/// Brings an index up to the working tree. A nested repository without commits cannot be added; the rest is.
async fn collect_changes(git: &Git) -> Result<(), SandboxError> {
    const WHAT: &str = "find the changes";
    let added = git.try_run(WHAT, &["add", "--all", "--ignore-errors", "--", "."], &[]).await?;
    if added.status.success() {
        return Ok(());
    }
    // Exit status 1 means that single files were left out; git said which.
    if added.status.code() == Some(1) {
        tracing::debug!(said = %String::from_utf8_lossy(&added.stderr), "some files are not part of the change");
        return Ok(());
    }
    Err(SandboxError::git(WHAT, Path::new("the sandbox"), &added.stderr))
}

/// Copies an index together with its time: git distrusts entries that are not older than their index, and would
/// overlook a change made right after the checkout if the copy looked younger.
fn copy_index(from: &Path, to: &Path) -> io::Result<()> {
    let modified = fs::metadata(from)?.modified()?;
    fs::copy(from, to)?;
    File::options().write(true).open(to)?.set_modified(modified)
}

fn excludes(dependencies: &[String]) -> String {
    let folders = dependencies.iter().map(|folder| format!("/{folder}/"));
    let patterns = NO_CHANGE.iter().map(|&pattern| pattern.to_owned()).chain(folders);
    patterns.map(|pattern| pattern + "\n").collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excludes_are_anchored_folders() {
        let text = excludes(&["node_modules".to_owned(), "web/node_modules".to_owned()]);
        assert!(text.starts_with("__pycache__/\n") && text.ends_with("/node_modules/\n/web/node_modules/\n"));
    }

    #[test]
    fn a_copied_index_is_as_old_as_the_original() {
        let dir = tempfile::tempdir().unwrap();
        let (from, to) = (dir.path().join("a"), dir.path().join("b"));
        fs::write(&from, "x").unwrap();
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(1000);
        File::options().write(true).open(&from).unwrap().set_modified(long_ago).unwrap();
        copy_index(&from, &to).unwrap();
        assert_eq!(
            fs::metadata(&to).unwrap().modified().unwrap(),
            fs::metadata(&from).unwrap().modified().unwrap()
        );
    }
}
