//! A file that appears all at once: it is written under another name and renamed when it is complete.

use std::fs::{File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::files::error::FileError;

/// What part of the file's name says that it is not complete.
const MARK: &str = ".smallhands-";

/// A file that has not got its name yet. Dropping it removes it.
#[derive(Debug)]
pub struct Landing {
    file: Option<File>,
    path: PathBuf,
}

impl Landing {
    /// An empty file in `directory`, readable and writable as new files are.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn inside(directory: &Path) -> Result<Self, FileError> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = directory.join(format!("{MARK}{}-{number}", std::process::id()));
            match OpenOptions::new().read(true).write(true).create_new(true).open(&path) {
                Ok(file) => return Ok(Self { file: Some(file), path }),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(FileError::about(directory)(error)),
            }
        }
    }

    /// An empty file beside `target`, whose directory is made when it is missing.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn beside(target: &Path) -> Result<Self, FileError> {
        Self::inside(&parent_of(target)?)
    }

    /// The file, to be written and read.
    ///
    /// # Errors
    /// [`FileError::System`] when it was closed already.
    pub fn file(&mut self) -> Result<&mut File, FileError> {
        let closed = || FileError::about(&self.path)(io::ErrorKind::NotConnected.into());
        self.file.as_mut().ok_or_else(closed)
    }

    /// Gives the file its name, in place of a file that has it. A directory is not replaced. On another file
    /// system the content is copied to a file beside the target first.
    ///
    /// # Errors
    /// [`FileError::System`].
    pub fn settle(mut self, target: &Path, mode: Option<u32>) -> Result<(), FileError> {
        let failed = FileError::about(target);
        parent_of(target)?;
        if let Some(mode) = mode {
            std::fs::set_permissions(&self.path, Permissions::from_mode(mode & 0o7777)).map_err(&failed)?;
        }
        self.file = None;
        match std::fs::rename(&self.path, target) {
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let mut near = Self::beside(target)?;
                let mut far = File::open(&self.path).map_err(&failed)?;
                io::copy(&mut far, near.file()?).map_err(&failed)?;
                near.settle(target, mode)
            }
            renamed => renamed.map_err(failed),
        }
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        // After it settled there is nothing under this name, and that is the usual case.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// The directory of `target`, made when it is missing.
///
/// # Errors
/// [`FileError::System`].
pub fn parent_of(target: &Path) -> Result<PathBuf, FileError> {
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty());
    let parent = parent.unwrap_or(Path::new("."));
    if !parent.is_dir() {
        std::fs::create_dir_all(parent).map_err(|error| not_a_directory(parent, error))?;
    }
    Ok(parent.to_owned())
}

/// Names the file that stands where a directory is wanted, as Python does.
fn not_a_directory(wanted: &Path, error: io::Error) -> FileError {
    let in_the_way = wanted.ancestors().find(|path| path.symlink_metadata().is_ok_and(|m| !m.is_dir()));
    match in_the_way {
        Some(path) => FileError::about(path)(io::Error::from_raw_os_error(libc::EEXIST)),
        None => FileError::about(wanted)(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_appears_complete_or_not_at_all() {
        let place = tempfile::tempdir().unwrap();
        let target = place.path().join("a/b/file");
        let mut landing = Landing::beside(&target).unwrap();
        landing.file().unwrap().write_all(b"new").unwrap();
        assert!(!target.exists());
        landing.settle(&target, Some(0o751)).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"new");
        assert_eq!(target.metadata().unwrap().permissions().mode() & 0o7777, 0o751);
        drop(Landing::beside(&target).unwrap());
        assert_eq!(names(target.parent().unwrap()), ["file"]);
    }

    #[test]
    fn what_is_in_the_way_is_named() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("file");
        std::fs::write(&file, "").unwrap();
        let error = Landing::beside(&file.join("below/it")).unwrap_err();
        assert_eq!(error.class_path(), "builtins.FileExistsError");
        assert!(error.to_string().ends_with(&format!("'{}'", file.display())), "{error}");
        std::fs::create_dir(place.path().join("dir")).unwrap();
        let landing = Landing::inside(place.path()).unwrap();
        assert_eq!(
            landing.settle(&place.path().join("dir"), None).unwrap_err().class_path(),
            "builtins.IsADirectoryError"
        );
        assert_eq!(names(place.path()).len(), 2);
    }
}
