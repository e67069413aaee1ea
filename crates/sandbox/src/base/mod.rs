//! The base: an immutable copy of the user's working tree as one commit in a private repository. Patches become
//! further commits; nothing is ever taken away.

mod dependencies;
mod import;
mod patch;
mod publish;
mod relocation;
mod survey;
mod warning;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::error::SandboxError;
use crate::git::{Git, records};
use crate::tree::TreeId;
pub(crate) use dependencies::Dependencies;
pub(crate) use patch::patch_text;

/// A published copy. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Base(Arc<Published>);

#[derive(Debug)]
struct Published {
    dir: PathBuf,
    record: Record,
}

/// What is remembered of a publication; written last, so a base without it was never finished.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Record {
    format: u32,
    head: TreeId,
    /// Where the copy was made from; a name that is not UTF-8 is kept with replacement characters.
    source: String,
    warnings: Vec<String>,
    dependencies: Dependencies,
}

const FORMAT: u32 = 1;
const RECORD: &str = "published.json";

impl Base {
    /// Copies what is in the working tree of `repo` — tracked files, untracked files that are not ignored, and
    /// uncommitted changes — into a private repository below `dir`. `repo` may be a git repository in any state or a
    /// plain folder; it is only read, and its history is not copied. Replaces an earlier publication in `dir`.
    ///
    /// Also copied are the ignored files that `.worktreeinclude` (gitignore syntax) lists and, beside the commit, the
    /// dependency folders that builds need. Caches never are.
    ///
    /// # Errors
    /// [`SandboxError::NotAFolder`], [`SandboxError::GitMissing`], [`SandboxError::DiskFull`], and others.
    pub async fn publish(repo: &Path, dir: &Path) -> Result<Self, SandboxError> {
        let record = publish::publish(repo, dir).await?;
        let path = dir.join(RECORD);
        let text = serde_json::to_vec_pretty(&record)
            .map_err(|error| SandboxError::io("write", &path)(error.into()))?;
        let fresh = dir.join("published.json.new");
        fs::write(&fresh, text)
            .and_then(|()| fs::rename(&fresh, &path))
            .map_err(SandboxError::io("write", &path))?;
        Self::open(dir).await
    }

    /// A base that was published before.
    ///
    /// # Errors
    /// [`SandboxError::NotPublished`].
    pub async fn open(dir: &Path) -> Result<Self, SandboxError> {
        let not_published = || SandboxError::NotPublished { dir: dir.to_owned() };
        let dir = dir.canonicalize().map_err(|_| not_published())?;
        let text = fs::read(dir.join(RECORD)).map_err(|_| not_published())?;
        let record: Record = serde_json::from_slice(&text).map_err(|_| not_published())?;
        if record.format != FORMAT {
            return Err(not_published());
        }
        Ok(Self(Arc::new(Published { dir, record })))
    }

    /// The commit that holds the working tree as it was published.
    pub fn head(&self) -> TreeId {
        self.0.record.head.clone()
    }

    /// What could not be copied faithfully, in words for the user.
    pub fn warnings(&self) -> &[String] {
        &self.0.record.warnings
    }

    /// The folder the copy was made from.
    pub fn source(&self) -> &Path {
        Path::new(&self.0.record.source)
    }

    pub(crate) fn dependencies(&self) -> &Dependencies {
        &self.0.record.dependencies
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.0.dir
    }

    /// The private repository.
    pub fn git_dir(&self) -> PathBuf {
        git_dir(&self.0.dir)
    }

    fn git(&self) -> Git {
        Git::bare(&self.git_dir())
    }

    /// The difference between two commits as a git patch.
    ///
    /// # Errors
    /// [`SandboxError::GitFailed`] when a commit does not exist.
    pub async fn diff(&self, from: &TreeId, to: &TreeId) -> Result<String, SandboxError> {
        patch_text(&self.git(), &["diff", from.as_str(), to.as_str()]).await
    }

    /// A file's content; `None` when there is no such file.
    ///
    /// # Errors
    /// [`SandboxError::UnknownTree`].
    pub async fn read(&self, at: &TreeId, path: &str) -> Result<Option<Vec<u8>>, SandboxError> {
        Ok(self.read_many(at, &[path]).await?.pop().flatten())
    }

    /// The contents of many files, in the order asked for, in one go.
    ///
    /// # Errors
    /// [`SandboxError::UnknownTree`].
    pub async fn read_many(&self, at: &TreeId, paths: &[&str]) -> Result<Vec<Option<Vec<u8>>>, SandboxError> {
        let names = paths.iter().map(|path| format!("{at}:{path}\0"));
        let input: String = std::iter::once(format!("{at}^{{commit}}\0")).chain(names).collect();
        let output =
            self.git().run_with_input("read files", &["cat-file", "--batch", "-z"], input.as_bytes()).await?;
        let mut rest = output.as_slice();
        if next_object(&mut rest).is_none() {
            return Err(SandboxError::UnknownTree { id: at.to_string() });
        }
        Ok(paths
            .iter()
            .map(|_| next_object(&mut rest).filter(|object| object.is_blob).map(|o| o.content))
            .collect())
    }

    /// The files of a commit, sorted. A name that is not UTF-8 appears with replacement characters.
    ///
    /// # Errors
    /// [`SandboxError::GitFailed`] when the commit does not exist.
    pub async fn paths(&self, at: &TreeId) -> Result<Vec<String>, SandboxError> {
        let listed = self
            .git()
            .run("list the files of a commit", &["ls-tree", "-r", "-z", "--name-only", at.as_str()])
            .await?;
        Ok(records(&listed).map(|path| String::from_utf8_lossy(path).into_owned()).collect())
    }
}

fn git_dir(dir: &Path) -> PathBuf {
    dir.join("base.git")
}

struct Object {
    is_blob: bool,
    content: Vec<u8>,
}

/// Takes one answer of `cat-file --batch`: `ID TYPE SIZE`, the content, a line end; or a line that says it is missing.
fn next_object(rest: &mut &[u8]) -> Option<Object> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let header = String::from_utf8_lossy(&rest[..end]).into_owned();
    *rest = &rest[end + 1..];
    let mut fields = header.rsplit(' ');
    let size: usize = fields.next()?.parse().ok()?;
    let kind = fields.next()?.to_owned();
    let content = rest.get(..size)?.to_vec();
    *rest = rest.get(size + 1..).unwrap_or_default();
    Some(Object { is_blob: kind == "blob", content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batch_answers_are_taken_one_by_one() {
        let mut rest: &[u8] = b"abc blob 3\nx\ny\nabc:no such missing\nabc tree 0\n\ndef blob 0\n\n";
        assert_eq!(next_object(&mut rest).unwrap().content, b"x\ny");
        assert!(next_object(&mut rest).is_none());
        assert!(!next_object(&mut rest).unwrap().is_blob);
        let empty = next_object(&mut rest).unwrap();
        assert!(empty.is_blob && empty.content.is_empty() && rest.is_empty());
        assert!(next_object(&mut rest).is_none());
    }
}
