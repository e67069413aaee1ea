//! Sandboxes on the plain host: a folder with a clean copy, a runtime with limits, everything killed at the end.
//!
//! This keeps attempts out of each other's way and out of the user's tree. It does not isolate: what runs inside may read
//! whatever the user may read, and may use the network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use smallhands_shell_runtime::processes::{Hunt, LEASE_VARIABLE, memory_bytes, uptime_ticks};
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime, Runtime};
use tokio::task::JoinHandle;

use crate::base::Base;
use crate::error::SandboxError;
use crate::git::Git;
use crate::lease::{self, Lease};
use crate::port::{Sandbox, SandboxBackend, SandboxSpec};
use crate::tree::TreeId;

/// How often the watchdog looks at what a sandbox uses.
const WATCH_EVERY: Duration = Duration::from_secs(1);

/// Makes sandboxes below a state directory.
#[derive(Debug)]
pub struct HostBackend {
    root: PathBuf,
    made: AtomicU64,
}

/// A limit that a sandbox ran into; its processes were killed for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitHit {
    /// Memory of all its processes together.
    Memory {
        /// Bytes in use when it was noticed.
        used: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// Number of its processes.
    Processes {
        /// Processes when it was noticed.
        used: u64,
        /// Processes allowed.
        limit: u64,
    },
    /// Its time to live.
    Lifetime,
}

/// A sandbox on the plain host.
pub struct HostSandbox {
    id: String,
    folder: PathBuf,
    at: TreeId,
    runtime: Arc<LocalRuntime>,
    watchdog: JoinHandle<()>,
    limit_hit: Arc<OnceLock<LimitHit>>,
    removed: bool,
}

impl HostBackend {
    /// A backend that keeps its sandboxes in `state_dir/sandboxes`.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        Self { root: state_dir.join("sandboxes"), made: AtomicU64::new(0) }
    }

    /// Unique among living processes and over time: process id, its start, and a counter.
    fn new_id(&self) -> String {
        let pid = std::process::id();
        let started = smallhands_shell_runtime::processes::start_time(pid.cast_signed()).unwrap_or(0);
        format!("s{pid:x}-{started:x}-{:x}", self.made.fetch_add(1, Ordering::Relaxed))
    }
}

#[async_trait]
impl SandboxBackend for HostBackend {
    fn kind(&self) -> &'static str {
        "host"
    }

    async fn create(&self, base: &Base, spec: SandboxSpec) -> Result<Box<dyn Sandbox>, SandboxError> {
        let id = self.new_id();
        let folder = self.root.join(&id);
        match furnish(base, &spec, &id, &folder).await {
            Ok(sandbox) => Ok(Box::new(sandbox)),
            Err(error) => {
                let _ = remove_folder(&folder);
                Err(error)
            }
        }
    }

    async fn reconcile(&self) -> Result<Vec<String>, SandboxError> {
        let root = self.root.clone();
        let sweep = move || {
            let mut removed = Vec::new();
            for folder in lease::abandoned(&root) {
                let id = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let _ = Hunt::since(0).marked(LEASE_VARIABLE, id.as_str()).kill();
                remove_folder(&folder)?;
                removed.push(id);
            }
            Ok(removed)
        };
        tokio::task::spawn_blocking(sweep).await.unwrap_or_else(|_| Ok(Vec::new()))
    }
}

/// Makes the folder, the copy and the runtime of a sandbox.
async fn furnish(base: &Base, spec: &SandboxSpec, id: &str, folder: &Path) -> Result<HostSandbox, SandboxError> {
    let work = folder.join("work");
    for part in ["work", "home", "tmp"] {
        let path = folder.join(part);
        std::fs::create_dir_all(&path).map_err(|error| SandboxError::io("create", &path, error))?;
    }
    Lease::of_this_process(id, &spec.owner, spec.ttl).write(folder)?;
    check_out(base, &spec.at, &work).await?;
    let options = LocalOptions { root: work, env: environment(spec, id, folder), limits: spec.limits.clone() };
    let runtime = Arc::new(LocalRuntime::new(options)?);
    let limit_hit = Arc::new(OnceLock::new());
    let watchdog = tokio::spawn(watch(id.to_owned(), spec.limits.clone(), spec.ttl, limit_hit.clone()));
    let (id, folder, at) = (id.to_owned(), folder.to_path_buf(), spec.at.clone());
    Ok(HostSandbox { id, folder, at, runtime, watchdog, limit_hit, removed: false })
}

/// What a sandbox adds to the environment that it is given.
fn environment(spec: &SandboxSpec, id: &str, folder: &Path) -> BTreeMap<String, String> {
    let mut environment = spec.env.clone();
    let path = |part: &str| folder.join(part).to_string_lossy().into_owned();
    environment.extend([
        ("HOME".to_owned(), path("home")),
        ("TMPDIR".to_owned(), path("tmp")),
        (LEASE_VARIABLE.to_owned(), id.to_owned()),
        ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ("GIT_EDITOR".to_owned(), "true".to_owned()),
        ("PAGER".to_owned(), "cat".to_owned()),
        ("GIT_PAGER".to_owned(), "cat".to_owned()),
    ]);
    environment
}

