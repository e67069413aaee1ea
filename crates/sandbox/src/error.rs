//! What can go wrong around a sandbox, told apart by what the caller can do about it.

use std::io;
use std::path::{Path, PathBuf};

use smallhands_shell_runtime::RuntimeError;

/// A base or a sandbox could not be made, used or removed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SandboxError {
    /// The repository to publish is not a directory.
    #[error("{} is not a folder; give the folder of the repository", path.display())]
    NotAFolder {
        /// What was given.
        path: PathBuf,
    },
    /// There is no git on PATH.
    #[error("git was not found; install it or put it on PATH")]
    GitMissing,
    /// Git refused something that normally works.
    #[error("git could not {what}: {stderr}")]
    GitFailed {
        /// What was attempted.
        what: &'static str,
        /// What git said.
        stderr: String,
    },
    /// A patch does not fit what it is applied to.
    #[error("the patch conflicts in {}; make it again on the newer state", files.join(", "))]
    Conflict {
        /// The files that do not fit, repository-relative.
        files: Vec<String>,
    },
    /// The text is not a patch that git understands.
    #[error("the text is not a git patch: {reason}")]
    InvalidPatch {
        /// What git said.
        reason: String,
    },
    /// The directory holds no published base.
    #[error("{} holds no published repository; publish it again", dir.display())]
    NotPublished {
        /// The directory.
        dir: PathBuf,
    },
    /// The base has no such commit.
    #[error("the base has no commit {id}")]
    UnknownTree {
        /// The id asked for.
        id: String,
    },
    /// The file system is full.
    #[error("no space left for {}; free some or move the state directory", path.display())]
    DiskFull {
        /// What was being written.
        path: PathBuf,
    },
    /// The state directory cannot be written.
    #[error("{} is read-only; choose another state directory", path.display())]
    ReadOnly {
        /// What was being written.
        path: PathBuf,
    },
    /// A directory could not be removed.
    #[error("{} is still there after removal ({reason}); remove it by hand", path.display())]
    NotRemoved {
        /// The directory.
        path: PathBuf,
        /// What stood in the way.
        reason: String,
    },
    /// Another operation on files failed.
    #[error("cannot {what} {}: {source}", path.display())]
    Io {
        /// What was attempted.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The sandbox's runtime failed.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl SandboxError {
    /// Adapter for `map_err`: doing `what` to `path` failed.
    pub(crate) fn io(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| {
            let path = path.to_owned();
            match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
                io::ErrorKind::ReadOnlyFilesystem => Self::ReadOnly { path },
                _ => Self::Io { what, path, source },
            }
        }
    }

    /// The error behind what git wrote to its standard error.
    pub(crate) fn git(what: &'static str, place: &Path, stderr: &[u8]) -> Self {
        let stderr = String::from_utf8_lossy(stderr).trim().to_owned();
        let path = place.to_owned();
        if stderr.contains("No space left on device") || stderr.contains("Disk quota exceeded") {
            Self::DiskFull { path }
        } else if stderr.contains("Read-only file system") {
            Self::ReadOnly { path }
        } else {
            Self::GitFailed { what, stderr: shortened(stderr) }
        }
    }
}

/// Enough of a long message to act on.
fn shortened(text: String) -> String {
    const SHOWN: usize = 2000;
    match text.char_indices().nth(SHOWN) {
        None => text,
        Some((end, _)) => format!("{} [...]", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_told_apart() {
        let place = Path::new("/state");
        let of_kind = |kind: io::ErrorKind| SandboxError::io("write", place)(kind.into());
        assert!(matches!(of_kind(io::ErrorKind::StorageFull), SandboxError::DiskFull { .. }));
        assert!(matches!(of_kind(io::ErrorKind::ReadOnlyFilesystem), SandboxError::ReadOnly { .. }));
        assert!(matches!(of_kind(io::ErrorKind::PermissionDenied), SandboxError::Io { .. }));
        let git = |stderr: &str| SandboxError::git("write the tree", place, stderr.as_bytes());
        assert!(matches!(git("fatal: x: No space left on device"), SandboxError::DiskFull { .. }));
        assert!(matches!(git("error: Read-only file system"), SandboxError::ReadOnly { .. }));
        let long = git(&"x".repeat(10_000)).to_string();
        assert!(long.starts_with("git could not write the tree: xxx") && long.len() < 2100);
    }
}
