//! From what SQLite and the operating system report to what a caller can act upon.

use std::fs::{self, OpenOptions};
use std::path::Path;

use rusqlite::{Error, ErrorCode};

use crate::LogError;

/// A failure that does not yet know its file.
#[derive(Debug)]
pub(super) enum Failure {
    /// As SQLite reports it.
    Sqlite(Error),
    /// Already in the caller's terms.
    Log(LogError),
    /// The file as a whole is not what it should be.
    File(String),
    /// The file is of a later format.
    Newer { found: u32, supported: u32 },
    /// Anything else.
    Other(String),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Sqlite(error)
    }
}

impl Failure {
    /// The failure in the caller's terms.
    pub fn at(self, path: &Path) -> LogError {
        let path = path.to_owned();
        match self {
            Self::Sqlite(error) => from_sqlite(&error, &path),
            Self::Log(error) => error,
            Self::File(detail) => LogError::CorruptFile { path, detail },
            Self::Newer { found, supported } => LogError::NewerFormat { path, found, supported },
            Self::Other(detail) => LogError::Io { path, detail },
        }
    }
}

fn from_sqlite(error: &Error, path: &Path) -> LogError {
    let path = path.to_owned();
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => LogError::ReadOnly { path },
        Some(ErrorCode::DiskFull) => LogError::DiskFull { path },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LogError::Busy { path },
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => LogError::CorruptFile { path, detail },
        // A table or column that is not there, or a value of the wrong kind: somebody changed the file.
        Some(ErrorCode::Unknown) => LogError::CorruptFile { path, detail },
        Some(_) => LogError::Io { path, detail },
        None => LogError::CorruptFile { path, detail },
    }
}

/// Opens the file for writing and closes it again. SQLite would say no more than "unable to open", or silently open it
/// for reading only; the operating system says why. A new file is created for the eyes of its owner only.
pub(super) fn require_writable(path: &Path) -> Result<(), LogError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path).map_err(|error| LogError::from_io(&error, path))?;
    require_whole_header(file.metadata().map_err(|error| LogError::from_io(&error, path))?.len(), path)?;
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let metadata = fs::metadata(folder).map_err(|error| LogError::from_io(&error, path))?;
    if metadata.permissions().readonly() { Err(LogError::ReadOnly { path: path.to_owned() }) } else { Ok(()) }
}

/// SQLite takes a file shorter than its own header for an empty one and would begin anew over what is left of a log.
fn require_whole_header(length: u64, path: &Path) -> Result<(), LogError> {
    const HEADER: u64 = 100;
    if (1..HEADER).contains(&length) {
        let detail = format!("it is cut to {length} bytes");
        return Err(LogError::CorruptFile { path: path.to_owned(), detail });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rusqlite::ffi;

    #[test]
    fn sqlite_results_become_what_a_caller_can_act_upon() {
        let path = Path::new("log.db");
        let name = |code: i32| {
            let error = Error::SqliteFailure(ffi::Error::new(code), None);
            match from_sqlite(&error, path) {
                LogError::ReadOnly { .. } => "read only",
                LogError::DiskFull { .. } => "disk full",
                LogError::Busy { .. } => "busy",
                LogError::CorruptFile { .. } => "corrupt",
                LogError::Io { .. } => "io",
                other => panic!("unexpected {other}"),
            }
        };
        let expected = [
            (ffi::SQLITE_READONLY, "read only"),
            (ffi::SQLITE_READONLY_DIRECTORY, "read only"),
            (ffi::SQLITE_PERM, "read only"),
            (ffi::SQLITE_FULL, "disk full"),
            (ffi::SQLITE_BUSY, "busy"),
            (ffi::SQLITE_BUSY_SNAPSHOT, "busy"),
            (ffi::SQLITE_LOCKED, "busy"),
            (ffi::SQLITE_CORRUPT, "corrupt"),
            (ffi::SQLITE_NOTADB, "corrupt"),
            (ffi::SQLITE_ERROR, "corrupt"),
            (ffi::SQLITE_IOERR, "io"),
            (ffi::SQLITE_CANTOPEN, "io"),
        ];
        for (code, kind) in expected {
            assert_eq!(name(code), kind, "SQLite result {code}");
        }
    }
}
