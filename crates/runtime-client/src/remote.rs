//! The adapter: each request of the port as one call to the server.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use smallhands_shell_runtime::local::MAX_WAIT;
use smallhands_shell_runtime::protocol::DEFAULT_SESSION;
use smallhands_shell_runtime::{
    Action, Command, CommandResponse, CreateSession, CreateSessionResponse, Observation, PipedProcess,
    Runtime, RuntimeError, SpawnSpec,
};

use crate::commands;
use crate::connection::{BRIEF, Connection, RemoteOptions, Server};

/// What an interrupt may take: its escalation has several steps of the request's time each.
const INTERRUPT_STEPS: u32 = 40;

/// A runtime on another machine, or in another process.
#[derive(Debug)]
pub struct RemoteRuntime {
    connection: Connection,
    closed: AtomicBool,
}

impl RemoteRuntime {
    /// A runtime at an address. Nothing is sent yet.
    ///
    /// # Errors
    /// [`RuntimeError::Unreachable`] when the address cannot be one.
    pub fn new(options: RemoteOptions) -> Result<Self, RuntimeError> {
        Ok(Self { connection: Connection::new(options)?, closed: AtomicBool::new(false) })
    }

    /// Which server answers.
    ///
    /// # Errors
    /// [`RuntimeError::Unreachable`] when none does.
    pub async fn server(&self) -> Result<Server, RuntimeError> {
        self.connection.server().await
    }

    async fn call<A: DeserializeOwned>(
        &self,
        endpoint: &str,
        body: &Value,
        patience: Duration,
    ) -> Result<A, RuntimeError> {
        self.check_open()?;
        let answer = self.connection.call(endpoint, body, patience).await?;
        serde_json::from_value(answer).map_err(|error| self.not_understood(&error))
    }

    fn check_open(&self) -> Result<(), RuntimeError> {
        if self.closed.load(Ordering::SeqCst) { Err(RuntimeError::Closed) } else { Ok(()) }
    }

    /// A session request on the wire, where an empty name is a name and the port's default is not known.
    fn body(&self, request: &impl Serialize) -> Result<Value, RuntimeError> {
        let mut body = serde_json::to_value(request).map_err(|error| self.not_understood(&error))?;
        if body["session"] == "" {
            body["session"] = DEFAULT_SESSION.into();
        }
        Ok(body)
    }

    fn not_understood(&self, error: &serde_json::Error) -> RuntimeError {
        let reason = format!("its answer is not of the protocol: {error}");
        RuntimeError::Unreachable { url: self.connection.shown().to_owned(), reason }
    }

    /// The original only reads text, so `base64` reads for it.
    async fn read_with_base64(&self, path: &str) -> Result<Vec<u8>, RuntimeError> {
        // Asked first, because it answers with the right kind of error.
        let probe = json!({"path": path, "encoding": "latin-1"});
        self.call::<Value>("read_file", &probe, BRIEF).await?;
        let read = self.execute(Command::argv(["base64", "-w0", "--", path])).await?;
        STANDARD.decode(read.stdout.trim_ascii()).map_err(|error| RuntimeError::Unreachable {
            url: self.connection.shown().to_owned(),
            reason: format!("{path} could not be read as base64: {error}"),
        })
    }
}

#[async_trait]
impl Runtime for RemoteRuntime {
    async fn create_session(&self, request: CreateSession) -> Result<CreateSessionResponse, RuntimeError> {
        let mut body = self.body(&request)?;
        body["session_type"] = "bash".into();
        self.call("create_session", &body, request.startup_timeout).await
    }

    async fn run_in_session(&self, action: Action) -> Result<Observation, RuntimeError> {
        let body = self.body(&action)?;
        self.call("run_in_session", &body, patience(&action)).await
    }

    async fn close_session(&self, name: &str) -> Result<(), RuntimeError> {
        let body = json!({"session_type": "bash", "session": name});
        self.call::<Value>("close_session", &body, BRIEF).await.map(drop)
    }

    async fn execute(&self, command: Command) -> Result<CommandResponse, RuntimeError> {
        self.check_open()?;
        let body = commands::request(&command, self.server().await?)?;
        let patience = command.timeout.unwrap_or(MAX_WAIT);
        commands::response(self.connection.call("execute", &body, patience).await)
    }

    async fn spawn(&self, _spec: SpawnSpec) -> Result<PipedProcess, RuntimeError> {
        let runtime = format!("the runtime server at {}", self.connection.shown());
        Err(RuntimeError::Unsupported { what: "talking to a helper process line by line", runtime })
    }

    async fn read_file(&self, path: &str) -> Result<Vec<u8>, RuntimeError> {
        self.check_open()?;
        match self.server().await? {
            Server::Original => self.read_with_base64(path).await,
            Server::Smallhands => {
                let make = || self.connection.request_about(Method::GET, "ext/files", &[("path", path)]);
                self.connection.transfer(make).await
            }
        }
    }

    async fn write_file(&self, path: &str, content: &[u8]) -> Result<(), RuntimeError> {
        self.check_open()?;
        let form = Form::new(path, content);
        let make = || {
            let request = self.connection.request(Method::POST, "upload");
            request.header("Content-Type", form.content_type()).body(form.body.clone())
        };
        self.connection.transfer(make).await.map(drop)
    }

    async fn close(&self) -> Result<(), RuntimeError> {
        if self.closed.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        self.connection.call("close", &Value::Null, BRIEF).await.map(drop)
    }
}

/// The time that an action may take on the server.
fn patience(action: &Action) -> Duration {
    match action {
        Action::Interrupt(interrupt) => interrupt.timeout.saturating_mul(INTERRUPT_STEPS + interrupt.n_retry),
        Action::Bash(bash) => bash.timeout.unwrap_or(MAX_WAIT),
        Action::Wait(wait) => wait.timeout.unwrap_or(MAX_WAIT),
    }
}

/// The multipart form of an upload (RFC 7578): exact bytes, unlike the text of `write_file`.
struct Form {
    boundary: String,
    body: Vec<u8>,
}

impl Form {
    fn new(path: &str, content: &[u8]) -> Self {
        let boundary = format!("smallhands-{}", uuid::Uuid::new_v4());
        let part = |name: &str| format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"");
        let mut body = format!("{}\r\n\r\n{path}\r\n", part("target_path")).into_bytes();
        body.extend(format!("{}\r\n\r\nfalse\r\n", part("unzip")).bytes());
        let kind = "Content-Type: application/octet-stream";
        body.extend(format!("{}; filename=\"content\"\r\n{kind}\r\n\r\n", part("file")).bytes());
        body.extend_from_slice(content);
        body.extend(format!("\r\n--{boundary}--\r\n").bytes());
        Self { boundary, body }
    }

    fn content_type(&self) -> String {
        format!("multipart/form-data; boundary={}", self.boundary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_carries_exact_bytes() {
        let form = Form::new("/a b", b"x\r\n\xff");
        let expected = "filename=\"content\"\r\nContent-Type: application/octet-stream\r\n\r\n";
        let at = form.body.windows(expected.len()).position(|window| window == expected.as_bytes()).unwrap();
        assert!(form.body[at + expected.len()..].starts_with(b"x\r\n\xff\r\n--"));
        assert!(form.content_type().ends_with(&form.boundary));
    }
}
