//! What can go wrong with a sandbox, in words for people.

use std::io;
use std::path::{Path, PathBuf};

use smallhands_shell_runtime::RuntimeError;

/// Why a sandbox or a base repository could not be made, used or removed.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// The repository is not a folder.
    #[error("{0} is not a folder; give the folder of a repository")]
    NotAFolder(PathBuf),
    /// git cannot be started.
    #[error("git cannot be started: {0}; install git and make sure that it is on the PATH")]
    GitMissing(io::Error),
    /// git refused.
    #[error("git could not {what}: {stderr}")]
    GitFailed {
        /// What it was asked to do.
        what: String,
        /// Its own words.
        stderr: String,
    },
    /// A patch does not fit the tree it was to be put on.
    #[error("the patch conflicts with the tree in {}", files.join(", "))]
    Conflict {
        /// Files in conflict, as far as git names them.
        files: Vec<String>,
    },
    /// The disk is full.
    #[error("no space is left on the disk of {0}; free some, or choose another state directory")]
    DiskFull(PathBuf),
    /// Nothing may be written there.
    #[error("{0} cannot be written; choose another state directory")]
    ReadOnly(PathBuf),
    /// Any other failure of the file system.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// `create`, `read`, …
        what: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A stored description cannot be read.
    #[error("{path} is damaged ({reason}); start a new run")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The runtime inside could not be started.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
}

impl SandboxError {
    /// Gives a failure of the file system its most telling form.
    #[must_use]
    pub fn io(what: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull(path.to_path_buf()),
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => Self::ReadOnly(path.to_path_buf()),
            _ => Self::Io { what, path: path.to_path_buf(), source },
        }
    }
}
