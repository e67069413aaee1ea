//! Files, apart from any process: reading and writing, text as Python reads it, archives in and out, finding and
//! searching. Everything but [`read`] and [`write`] blocks; callers in async code use a thread for it.
//!
//! Paths are taken as text and compared without touching the disk: a path that leaves the root is a clear error
//! unless access is to [`crate::local::FileAccess::Anywhere`]. Links inside the root are followed; containment is the sandbox's
//! business.

pub mod access;
pub mod error;
pub mod find;
pub mod landing;
pub mod search;
pub mod tarball;
pub mod text;
pub mod unpacking;
pub mod unzip;

pub use access::Files;
pub use error::FileError;

use std::io;
use std::path::{Component, Path, PathBuf};

use tokio::io::AsyncReadExt;

use crate::error::RuntimeError;

/// Largest file that is read into memory, in bytes.
pub(crate) const FILE_LIMIT: usize = 256 << 20;

/// The file that `path` means below `root`.
pub(crate) fn resolve(root: &Path, path: &str) -> Result<PathBuf, RuntimeError> {
    let outside = || RuntimeError::OutsideRoot { path: path.to_owned(), root: root.to_owned() };
    let mut resolved = PathBuf::new();
    for component in root.join(path).components() {
        match component {
            Component::ParentDir => {
                resolved.pop();
            }
            Component::CurDir => {}
            other => resolved.push(other),
        }
    }
    if resolved.starts_with(root) { Ok(resolved) } else { Err(outside()) }
}

/// The bytes of a regular file of bounded size.
pub(crate) async fn read(root: &Path, path: &str) -> Result<Vec<u8>, RuntimeError> {
    let path = resolve(root, path)?;
    let failed = |source| RuntimeError::File { operation: "read", path: path.clone(), source };
    let opening = {
        let path = path.clone();
        tokio::task::spawn_blocking(move || access::open(&path))
    };
    let (file, length) = opening
        .await
        .map_err(|error| failed(io::Error::other(error)))?
        .map_err(|error| failed(error.into_io()))?;
    let mut content = Vec::with_capacity(usize::try_from(length).unwrap_or(0).min(FILE_LIMIT));
    let limit = u64::try_from(FILE_LIMIT).unwrap_or(u64::MAX);
    tokio::fs::File::from_std(file).take(limit + 1).read_to_end(&mut content).await.map_err(failed)?;
    if content.len() > FILE_LIMIT {
        return Err(RuntimeError::TooLarge { what: path.display().to_string(), limit: FILE_LIMIT });
    }
    Ok(content)
}

/// Replaces a file's content, creating it and the directories above it.
pub(crate) async fn write(root: &Path, path: &str, content: &[u8]) -> Result<(), RuntimeError> {
    let path = resolve(root, path)?;
    let failed = |source| RuntimeError::File { operation: "write", path: path.clone(), source };
    match tokio::fs::write(&path, content).await {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        written => return written.map_err(failed),
    }
    if let Some(parent) = path.parent() {
        tokio::fs::create_dir_all(parent).await.map_err(failed)?;
    }
    tokio::fs::write(&path, content).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_below_the_root() {
        let root = Path::new("/w/root");
        let inside = [
            ("a.txt", "/w/root/a.txt"),
            ("./a//b", "/w/root/a/b"),
            ("a/../b", "/w/root/b"),
            ("/w/root/a", "/w/root/a"),
            ("..a/b..", "/w/root/..a/b.."),
            ("", "/w/root"),
        ];
        for (path, expected) in inside {
            assert_eq!(resolve(root, path).unwrap(), Path::new(expected), "{path}");
        }
        for path in ["../x", "a/../../x", "/etc/passwd", "/w/rootless", "/w/root/../x", "/"] {
            assert!(matches!(resolve(root, path), Err(RuntimeError::OutsideRoot { .. })), "{path}");
        }
    }
}
