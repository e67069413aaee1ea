//! From what PostgreSQL reports to what a caller can act upon.

use std::path::Path;

use smallhands_event_log::LogError;

/// A failure that does not yet know its place.
#[derive(Debug)]
pub(crate) enum Failure {
    /// As the server or the connection reports it.
    Postgres(postgres::Error),
    /// Already in the caller's terms.
    Log(LogError),
    /// The schema as a whole is not what it should be.
    Schema(String),
    /// The schema is of a later format.
    Newer { found: u32, supported: u32 },
    /// Anything else.
    Other(String),
}

impl From<postgres::Error> for Failure {
    fn from(error: postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl Failure {
    /// The failure in the caller's terms.
    pub fn at(self, place: &Path) -> LogError {
        let path = place.to_owned();
        match self {
            Self::Postgres(error) => from_postgres(&error, place),
            Self::Log(error) => error,
            Self::Schema(detail) => LogError::CorruptFile { path, detail },
            Self::Newer { found, supported } => LogError::NewerFormat { path, found, supported },
            Self::Other(detail) => LogError::Io { path, detail },
        }
    }
}

fn from_postgres(error: &postgres::Error, place: &Path) -> LogError {
    let path = place.to_owned();
    let Some(report) = error.as_db_error() else {
        let detail = format!(
            "{}; if it was appending, it is not known whether that happened: read the stream to see",
            with_causes(error)
        );
        return LogError::Io { path, detail };
    };
    by_code(report.code().code(), &format!("{}: {}", report.severity(), report.message()), place)
}

fn by_code(code: &str, message: &str, place: &Path) -> LogError {
    let (path, detail) = (place.to_owned(), format!("{message} ({code})"));
    match code {
        // read-only transaction; insufficient privilege
        "25006" | "42501" => LogError::ReadOnly { path },
        // disk full
        "53100" => LogError::DiskFull { path },
        // lock not available, deadlock, statement timeout, too many connections
        "55P03" | "40P01" | "57014" | "53300" => LogError::Busy { path },
        // data or index corrupted, undefined table or column
        "XX001" | "XX002" | "42P01" | "42703" => LogError::CorruptFile { path, detail },
        _ => LogError::Io { path, detail },
    }
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_become_what_a_caller_can_act_upon() {
        let name = |code| match by_code(code, "as reported", Path::new("x")) {
            LogError::ReadOnly { .. } => "read only",
            LogError::DiskFull { .. } => "disk full",
            LogError::Busy { .. } => "busy",
            LogError::CorruptFile { .. } => "corrupt",
            LogError::Io { detail, .. } if detail.contains("as reported") => "io",
            other => panic!("{other}"),
        };
        let expected = [
            ("25006", "read only"),
            ("42501", "read only"),
            ("53100", "disk full"),
            ("55P03", "busy"),
            ("40P01", "busy"),
            ("57014", "busy"),
            ("XX001", "corrupt"),
            ("42P01", "corrupt"),
            ("99999", "io"),
        ];
        for (code, kind) in expected {
            assert_eq!(name(code), kind, "{code}");
        }
    }
}
