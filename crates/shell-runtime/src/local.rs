//! The runtime in this process: children are started directly on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::RuntimeError;
use crate::launch::{self, Launcher};
use crate::limits::{Limits, PreparedLimits};
use crate::piped::{self, PipedProcess, SpawnSpec};
use crate::processes::user_tasks;
use crate::protocol::{Action, Command, CommandResponse, CreateSession, CreateSessionResponse, Observation};
use crate::runtime::Runtime;
use crate::session::Sessions;
use crate::{execute, files};

/// The bound of every wait that was given no other.
pub const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How a [`LocalRuntime`] works.
#[derive(Debug, Clone, Default)]
pub struct LocalOptions {
    /// Where commands start and what file paths are relative to.
    pub root: PathBuf,
    /// The complete environment of children. [`crate::processes::LEASE_VARIABLE`] is added unless it is in here.
    pub env: BTreeMap<String, String>,
    /// What each child process may use.
    pub limits: Limits,
}

/// Runs everything on this machine, each child in a session and process group of its own.
#[derive(Debug)]
pub struct LocalRuntime {
    launcher: Arc<Launcher>,
    sessions: Sessions,
}

impl LocalRuntime {
    /// A runtime rooted at an existing directory.
    ///
    /// # Errors
    /// [`RuntimeError::WorkingDirectory`] when the root is not a directory.
    pub fn new(options: LocalOptions) -> Result<Self, RuntimeError> {
        let not_there = |_| RuntimeError::WorkingDirectory { path: options.root.clone() };
        let root = options.root.canonicalize().map_err(not_there)?;
        if !root.is_dir() {
            return Err(RuntimeError::WorkingDirectory { path: root });
        }
        let tasks = options.limits.processes.map_or(0, |_| user_tasks());
        let launcher =
            Arc::new(Launcher::new(root, options.env, PreparedLimits::new(&options.limits, tasks)));
        Ok(Self { sessions: Sessions::new(Arc::clone(&launcher)), launcher })
    }

    /// The directory that file paths are relative to, without links.
    pub fn root(&self) -> &std::path::Path {
        self.launcher.root()
    }

    /// [`Runtime::close`] for callers outside of async code; blocks for milliseconds as a rule.
    ///
    /// # Errors
    /// [`RuntimeError::Survivors`] when something could not be killed.
    pub fn close_now(&self) -> Result<(), RuntimeError> {
        self.launcher.close();
        let killed = self.launcher.everything().kill();
        self.sessions.clear();
        killed.map_err(RuntimeError::from)
    }
}

#[async_trait]
impl Runtime for LocalRuntime {
    async fn create_session(&self, request: CreateSession) -> Result<CreateSessionResponse, RuntimeError> {
        self.sessions.create(request).await
    }

    async fn run_in_session(&self, action: Action) -> Result<Observation, RuntimeError> {
        self.launcher.check_open()?;
        match action {
            Action::Bash(action) => self.sessions.run(action).await,
            Action::Interrupt(action) => self.sessions.interrupt(action).await,
        }
    }

    async fn close_session(&self, name: &str) -> Result<(), RuntimeError> {
        self.sessions.close(name).await
    }

    async fn execute(&self, command: Command) -> Result<CommandResponse, RuntimeError> {
        execute::execute(&self.launcher, command).await
    }

    async fn spawn(&self, spec: SpawnSpec) -> Result<PipedProcess, RuntimeError> {
        piped::spawn(&self.launcher, spec)
    }

    async fn read_file(&self, path: &str) -> Result<Vec<u8>, RuntimeError> {
        self.launcher.check_open()?;
        files::read(self.launcher.root(), path).await
    }

    async fn write_file(&self, path: &str, content: &[u8]) -> Result<(), RuntimeError> {
        self.launcher.check_open()?;
        files::write(self.launcher.root(), path, content).await
    }

    async fn close(&self) -> Result<(), RuntimeError> {
        self.launcher.close();
        let killed = launch::kill(self.launcher.everything()).await;
        self.sessions.clear();
        killed
    }
}

impl Drop for LocalRuntime {
    fn drop(&mut self) {
        if let Err(error) = self.close_now() {
            tracing::warn!(%error, "a dropped runtime leaves processes behind");
        }
    }
}
