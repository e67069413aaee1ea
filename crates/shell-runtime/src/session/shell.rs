//! Starting the bash of a session with its terminal and its control descriptors.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use tokio::net::unix::pipe;

use super::pty::Pty;
use super::screen::Report;
use crate::error::RuntimeError;
use crate::launch::{Launch, Launcher, Started, Tree};
use crate::protocol::CommandLine;

/// What defines the driver's functions; see its own comments.
const DRIVER: &str = include_str!("driver.bash");

/// First line that the shell reads: it becomes a session's shell.
const LOAD: &[u8] = b". /dev/fd/57\n";

/// The line that takes orders until a command breaks out of it. The command itself runs with the terminal as its input;
/// the control descriptors are where programs cannot inherit them.
const ENTRY: &[u8] =
    b"__smallhands_enter; while { __smallhands_status=${__smallhands_own:-$?}; __smallhands_end; \
    { builtin trap -p ERR DEBUG; __smallhands_report; } >&53; __smallhands_next; } >/dev/null 2>&1; do \
    builtin eval \"$__smallhands_prefix${__smallhands_text[0]-}\" <&50; done\n";

/// How many such lines the shell finds without being given more.
const RESERVE: usize = 4;

/// Added to a text with pipelines, so that the status of each part is known to the next command.
const PIPES: &str = "\n__smallhands_own=$? __smallhands_pipes=(\"${PIPESTATUS[@]}\")";

/// A prompt that shows nothing and still is not empty: start-up files stop at an empty one.
const PROMPT: &str = r"\[\]";

/// Descriptor of the terminal in the shell; the others follow. The driver moves them down by six. Low enough for shells
/// that limit their open files.
const FIRST_FD: i32 = 56;

/// A started shell and this side of its channels.
pub(super) struct Shell {
    pub(super) started: Started,
    pub(super) tree: Tree,
    pub(super) pty: Arc<Pty>,
    pub(super) reports: pipe::Receiver,
    pub(super) orders: Orders,
    pub(super) entries: Arc<Entries>,
}

/// Starts bash; it reports when it is ready.
pub(super) async fn start(launcher: &Launcher) -> Result<Shell, RuntimeError> {
    const WHAT: &str = "open a terminal for the session";
    let (pty, slave) = Pty::open().map_err(RuntimeError::io(WHAT))?;
    let channels = Channels::open().map_err(RuntimeError::io(WHAT))?;
    let env = session_env();
    let launch = Launch { line: command_line(), env: Some(&env), ..Launch::default() };
    let mut prepared = launcher.prepare(&launch)?;
    let twin = || slave.try_clone().map_err(RuntimeError::io(WHAT));
    prepared.place(channels.entry_reader, 0);
    prepared.place(twin()?, 1);
    prepared.place(twin()?, 2);
    let text = channels.text.try_clone().map_err(RuntimeError::io(WHAT))?;
    let inherited: [OwnedFd; 4] =
        [slave, text.into(), channels.order_reader.into(), channels.report_writer.into()];
    for (number, descriptor) in (FIRST_FD..).zip(inherited) {
        prepared.place(descriptor, number);
    }
    prepared.control_by(FIRST_FD);
    let (started, tree) = prepared.spawn().await?;
    Ok(Shell {
        started,
        tree,
        pty: Arc::new(pty),
        reports: channels.reports,
        orders: Orders { text: channels.text, orders: channels.orders },
        entries: Arc::new(Entries(channels.entries)),
    })
}

fn command_line() -> CommandLine {
    let words = ["bash", "--noprofile", "--norc", "--noediting", "-i"];
    CommandLine::Argv(words.map(str::to_owned).to_vec())
}

/// A terminal that programs do not draw on, whatever the server itself was started on; a session can choose another.
fn session_env() -> BTreeMap<String, String> {
    BTreeMap::from(
        [("TERM", "dumb"), ("PS1", PROMPT)].map(|(name, value)| (name.to_owned(), value.to_owned())),
    )
}

fn check(result: i32) -> io::Result<i32> {
    if result < 0 { Err(io::Error::last_os_error()) } else { Ok(result) }
}

/// Both sides of everything but the terminal.
struct Channels {
    entry_reader: io::PipeReader,
    entries: io::PipeWriter,
    order_reader: io::PipeReader,
    orders: io::PipeWriter,
    reports: pipe::Receiver,
    report_writer: io::PipeWriter,
    text: File,
}

