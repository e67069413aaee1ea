//! How a server works; everything it needs to know is in here.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use smallhands_shell_runtime::files::unpacking::UnpackLimits;
use smallhands_shell_runtime::{FileAccess, Limits};

use crate::kept_replies::KeepLimits;

/// How a server works.
#[derive(Clone)]
pub struct ServerOptions {
    /// Address to listen on: a name or a number.
    pub host: String,
    /// Port to listen on; 0 takes one that is free.
    pub port: u16,
    /// What `X-API-Key` must say; empty lets everybody in.
    pub auth_token: String,
    /// Where commands start and what relative paths are relative to.
    pub root: PathBuf,
    /// The environment of commands.
    pub env: BTreeMap<String, String>,
    /// What each process may use.
    pub limits: Limits,
    /// Which files requests may name.
    pub file_access: FileAccess,
    /// Most bytes of all bodies that are held in memory.
    pub body_bytes: u64,
    /// Most connections.
    pub connections: usize,
    /// How long a connection may take for a request's head, and be idle between requests.
    pub head_timeout: Duration,
    /// How long a client may neither send the next bytes of a body nor take the next bytes of an answer.
    pub stall_timeout: Duration,
    /// How long a call with an id goes on after its client went away.
    pub grace: Duration,
    /// What is kept of answers to requests with ids.
    pub keep: KeepLimits,
    /// What may come out of archives.
    pub unpack: UnpackLimits,
    /// Where uploads wait until their target is known.
    pub spool: PathBuf,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            host: "127.0.0.1".to_owned(),
            port: 8000,
            auth_token: String::new(),
            root: PathBuf::from("."),
            env: BTreeMap::new(),
            limits: Limits::default(),
            file_access: FileAccess::Anywhere,
            body_bytes: 1 << 30,
            connections: 16_384,
            head_timeout: Duration::from_secs(30),
            stall_timeout: Duration::from_secs(30),
            grace: Duration::from_secs(600),
            keep: KeepLimits::default(),
            unpack: UnpackLimits::default(),
            spool: PathBuf::from("/tmp"),
        }
    }
}

impl std::fmt::Debug for ServerOptions {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // Neither the token nor the environment belongs into any log.
        formatter
            .debug_struct("ServerOptions")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}
