//! One command to its end: both streams are drained all the time, output is bounded, and when time is up or the
//! caller goes away the whole process tree dies.

use std::io;
use std::os::unix::process::ExitStatusExt;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;

use crate::capture::Capture;
use crate::error::RuntimeError;
use crate::launch::{Exit, Launch, Launcher, Prepared, Started};
use crate::local::MAX_WAIT;
use crate::protocol::{Command, CommandResponse};

/// How long the end of the streams is awaited after the command ended. Only a background process that still holds
/// them makes this matter; what the command wrote itself is in the pipe already. What such a process writes later is
/// not in the answer: waiting for it, as other runtimes do, would hang for as long as a server lives that a command
/// has started.
const LINGER: Duration = Duration::from_millis(250);

/// Bytes read at a time; a pipe holds as many.
const CHUNK: usize = 64 << 10;

/// The numbers of the standard streams.
const STDIN: i32 = 0;
const STDOUT: i32 = 1;
const STDERR: i32 = 2;

/// Runs `command` and answers when it has ended or its time is up.
pub(crate) async fn execute(launcher: &Launcher, command: Command) -> Result<CommandResponse, RuntimeError> {
    let limit = command.timeout.unwrap_or(MAX_WAIT);
    let launch = Launch {
        line: command.command,
        cwd: command.cwd.as_deref(),
        env: Some(&command.env),
        clear_env: command.clear_env,
    };
    let mut prepared = launcher.prepare(&launch)?;
    let opened = |source| RuntimeError::Io { what: "open the command's streams", source };
    let mut streams =
        Streams::attach(&mut prepared, command.merge_output_streams, command.output_limit).map_err(opened)?;
    let input = command.stdin.map(|bytes| Input::attach(&mut prepared, bytes)).transpose().map_err(opened)?;
    let (mut started, tree) = prepared.spawn().await?;
    let ended = tokio::time::timeout(limit, streams.until_exit(&mut started, input)).await;
    let timed_out = ended.is_err();
    let exit = match ended {
        Ok(exit) => {
            tree.release();
            exit
        }
        Err(_) => {
            tree.kill().await?;
            started.wait().await
        }
    };
    streams.linger().await;
    Ok(streams.response(exit.map_err(RuntimeError::io("wait for the command"))?, timed_out))
}

/// One output stream of the command and what is kept of it.
struct Stream {
    reader: pipe::Receiver,
    kept: Capture,
    ended: bool,
}

impl Stream {
    fn new(reader: io::PipeReader, limit: usize) -> io::Result<Self> {
        let reader = pipe::Receiver::from_owned_fd(reader.into())?;
        Ok(Self { reader, kept: Capture::new(limit), ended: false })
    }

    /// Reads to the end of the stream. Cancelling loses nothing that was read.
    async fn drain(&mut self) {
        let mut chunk = vec![0; CHUNK];
        while !self.ended {
            match self.reader.read(&mut chunk).await {
                Ok(0) | Err(_) => self.ended = true,
                Ok(count) => self.kept.push(&chunk[..count]),
            }
        }
    }
}

struct Streams {
    stdout: Stream,
    stderr: Option<Stream>,
}

impl Streams {
    fn attach(prepared: &mut Prepared<'_>, merged: bool, limit: usize) -> io::Result<Self> {
        let (out_reader, out_writer) = io::pipe()?;
        let stderr = if merged {
            prepared.place(out_writer.try_clone()?, STDERR);
            None
        } else {
            let (reader, writer) = io::pipe()?;
            prepared.place(writer, STDERR);
            Some(Stream::new(reader, limit)?)
        };
        prepared.place(out_writer, STDOUT);
        Ok(Self { stdout: Stream::new(out_reader, limit)?, stderr })
    }

    async fn drain(&mut self) {
        let stderr = async {
            if let Some(stderr) = &mut self.stderr {
                stderr.drain().await;
            }
        };
        tokio::join!(self.stdout.drain(), stderr);
    }

    /// Feeds and drains the command until it exits.
    async fn until_exit(&mut self, started: &mut Started, input: Option<Input>) -> io::Result<Exit> {
        let feeding = async {
            if let Some(input) = input {
                input.feed().await;
            }
        };
        let pumping = async {
            tokio::join!(feeding, self.drain());
        };
        tokio::pin!(pumping);
        tokio::select! {
            exit = started.wait() => return exit,
            () = &mut pumping => {}
        }
        started.wait().await
    }

    /// Collects what is still in the pipes. What a background process writes later is read and thrown away, so
    /// that it neither blocks nor dies of a closed pipe.
    async fn linger(&mut self) {
        // The time limit only ends the wait; nothing that was read is lost.
        let _ = tokio::time::timeout(LINGER, self.drain()).await;
    }

    fn response(mut self, exit: Exit, timed_out: bool) -> CommandResponse {
        let omitted = |stream: &Stream| stream.kept.omitted();
        let omitted_bytes = omitted(&self.stdout) + self.stderr.as_ref().map_or(0, omitted);
        let response = CommandResponse {
            exit_code: exit.status.code(),
            signal: exit.status.signal(),
            stdout: self.stdout.kept.take(),
            stderr: self.stderr.as_mut().map(|stderr| stderr.kept.take()).unwrap_or_default(),
            timed_out,
            truncated: omitted_bytes > 0,
            omitted_bytes,
            usage: exit.usage,
        };
        for stream in [Some(self.stdout), self.stderr].into_iter().flatten().filter(|stream| !stream.ended) {
            tokio::spawn(discard(stream.reader));
        }
        response
    }
}

/// What the command reads.
struct Input {
    writer: pipe::Sender,
    bytes: Vec<u8>,
}

impl Input {
    fn attach(prepared: &mut Prepared<'_>, bytes: Vec<u8>) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        prepared.place(reader, STDIN);
        Ok(Self { writer: pipe::Sender::from_owned_fd(writer.into())?, bytes })
    }

    /// Writes it and closes the stream. A command that does not read it all is no error.
    async fn feed(mut self) {
        if let Err(error) = self.writer.write_all(&self.bytes).await {
            tracing::debug!(%error, "the command did not read all of its input");
        }
    }
}

/// Ends when the last process that holds the stream is gone; the runtime's close sees to that.
async fn discard(mut reader: impl AsyncRead + Unpin) {
    let mut chunk = vec![0; CHUNK];
    while matches!(reader.read(&mut chunk).await, Ok(count) if count > 0) {}
}