impl Channels {
    fn open() -> io::Result<Self> {
        let (entry_reader, mut entry_writer) = io::pipe()?;
        // One line to enter the loop with, and some in reserve; see `Entries`.
        entry_writer.write_all(&[LOAD, &ENTRY.repeat(1 + RESERVE)].concat())?;
        let (order_reader, order_writer) = io::pipe()?;
        let (report_reader, report_writer) = io::pipe()?;
        let mut text = memory_file()?;
        text.write_all(DRIVER.as_bytes())?;
        Ok(Self {
            entry_reader,
            entries: never_blocking(entry_writer)?,
            order_reader,
            orders: never_blocking(order_writer)?,
            reports: pipe::Receiver::from_owned_fd(report_reader.into())?,
            report_writer,
            text,
        })
    }
}

/// A pipe that refuses what it has no room for. Few bytes are ever in it, so that needs no waiting.
fn never_blocking(pipe: io::PipeWriter) -> io::Result<io::PipeWriter> {
    // SAFETY: fcntl with F_SETFL takes flags by value; the descriptor is open.
    check(unsafe { libc::fcntl(pipe.as_raw_fd(), libc::F_SETFL, libc::O_NONBLOCK) })?;
    Ok(pipe)
}

/// A file that is only in memory, for handing text of any size to a shell.
pub(super) fn memory_file() -> io::Result<File> {
    // SAFETY: the name is a valid C string.
    let fd = check(unsafe { libc::memfd_create(c"command".as_ptr(), libc::MFD_CLOEXEC) })?;
    // SAFETY: the call succeeded and nothing else owns the descriptor.
    Ok(unsafe { File::from_raw_fd(fd) })
}

/// The shell's supply of lines that enter its loop. Some are always in reserve, because a signal may cost one.
#[derive(Debug)]
pub(super) struct Entries(io::PipeWriter);

impl Entries {
    /// Replaces a line that the shell has used or may have lost.
    pub(super) fn refill(&self) {
        if let Err(error) = (&self.0).write_all(ENTRY) {
            tracing::debug!(%error, "the shell takes no more lines");
        }
    }
}

/// How the shell comes to run a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// A builtin evaluates it, which is quick and finds errors in one line before it runs any of it.
    Evaluated,
    /// Bash reads it as its input. It must be known that it can be parsed, between braces, too.
    Line,
}

/// Whether evaluating the command would show: in traces (one `+` more), in traps (run once more), and in what `break`
/// does outside of loops.
pub(super) fn better_as_line(command: &str, last: &Report) -> bool {
    let strays = ["break", "continue"].iter().any(|word| command.contains(word)) && !command.contains("do");
    let telling = last.is_traced() || last.is_trapped || strays;
    telling && is_separable(command) && !command.contains("alias")
}

/// Whether another line can stand behind the command without becoming part of it.
fn is_separable(command: &str) -> bool {
    !command.contains("<<") && !command.trim_end().ends_with(['\\', '|', '&'])
}

/// Where orders go.
#[derive(Debug)]
pub(super) struct Orders {
    text: File,
    orders: io::PipeWriter,
}

impl Orders {
    /// Asks the shell to run `command`; it must be idle.
    pub(super) fn run(&self, seq: u64, command: &str, way: Way) -> io::Result<()> {
        let is_pipeline = way == Way::Evaluated && command.contains('|') && is_separable(command);
        let added = if is_pipeline { PIPES } else { "" };
        self.text.set_len(0)?;
        // The shell reads with the same file offset, from which the text begins.
        (&self.text).rewind()?;
        self.text.write_all_at(command.as_bytes(), 0)?;
        self.text.write_all_at(added.as_bytes(), command.len() as u64)?;
        let verb = if way == Way::Line { 'd' } else { 'r' };
        self.send(&format!("{verb}{seq}\n"))
    }

    /// Asks the shell to report once more, without running anything.
    pub(super) fn synchronise(&self, seq: u64) -> io::Result<()> {
        self.send(&format!("s{seq}\n"))
    }

    /// Asks the shell to report, and before that what it knows of the job that is a process group.
    pub(super) fn note(&self, seq: u64, group: i32) -> io::Result<()> {
        self.send(&format!("n{seq} {group}\n"))
    }

    /// Orders are short and the pipe is empty when the shell waits, so this never blocks.
    fn send(&self, order: &str) -> io::Result<()> {
        (&self.orders).write_all(order.as_bytes())
    }
}
