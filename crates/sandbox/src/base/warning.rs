//! What a base could not copy faithfully, told to the user instead of being found out later.

use std::fmt;

/// Something in the repository that a sandbox does not see as the user does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Warning {
    /// A symbolic link leads out of the repository; it is kept as it is.
    LinkLeadsOut {
        /// The link.
        path: String,
        /// Where it leads.
        target: String,
    },
    /// A submodule is not checked out, so its files are missing.
    SubmoduleMissing {
        /// Its folder.
        path: String,
    },
    /// Files outside of the sparse checkout are not there.
    Sparse {
        /// How many.
        files: u64,
    },
    /// A file cannot be read and is missing.
    Unreadable {
        /// The file.
        path: String,
    },
    /// A file is too large to be copied and is missing.
    TooLarge {
        /// The file.
        path: String,
        /// Its size, in bytes.
        bytes: u64,
    },
    /// A dependency folder is too large to be copied into every sandbox.
    DependenciesTooLarge {
        /// The folder.
        path: String,
        /// Its size, in bytes.
        bytes: u64,
    },
    /// A dependency folder is a link; sandboxes do not reach into the user's folders.
    DependenciesLinked {
        /// The folder.
        path: String,
    },
    /// The folder's own git data cannot be read, so it was taken as a plain folder.
    NotARepository {
        /// What git said.
        reason: String,
    },
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LinkLeadsOut { path, target } => {
                write!(f, "the link {path} leads out of the repository, to {target}")
            }
            Self::SubmoduleMissing { path } => {
                write!(f, "the submodule {path} is not checked out; run git submodule update --init {path}")
            }
            Self::Sparse { files } => {
                write!(f, "{files} files outside of the sparse checkout are not included")
            }
            Self::Unreadable { path } => write!(f, "{path} cannot be read and is not included"),
            Self::TooLarge { path, bytes } => {
                write!(f, "{path} is not included: {} MB are too much", bytes / 1_000_000)
            }
            Self::DependenciesTooLarge { path, bytes } => {
                write!(f, "{path} is not copied into sandboxes: {} MB are too much", bytes / 1_000_000)
            }
            Self::DependenciesLinked { path } => {
                write!(f, "{path} is not copied into sandboxes: it is a link")
            }
            Self::NotARepository { reason } => {
                write!(f, "taken as a plain folder, because git says: {reason}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_say_what_and_what_to_do() {
        let path = "a/b".to_owned();
        let cases = [
            (Warning::SubmoduleMissing { path: path.clone() }, "submodule update --init a/b"),
            (Warning::Sparse { files: 3 }, "3 files"),
            (
                Warning::DependenciesTooLarge { path, bytes: 750_000_000 },
                "a/b is not copied into sandboxes: 750 MB",
            ),
        ];
        for (warning, expected) in cases {
            assert!(warning.to_string().contains(expected), "{warning}");
        }
    }
}
