//! Removing a directory for good, with whatever permissions its owner left on it.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::error::SandboxError;

/// How often removal is tried: a process that is dying may still be writing.
const TRIES: usize = 5;

/// The entry that is removed last, if there is one of this name.
const LAST: &str = "lease.json";

/// Removes `path` and everything below it; nothing there is success.
///
/// # Errors
/// [`SandboxError::NotRemoved`].
pub(crate) fn remove(path: &Path) -> Result<(), SandboxError> {
    let mut reason = String::from("it keeps coming back");
    for _ in 0..TRIES {
        remove_all_but(path, LAST);
        match fs::remove_dir_all(path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                reason = error.to_string();
                make_writable(path);
            }
        }
        if fs::symlink_metadata(path).is_err() {
            return Ok(());
        }
    }
    Err(SandboxError::NotRemoved { path: path.to_owned(), reason })
}

/// What names the owner goes last: whoever finds what an interrupted removal left can tell that it is nobody's.
fn remove_all_but(path: &Path, kept: &str) {
    for entry in fs::read_dir(path).into_iter().flatten().flatten().filter(|entry| entry.file_name() != kept)
    {
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        // What cannot be removed here shows in the removal of the whole.
        if is_dir {
            fs::remove_dir_all(entry.path()).ok()
        } else {
            fs::remove_file(entry.path()).ok()
        };
    }
}

/// The same off the async threads.
pub(crate) async fn remove_in_background(path: &Path) -> Result<(), SandboxError> {
    let owned = path.to_owned();
    let removed = tokio::task::spawn_blocking(move || remove(&owned)).await;
    removed.unwrap_or_else(|error| {
        Err(SandboxError::NotRemoved { path: path.to_owned(), reason: error.to_string() })
    })
}

/// Gives the owner all rights on the directories below `path`. Links are not followed.
fn make_writable(path: &Path) {
    let Ok(metadata) = fs::symlink_metadata(path) else { return };
    if !metadata.is_dir() {
        return;
    }
    let mode = metadata.permissions().mode() | 0o700;
    // What cannot be changed shows in the next try's error.
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).ok();
    for entry in fs::read_dir(path).into_iter().flatten().flatten() {
        make_writable(&entry.path());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn read_only_directories_go_and_link_targets_stay() {
        let dir = tempfile::tempdir().unwrap();
        let (doomed, kept) = (dir.path().join("doomed"), dir.path().join("kept"));
        fs::create_dir_all(doomed.join("a/b")).unwrap();
        fs::create_dir(&kept).unwrap();
        fs::write(kept.join("file"), "x").unwrap();
        fs::write(doomed.join("a/b/file"), "x").unwrap();
        std::os::unix::fs::symlink(&kept, doomed.join("a/link")).unwrap();
        for (path, mode) in [("a/b", 0o000), ("a", 0o555)] {
            fs::set_permissions(doomed.join(path), fs::Permissions::from_mode(mode)).unwrap();
        }
        make_writable(&doomed);
        assert_eq!(fs::metadata(doomed.join("a/b")).unwrap().permissions().mode() & 0o700, 0o700);
        remove(&doomed).unwrap();
        assert!(!doomed.exists() && kept.join("file").exists());
        remove(&doomed).unwrap();
    }
}
