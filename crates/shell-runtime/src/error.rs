//! What can go wrong in a runtime. Each variant says what failed, on what, and what to do next, and knows the
//! class that SWE-ReX clients expect for it.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use serde_json::{Value, json};

use crate::processes::Survivors;

/// A request that a runtime could not fulfil.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RuntimeError {
    /// The name is taken by a living session.
    #[error("session {session} already exists; close it or choose another name")]
    SessionExists {
        /// The name asked for.
        session: String,
    },
    /// No living session has the name.
    #[error("session '{session}' does not exist; create it first")]
    SessionDoesNotExist {
        /// The name asked for.
        session: String,
    },
    /// The shell did not get ready.
    #[error("session {session} did not start: {reason}")]
    SessionStart {
        /// The name asked for.
        session: String,
        /// What was waited for, and what the shell printed.
        reason: String,
    },
    /// An earlier command still runs in the session.
    #[error("session {session} is still running an earlier command; interrupt it or close the session")]
    SessionBusy {
        /// The session.
        session: String,
    },
    /// The command failed and the request wanted that to be an error.
    #[error(
        "{}Command '{command}' failed with exit code {exit_code}. Here is the output:\n{output}",
        prefix(error_msg)
    )]
    NonZeroExitCode {
        /// The command, shortened.
        command: String,
        /// Its exit status.
        exit_code: i32,
        /// What it printed.
        output: String,
        /// The request's own words.
        error_msg: String,
    },
    /// Nothing ended the wait in time. The command of a session keeps running until it is interrupted.
    #[error("timeout after {} seconds while running command '{command}'{}", limit.as_secs_f64(), so_far(output))]
    CommandTimeout {
        /// The command, shortened.
        command: String,
        /// The time it had.
        limit: Duration,
        /// What it had printed until then.
        output: String,
        /// The middle of that output was left out.
        truncated: bool,
    },
    /// The command printed nothing for as long as the request allowed. It keeps running until it is interrupted.
    #[error("no output for {} seconds while running command '{command}'{}", limit.as_secs_f64(), so_far(output))]
    NoOutputTimeout {
        /// The command, shortened.
        command: String,
        /// The silence allowed.
        limit: Duration,
        /// What it had printed until then.
        output: String,
        /// The middle of that output was left out.
        truncated: bool,
    },
    /// Bash cannot parse the command; nothing of it was run.
    #[error("the command is not valid bash (exit code {exit_code}): '{command}'\n{stderr}")]
    BashIncorrectSyntax {
        /// The command, shortened.
        command: String,
        /// Exit status of the syntax check.
        exit_code: i32,
        /// What the syntax check wrote to standard output.
        stdout: String,
        /// What the syntax check wrote to standard error.
        stderr: String,
    },
    /// The command ended the shell itself (`exit`, `exec`, `set -e`, `kill $$`). The name is free again.
    #[error(
        "the shell of session {session} ended with status {status}; create it again to go on. Its last output:\n{output}"
    )]
    ShellExited {
        /// The session.
        session: String,
        /// What was printed before the end.
        output: String,
        /// Exit status, or 128 + the signal's number.
        status: i32,
    },
    /// What runs in the session could not be stopped.
    #[error("session {session} could not be interrupted; close it")]
    InterruptFailed {
        /// The session.
        session: String,
    },
    /// A pattern of `expect` is not a regular expression.
    #[error("the pattern '{pattern}' is not a valid regular expression: {reason}")]
    BadPattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The request itself cannot be meant.
    #[error("the command cannot be run: {reason}")]
    InvalidCommand {
        /// What is wrong with it.
        reason: String,
    },
    /// The program could not be started.
    #[error("cannot start '{program}': {source}; check that it is installed and on PATH")]
    Spawn {
        /// The program's name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// The directory for a command does not exist.
    #[error("the working directory {} does not exist", path.display())]
    WorkingDirectory {
        /// The directory.
        path: PathBuf,
    },
    /// A file could not be read or written, or is not the directory it should be.
    #[error("cannot {operation} {}: {source}", path.display())]
    File {
        /// `read`, `write` or what else.
        operation: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A path leaves the runtime's root.
    #[error("the path '{path}' is outside of {}; use a path below it", root.display())]
    OutsideRoot {
        /// The path as asked for.
        path: String,
        /// The runtime's root.
        root: PathBuf,
    },
    /// More than the runtime is willing to hold in memory.
    #[error("{what} is larger than {limit} bytes")]
    TooLarge {
        /// The file or stream.
        what: String,
        /// The bound, in bytes.
        limit: usize,
    },
    /// Processes stay alive although they were killed.
    #[error("{count} processes could not be killed (first: {first})")]
    Survivors {
        /// How many.
        count: usize,
        /// Process id of one of them.
        first: i32,
    },
    /// The runtime was closed.
    #[error("the runtime is closed; everything it started was killed")]
    Closed,
    /// This kind of runtime cannot do it.
    #[error("{what} is not possible with {runtime}")]
    Unsupported {
        /// What was asked for.
        what: &'static str,
        /// The runtime, in words.
        runtime: String,
    },
    /// The server of a remote runtime gave no answer that can be used.
    #[error("the runtime server at {url} cannot be used: {reason}")]
    Unreachable {
        /// Its address.
        url: String,
        /// What happened, and what to check.
        reason: String,
    },
    /// An error of a remote runtime that has no name here.
    #[error("{message}")]
    Remote {
        /// The class that the server gave it.
        class_path: String,
        /// Its words.
        message: String,
        /// What it sent beside them.
        extra_info: Box<Value>,
    },
    /// The system refused something that normally works.
    #[error("cannot {what}: {source}")]
    Io {
        /// What was attempted.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl From<Survivors> for RuntimeError {
    fn from(Survivors(pids): Survivors) -> Self {
        Self::Survivors { count: pids.len(), first: pids.first().copied().unwrap_or(0) }
    }
}

fn prefix(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!("{message}: ") }
}

/// The end of what a command printed, for the message of a timeout: clients show messages, not details.
fn so_far(output: &str) -> String {
    const SHOWN: usize = 10_000;
    if output.is_empty() {
        return String::new();
    }
    let start = (output.len().saturating_sub(SHOWN)..=output.len()).find(|&at| output.is_char_boundary(at));
    let tail = &output[start.unwrap_or(0)..];
    let cut = if tail.len() < output.len() { "[...]" } else { "" };
    format!("; output so far:\n{cut}{tail}")
}

impl RuntimeError {
    /// Adapter for `map_err`: `what` failed with an I/O error.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// The class that SWE-ReX clients know this error by.
    pub fn class_path(&self) -> &str {
        match self {
            Self::Remote { class_path, .. } => class_path,
            Self::SessionExists { .. } => "swerex.exceptions.SessionExistsError",
            Self::SessionDoesNotExist { .. } => "swerex.exceptions.SessionDoesNotExistError",
            Self::SessionStart { .. } => "swerex.exceptions.SessionNotInitializedError",
            Self::NonZeroExitCode { .. } => "swerex.exceptions.NonZeroExitCodeError",
            Self::CommandTimeout { .. }
            | Self::NoOutputTimeout { .. }
            | Self::SessionBusy { .. }
            | Self::InterruptFailed { .. } => "swerex.exceptions.CommandTimeoutError",
            Self::BashIncorrectSyntax { .. } => "swerex.exceptions.BashIncorrectSyntaxError",
            Self::BadPattern { .. } => "re.error",
            Self::InvalidCommand { .. } => "builtins.ValueError",
            Self::WorkingDirectory { .. } => "builtins.FileNotFoundError",
            Self::Spawn { source, .. } | Self::File { source, .. } => builtin_class(source.kind()),
            Self::OutsideRoot { .. } => "builtins.PermissionError",
            Self::ShellExited { .. }
            | Self::TooLarge { .. }
            | Self::Survivors { .. }
            | Self::Closed
            | Self::Unsupported { .. }
            | Self::Unreachable { .. }
            | Self::Io { .. } => "swerex.exceptions.SwerexException",
        }
    }

    /// What is sent beside the message. `kind` tells errors apart that share a class.
    pub fn extra_info(&self) -> Value {
        match self {
            Self::BashIncorrectSyntax { stdout, stderr, .. } => {
                json!({"bash_stdout": stdout, "bash_stderr": stderr})
            }
            Self::CommandTimeout { output, truncated, .. }
            | Self::NoOutputTimeout { output, truncated, .. } => {
                json!({"output": output, "truncated": truncated})
            }
            Self::ShellExited { output, status, .. } => {
                json!({"kind": "shell_exited", "output": output, "exit_code": status})
            }
            Self::NonZeroExitCode { output, exit_code, .. } => {
                json!({"output": output, "exit_code": exit_code})
            }
            Self::SessionBusy { .. } => json!({"kind": "session_busy"}),
            Self::InterruptFailed { .. } => json!({"kind": "interrupt_failed"}),
            Self::Closed => json!({"kind": "closed"}),
            Self::Remote { extra_info, .. } => Value::clone(extra_info),
            _ => json!({}),
        }
    }
}

fn builtin_class(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "builtins.FileNotFoundError",
        io::ErrorKind::PermissionDenied => "builtins.PermissionError",
        io::ErrorKind::IsADirectory => "builtins.IsADirectoryError",
        io::ErrorKind::NotADirectory => "builtins.NotADirectoryError",
        _ => "builtins.OSError",
    }
}

