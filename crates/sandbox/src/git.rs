//! Running git so that the outcome depends on nothing but its arguments: no configuration of the user or the
//! machine, no hooks, no filters, no prompts, no network, and nobody else's index.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use tokio::process::{ChildStdin, Command};

use crate::error::SandboxError;

/// Settings that win over a repository's own configuration.
const SETTINGS: [&str; 17] = [
    "core.attributesFile=/dev/null",
    "core.autocrlf=false",
    "core.excludesFile=/dev/null",
    "core.fileMode=true",
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.ignoreCase=false",
    "core.logAllRefUpdates=false",
    "core.protectHFS=false",
    "core.protectNTFS=false",
    "core.quotePath=true",
    "core.symlinks=true",
    "core.untrackedCache=false",
    "core.looseCompression=1",
    "gc.auto=0",
    "protocol.allow=never",
    "safe.directory=*",
];

/// Variables by which the caller's environment could redirect git.
const FOREIGN: [&str; 26] = [
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_CEILING_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_CONFIG",
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_DEFAULT_HASH",
    "GIT_DIFF_OPTS",
    "GIT_DIR",
    "GIT_EXTERNAL_DIFF",
    "GIT_GLOB_PATHSPECS",
    "GIT_GRAFT_FILE",
    "GIT_ICASE_PATHSPECS",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_INDEX_VERSION",
    "GIT_LITERAL_PATHSPECS",
    "GIT_NAMESPACE",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_NO_REPLACE_OBJECTS",
    "GIT_OBJECT_DIRECTORY",
    "GIT_PREFIX",
    "GIT_REPLACE_REF_BASE",
    "GIT_SHALLOW_FILE",
    "GIT_TRACE",
    "GIT_WORK_TREE",
];

/// The bound of every call; even huge repositories take a fraction of it.
const PATIENCE: Duration = Duration::from_secs(15 * 60);

/// Who all commits are by, and when: the same content always gets the same id.
pub(crate) const IDENTITY: [(&str, &str); 6] = [
    ("GIT_AUTHOR_NAME", "smallhands"),
    ("GIT_AUTHOR_EMAIL", "smallhands@localhost"),
    ("GIT_AUTHOR_DATE", "946684800 +0000"),
    ("GIT_COMMITTER_NAME", "smallhands"),
    ("GIT_COMMITTER_EMAIL", "smallhands@localhost"),
    ("GIT_COMMITTER_DATE", "946684800 +0000"),
];

/// Where a git command works.
#[derive(Debug, Clone)]
pub(crate) struct Git {
    cwd: PathBuf,
    git_dir: Option<PathBuf>,
    work_tree: Option<PathBuf>,
    index: Option<PathBuf>,
}

impl Git {
    /// Git finds the repository from `cwd`.
    pub(crate) fn discover(cwd: &Path) -> Self {
        Self { cwd: cwd.to_owned(), git_dir: None, work_tree: None, index: None }
    }

    /// A repository without a working tree.
    pub(crate) fn bare(git_dir: &Path) -> Self {
        Self { git_dir: Some(git_dir.to_owned()), ..Self::discover(git_dir) }
    }

    /// The same repository looking at `work_tree`.
    pub(crate) fn with_work_tree(mut self, work_tree: &Path) -> Self {
        self.cwd = work_tree.to_owned();
        self.work_tree = Some(work_tree.to_owned());
        self
    }

    /// The same with an index of its own.
    pub(crate) fn with_index(mut self, index: &Path) -> Self {
        self.index = Some(index.to_owned());
        self
    }

    /// A file of attributes by which every file is binary, for [`create_repository`]'s repositories.
    pub(crate) fn all_binary_attributes(&self) -> PathBuf {
        self.place().join(ALL_BINARY)
    }

    /// Standard output of a command that must succeed; `what` is for the message when it does not.
    pub(crate) async fn run(&self, what: &'static str, args: &[&str]) -> Result<Vec<u8>, SandboxError> {
        self.run_with_input(what, args, &[]).await
    }

    /// The same, feeding `input`.
    pub(crate) async fn run_with_input(
        &self,
        what: &'static str,
        args: &[&str],
        input: &[u8],
    ) -> Result<Vec<u8>, SandboxError> {
        let output = self.try_run(what, args, input).await?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(SandboxError::git(what, self.place(), &output.stderr))
    }

    /// The outcome of a command, whatever it is.
    pub(crate) async fn try_run(
        &self,
        what: &'static str,
        args: &[&str],
        input: &[u8],
    ) -> Result<Output, SandboxError> {
        // Git may fail before it has read everything; its own message says more than the broken pipe.
        let feed = async |mut stdin: ChildStdin| drop(stdin.write_all(input).await);
        self.outcome(what, args, feed).await.map(|(output, ())| output)
    }

    /// Standard output of a command that must succeed, and the result of what feeds it.
    pub(crate) async fn run_feeding<T>(
        &self,
        what: &'static str,
        args: &[&str],
        feed: impl AsyncFnOnce(ChildStdin) -> T,
    ) -> Result<(Vec<u8>, T), SandboxError> {
        let (output, fed) = self.outcome(what, args, feed).await?;
        if output.status.success() {
            return Ok((output.stdout, fed));
        }
        Err(SandboxError::git(what, self.place(), &output.stderr))
    }

