//! What can go wrong with files, in the words and classes that Python clients know.

use std::io;
use std::path::{Path, PathBuf};

/// A file operation that could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FileError {
    /// The system refused.
    #[error("{}: '{}'", system_words(source), path.display())]
    System {
        /// What it was about.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The path cannot name a file.
    #[error("embedded null byte")]
    NulInPath,
    /// The path leaves the directory that files are confined to.
    #[error("the path '{path}' is outside of {}; use a path below it", root.display())]
    OutsideRoot {
        /// The path as asked for.
        path: String,
        /// The directory.
        root: PathBuf,
    },
    /// A pipe, a socket or a device, where a file is wanted.
    #[error("'{}' is not a regular file", path.display())]
    NotRegular {
        /// What is no file.
        path: PathBuf,
    },
    /// No encoding of this name is known.
    #[error("unknown encoding: {name}")]
    UnknownEncoding {
        /// The name asked for.
        name: String,
    },
    /// No way of this name is known to treat bytes that do not decode.
    #[error("unknown error handler name '{name}'")]
    UnknownErrorHandler {
        /// The name asked for.
        name: String,
    },
    /// Bytes that mean nothing in the encoding.
    #[error("'{codec}' codec can't decode {what}: {reason}")]
    Undecodable {
        /// The encoding, as Python names it in messages.
        codec: &'static str,
        /// The bytes and where they are.
        what: String,
        /// Why they mean nothing.
        reason: &'static str,
    },
    /// The text cannot be sent, because it is not text.
    #[error("'utf-8' codec can't encode character '\\u{surrogate:04x}': surrogates not allowed")]
    Unencodable {
        /// The half of a pair that stands alone.
        surrogate: u32,
    },
    /// What was sent is not an archive, or a damaged one.
    #[error("{reason}")]
    BadArchive {
        /// What is wrong with it.
        reason: String,
        /// It was to be a zip, not a tar.
        zip: bool,
    },
    /// The archive wants a password.
    #[error("File '{entry}' is encrypted, password required for extraction")]
    Encrypted {
        /// The first such entry.
        entry: String,
    },
    /// An entry of an archive would land outside of the target.
    #[error("the archive's entry '{entry}' leads out of {} through a link; nothing was unpacked", target.display())]
    Escapes {
        /// The entry's name.
        entry: String,
        /// Where the archive was to be unpacked.
        target: PathBuf,
    },
    /// More than the limits allow.
    #[error("the archive {what}, more than the limit of {limit}; nothing was unpacked")]
    TooMuch {
        /// What there is too much of.
        what: String,
        /// The limit, with its unit.
        limit: String,
    },
    /// A file is already where one was to be put.
    #[error("Destination path '{}' already exists", path.display())]
    AlreadyThere {
        /// The file.
        path: PathBuf,
    },
    /// A pattern cannot be understood.
    #[error("the pattern '{pattern}' cannot be used: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl FileError {
    /// What the system said, or would have.
    pub(crate) fn into_io(self) -> io::Error {
        match self {
            Self::System { source, .. } => source,
            other => io::Error::other(other),
        }
    }

    /// Adapter for `map_err`: the system refused something about `path`.
    pub fn about(path: &Path) -> impl Fn(io::Error) -> Self + '_ {
        move |source| Self::System { path: path.to_owned(), source }
    }

    /// The class that SWE-ReX clients know this error by.
    pub fn class_path(&self) -> &'static str {
        match self {
            Self::System { source, .. } => system_class(source),
            Self::NulInPath => "builtins.ValueError",
            Self::OutsideRoot { .. } | Self::Escapes { .. } => "builtins.PermissionError",
            Self::NotRegular { .. } => "builtins.OSError",
            Self::UnknownEncoding { .. } | Self::UnknownErrorHandler { .. } => "builtins.LookupError",
            Self::Undecodable { .. } => "builtins.UnicodeDecodeError",
            Self::Unencodable { .. } => "builtins.UnicodeEncodeError",
            Self::BadArchive { zip: true, .. } => "zipfile.BadZipFile",
            Self::BadArchive { zip: false, .. } => "tarfile.ReadError",
            Self::Encrypted { .. } => "builtins.RuntimeError",
            Self::TooMuch { .. } => "swerex.exceptions.SwerexException",
            Self::AlreadyThere { .. } => "shutil.Error",
            Self::BadPattern { .. } => "re.error",
        }
    }
}

/// `[Errno 2] No such file or directory`, as Python says it.
fn system_words(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else { return error.to_string() };
    let words = error.to_string();
    let suffix = format!(" (os error {number})");
    format!("[Errno {number}] {}", words.strip_suffix(&suffix).unwrap_or(&words))
}

fn system_class(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::NotFound => "builtins.FileNotFoundError",
        io::ErrorKind::PermissionDenied => "builtins.PermissionError",
        io::ErrorKind::IsADirectory => "builtins.IsADirectoryError",
        io::ErrorKind::NotADirectory => "builtins.NotADirectoryError",
        io::ErrorKind::AlreadyExists => "builtins.FileExistsError",
        _ => "builtins.OSError",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_systems_errors_read_and_class_as_in_python() {
        let about = |number| FileError::about(Path::new("/x"))(io::Error::from_raw_os_error(number));
        let cases = [
            (libc::ENOENT, "builtins.FileNotFoundError", "[Errno 2] No such file or directory: '/x'"),
            (libc::EACCES, "builtins.PermissionError", "[Errno 13] Permission denied: '/x'"),
            (libc::EISDIR, "builtins.IsADirectoryError", "[Errno 21] Is a directory: '/x'"),
            (libc::ENOTDIR, "builtins.NotADirectoryError", "[Errno 20] Not a directory: '/x'"),
            (libc::EEXIST, "builtins.FileExistsError", "[Errno 17] File exists: '/x'"),
            (libc::ENOSPC, "builtins.OSError", "[Errno 28] No space left on device: '/x'"),
        ];
        for (number, class, words) in cases {
            let error = about(number);
            assert_eq!((error.class_path(), error.to_string().as_str()), (class, words));
        }
    }
}