/// A command as messages show it: one that is long is cut in the middle of a character never.
pub(crate) fn shortened(command: &str) -> String {
    const SHOWN: usize = 400;
    match command.char_indices().nth(SHOWN) {
        None => command.to_owned(),
        Some((end, _)) => format!("{}... ({} bytes)", &command[..end], command.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_carry_the_callers_words() {
        let with = |error_msg: &str| {
            let error = RuntimeError::NonZeroExitCode {
                command: "false".into(),
                exit_code: 1,
                output: "x".into(),
                error_msg: error_msg.into(),
            };
            error.to_string()
        };
        assert_eq!(with(""), "Command 'false' failed with exit code 1. Here is the output:\nx");
        assert!(with("install").starts_with("install: Command"));
    }

    fn io_error(kind: io::ErrorKind) -> RuntimeError {
        RuntimeError::File { operation: "read", path: "/w/x".into(), source: kind.into() }
    }

    #[test]
    fn classes_are_those_that_clients_catch() {
        let session = || "a".to_owned();
        let bad_syntax = RuntimeError::BashIncorrectSyntax {
            command: "if".into(),
            exit_code: 2,
            stdout: "out".into(),
            stderr: "err".into(),
        };
        let cases = [
            (RuntimeError::SessionExists { session: session() }, "swerex.exceptions.SessionExistsError"),
            (
                RuntimeError::SessionDoesNotExist { session: session() },
                "swerex.exceptions.SessionDoesNotExistError",
            ),
            (
                RuntimeError::SessionStart { session: session(), reason: "slow".into() },
                "swerex.exceptions.SessionNotInitializedError",
            ),
            (RuntimeError::SessionBusy { session: session() }, "swerex.exceptions.CommandTimeoutError"),
            (RuntimeError::InterruptFailed { session: session() }, "swerex.exceptions.CommandTimeoutError"),
            (bad_syntax, "swerex.exceptions.BashIncorrectSyntaxError"),
            (RuntimeError::BadPattern { pattern: "(".into(), reason: "open".into() }, "re.error"),
            (RuntimeError::InvalidCommand { reason: "null".into() }, "builtins.ValueError"),
            (RuntimeError::WorkingDirectory { path: "/no".into() }, "builtins.FileNotFoundError"),
            (io_error(io::ErrorKind::NotFound), "builtins.FileNotFoundError"),
            (io_error(io::ErrorKind::PermissionDenied), "builtins.PermissionError"),
            (io_error(io::ErrorKind::IsADirectory), "builtins.IsADirectoryError"),
            (io_error(io::ErrorKind::StorageFull), "builtins.OSError"),
            (RuntimeError::OutsideRoot { path: "..".into(), root: "/w".into() }, "builtins.PermissionError"),
            (RuntimeError::Closed, "swerex.exceptions.SwerexException"),
        ];
        for (error, class) in cases {
            assert_eq!(error.class_path(), class, "{error}");
        }
    }

    #[test]
    fn details_travel_beside_the_message() {
        let syntax = RuntimeError::BashIncorrectSyntax {
            command: "if".into(),
            exit_code: 2,
            stdout: "out".into(),
            stderr: "err".into(),
        };
        assert_eq!(syntax.extra_info(), json!({"bash_stdout": "out", "bash_stderr": "err"}));
        let ended = RuntimeError::ShellExited { session: "a".into(), output: "last".into(), status: 3 };
        assert_eq!(ended.extra_info(), json!({"kind": "shell_exited", "output": "last", "exit_code": 3}));
        assert!(ended.to_string().contains("status 3") && ended.to_string().ends_with("last"));
        assert_eq!(
            RuntimeError::BadPattern { pattern: "(".into(), reason: "x".into() }.extra_info(),
            json!({})
        );
        let survivors = RuntimeError::from(Survivors(vec![7, 8]));
        assert_eq!(survivors.to_string(), "2 processes could not be killed (first: 7)");
    }

    #[test]
    fn a_timeout_carries_its_output_to_the_client() {
        let error = RuntimeError::CommandTimeout {
            command: "x".into(),
            limit: Duration::from_millis(500),
            output: "so far".into(),
            truncated: false,
        };
        assert_eq!(error.extra_info(), json!({"output": "so far", "truncated": false}));
        assert!(
            error.to_string().contains("0.5 seconds")
                && error.to_string().ends_with("output so far:\nso far")
        );
        let long = so_far(&"\u{e9}".repeat(9_000));
        assert!(long.len() < 10_050 && long.starts_with("; output so far:\n[...]\u{e9}"));
        assert_eq!(so_far(""), "");
    }

    #[test]
    fn long_commands_are_cut_between_characters() {
        assert_eq!(shortened("ls"), "ls");
        let long = shortened(&"é".repeat(1000));
        assert!(long.ends_with("... (2000 bytes)") && long.len() < 900);
    }
}