    async fn outcome<T>(
        &self,
        what: &'static str,
        args: &[&str],
        feed: impl AsyncFnOnce(ChildStdin) -> T,
    ) -> Result<(Output, T), SandboxError> {
        let mut child = self.command(args).spawn().map_err(|error| self.not_started(error))?;
        let no_input = || SandboxError::GitFailed { what, stderr: "it has no input".to_owned() };
        let feeding = feed(child.stdin.take().ok_or_else(no_input)?);
        let running = async { tokio::join!(feeding, child.wait_with_output()) };
        match tokio::time::timeout(PATIENCE, running).await {
            Ok((fed, Ok(output))) => Ok((output, fed)),
            Ok((_, Err(error))) => Err(SandboxError::io("run git in", &self.cwd)(error)),
            Err(_) => Err(SandboxError::GitFailed { what, stderr: format!("no answer for {PATIENCE:?}") }),
        }
    }

    fn place(&self) -> &Path {
        self.git_dir.as_deref().unwrap_or(&self.cwd)
    }

    fn not_started(&self, error: io::Error) -> SandboxError {
        match error.kind() {
            io::ErrorKind::NotFound if self.cwd.is_dir() => SandboxError::GitMissing,
            _ => SandboxError::io("run git in", &self.cwd)(error),
        }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new("git");
        for name in FOREIGN {
            command.env_remove(name);
        }
        command.envs(IDENTITY).envs([
            ("GIT_ATTR_NOSYSTEM", "1"),
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("GIT_NO_LAZY_FETCH", "1"),
            ("GIT_OPTIONAL_LOCKS", "0"),
            ("GIT_TERMINAL_PROMPT", "0"),
            ("LC_ALL", "C"),
        ]);
        let places =
            [("GIT_DIR", &self.git_dir), ("GIT_WORK_TREE", &self.work_tree), ("GIT_INDEX_FILE", &self.index)];
        for (name, path) in places {
            if let Some(path) = path {
                command.env(name, path);
            }
        }
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.args(args.iter().map(OsStr::new)).current_dir(&self.cwd);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.process_group(0).kill_on_drop(true);
        command
    }
}

/// The first line of an answer, as an object id is given.
pub(crate) fn first_line(output: &[u8]) -> String {
    String::from_utf8_lossy(output).lines().next().unwrap_or_default().to_owned()
}

/// The parts of a NUL-separated answer.
pub(crate) fn records(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    output.split(|&byte| byte == 0).filter(|record| !record.is_empty())
}

/// Attributes that make git store and check out bytes as they are, whatever a repository's own attributes say.
pub(crate) const EXACT_ATTRIBUTES: &str = "* -text !eol -ident -filter !working-tree-encoding -crlf\n";

/// Where a repository keeps the attributes by which every file is binary.
const ALL_BINARY: &str = "info/all-binary";

/// Writes the few files that make a directory a git repository. One process less than `git init`, and no templates.
pub(crate) fn create_repository(
    dir: &Path,
    config: &str,
    head: &str,
    borrow: Option<&Path>,
) -> io::Result<()> {
    for part in ["objects/info", "objects/pack", "refs/heads", "info"] {
        std::fs::create_dir_all(dir.join(part))?;
    }
    std::fs::write(dir.join("HEAD"), format!("ref: {head}\n"))?;
    std::fs::write(dir.join("config"), config)?;
    std::fs::write(dir.join("info/attributes"), EXACT_ATTRIBUTES)?;
    std::fs::write(dir.join(ALL_BINARY), "* -diff\n")?;
    if let Some(objects) = borrow {
        use std::os::unix::ffi::OsStrExt;
        let line = [objects.as_os_str().as_bytes(), b"\n"].concat();
        std::fs::write(dir.join("objects/info/alternates"), line)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_split() {
        assert_eq!(first_line(b"abc\ndef\n"), "abc");
        assert_eq!(first_line(b""), "");
        assert_eq!(records(b"a\0b\xff\0\0").collect::<Vec<_>>(), [b"a".as_slice(), b"b\xff"]);
    }

    #[tokio::test]
    async fn a_repository_written_by_hand_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let config = "[core]\n\trepositoryformatversion = 0\n\tbare = true\n";
        create_repository(dir.path(), config, "refs/heads/base", None).unwrap();
        let git = Git::bare(dir.path());
        assert_eq!(git.run("look", &["rev-parse", "--is-bare-repository"]).await.unwrap(), b"true\n");
        let blob = git.run_with_input("store", &["hash-object", "-w", "--stdin"], b"x").await.unwrap();
        let content = git.run("read", &["cat-file", "blob", &first_line(&blob)]).await.unwrap();
        assert_eq!(content, b"x");
    }

    #[tokio::test]
    async fn failures_say_what_was_attempted() {
        let dir = tempfile::tempdir().unwrap();
        let error = Git::bare(dir.path()).run("list the files", &["ls-files"]).await.unwrap_err();
        assert!(error.to_string().starts_with("git could not list the files: fatal:"), "{error}");
        let error = Git::discover(Path::new("/no/such")).run("look", &["version"]).await.unwrap_err();
        assert!(matches!(error, SandboxError::Io { .. }), "{error}");
    }
}
