//! Why a question could not be put to the tests.

use smallhands_shell_runtime::RuntimeError;

/// The sandbox or the test server failed; what the tested code does is never an error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ValidationError {
    /// The sandbox refused something.
    #[error("cannot {what}: {source}")]
    Runtime {
        /// What was attempted.
        what: &'static str,
        /// What the runtime said.
        source: RuntimeError,
    },
    /// The sandbox's shell could not prepare the folder for the test server.
    #[error(
        "cannot put the test server beside the copy: {output}; check that its temporary folder is writable"
    )]
    NoHook {
        /// What the shell said.
        output: String,
    },
    /// An edit was made for another text.
    #[error(
        "the edit of {file} at bytes {start}..{end} does not fit the file; make it again from the current text"
    )]
    EditDoesNotFit {
        /// The file.
        file: String,
        /// First byte of the edit.
        start: usize,
        /// One past its last byte.
        end: usize,
    },
    /// The warm test server ended or fell silent; the next request starts another one.
    #[error("the warm test server was lost: {reason}")]
    ServerLost {
        /// What was seen of it last.
        reason: String,
    },
}

impl ValidationError {
    /// Adapter for `map_err`: `what` failed in the runtime.
    pub(super) fn runtime(what: &'static str) -> impl FnOnce(RuntimeError) -> Self {
        move |source| Self::Runtime { what, source }
    }
}
