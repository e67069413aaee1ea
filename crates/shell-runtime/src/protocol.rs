//! Requests and answers of a runtime. Session requests have SWE-ReX's names, fields and tags (times are seconds
//! on the wire); one-shot commands carry bytes instead of text, because output need not be UTF-8.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Most bytes kept of one stream of one command unless the request says otherwise.
pub const DEFAULT_OUTPUT_LIMIT: usize = 4 << 20;

/// The name a session has when the request gives none.
pub const DEFAULT_SESSION: &str = "default";

/// Asks for a new persistent shell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CreateSession {
    /// Name of the session, unique among the living ones.
    pub session: String,
    /// Files that are sourced before the first command; a missing one is reported in the output, not as an error.
    pub startup_source: Vec<String>,
    /// How long start and sourcing may take together.
    #[serde(with = "seconds")]
    pub startup_timeout: Duration,
}

impl Default for CreateSession {
    fn default() -> Self {
        Self {
            session: DEFAULT_SESSION.to_owned(),
            startup_source: Vec::new(),
            startup_timeout: Duration::from_secs(10),
        }
    }
}

/// The shell is up.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CreateSessionResponse {
    /// What start-up and the sourced files printed.
    pub output: String,
}

/// What to do in a session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action_type")]
pub enum Action {
    /// Runs a command.
    #[serde(rename = "bash")]
    Bash(BashAction),
    /// Stops the command that is running.
    #[serde(rename = "bash_interrupt")]
    Interrupt(BashInterruptAction),
    /// Joins the command that is running, for a caller that lost its connection (an extension of the protocol).
    #[serde(rename = "bash_wait")]
    Wait(BashWaitAction),
}

/// What a non-zero exit status means to the caller.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Check {
    /// It is reported in the answer.
    Silent,
    /// It is an error.
    #[default]
    Raise,
    /// The status is not looked at and not reported.
    Ignore,
}

/// A command for a session's shell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BashAction {
    /// Any bash text: several lines, here-documents, megabytes.
    pub command: String,
    /// The session; empty means [`DEFAULT_SESSION`].
    pub session: String,
    /// How long to wait; `None` means [`crate::local::MAX_WAIT`]. The command itself is not stopped by it.
    #[serde(with = "seconds::optional")]
    pub timeout: Option<Duration>,
    /// The text is for a program that talks: it is run when the shell is idle, else typed into what is running.
    pub is_interactive_command: bool,
    /// The text ends the program that talks: it is typed and the shell's return is awaited.
    pub is_interactive_quit: bool,
    /// What a non-zero exit status means.
    pub check: Check,
    /// Put in front of the message when a non-zero exit is an error.
    pub error_msg: String,
    /// Regular expressions with the syntax of Python's `re` (`.` matches line ends); one that matches new output ends
    /// the wait.
    pub expect: Vec<String>,
    /// Most bytes of output in the answer; beyond it the middle is left out. `None` means the runtime's limit, which
    /// is also the most that can be asked for.
    pub output_limit: Option<usize>,
    /// Time without any output after which the wait ends with [`crate::RuntimeError::NoOutputTimeout`].
    #[serde(with = "seconds::optional")]
    pub no_output_timeout: Option<Duration>,
    /// Also answer, with [`Observation::waiting_for_input`], when the foreground waits for input from the terminal.
    pub until_input: bool,
    /// Measure what the command used.
    pub usage: bool,
}

impl BashAction {
    /// `command` in the default session, its exit status reported instead of raised.
    pub fn new(command: impl Into<String>) -> Self {
        Self { command: command.into(), check: Check::Silent, ..Self::default() }
    }

    /// The name of the session meant.
    pub(crate) fn session_name(&self) -> &str {
        or_default(&self.session)
    }
}

/// Stops what a session is running; it overtakes the call that waits for it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BashInterruptAction {
    /// The session; empty means [`DEFAULT_SESSION`].
    pub session: String,
    /// How long each step of the escalation may take.
    #[serde(with = "seconds")]
    pub timeout: Duration,
    /// How often SIGINT is tried before the foreground processes are killed.
    pub n_retry: u32,
    /// Regular expressions; one that matches new output also ends the wait.
    pub expect: Vec<String>,
}

impl Default for BashInterruptAction {
    fn default() -> Self {
        Self { session: String::new(), timeout: Duration::from_millis(200), n_retry: 3, expect: Vec::new() }
    }
}

impl BashInterruptAction {
    /// The name of the session meant.
    pub(crate) fn session_name(&self) -> &str {
        or_default(&self.session)
    }
}

