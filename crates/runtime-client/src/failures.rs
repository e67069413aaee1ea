//! Exceptions that a server transfers (status 511), as the runtime's own errors.

use std::io;
use std::time::Duration;

use serde_json::Value;
use smallhands_shell_runtime::RuntimeError;

/// Reads the `swerexception` object. What has no counterpart here keeps its class and words.
pub(crate) fn error(exception: &Value) -> RuntimeError {
    let text = |name: &str| exception[name].as_str().unwrap_or_default().to_owned();
    let failure =
        Failure { class: text("class_path"), message: text("message"), extra: &exception["extra_info"] };
    failure.known().unwrap_or_else(|| RuntimeError::Remote {
        class_path: failure.class,
        message: failure.message,
        extra_info: Box::new(failure.extra.clone()),
    })
}

struct Failure<'a> {
    class: String,
    message: String,
    extra: &'a Value,
}

impl Failure<'_> {
    fn known(&self) -> Option<RuntimeError> {
        let by_kind = self.extra["kind"].as_str().and_then(|kind| self.by_kind(kind));
        by_kind.or_else(|| self.by_class())
    }

    fn by_kind(&self, kind: &str) -> Option<RuntimeError> {
        let session = self.quoted();
        Some(match kind {
            "session_busy" => RuntimeError::SessionBusy { session },
            "interrupt_failed" => RuntimeError::InterruptFailed { session },
            "closed" => RuntimeError::Closed,
            "shell_exited" => RuntimeError::ShellExited {
                session,
                output: self.text("output"),
                status: self.number("exit_code")?,
            },
            _ => return None,
        })
    }

    fn by_class(&self) -> Option<RuntimeError> {
        let session = self.quoted();
        Some(match self.class.as_str() {
            "swerex.exceptions.SessionExistsError" => RuntimeError::SessionExists { session },
            "swerex.exceptions.SessionDoesNotExistError" => RuntimeError::SessionDoesNotExist { session },
            "swerex.exceptions.SessionNotInitializedError" => {
                RuntimeError::SessionStart { session, reason: self.message.clone() }
            }
            "swerex.exceptions.CommandTimeoutError" => self.timeout(),
            "swerex.exceptions.NonZeroExitCodeError" => self.non_zero()?,
            "swerex.exceptions.BashIncorrectSyntaxError" => self.syntax(),
            "re.error" | "re.PatternError" => {
                RuntimeError::BadPattern { pattern: self.quoted(), reason: self.message.clone() }
            }
            "builtins.FileNotFoundError" => self.file(io::ErrorKind::NotFound),
            "builtins.PermissionError" => self.file(io::ErrorKind::PermissionDenied),
            "builtins.IsADirectoryError" => self.file(io::ErrorKind::IsADirectory),
            "builtins.ValueError" => RuntimeError::InvalidCommand { reason: self.message.clone() },
            _ => return None,
        })
    }

    fn timeout(&self) -> RuntimeError {
        let seconds = self.message.split_whitespace().find_map(|word| word.parse::<f64>().ok());
        let limit = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()).unwrap_or_default();
        let (command, output) = (self.quoted(), self.text("output"));
        let truncated = self.extra["truncated"].as_bool().unwrap_or_default();
        if self.message.starts_with("no output for") {
            RuntimeError::NoOutputTimeout { command, limit, output, truncated }
        } else {
            RuntimeError::CommandTimeout { command, limit, output, truncated }
        }
    }

    /// The original only says it in words: `Command '...' failed with exit code N. Here is the output:`.
    fn non_zero(&self) -> Option<RuntimeError> {
        let (before, after) = self.message.split_once(" failed with exit code ")?;
        let status = after.split('.').next().and_then(|number| number.trim().parse().ok());
        let output = self.extra["output"].as_str().map(str::to_owned);
        let in_words = || after.split_once(":\n").map(|(_, output)| output.to_owned()).unwrap_or_default();
        let (prefix, command) = before.split_once("Command ").unwrap_or(("", before));
        Some(RuntimeError::NonZeroExitCode {
            command: command.trim_matches(['\'', '"']).to_owned(),
            exit_code: self.number("exit_code").or(status)?,
            output: output.unwrap_or_else(in_words),
            error_msg: prefix.trim_end_matches(": ").to_owned(),
        })
    }

    fn syntax(&self) -> RuntimeError {
        let status = self.message.split_once("exit code").and_then(|(_, rest)| {
            rest.split(|c: char| !c.is_ascii_digit()).find(|word| !word.is_empty())?.parse().ok()
        });
        RuntimeError::BashIncorrectSyntax {
            command: self.quoted(),
            exit_code: status.unwrap_or(2),
            stdout: self.text("bash_stdout"),
            stderr: self.text("bash_stderr"),
        }
    }

    fn file(&self, kind: io::ErrorKind) -> RuntimeError {
        RuntimeError::File {
            operation: "use",
            path: self.quoted().into(),
            source: io::Error::new(kind, self.message.clone()),
        }
    }

    /// What the message has in quotes: the session, the command, the file. Empty when it has nothing.
    fn quoted(&self) -> String {
        let quoted = self.message.split_once('\'').and_then(|(_, rest)| rest.rsplit_once('\''));
        let named = || self.message.strip_prefix("session ").and_then(|rest| rest.split(' ').next());
        quoted.map(|(name, _)| name).or_else(named).unwrap_or_default().to_owned()
    }

    fn text(&self, name: &str) -> String {
        self.extra[name].as_str().unwrap_or_default().to_owned()
    }

    fn number(&self, name: &str) -> Option<i32> {
        self.extra[name].as_i64().and_then(|number| i32::try_from(number).ok())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What this side's errors become on the wire.
    fn transferred(error: &RuntimeError) -> Value {
        json!({"class_path": error.class_path(), "message": error.to_string(), "traceback": "",
               "extra_info": error.extra_info()})
    }

    #[test]
    fn our_own_errors_come_back_as_they_were() {
        let name = || "a b".to_owned();
        let cases = [
            RuntimeError::NoOutputTimeout {
                command: "cat".into(),
                limit: Duration::from_secs(1),
                output: "so".into(),
                truncated: true,
            },
            RuntimeError::SessionDoesNotExist { session: name() },
            RuntimeError::SessionBusy { session: "a".into() },
            RuntimeError::InterruptFailed { session: "a".into() },
            RuntimeError::Closed,
            RuntimeError::ShellExited { session: "a".into(), output: "last\n".into(), status: 3 },
            RuntimeError::NonZeroExitCode {
                command: "ls 'x'".into(),
                exit_code: 2,
                output: "no\nsuch".into(),
                error_msg: "listing".into(),
            },
            RuntimeError::CommandTimeout {
                command: "sleep 9".into(),
                limit: Duration::from_millis(500),
                output: "so far".into(),
                truncated: false,
            },
        ];
        for case in cases {
            let back = error(&transferred(&case));
            assert_eq!(std::mem::discriminant(&back), std::mem::discriminant(&case), "{case:?}");
            assert_eq!(back.extra_info(), case.extra_info(), "{case:?}");
            assert_eq!(back.class_path(), case.class_path());
        }
    }

    #[test]
    fn the_originals_words_are_understood() {
        let original = |class: &str, message: &str| {
            error(&json!({"class_path": class, "message": message, "traceback": "long", "extra_info": {}}))
        };
        let message = "Command 'false' failed with exit code 1. Here is the output:\n'x'";
        let failed = original("swerex.exceptions.NonZeroExitCodeError", message);
        assert!(matches!(failed, RuntimeError::NonZeroExitCode { exit_code: 1, .. }), "{failed:?}");
        let gone = original("swerex.exceptions.SessionDoesNotExistError", "session 'b' does not exist");
        assert!(matches!(gone, RuntimeError::SessionDoesNotExist { ref session } if session == "b"));
        let taken = original("swerex.exceptions.SessionExistsError", "session b already exists");
        assert!(matches!(taken, RuntimeError::SessionExists { ref session } if session == "b"));
        let missing = original("builtins.FileNotFoundError", "[Errno 2] No such file or directory: '/x y'");
        assert!(matches!(missing, RuntimeError::File { ref path, .. } if path.to_str() == Some("/x y")));
        let other = original("pexpect.exceptions.EOF", "End Of File");
        assert_eq!(
            (other.class_path(), other.to_string().as_str()),
            ("pexpect.exceptions.EOF", "End Of File")
        );
    }
}
