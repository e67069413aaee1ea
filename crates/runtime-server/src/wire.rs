//! From the fields of checked bodies to the engine's requests, and from its answers to the protocol's.

use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::Serialize;
use smallhands_shell_runtime::local::MAX_WAIT;
use smallhands_shell_runtime::protocol::{BashWaitAction, Usage};
use smallhands_shell_runtime::{
    Action, BashAction, BashInterruptAction, Check, Command, CommandLine, CommandResponse, CreateSession,
    Observation, RuntimeError,
};

use crate::reply::{Refusal, Reply};
use crate::schema::Fields;

/// Seconds as a time to wait: what is negative is no time, what is beyond all measure is as long as can be.
fn wait_of(seconds: f64) -> Result<Duration, Refusal> {
    if seconds.is_nan() {
        return Err(Refusal::python("builtins.ValueError", "the timeout is not a number"));
    }
    Ok(Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(MAX_WAIT).min(MAX_WAIT))
}

fn maybe_wait(fields: &mut Fields, name: &str) -> Result<Option<Duration>, Refusal> {
    fields.maybe_number(name).map(wait_of).transpose()
}

fn limit(fields: &mut Fields) -> Option<usize> {
    fields.maybe_count("output_limit").map(|limit| usize::try_from(limit).unwrap_or(usize::MAX))
}

/// A session to start.
///
/// # Errors
/// A time that is none.
pub fn create_session(mut fields: Fields) -> Result<CreateSession, Refusal> {
    Ok(CreateSession {
        session: fields.text("session"),
        startup_source: fields.texts("startup_source"),
        startup_timeout: maybe_wait(&mut fields, "startup_timeout")?.unwrap_or_default(),
    })
}

/// What to do in a session.
///
/// # Errors
/// A time that is none; flags that contradict each other.
pub fn action(mut fields: Fields) -> Result<Action, Refusal> {
    let fields = &mut fields;
    Ok(match fields.variant {
        "bash_interrupt" => Action::Interrupt(BashInterruptAction {
            session: fields.text("session"),
            timeout: maybe_wait(fields, "timeout")?.unwrap_or_default(),
            n_retry: u32::try_from(fields.maybe_count("n_retry").unwrap_or_default()).unwrap_or(u32::MAX),
            expect: fields.texts("expect"),
        }),
        "bash_wait" => Action::Wait(BashWaitAction {
            session: fields.text("session"),
            timeout: maybe_wait(fields, "timeout")?,
            check: check(fields),
            expect: fields.texts("expect"),
            output_limit: limit(fields),
            no_output_timeout: maybe_wait(fields, "no_output_timeout")?,
            until_input: fields.flag("until_input"),
        }),
        _ => Action::Bash(bash(fields)?),
    })
}

fn bash(fields: &mut Fields) -> Result<BashAction, Refusal> {
    let action = BashAction {
        command: fields.text("command"),
        session: fields.text("session"),
        timeout: maybe_wait(fields, "timeout")?,
        is_interactive_command: fields.flag("is_interactive_command"),
        is_interactive_quit: fields.flag("is_interactive_quit"),
        check: check(fields),
        error_msg: fields.text("error_msg"),
        expect: fields.texts("expect"),
        output_limit: limit(fields),
        no_output_timeout: maybe_wait(fields, "no_output_timeout")?,
        until_input: fields.flag("until_input"),
        usage: fields.flag("usage"),
    };
    if action.is_interactive_command && action.is_interactive_quit {
        let words = "a command is either interactive or ends what is interactive, not both";
        return Err(Refusal::python("builtins.AssertionError", words));
    }
    Ok(action)
}

fn check(fields: &mut Fields) -> Check {
    match fields.text("check").as_str() {
        "silent" => Check::Silent,
        "ignore" => Check::Ignore,
        _ => Check::Raise,
    }
}

/// What a session answered, with the shell's kind, as the protocol has it.
#[derive(Debug, Serialize)]
pub struct ObservationReply {
    #[serde(flatten)]
    observation: Observation,
    session_type: &'static str,
}

impl From<Observation> for ObservationReply {
    fn from(observation: Observation) -> Self {
        Self { observation, session_type: "bash" }
    }
}

impl ObservationReply {
    /// As an answer.
    pub fn into_reply(mut self) -> Reply {
        let output = std::mem::take(&mut self.observation.output);
        Reply::ok_with_text(&output, &self)
    }
}

/// A command to run, and what its caller wants to hear of failures.
#[derive(Debug)]
pub struct Execute {
    /// The command.
    pub command: Command,
    /// A non-zero exit code is an error.
    check: bool,
    error_msg: String,
    shown: String,
}

impl Execute {
    /// Reads the fields of a command.
    ///
    /// # Errors
    /// A command that cannot be meant, with the class that Python's subprocess would raise.
    pub fn new(mut fields: Fields) -> Result<Self, Refusal> {
        let (line, shown) = line_of(fields.text_or_texts("command"), fields.flag("shell"))?;
        let mut command = Command::shell("");
        command.command = line;
        command.timeout = maybe_wait(&mut fields, "timeout")?;
        command.cwd = fields.maybe_text("cwd").map(PathBuf::from);
        command.merge_output_streams = fields.flag("merge_output_streams");
        command.stdin = fields.maybe_text("stdin").map(String::into_bytes);
        command.output_limit = limit(&mut fields).unwrap_or(MOST_OUTPUT).min(MOST_OUTPUT);
        if let Some(env) = fields.maybe_map("env") {
            command.env = env;
            command.clear_env = true;
        }
        Ok(Self { command, check: fields.flag("check"), error_msg: fields.text("error_msg"), shown })
    }
}

