//! Runs git with nothing of the user's or the machine's configuration, no hooks, no filters, no prompts, and a bound on time.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::Command;

use crate::error::SandboxError;

/// No git command on a repository that fits on a disk takes longer.
const LIMIT: Duration = Duration::from_secs(600);

/// Variables by which a surrounding git (a hook, say) would redirect ours.
const INHERITED: [&str; 9] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_NAMESPACE",
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
];

/// One invocation of git.
pub struct Git {
    command: Command,
    what: String,
    input: Option<Vec<u8>>,
}

impl Git {
    /// Prepares git to do `what` (for error messages) in `folder`.
    pub fn new(what: &str, folder: &Path) -> Self {
        let mut command = Command::new("git");
        command
            .current_dir(folder)
            .env("LC_ALL", "C")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_OPTIONAL_LOCKS", "0")
            .args(["-c", "safe.directory=*", "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"])
            .args(["-c", "core.autocrlf=false", "-c", "core.quotePath=false", "-c", "gc.auto=0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        for name in INHERITED {
            command.env_remove(name);
        }
        Self { command, what: what.to_owned(), input: None }
    }

    /// Works on this repository instead of the one that the folder is in.
    pub fn repository(mut self, git_dir: &Path) -> Self {
        self.command.env("GIT_DIR", git_dir);
        self
    }

    /// Takes files from here.
    pub fn work_tree(mut self, folder: &Path) -> Self {
        self.command.env("GIT_WORK_TREE", folder);
        self
    }

    /// Uses this index instead of the repository's own.
    pub fn index(mut self, file: &Path) -> Self {
        self.command.env("GIT_INDEX_FILE", file);
        self
    }

    /// Sets a variable of git's environment.
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    /// Adds arguments.
    pub fn args<A: AsRef<OsStr>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Gives git something to read.
    pub fn input(mut self, bytes: Vec<u8>) -> Self {
        self.command.stdin(Stdio::piped());
        self.input = Some(bytes);
        self
    }

    /// Runs it; what it printed, whatever its exit code.
    pub async fn output(mut self) -> Result<std::process::Output, SandboxError> {
        let mut child = self.command.spawn().map_err(SandboxError::GitMissing)?;
        if let (Some(bytes), Some(mut stdin)) = (self.input.take(), child.stdin.take()) {
            // Written beside the reading below, since git may fill its output pipe before it has read all input.
            tokio::spawn(async move {
                let _ = stdin.write_all(&bytes).await;
            });
        }
        let failed = |stderr: String| SandboxError::GitFailed { what: self.what.clone(), stderr };
        match tokio::time::timeout(LIMIT, child.wait_with_output()).await {
            Err(_) => Err(failed(format!("it did not end within {} s", LIMIT.as_secs()))),
            Ok(Err(error)) => Err(failed(error.to_string())),
            Ok(Ok(output)) => Ok(output),
        }
    }

    /// Runs it and expects success; its standard output.
    pub async fn run(self) -> Result<Vec<u8>, SandboxError> {
        let what = self.what.clone();
        let output = self.output().await?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let stderr = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        if stderr.contains("No space left on device") {
            return Err(SandboxError::DiskFull(what.into()));
        }
        Err(SandboxError::GitFailed { what, stderr })
    }

    /// Runs it and expects one line of text.
    pub async fn line(self) -> Result<String, SandboxError> {
        Ok(String::from_utf8_lossy(&self.run().await?).trim().to_owned())
    }
}
