//! What every kind of sandbox offers. Adapters are sibling modules; all behave alike where they can.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use smallhands_shell_runtime::{Limits, Runtime};

use crate::base::Base;
use crate::error::SandboxError;
use crate::tree::TreeId;

/// What a sandbox is to be like.
#[derive(Debug, Clone)]
pub struct SandboxSpec {
    /// The tree that its working directory holds.
    pub at: TreeId,
    /// Who answers for it: run and attempt.
    pub owner: String,
    /// Bounds on what runs inside.
    pub limits: Limits,
    /// Complete environment of what runs inside, but for what the sandbox itself adds (`HOME`, `TMPDIR`, …).
    pub env: BTreeMap<String, String>,
    /// After this time it may be removed by anyone.
    pub ttl: Duration,
}

/// A kind of sandbox.
#[async_trait]
pub trait SandboxBackend: Send + Sync {
    /// Its name, as given to `--sandbox`.
    fn kind(&self) -> &'static str;

    /// Makes a sandbox that holds a clean copy of the repository.
    ///
    /// # Errors
    /// When the disk, git or the kernel refuses; nothing is left behind then.
    async fn create(&self, base: &Base, spec: SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError>;

    /// Removes what owners that are no more have left behind; never what is in use. Returns what was removed.
    ///
    /// # Errors
    /// When the leases cannot be listed.
    async fn reconcile(&self) -> Result<Vec<String>, SandboxError>;
}

/// A sandbox. Dropping it removes it as well as that can be done without waiting; [`Sandbox::destroy`] makes sure.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// Unique on this machine.
    fn id(&self) -> &str;

    /// The folder that holds the copy of the repository, as seen from outside.
    fn workdir(&self) -> &Path;

    /// What runs inside.
    fn runtime(&self) -> Arc<dyn Runtime>;

    /// What has changed since the copy was made, as a binary-safe git diff; new files included, ignored ones not.
    ///
    /// # Errors
    /// When git fails, for instance on a full disk.
    async fn diff(&self) -> Result<String, SandboxError>;

    /// Kills everything inside and removes every trace.
    ///
    /// # Errors
    /// When something could not be removed; what and why.
    async fn destroy(self: Box<Self>) -> Result<(), SandboxError>;
}
