//! The ports: what makes sandboxes, and what a sandbox can do. Adapters differ in how well they isolate, not in what
//! can be observed.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use smallhands_shell_runtime::{Limits, Runtime};

use crate::base::Base;
use crate::error::SandboxError;
use crate::tree::TreeId;

/// Which sandbox to make.
#[derive(Debug, Clone)]
pub struct SandboxSpec {
    /// The commit of the base that is checked out.
    pub at: TreeId,
    /// For whom: the id of a run or an attempt.
    pub owner: String,
    /// Memory and processes bound all of the sandbox together, and memory each process too; processor time and file
    /// size bound each process.
    pub limits: Limits,
    /// The environment of commands; what every sandbox needs (`HOME`, `TMPDIR`, quiet git) is added.
    pub env: BTreeMap<String, String>,
    /// After this the sandbox is removed, whoever holds it.
    pub ttl: Duration,
}

/// The limit of a sandbox for which its processes were killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitHit {
    /// Together the processes held more memory than allowed.
    Memory {
        /// What they held, in bytes.
        used: u64,
        /// What was allowed, in bytes.
        limit: u64,
    },
    /// There were more processes than allowed.
    Processes {
        /// How many there were.
        count: u64,
        /// How many were allowed.
        limit: u64,
    },
    /// The time to live was over; the sandbox is gone.
    TimeToLive,
}

impl fmt::Display for LimitHit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEBIBYTE: u64 = 1 << 20;
        match self {
            Self::Memory { used, limit } => {
                write!(f, "memory: {} MiB used, {} MiB allowed", used / MEBIBYTE, limit / MEBIBYTE)
            }
            Self::Processes { count, limit } => write!(f, "processes: {count} running, {limit} allowed"),
            Self::TimeToLive => f.write_str("time to live"),
        }
    }
}

/// Makes sandboxes.
#[async_trait]
pub trait SandboxBackend: Send + Sync {
    /// The kind of isolation: `host`, ...
    fn kind(&self) -> &'static str;

    /// Makes a sandbox with a clean copy of the base. Dropping the future removes what was begun.
    ///
    /// # Errors
    /// [`SandboxError::UnknownTree`], [`SandboxError::DiskFull`], [`SandboxError::ReadOnly`], and others.
    async fn create(&self, base: &Base, spec: SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError>;

    /// Removes the sandboxes that owners left behind when they died, with their processes; those of living owners
    /// stay. Answers with the ids of what was removed.
    ///
    /// # Errors
    /// [`SandboxError::Io`] when the state directory cannot be listed.
    async fn reconcile(&self) -> Result<Vec<String>, SandboxError>;
}

/// A workspace with a runtime. Dropping it removes it as well as that can be done without waiting.
#[async_trait]
pub trait Sandbox: Send + Sync {
    /// Unique on this machine.
    fn id(&self) -> &str;

    /// The copy of the repository, as this machine sees it.
    fn workdir(&self) -> &Path;

    /// What runs commands in it.
    fn runtime(&self) -> Arc<dyn Runtime>;

    /// What was changed since creation, as a git patch: new and deleted files and binary content included, ignored
    /// files not. Empty when nothing was. It does not depend on what was done to the sandbox's own `.git`.
    ///
    /// # Errors
    /// [`SandboxError::GitFailed`].
    async fn diff(&self) -> Result<String, SandboxError>;

    /// The limit that was exceeded last, if any was.
    fn limit_hit(&self) -> Option<LimitHit>;

    /// Kills everything in it and removes it.
    ///
    /// # Errors
    /// [`SandboxError::NotRemoved`], [`SandboxError::Runtime`].
    async fn destroy(self: Box<Self>) -> Result<(), SandboxError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_in_words() {
        let cases = [
            (LimitHit::Memory { used: 3 << 20, limit: 2 << 20 }, "memory: 3 MiB used, 2 MiB allowed"),
            (LimitHit::Processes { count: 9, limit: 8 }, "processes: 9 running, 8 allowed"),
            (LimitHit::TimeToLive, "time to live"),
        ];
        for (hit, expected) in cases {
            assert_eq!(hit.to_string(), expected);
        }
    }
}