/// Joins the command that a session is running: the answer is that of a call that had waited all along.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BashWaitAction {
    /// The session; empty means [`DEFAULT_SESSION`].
    pub session: String,
    /// How long to wait; `None` means [`crate::local::MAX_WAIT`].
    #[serde(with = "seconds::optional")]
    pub timeout: Option<Duration>,
    /// What a non-zero exit status means.
    pub check: Check,
    /// As in [`BashAction::expect`].
    pub expect: Vec<String>,
    /// As in [`BashAction::output_limit`].
    pub output_limit: Option<usize>,
    /// As in [`BashAction::no_output_timeout`].
    #[serde(with = "seconds::optional")]
    pub no_output_timeout: Option<Duration>,
    /// As in [`BashAction::until_input`].
    pub until_input: bool,
}

impl BashWaitAction {
    /// The name of the session meant.
    pub(crate) fn session_name(&self) -> &str {
        or_default(&self.session)
    }
}

/// What a command used, its descendants that have ended included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Usage {
    /// Processor time, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Largest resident memory seen, in bytes. For session commands it is sampled and sums the session's processes;
    /// for one-shot commands it is that of the largest process.
    pub peak_memory_bytes: u64,
    /// Bytes read from storage.
    pub read_bytes: u64,
    /// Bytes written to storage.
    pub written_bytes: u64,
}

fn or_default(name: &str) -> &str {
    if name.is_empty() { DEFAULT_SESSION } else { name }
}

/// What a session answered.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Observation {
    /// What the terminal showed, without terminal control sequences; invalid UTF-8 appears as `\xNN`.
    pub output: String,
    /// Exit status of the command; `None` with [`Check::Ignore`] and when an expected pattern ended the wait.
    pub exit_code: Option<i32>,
    /// Kept for the protocol's sake; failures are errors here.
    pub failure_reason: String,
    /// The pattern of `expect` that ended the wait, or empty.
    pub expect_string: String,
    /// The middle of the output was left out to stay within bounds.
    pub truncated: bool,
    /// The shell's directory after the command; `None` while it is still running.
    pub cwd: Option<PathBuf>,
    /// The command waits for input from the terminal; it still runs.
    pub waiting_for_input: bool,
    /// How many bytes of the output were left out.
    pub omitted_bytes: u64,
    /// What the command used, when that was asked for and is known.
    pub usage: Option<Usage>,
    /// How many bytes the session's terminal had shown altogether when this was answered.
    pub offset: u64,
}

/// What a session is and does.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SessionInfo {
    /// Its name.
    pub name: String,
    /// Process id of its shell; 0 while it is starting.
    pub pid: i32,
    /// `"starting"`, `"idle"`, `"running"` or `"ended"`.
    pub state: String,
    /// The command that runs, shortened.
    pub command: Option<String>,
    /// How long it has been in this state.
    pub seconds: f64,
    /// The shell's directory after the last command.
    pub cwd: Option<PathBuf>,
    /// Exit status of the last command.
    pub last_exit_code: Option<i32>,
    /// How many bytes its terminal has shown altogether.
    pub output_offset: u64,
}

/// A piece of what a session's terminal showed, as it was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutputChunk {
    /// Where the first of `bytes` stands in everything that the terminal ever showed.
    pub offset: u64,
    /// How many bytes in front of it are no longer kept, or never were for this reader.
    pub missed: u64,
    /// The bytes, control sequences included.
    pub bytes: Vec<u8>,
}

/// How a program is named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum CommandLine {
    /// Text for `/bin/sh -c`.
    Shell(String),
    /// A program and its arguments, passed as they are.
    Argv(Vec<String>),
}

impl Default for CommandLine {
    fn default() -> Self {
        Self::Argv(Vec::new())
    }
}

/// One command, run to its end.
#[derive(Debug, Clone)]
pub struct Command {
    /// What to run.
    pub command: CommandLine,
    /// Where; relative to the runtime's root, which is the default.
    pub cwd: Option<PathBuf>,
    /// Variables added to the runtime's environment.
    pub env: BTreeMap<String, String>,
    /// `env` replaces the runtime's environment instead of adding to it.
    pub clear_env: bool,
    /// After this the whole process tree is killed; `None` means [`crate::local::MAX_WAIT`].
    pub timeout: Option<Duration>,
    /// What the command reads; `None` is an empty input.
    pub stdin: Option<Vec<u8>>,
    /// Most bytes kept per stream; beyond it the middle is left out.
    pub output_limit: usize,
    /// Standard error goes into standard output, in the order written.
    pub merge_output_streams: bool,
}

impl Default for Command {
    fn default() -> Self {
        Self {
            command: CommandLine::default(),
            cwd: None,
            env: BTreeMap::new(),
            clear_env: false,
            timeout: None,
            stdin: None,
            output_limit: DEFAULT_OUTPUT_LIMIT,
            merge_output_streams: false,
        }
    }
}