/// Fills `work` with the tree `at`. The `.git` folder is laid out by hand and borrows the base's objects, so that one git
/// process is enough: agents get a repository with exactly one commit and no way back to another.
async fn check_out(base: &Base, at: &TreeId, work: &Path) -> Result<(), SandboxError> {
    let git = work.join(".git");
    let objects = base.git_dir().join("objects");
    let mut exclude = String::new();
    for (name, copy) in base.dependencies() {
        exclude.push_str(&format!("/{name}\n"));
        let link = work.join(name);
        std::os::unix::fs::symlink(&copy, &link).map_err(|error| SandboxError::io("link", &link, error))?;
    }
    let files = [
        ("HEAD", "ref: refs/heads/main\n".to_owned()),
        ("refs/heads/main", format!("{at}\n")),
        ("objects/info/alternates", format!("{}\n", objects.display())),
        ("info/exclude", exclude),
        ("info/attributes", "* -text -filter -ident -working-tree-encoding\n".to_owned()),
        ("config", CONFIG.to_owned()),
    ];
    for (name, text) in files {
        let path = git.join(name);
        let folder = path.parent().unwrap_or(&git);
        std::fs::create_dir_all(folder).map_err(|error| SandboxError::io("create", folder, error))?;
        std::fs::write(&path, text).map_err(|error| SandboxError::io("write", &path, error))?;
    }
    let arguments = ["read-tree", "-u", "--reset", at.as_str()];
    Git::new("check out the copy", work).repository(&git).work_tree(work).args(arguments).run().await?;
    Ok(())
}

/// A complete little repository's configuration; the identity lets agents commit if they want to.
const CONFIG: &str = "[core]\n\trepositoryformatversion = 0\n\tbare = false\n\tfilemode = true\n\
                      [user]\n\tname = agent\n\temail = agent@localhost\n[gc]\n\tauto = 0\n";

#[async_trait]
impl Sandbox for HostSandbox {
    fn id(&self) -> &str {
        &self.id
    }

    fn workdir(&self) -> &Path {
        self.runtime.root()
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        self.runtime.clone()
    }

    async fn diff(&self) -> Result<String, SandboxError> {
        let work = self.folder.join("work");
        let index = self.folder.join("diff-index");
        let git = |what: &str| Git::new(what, &work).repository(&work.join(".git")).work_tree(&work).index(&index);
        git("read the copy").args(["read-tree", self.at.as_str()]).run().await?;
        git("look for changes").args(["add", "-A", "--", "."]).run().await?;
        let arguments = ["diff", "--cached", "--binary", "--no-color", "--no-ext-diff", "--no-renames", self.at.as_str()];
        let diff = git("compare with the copy").args(arguments).run().await?;
        let _ = std::fs::remove_file(&index);
        Ok(String::from_utf8_lossy(&diff).into_owned())
    }

    async fn destroy(mut self: Box<Self>) -> Result<(), SandboxError> {
        self.watchdog.abort();
        self.runtime.close().await?;
        self.removed = true;
        let folder = self.folder.clone();
        tokio::task::spawn_blocking(move || remove_folder(&folder)).await.unwrap_or(Ok(()))
    }
}

impl HostSandbox {
    /// The limit that its processes were killed for, if any.
    #[must_use]
    pub fn limit_hit(&self) -> Option<LimitHit> {
        self.limit_hit.get().copied()
    }
}

impl Drop for HostSandbox {
    fn drop(&mut self) {
        if self.removed {
            return;
        }
        self.watchdog.abort();
        let _ = Hunt::since(0).marked(LEASE_VARIABLE, self.id.as_str()).kill();
        let _ = remove_folder(&self.folder);
    }
}

/// Kills a sandbox's processes when they use too much together, or when its time is over.
async fn watch(id: String, limits: Limits, ttl: Duration, hit: Arc<OnceLock<LimitHit>>) {
    let hunt = Hunt::since(uptime_ticks()).marked(LEASE_VARIABLE, id);
    let end = tokio::time::Instant::now() + ttl;
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let found = if tokio::time::Instant::now() > end { Some(LimitHit::Lifetime) } else { excess(&hunt, &limits) };
        if let Some(found) = found {
            let _ = hit.set(found);
            let hunt = hunt.clone();
            let _ = tokio::task::spawn_blocking(move || hunt.kill()).await;
        }
    }
}

fn excess(hunt: &Hunt, limits: &Limits) -> Option<LimitHit> {
    let found = hunt.find();
    let processes = found.len() as u64;
    if let Some(limit) = limits.processes.filter(|limit| processes > *limit) {
        return Some(LimitHit::Processes { used: processes, limit });
    }
    let limit = limits.memory_bytes?;
    let used = found.iter().map(|process| memory_bytes(process.pid)).sum();
    (used > limit).then_some(LimitHit::Memory { used, limit })
}

/// Removes a folder and makes sure that it is gone, also where read-only folders inside stand in the way.
fn remove_folder(folder: &Path) -> Result<(), SandboxError> {
    if std::fs::remove_dir_all(folder).is_ok() || !folder.exists() {
        return Ok(());
    }
    make_writable(folder);
    match std::fs::remove_dir_all(folder) {
        Err(error) if folder.exists() => Err(SandboxError::io("remove", folder, error)),
        _ => Ok(()),
    }
}

fn make_writable(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let walk = ignore::WalkBuilder::new(folder).standard_filters(false).follow_links(false).build();
    for entry in walk.flatten().filter(|entry| entry.file_type().is_some_and(|kind| kind.is_dir())) {
        let _ = std::fs::set_permissions(entry.path(), std::fs::Permissions::from_mode(0o700));
    }
}
