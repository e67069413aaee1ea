//! Which file a path means, and the plain operations on it.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::files::error::FileError;
use crate::files::landing::parent_of;
use crate::files::resolve;
use crate::local::FileAccess;

/// The files that requests can name.
#[derive(Debug, Clone)]
pub struct Files {
    root: PathBuf,
    access: FileAccess,
}

impl Files {
    /// Files relative to `root`.
    pub fn new(root: PathBuf, access: FileAccess) -> Self {
        Self { root, access }
    }

    /// What relative paths are relative to.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The file that `path` means.
    ///
    /// # Errors
    /// [`FileError::NulInPath`], [`FileError::OutsideRoot`].
    pub fn locate(&self, path: &str) -> Result<PathBuf, FileError> {
        if path.contains('\0') {
            return Err(FileError::NulInPath);
        }
        let outside = |_| FileError::OutsideRoot { path: path.to_owned(), root: self.root.clone() };
        match self.access {
            FileAccess::Anywhere => Ok(self.root.join(path)),
            FileAccess::Confined => resolve(&self.root, path).map_err(outside),
        }
    }
}

/// Opens a regular file for reading and says how long it is. A device counts when it has nothing to read, as `/dev/null`.
///
/// # Errors
/// [`FileError::System`], also for a directory; [`FileError::NotRegular`].
pub fn open(path: &Path) -> Result<(File, u64), FileError> {
    let failed = FileError::about(path);
    // Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path).map_err(&failed)?;
    let metadata = file.metadata().map_err(&failed)?;
    if metadata.is_dir() {
        return Err(failed(io::Error::from_raw_os_error(libc::EISDIR)));
    }
    if !metadata.is_file() && !is_empty_device(&file, &metadata) {
        return Err(FileError::NotRegular { path: path.to_owned() });
    }
    Ok((file, metadata.len()))
}

/// Whether reading ends at once; a terminal or a source of zeroes would never end.
fn is_empty_device(mut file: &File, metadata: &Metadata) -> bool {
    metadata.file_type().is_char_device() && matches!(file.read(&mut [0]), Ok(0))
}

/// Replaces a file's content in place, so that its mode, its owner and links to it stay; makes it and the
/// directories above it when they are missing. A new file that cannot be written to the end is removed.
///
/// # Errors
/// [`FileError::System`].
pub fn overwrite(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let failed = FileError::about(path);
    let mut options = OpenOptions::new();
    options.write(true).truncate(true).custom_flags(libc::O_NONBLOCK);
    let (mut file, new) = match options.open(path) {
        Ok(file) => (file, false),
        Err(error)
            if error.kind() == io::ErrorKind::NotFound || error.kind() == io::ErrorKind::NotADirectory =>
        {
            parent_of(path)?;
            (options.create(true).open(path).map_err(&failed)?, true)
        }
        Err(error) => return Err(failed(error)),
    };
    let written = file.write_all(content);
    if written.is_err() && new {
        // The first error is the one to tell.
        let _ = std::fs::remove_file(path);
    }
    written.map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn paths_are_confined_only_when_asked() {
        let confined = Files::new("/w/root".into(), FileAccess::Confined);
        let anywhere = Files::new("/w/root".into(), FileAccess::Anywhere);
        assert_eq!(confined.locate("a/../b").unwrap(), Path::new("/w/root/b"));
        assert_eq!(confined.locate("/etc/passwd").unwrap_err().class_path(), "builtins.PermissionError");
        assert_eq!(anywhere.locate("/etc/passwd").unwrap(), Path::new("/etc/passwd"));
        assert_eq!(anywhere.locate("x").unwrap(), Path::new("/w/root/x"));
        assert_eq!(anywhere.locate("a\0b").unwrap_err().to_string(), "embedded null byte");
    }

    #[test]
    fn only_regular_files_are_opened() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(open(place.path()).unwrap_err().class_path(), "builtins.IsADirectoryError");
        assert_eq!(open(Path::new("/dev/zero")).unwrap_err().class_path(), "builtins.OSError");
        assert_eq!(open(Path::new("/dev/null")).unwrap().1, 0);
        assert_eq!(open(&place.path().join("none")).unwrap_err().class_path(), "builtins.FileNotFoundError");
        std::fs::write(place.path().join("file"), "abc").unwrap();
        assert_eq!(open(&place.path().join("file")).unwrap().1, 3);
    }

    #[test]
    fn overwriting_keeps_the_file_and_makes_directories() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("a/b/file");
        overwrite(&path, b"one two").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        overwrite(&link, b"3").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"3");
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(overwrite(&path.join("x"), b"").unwrap_err().class_path(), "builtins.FileExistsError");
        assert_eq!(overwrite(place.path(), b"").unwrap_err().class_path(), "builtins.IsADirectoryError");
    }

    #[test]
    fn a_full_disk_is_an_error_with_its_name() {
        let error = overwrite(Path::new("/dev/full"), b"x").unwrap_err();
        assert!(error.to_string().contains("No space left"), "{error}");
        assert!(Path::new("/dev/full").exists());
    }
}