impl Command {
    /// `text` for `/bin/sh -c`.
    pub fn shell(text: impl Into<String>) -> Self {
        Self { command: CommandLine::Shell(text.into()), ..Self::default() }
    }

    /// A program and its arguments.
    pub fn argv<I: IntoIterator<Item = S>, S: Into<String>>(words: I) -> Self {
        Self { command: CommandLine::Argv(words.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// The same command with a time limit.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The same command with one more variable.
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// The same command in another directory.
    pub fn with_cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }
}

/// How a command ended.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CommandResponse {
    /// Exit status; `None` when a signal ended it.
    pub exit_code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output, at most the request's `output_limit` bytes and a note of what was left out.
    pub stdout: Vec<u8>,
    /// Standard error, bounded in the same way.
    pub stderr: Vec<u8>,
    /// The time limit was reached and the tree was killed; the output is what had been written until then.
    pub timed_out: bool,
    /// Some output was left out.
    pub truncated: bool,
    /// How many bytes of both streams were left out.
    pub omitted_bytes: u64,
    /// What the command used, when it is known.
    pub usage: Option<Usage>,
}

impl CommandResponse {
    /// Standard output as text; invalid UTF-8 appears as U+FFFD.
    pub fn stdout_text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).into_owned()
    }

    /// Standard error as text; invalid UTF-8 appears as U+FFFD.
    pub fn stderr_text(&self) -> String {
        String::from_utf8_lossy(&self.stderr).into_owned()
    }
}

/// Durations as seconds with fractions, as the protocol has them.
mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(value: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_f64(value.as_secs_f64())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        Duration::try_from_secs_f64(f64::deserialize(from)?).map_err(D::Error::custom)
    }

    pub(super) mod optional {
        use super::{Deserialize, Deserializer, Duration, Error, Serializer};

        pub(in super::super) fn serialize<S: Serializer>(
            value: &Option<Duration>,
            to: S,
        ) -> Result<S::Ok, S::Error> {
            match value {
                Some(value) => to.serialize_some(&value.as_secs_f64()),
                None => to.serialize_none(),
            }
        }

        pub(in super::super) fn deserialize<'de, D: Deserializer<'de>>(
            from: D,
        ) -> Result<Option<Duration>, D::Error> {
            let seconds = Option::<f64>::deserialize(from)?;
            seconds.map(Duration::try_from_secs_f64).transpose().map_err(D::Error::custom)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_have_the_protocols_wire_form() {
        let wire = r#"{"action_type":"bash","command":"ls","session":"a","timeout":1.5,"check":"silent",
            "is_interactive_command":false,"is_interactive_quit":false,"error_msg":"","expect":["x"]}"#;
        let expected = BashAction {
            command: "ls".into(),
            session: "a".into(),
            timeout: Some(Duration::from_millis(1500)),
            check: Check::Silent,
            expect: vec!["x".into()],
            ..BashAction::default()
        };
        assert_eq!(serde_json::from_str::<Action>(wire).unwrap(), Action::Bash(expected.clone()));
        let back = serde_json::to_value(Action::Bash(expected)).unwrap();
        assert_eq!((back["action_type"].as_str(), back["timeout"].as_f64()), (Some("bash"), Some(1.5)));
    }

    #[test]
    fn missing_fields_take_the_protocols_defaults() {
        let action: Action = serde_json::from_str(r#"{"action_type":"bash_interrupt"}"#).unwrap();
        let Action::Interrupt(interrupt) = action else { panic!("not an interrupt") };
        assert_eq!((interrupt.n_retry, interrupt.timeout), (3, Duration::from_millis(200)));
        assert_eq!(interrupt.session_name(), "default");
        let action: Action = serde_json::from_str(r#"{"action_type":"bash","command":"x"}"#).unwrap();
        let Action::Bash(bash) = action else { panic!("not a command") };
        assert_eq!((bash.check, bash.timeout, bash.session_name()), (Check::Raise, None, "default"));
    }

    #[test]
    fn impossible_times_are_refused() {
        for wire in ["-1", "1e300"] {
            let text = format!(r#"{{"session":"a","startup_timeout":{wire}}}"#);
            assert!(serde_json::from_str::<CreateSession>(&text).is_err(), "{wire}");
        }
    }

    #[test]
    fn a_command_line_is_text_or_words() {
        assert_eq!(
            serde_json::from_str::<CommandLine>(r#""ls -l""#).unwrap(),
            CommandLine::Shell("ls -l".into())
        );
        let words = CommandLine::Argv(vec!["ls".into(), "-l".into()]);
        assert_eq!(serde_json::from_str::<CommandLine>(r#"["ls","-l"]"#).unwrap(), words);
    }
}
