//! A long-lived helper that is talked to line by line (one request, one answer). Its standard error is drained all
//! the time into a bounded ring, so a chatty helper never blocks; dropping it kills its process tree.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

use crate::error::RuntimeError;
use crate::launch::{Launch, Launcher, Prepared, Started, Tree};
use crate::protocol::CommandLine;

/// Longest line that is accepted from a helper, in bytes.
const DEFAULT_LINE_LIMIT: usize = 64 << 20;

/// Room made for each read, in bytes.
const READ_AHEAD: usize = 16 << 10;

/// Bytes kept of the end of a helper's standard error.
const STDERR_KEPT: usize = 64 << 10;

/// How long a helper may take to read what is written to it.
const WRITE_PATIENCE: Duration = Duration::from_secs(60);

/// Which helper to start.
#[derive(Debug, Clone)]
pub struct SpawnSpec {
    /// What to run.
    pub command: CommandLine,
    /// Where; relative to the runtime's root, which is the default.
    pub cwd: Option<PathBuf>,
    /// Variables added to the runtime's environment.
    pub env: BTreeMap<String, String>,
    /// Longest line accepted, in bytes.
    pub line_limit: usize,
}

impl Default for SpawnSpec {
    fn default() -> Self {
        Self {
            command: CommandLine::default(),
            cwd: None,
            env: BTreeMap::new(),
            line_limit: DEFAULT_LINE_LIMIT,
        }
    }
}

impl SpawnSpec {
    /// A program and its arguments.
    pub fn argv<I: IntoIterator<Item = S>, S: Into<String>>(words: I) -> Self {
        Self { command: CommandLine::Argv(words.into_iter().map(Into::into).collect()), ..Self::default() }
    }

    /// `text` for `/bin/sh -c`.
    pub fn shell(text: impl Into<String>) -> Self {
        Self { command: CommandLine::Shell(text.into()), ..Self::default() }
    }

    /// The same helper with one more variable.
    pub fn with_env(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.env.insert(name.into(), value.into());
        self
    }

    /// The same helper in another directory.
    pub fn with_cwd(mut self, cwd: impl Into<PathBuf>) -> Self {
        self.cwd = Some(cwd.into());
        self
    }
}

/// A running helper.
#[derive(Debug)]
pub struct PipedProcess {
    // First field, so that the tree is killed before the handles go.
    tree: Option<Tree>,
    started: Started,
    stdin: Option<pipe::Sender>,
    stdout: pipe::Receiver,
    inbox: Inbox,
    stderr: StderrTail,
    name: String,
}

/// Starts a helper.
pub(crate) async fn spawn(launcher: &Launcher, spec: SpawnSpec) -> Result<PipedProcess, RuntimeError> {
    let launch =
        Launch { line: spec.command, cwd: spec.cwd.as_deref(), env: Some(&spec.env), clear_env: false };
    let mut prepared = launcher.prepare(&launch)?;
    let name = prepared.program().to_owned();
    let (stdin, stdout, stderr) =
        attach(&mut prepared).map_err(RuntimeError::io("open the helper's streams"))?;
    let (started, tree) = prepared.spawn().await?;
    let tail = StderrTail::default();
    tokio::spawn(tail.clone().fill(stderr));
    Ok(PipedProcess {
        tree: Some(tree),
        started,
        stdin: Some(stdin),
        stdout,
        inbox: Inbox::new(spec.line_limit),
        stderr: tail,
        name,
    })
}

/// This side of the helper's standard streams.
fn attach(prepared: &mut Prepared<'_>) -> io::Result<(pipe::Sender, pipe::Receiver, pipe::Receiver)> {
    let (in_reader, in_writer) = io::pipe()?;
    let (out_reader, out_writer) = io::pipe()?;
    let (error_reader, error_writer) = io::pipe()?;
    prepared.place(in_reader, 0);
    prepared.place(out_writer, 1);
    prepared.place(error_writer, 2);
    Ok((
        pipe::Sender::from_owned_fd(in_writer.into())?,
        pipe::Receiver::from_owned_fd(out_reader.into())?,
        pipe::Receiver::from_owned_fd(error_reader.into())?,
    ))
}

