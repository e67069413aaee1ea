//! The port: what an agent can ask of the place it works in.

use async_trait::async_trait;

use crate::error::RuntimeError;
use crate::piped::{PipedProcess, SpawnSpec};
use crate::protocol::{Action, Command, CommandResponse, CreateSession, CreateSessionResponse, Observation};

/// A place where commands run. Every wait is bounded; dropping a future that runs something kills what it started.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// Starts a persistent shell.
    ///
    /// # Errors
    /// [`RuntimeError::SessionExists`], [`RuntimeError::SessionStart`].
    async fn create_session(&self, request: CreateSession) -> Result<CreateSessionResponse, RuntimeError>;

    /// Runs or interrupts a command in a session. Sessions never wait for each other.
    ///
    /// # Errors
    /// [`RuntimeError::CommandTimeout`] with the output so far, [`RuntimeError::ShellExited`] when the command ended
    /// the shell, [`RuntimeError::NonZeroExitCode`] when the request wants that, and others.
    async fn run_in_session(&self, action: Action) -> Result<Observation, RuntimeError>;

    /// Ends a session and everything it started.
    ///
    /// # Errors
    /// [`RuntimeError::SessionDoesNotExist`].
    async fn close_session(&self, name: &str) -> Result<(), RuntimeError>;

    /// Runs one command to its end. A timeout is an answer, not an error.
    ///
    /// # Errors
    /// [`RuntimeError::Spawn`], [`RuntimeError::WorkingDirectory`], [`RuntimeError::InvalidCommand`].
    async fn execute(&self, command: Command) -> Result<CommandResponse, RuntimeError>;

    /// Starts a helper that is talked to line by line; dropping it kills its process tree.
    ///
    /// # Errors
    /// As [`Runtime::execute`].
    async fn spawn(&self, spec: SpawnSpec) -> Result<PipedProcess, RuntimeError>;

    /// The bytes of a file; `path` is relative to the runtime's root.
    ///
    /// # Errors
    /// [`RuntimeError::File`], [`RuntimeError::OutsideRoot`], [`RuntimeError::TooLarge`].
    async fn read_file(&self, path: &str) -> Result<Vec<u8>, RuntimeError>;

    /// Writes a file and the directories above it; `path` is relative to the runtime's root.
    ///
    /// # Errors
    /// [`RuntimeError::File`], [`RuntimeError::OutsideRoot`].
    async fn write_file(&self, path: &str, content: &[u8]) -> Result<(), RuntimeError>;

    /// Kills everything the runtime started, daemons included; later requests fail with [`RuntimeError::Closed`].
    ///
    /// # Errors
    /// [`RuntimeError::Survivors`] when something could not be killed.
    async fn close(&self) -> Result<(), RuntimeError>;
}