/// Most bytes kept of one stream of a command.
pub const MOST_OUTPUT: usize = 256 << 20;

/// The command line, and how messages show it.
fn line_of(command: Result<String, Vec<String>>, shell: bool) -> Result<(CommandLine, String), Refusal> {
    let nul =
        command.as_ref().map_or_else(|words| words.iter().any(|w| w.contains('\0')), |t| t.contains('\0'));
    if nul {
        return Err(Refusal::python("builtins.ValueError", "embedded null byte"));
    }
    let shown = match &command {
        Ok(text) => text.clone(),
        Err(words) => words.join(" "),
    };
    let line = match (command, shell) {
        (Ok(text), true) => CommandLine::Shell(text),
        (Ok(text), false) => CommandLine::Argv(vec![text]),
        (Err(words), false) => CommandLine::Argv(words),
        (Err(words), true) => {
            let shell = ["/bin/sh".to_owned(), "-c".to_owned()];
            CommandLine::Argv(shell.into_iter().chain(words).collect())
        }
    };
    match &line {
        CommandLine::Argv(words) if words.is_empty() => {
            Err(Refusal::python("builtins.IndexError", "list index out of range"))
        }
        CommandLine::Argv(words) if words[0].is_empty() => {
            Err(Refusal::python("builtins.PermissionError", "[Errno 13] Permission denied: ''"))
        }
        _ => Ok((line, shown)),
    }
}

/// How a command ended, as the protocol has it.
#[derive(Debug, Serialize)]
pub struct ExecuteReply {
    stdout: String,
    stderr: String,
    exit_code: Option<i32>,
    truncated: bool,
    omitted_bytes: u64,
    usage: Option<Usage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stdout_base64: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stderr_base64: Option<String>,
}

impl ExecuteReply {
    /// As an answer.
    pub fn into_reply(mut self) -> Reply {
        let stdout = std::mem::take(&mut self.stdout);
        Reply::ok_with_text(&stdout, &self)
    }
}

/// What the caller of a command asked to be told, once the command itself has moved on.
#[derive(Debug)]
pub struct Expectation {
    check: bool,
    error_msg: String,
    shown: String,
    timeout: Option<Duration>,
}

impl Execute {
    /// The command, and what its caller wants to hear.
    pub fn split(self) -> (Command, Expectation) {
        let timeout = self.command.timeout;
        let Self { command, check, error_msg, shown } = self;
        (command, Expectation { check, error_msg, shown, timeout })
    }
}

impl Expectation {
    /// The protocol's answer.
    ///
    /// # Errors
    /// A timeout, and a non-zero exit code where that was to be an error.
    pub fn judge(self, response: CommandResponse) -> Result<ExecuteReply, Refusal> {
        // A death by signal is a negative exit code, as Python has it.
        let exit_code = response.exit_code.or(response.signal.map(|signal| -signal));
        let (stdout, stdout_base64) = readable(response.stdout);
        let (stderr, stderr_base64) = readable(response.stderr);
        if response.timed_out {
            return Err(self.late(&stdout, &stderr));
        }
        if self.check && exit_code != Some(0) {
            let output = if stderr.is_empty() { stdout } else { format!("{stdout}{stderr}") };
            return Err(Refusal::from(RuntimeError::NonZeroExitCode {
                command: self.shown,
                exit_code: exit_code.unwrap_or(-1),
                output,
                error_msg: self.error_msg,
            }));
        }
        Ok(ExecuteReply {
            stdout,
            stderr,
            exit_code,
            truncated: response.truncated,
            omitted_bytes: response.omitted_bytes,
            usage: response.usage,
            stdout_base64,
            stderr_base64,
        })
    }

    fn late(&self, stdout: &str, stderr: &str) -> Refusal {
        let seconds = self.timeout.unwrap_or_default().as_secs_f64();
        let mut message = format!("Timeout ({seconds}s) exceeded while running command '{}'", self.shown);
        let output = [stdout, stderr].concat();
        if !output.is_empty() {
            message.push_str("; output so far:\n");
            message.push_str(tail(&output, SHOWN_OUTPUT));
        }
        let truncated = output.len() > KEPT_OUTPUT;
        Refusal::Failed {
            message,
            class_path: "swerex.exceptions.CommandTimeoutError".to_owned(),
            extra_info: serde_json::json!({
                "output": tail(&output, KEPT_OUTPUT),
                "truncated": truncated,
                "kind": "execute_timeout",
            }),
        }
    }
}

/// Most bytes of output in a message.
const SHOWN_OUTPUT: usize = 10_000;

/// Most bytes of output beside a message.
const KEPT_OUTPUT: usize = 4 << 20;

/// The end of a text, cut between characters.
fn tail(text: &str, most: usize) -> &str {
    let mut start = text.len().saturating_sub(most);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Bytes as text; `\xNN` stands for what is no UTF-8, and then the bytes themselves go along.
fn readable(bytes: Vec<u8>) -> (String, Option<String>) {
    let bytes = match String::from_utf8(bytes) {
        Ok(text) => return (text, None),
        Err(error) => error.into_bytes(),
    };
    let mut text = String::with_capacity(bytes.len() + bytes.len() / 2);
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            const HEX: &[u8; 16] = b"0123456789abcdef";
            text.push_str("\\x");
            text.push(char::from(HEX[usize::from(byte >> 4)]));
            text.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
    (text, Some(BASE64.encode(&bytes)))
}
