//! What belongs to a working tree: tracked files, untracked files that are not ignored, the same inside submodules
//! and nested repositories. Only reads.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use super::warning::Warning;
use crate::error::SandboxError;
use crate::git::{Git, records};

/// A path below the surveyed folder; any bytes but NUL.
pub(super) type RelativePath = Vec<u8>;

/// How deep repositories may lie inside each other.
const DEEPEST: usize = 16;

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub(super) tracked: BTreeSet<RelativePath>,
    pub(super) untracked: BTreeSet<RelativePath>,
    pub(super) warnings: Vec<Warning>,
    skipped: u64,
}

/// Surveys `repo`. `plain` looks at a folder that is no repository; its index is empty.
pub(super) async fn survey(repo: &Path, plain: &Git) -> Result<Survey, SandboxError> {
    let mut survey = Survey::default();
    match repository_at(repo).await? {
        Found::Repository => survey.repository(repo).await?,
        Found::Broken(reason) => {
            survey.warnings.push(Warning::NotARepository { reason });
            survey.others(plain, b"", &mut Vec::new()).await?;
        }
        Found::Nothing => survey.plain_folder(plain, repo).await?,
    }
    if survey.skipped > 0 {
        survey.warnings.push(Warning::Sparse { files: survey.skipped });
    }
    survey.included_by_request(repo, plain).await?;
    survey.note_links(repo);
    Ok(survey)
}

enum Found {
    Repository,
    Broken(String),
    Nothing,
}

/// Whether git sees a repository at `repo`, or one around it that does not ignore it.
async fn repository_at(repo: &Path) -> Result<Found, SandboxError> {
    let git = Git::discover(repo);
    let inside = git.try_run("look for a repository", &["rev-parse", "--is-inside-work-tree"], &[]).await?;
    let has_own = repo.join(".git").symlink_metadata().is_ok();
    if !inside.status.success() && has_own {
        return Ok(Found::Broken(String::from_utf8_lossy(&inside.stderr).trim().to_owned()));
    }
    if inside.stdout != b"true\n" {
        return Ok(Found::Nothing);
    }
    if has_own {
        return Ok(Found::Repository);
    }
    let ignored = git.try_run("ask what is ignored", &["check-ignore", "-q", "."], &[]).await?;
    Ok(if ignored.status.success() { Found::Nothing } else { Found::Repository })
}

impl Survey {
    async fn repository(&mut self, repo: &Path) -> Result<(), SandboxError> {
        let mut pending = vec![(RelativePath::new(), 0)];
        while let Some((prefix, depth)) = pending.pop() {
            let git = Git::discover(&repo.join(OsStr::from_bytes(&prefix)));
            let mut nested = Vec::new();
            self.index(&git, &prefix, repo, &mut nested).await?;
            self.others(&git, &prefix, &mut nested).await?;
            if depth < DEEPEST {
                pending.extend(nested.into_iter().map(|folder| (folder, depth + 1)));
            }
        }
        Ok(())
    }

    async fn plain_folder(&mut self, plain: &Git, repo: &Path) -> Result<(), SandboxError> {
        let mut nested = Vec::new();
        self.others(plain, b"", &mut nested).await?;
        for folder in nested {
            let mut inner = Self::default();
            Box::pin(inner.repository(&repo.join(OsStr::from_bytes(&folder)))).await?;
            let inside = |path: RelativePath| [folder.as_slice(), path.as_slice()].concat();
            self.untracked.extend(inner.tracked.into_iter().chain(inner.untracked).map(inside));
        }
        Ok(())
    }

    /// Records are `TAG MODE ID STAGE<tab>PATH`; the tag `S` marks files outside of a sparse checkout.
    async fn index(
        &mut self,
        git: &Git,
        prefix: &[u8],
        repo: &Path,
        nested: &mut Vec<RelativePath>,
    ) -> Result<(), SandboxError> {
        let listed = git.run("list the tracked files", &["ls-files", "-z", "-s", "-t"]).await?;
        for record in records(&listed) {
            let Some(tab) = record.iter().position(|&byte| byte == b'\t') else { continue };
            let path = [prefix, &record[tab + 1..]].concat();
            if record[..tab].windows(8).any(|window| window == b" 160000 ") {
                self.submodule(path, repo, nested);
            } else if record[0] == b'S' && !exists(repo, &path) {
                self.skipped += 1;
            } else {
                self.tracked.insert(path);
            }
        }
        Ok(())
    }

    fn submodule(&mut self, path: RelativePath, repo: &Path, nested: &mut Vec<RelativePath>) {
        let folder = repo.join(OsStr::from_bytes(&path));
        if folder.join(".git").exists() {
            nested.push([path.as_slice(), b"/"].concat());
        } else {
            self.warnings.push(Warning::SubmoduleMissing { path: shown(&path) });
        }
    }

    /// Nested repositories are listed as a folder with a slash at the end.
    async fn others(
        &mut self,
        git: &Git,
        prefix: &[u8],
        nested: &mut Vec<RelativePath>,
    ) -> Result<(), SandboxError> {
        let args = ["ls-files", "-z", "--others", "--exclude-standard"];
        let listed = git.run("list the untracked files", &args).await?;
        for path in records(&listed).map(|path| [prefix, path].concat()) {
            if path.ends_with(b"/") {
                nested.push(path);
            } else {
                self.untracked.insert(path);
            }
        }
        Ok(())
    }

    /// Ignored files that the user wants in sandboxes.
    async fn included_by_request(&mut self, repo: &Path, plain: &Git) -> Result<(), SandboxError> {
        const REQUESTS: &str = ".worktreeinclude";
        if !repo.join(REQUESTS).is_file() {
            return Ok(());
        }
        let args = ["ls-files", "-z", "--others", "--ignored", "--exclude-from", REQUESTS];
        let listed = plain.run("list the files of .worktreeinclude", &args).await?;
        self.tracked.extend(records(&listed).filter(|path| !path.ends_with(b"/")).map(<[u8]>::to_vec));
        Ok(())
    }

    fn note_links(&mut self, repo: &Path) {
        for path in self.tracked.iter().chain(&self.untracked) {
            let relative = Path::new(OsStr::from_bytes(path));
            if let Ok(target) = repo.join(relative).read_link()
                && leads_out(relative, &target)
            {
                let target = target.display().to_string();
                self.warnings.push(Warning::LinkLeadsOut { path: shown(path), target });
            }
        }
    }
}

fn exists(repo: &Path, path: &[u8]) -> bool {
    repo.join(OsStr::from_bytes(path)).symlink_metadata().is_ok()
}

pub(super) fn shown(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}

/// Whether a link at `link` (repository-relative) leads out of the repository. An absolute target always does: at
/// best it leads back into the user's own folder.
fn leads_out(link: &Path, target: &Path) -> bool {
    let mut inside = PathBuf::from(link.parent().unwrap_or(Path::new("")));
    target.components().any(|component| match component {
        Component::ParentDir => !inside.pop(),
        Component::Normal(part) => {
            inside.push(part);
            false
        }
        Component::CurDir => false,
        Component::RootDir | Component::Prefix(_) => true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_leave_are_recognised() {
        let cases = [
            ("link", "file", false),
            ("a/link", "../file", false),
            ("a/b/link", "../../c/./d", false),
            ("link", "../outside", true),
            ("a/link", "../../outside", true),
            ("a/link", "../a/../../outside", true),
            ("link", "/etc/passwd", true),
        ];
        for (link, target, expected) in cases {
            assert_eq!(leads_out(Path::new(link), Path::new(target)), expected, "{link} -> {target}");
        }
    }
}
