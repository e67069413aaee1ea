//! The backend without isolation: a sandbox is a directory on this machine, and its commands are ordinary processes
//! of the same user, with limits, a mark in their environment by which they are found, and a watchdog. It keeps
//! mistakes apart; it does not hold off malice.
//!
//! ```text
//! STATE/sandboxes/ID/lease.json   whose it is, and until when
//!                    work/        the copy of the repository, with a .git of its own that shows one commit
//!                    control/     the git data by which changes are found, out of the agent's way
//!                    home/ tmp/   HOME and TMPDIR of its commands
//! ```

mod environment;
mod lease;
mod sandbox;
mod spread;
mod watchdog;
mod workspace;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use smallhands_shell_runtime::processes::{Hunt, LEASE_VARIABLE};

use crate::backend::{Sandbox, SandboxBackend, SandboxSpec};
use crate::base::Base;
use crate::error::SandboxError;
use crate::removal;
use lease::Lease;
use sandbox::HostSandbox;
use watchdog::Watchdog;
use workspace::Workspace;

/// Makes sandboxes below a state directory.
#[derive(Debug)]
pub struct HostBackend {
    sandboxes: PathBuf,
    watchdog: Arc<Watchdog>,
}

impl HostBackend {
    /// A backend whose sandboxes lie in `state_dir/sandboxes`. Nothing is created before the first sandbox.
    pub fn new(state_dir: &Path) -> Self {
        Self { sandboxes: state_dir.join("sandboxes"), watchdog: Watchdog::new() }
    }

    /// Where the sandboxes lie, created and without links.
    fn folder(&self) -> Result<PathBuf, SandboxError> {
        fs::create_dir_all(&self.sandboxes).map_err(SandboxError::io("create", &self.sandboxes))?;
        spread::spread_subfolders(&self.sandboxes);
        self.sandboxes.canonicalize().map_err(SandboxError::io("open", &self.sandboxes))
    }
}

#[async_trait]
impl SandboxBackend for HostBackend {
    fn kind(&self) -> &'static str {
        "host"
    }

    async fn create(&self, base: &Base, spec: SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError> {
        let lease = Lease::new(&spec.owner, spec.ttl);
        let workspace = Workspace::create(&self.folder()?, &lease, base, &spec.at).await?;
        let sandbox = HostSandbox::new(workspace, lease, &spec)?;
        self.watchdog.watch(sandbox.watched());
        Ok(Box::new(sandbox))
    }

    async fn reconcile(&self) -> Result<Vec<String>, SandboxError> {
        let entries = match fs::read_dir(&self.sandboxes) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(SandboxError::io("list", &self.sandboxes)(error)),
        };
        let mut removed = Vec::new();
        for entry in entries.flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if lease::is_abandoned(&entry.path()) {
                bury(&entry.path(), &name).await?;
                removed.push(name);
            }
        }
        removed.sort();
        Ok(removed)
    }
}

/// Kills what still runs in an abandoned sandbox, and removes it.
async fn bury(dir: &Path, name: &str) -> Result<(), SandboxError> {
    let hunt = Hunt::default().marked(LEASE_VARIABLE, name);
    let killed = tokio::task::spawn_blocking(move || hunt.kill()).await;
    if !matches!(killed, Ok(Ok(()))) {
        tracing::warn!(sandbox = name, "processes of an abandoned sandbox could not be killed");
    }
    removal::remove_in_background(dir).await
}