impl PipedProcess {
    /// Sends `line` and a line end. What the helper writes meanwhile is taken in, so that a helper that answers
    /// before it has read everything does not block.
    ///
    /// # Errors
    /// [`RuntimeError::Io`] when the helper is gone, [`RuntimeError::CommandTimeout`] when it does not read.
    pub async fn write_line(&mut self, line: &str) -> Result<(), RuntimeError> {
        let mut bytes = Vec::with_capacity(line.len() + 1);
        bytes.extend_from_slice(line.as_bytes());
        bytes.push(b'\n');
        match tokio::time::timeout(WRITE_PATIENCE, self.write(&bytes)).await {
            Ok(written) => written.map_err(RuntimeError::io("write to the helper")),
            Err(_) => Err(self.timed_out(WRITE_PATIENCE)),
        }
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let Some(stdin) = &mut self.stdin else { return Err(io::ErrorKind::BrokenPipe.into()) };
        let mut rest = bytes;
        while !rest.is_empty() {
            tokio::select! {
                biased;
                written = stdin.write(rest) => rest = &rest[written?..],
                read = self.inbox.receive(&mut self.stdout), if self.inbox.has_room() => drop(read?),
            }
        }
        Ok(())
    }

    /// The next line without its end; `None` when the helper closed its output. A line that arrives in part before
    /// the limit is not lost: the next call goes on with it.
    ///
    /// # Errors
    /// [`RuntimeError::CommandTimeout`], [`RuntimeError::TooLarge`], [`RuntimeError::Io`].
    pub async fn read_line(&mut self, limit: Duration) -> Result<Option<String>, RuntimeError> {
        match tokio::time::timeout(limit, self.next_line()).await {
            Ok(line) => line,
            Err(_) => Err(self.timed_out(limit)),
        }
    }

    async fn next_line(&mut self) -> Result<Option<String>, RuntimeError> {
        loop {
            if let Some(line) = self.inbox.line() {
                return Ok(Some(line));
            }
            if self.inbox.ended {
                return Ok(self.inbox.rest());
            }
            if !self.inbox.has_room() {
                self.inbox.bytes.clear();
                let what = format!("a line of {}", self.name);
                return Err(RuntimeError::TooLarge { what, limit: self.inbox.limit });
            }
            self.inbox.receive(&mut self.stdout).await.map_err(RuntimeError::io("read from the helper"))?;
        }
    }

    fn timed_out(&self, limit: Duration) -> RuntimeError {
        RuntimeError::CommandTimeout {
            command: self.name.clone(),
            limit,
            output: self.stderr_tail(),
            truncated: false,
        }
    }

    /// The end of what the helper wrote to standard error so far, at most 64 KiB.
    pub fn stderr_tail(&self) -> String {
        self.stderr.text()
    }

    /// The helper's process id, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.started.is_running().then(|| self.started.pid.unsigned_abs())
    }

    /// Closes the helper's input and waits for it to end by itself; its process tree is killed after that, or when
    /// `limit` is reached.
    ///
    /// # Errors
    /// [`RuntimeError::CommandTimeout`] when it had to be killed.
    pub async fn finish(mut self, limit: Duration) -> Result<ExitStatus, RuntimeError> {
        self.stdin = None;
        let ended = tokio::time::timeout(limit, self.started.wait()).await;
        let late = self.timed_out(limit);
        self.kill().await?;
        Ok(ended.map_err(|_| late)?.map_err(RuntimeError::io("wait for the helper"))?.status)
    }

    /// Kills the helper and everything it started.
    ///
    /// # Errors
    /// [`RuntimeError::Survivors`].
    pub async fn kill(mut self) -> Result<(), RuntimeError> {
        match self.tree.take() {
            Some(tree) => tree.kill().await,
            None => Ok(()),
        }
    }
}

