//! A sandbox on this machine: its workspace and its runtime, under the eyes of the watchdog.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use smallhands_shell_runtime::{LocalOptions, LocalRuntime, Runtime};

use super::environment;
use super::lease::Lease;
use super::watchdog::Watched;
use super::workspace::Workspace;
use crate::backend::{LimitHit, Sandbox, SandboxSpec};
use crate::error::SandboxError;

/// See the module.
#[derive(Debug)]
pub(super) struct HostSandbox {
    id: String,
    workdir: PathBuf,
    watched: Arc<Watched>,
}

impl HostSandbox {
    pub(super) fn new(workspace: Workspace, lease: Lease, spec: &SandboxSpec) -> Result<Self, SandboxError> {
        let workdir = workspace.work();
        let env = environment::complete(&spec.env, &lease.id, &workspace.home(), &workspace.temporary());
        let runtime = LocalRuntime::new(LocalOptions {
            root: workdir.clone(),
            env,
            limits: spec.limits,
            ..LocalOptions::default()
        })?;
        let watched = Watched::new(&lease, spec.limits, Arc::new(runtime), workspace);
        Ok(Self { id: lease.id, workdir, watched: Arc::new(watched) })
    }

    /// What the watchdog looks after.
    pub(super) fn watched(&self) -> &Arc<Watched> {
        &self.watched
    }
}

#[async_trait]
impl Sandbox for HostSandbox {
    fn id(&self) -> &str {
        &self.id
    }

    fn workdir(&self) -> &Path {
        &self.workdir
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.watched.runtime) as Arc<dyn Runtime>
    }

    async fn diff(&self) -> Result<String, SandboxError> {
        self.watched.workspace.diff().await
    }

    fn limit_hit(&self) -> Option<LimitHit> {
        self.watched.limit_hit()
    }

    async fn destroy(self: Box<Self>) -> Result<(), SandboxError> {
        let watched = Arc::clone(&self.watched);
        let killed = tokio::task::spawn_blocking(move || watched.kill_seen()).await;
        let closed = self.watched.runtime.close().await;
        self.watched.workspace.remove().await?;
        if let Err(error) = killed {
            tracing::warn!(%error, "the processes that the watchdog saw were not killed");
        }
        Ok(closed?)
    }
}

impl Drop for HostSandbox {
    fn drop(&mut self) {
        self.watched.end();
    }
}
