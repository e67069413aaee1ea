//! The runtime in this process: children are started directly on this machine.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::error::RuntimeError;
use crate::launch::Launcher;
use crate::limits::{Limits, PreparedLimits};
use crate::piped::{self, PipedProcess, SpawnSpec};
use crate::processes::user_tasks;
use crate::protocol::{
    Action, Command, CommandResponse, CreateSession, CreateSessionResponse, DEFAULT_OUTPUT_LIMIT,
    Observation, SessionInfo,
};
use crate::runtime::Runtime;
use crate::session::{OutputStream, Sessions, Settings};
use crate::{execute, files};

/// The bound of every wait that was given no other.
pub const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// How a [`LocalRuntime`] works.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// Where commands start and what file paths are relative to.
    pub root: PathBuf,
    /// The complete environment of children. [`crate::processes::LEASE_VARIABLE`] is added unless it is in here.
    pub env: BTreeMap<String, String>,
    /// What each child process may use.
    pub limits: Limits,
    /// Which files the file operations may reach.
    pub file_access: FileAccess,
    /// Shells read `/etc/bash.bashrc` and `~/.bashrc` when they start, as interactive ones do.
    pub startup_files: bool,
    /// Most bytes of output that a session keeps between two answers and gives in one; beyond it the middle is left
    /// out, and answers say how much.
    pub output_limit: usize,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            root: PathBuf::new(),
            env: BTreeMap::new(),
            limits: Limits::default(),
            file_access: FileAccess::default(),
            startup_files: false,
            output_limit: DEFAULT_OUTPUT_LIMIT,
        }
    }
}

/// Which files the file operations may reach. Commands are not bound by it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FileAccess {
    /// Those below the root, links followed.
    #[default]
    Confined,
    /// All; relative paths start at the root.
    Anywhere,
}

/// Runs everything on this machine, each child in a session and process group of its own.
#[derive(Debug)]
pub struct LocalRuntime {
    launcher: Arc<Launcher>,
    file_access: FileAccess,
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
        let settings = Settings { startup_files: options.startup_files, output_limit: options.output_limit };
        Ok(Self {
            sessions: Sessions::new(Arc::clone(&launcher), settings),
            file_access: options.file_access,
            launcher,
        })
    }

    /// The directory that file paths are relative to, without links.
    pub fn root(&self) -> &std::path::Path {
        self.launcher.root()
    }

    /// Which files the file operations may reach.
    pub fn file_access(&self) -> FileAccess {
        self.file_access
    }

    /// The sessions, by name.
    pub fn sessions(&self) -> Vec<SessionInfo> {
        self.sessions.list()
    }

    /// What a session's terminal shows, from the offset `from` of everything it ever showed (`None`: from now on).
    /// A bounded part of the past is kept; chunks tell what was missed.
    ///
    /// # Errors
    /// [`RuntimeError::SessionDoesNotExist`].
    pub fn output(&self, name: &str, from: Option<u64>) -> Result<OutputStream, RuntimeError> {
        self.sessions.output(name, from)
    }

    /// Begins to learn, in the background, what the start-up files do, so that even the first sessions start fast. Needs
    /// an async runtime; does nothing where [`LocalOptions::startup_files`] is off.
    pub fn prepare(&self) {
        self.sessions.prepare();
    }

    /// Ends all sessions and what they started; the runtime stays usable and the names are free.
    ///
    /// # Errors
    /// [`RuntimeError::Survivors`] when something could not be killed.
    pub async fn close_sessions(&self) -> Result<(), RuntimeError> {
        self.sessions.close_all().await
    }

    /// [`Runtime::close`] for callers outside of async code; blocks for milliseconds as a rule.
    ///
    /// # Errors
    /// [`RuntimeError::Survivors`] when something could not be killed.
    pub fn close_now(&self) -> Result<(), RuntimeError> {
        let killed = self.launcher.shut_down_now();
        self.sessions.clear();
        killed
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
            Action::Wait(action) => self.sessions.wait(action).await,
        }
    }

    async fn close_session(&self, name: &str) -> Result<(), RuntimeError> {
        self.sessions.close(name).await
    }

    async fn execute(&self, command: Command) -> Result<CommandResponse, RuntimeError> {
        execute::execute(&self.launcher, command).await
    }

    async fn spawn(&self, spec: SpawnSpec) -> Result<PipedProcess, RuntimeError> {
        piped::spawn(&self.launcher, spec).await
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
        let killed = self.launcher.shut_down().await;
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