/// What arrived from a helper and was not asked for yet.
#[derive(Debug)]
struct Inbox {
    bytes: Vec<u8>,
    /// How much of it is known to hold no line end.
    searched: usize,
    limit: usize,
    ended: bool,
}

impl Inbox {
    fn new(limit: usize) -> Self {
        Self { bytes: Vec::new(), searched: 0, limit, ended: false }
    }

    fn has_room(&self) -> bool {
        !self.ended && self.bytes.len() <= self.limit
    }

    /// Waits for more. Cancelling loses nothing.
    async fn receive(&mut self, stdout: &mut pipe::Receiver) -> io::Result<()> {
        self.bytes.reserve(READ_AHEAD);
        self.ended = stdout.read_buf(&mut self.bytes).await? == 0;
        Ok(())
    }

    /// The next complete line.
    fn line(&mut self) -> Option<String> {
        let found = self.bytes[self.searched..].iter().position(|&byte| byte == b'\n');
        let Some(length) = found else {
            self.searched = self.bytes.len();
            return None;
        };
        let end = self.searched + length;
        let line = text(self.bytes.drain(..=end).take(end).collect());
        self.searched = 0;
        Some(line)
    }

    /// What is left when nothing more comes: a last line without an end, if any.
    fn rest(&mut self) -> Option<String> {
        self.searched = 0;
        (!self.bytes.is_empty()).then(|| text(std::mem::take(&mut self.bytes)))
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// The end of a stream, shared between the task that fills it and the process handle.
#[derive(Debug, Clone, Default)]
struct StderrTail(Arc<Mutex<VecDeque<u8>>>);

impl StderrTail {
    fn lock(&self) -> MutexGuard<'_, VecDeque<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn fill(self, mut stderr: pipe::Receiver) {
        let mut chunk = vec![0; 8 << 10];
        while let Ok(count) = stderr.read(&mut chunk).await
            && count > 0
        {
            let mut kept = self.lock();
            kept.extend(&chunk[..count]);
            let excess = kept.len().saturating_sub(STDERR_KEPT);
            kept.drain(..excess);
        }
    }

    fn text(&self) -> String {
        let mut kept = self.lock();
        String::from_utf8_lossy(kept.make_contiguous()).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines that come out of an inbox into which these pieces arrive one after the other, and what is left.
    fn lines(pieces: &[&str]) -> (Vec<String>, Option<String>) {
        let mut inbox = Inbox::new(100);
        let mut lines = Vec::new();
        for piece in pieces {
            inbox.bytes.extend_from_slice(piece.as_bytes());
            lines.extend(std::iter::from_fn(|| inbox.line()));
        }
        (lines, inbox.rest())
    }

    fn owned(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|&line| line.to_owned()).collect()
    }

    #[test]
    fn lines_are_found_wherever_they_are_cut() {
        let cases: &[(&[&str], &[&str], Option<&str>)] = &[
            (&[], &[], None),
            (&["a\n"], &["a"], None),
            (&["a\nb\nc"], &["a", "b"], Some("c")),
            (&["a", "b", "c\n"], &["abc"], None),
            (&["\n\n", "\n"], &["", "", ""], None),
            (&["x\r\n"], &["x\r"], None),
        ];
        for (pieces, expected, rest) in cases {
            let (lines, left) = lines(pieces);
            assert_eq!(
                (lines.as_slice(), left.as_deref()),
                (owned(expected).as_slice(), *rest),
                "{pieces:?}"
            );
        }
    }

    #[test]
    fn an_inbox_has_room_up_to_its_limit() {
        let mut inbox = Inbox::new(3);
        assert!(inbox.has_room());
        inbox.bytes.extend_from_slice(b"abcd");
        assert!(!inbox.has_room());
        inbox.bytes.clear();
        inbox.ended = true;
        assert!(!inbox.has_room());
    }

    #[test]
    fn text_is_never_refused() {
        assert_eq!(text(b"ok \xc3\xa9".to_vec()), "ok \u{e9}");
        assert_eq!(text(b"bad \xff".to_vec()), "bad \u{fffd}");
    }
}
