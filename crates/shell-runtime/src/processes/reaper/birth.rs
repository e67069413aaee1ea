//! The command's process between fork and exec: session, descriptors, directory, limits, signals, program. It
//! shares the memory of its reaper, which stands still until exec (vfork(2)).

use std::ffi::{c_char, c_int};
use std::ptr;

use super::order::{HEADER, MOST_PLACED, NO_TERMINAL};
use super::record::{self, SIZE, Step};
use crate::limits::PreparedLimits;

/// Where descriptors are parked so that placing one cannot overwrite another.
const PARKING: c_int = 250;

/// Exit status of a process that could not become the command; nobody sees it.
const REFUSED: c_int = 127;

/// The shell that runs a file which the kernel does not know how to run, as execvp(3) does.
const SHELL: &std::ffi::CStr = c"/bin/sh";

/// An order in memory and what came with it.
pub(super) struct Delivery<'a> {
    /// The block, writable and aligned.
    pub(super) block: *mut u64,
    /// The descriptors to place, in the block's order.
    pub(super) descriptors: &'a [c_int],
    /// Where a refusal is reported.
    pub(super) control: c_int,
    pub(super) limits: PreparedLimits,
}

/// What failed, and the error's number.
type Refusal = (Step, c_int);

/// Becomes the command or reports why not.
pub(super) fn become_command(delivery: &Delivery<'_>) -> ! {
    // SAFETY: fcntl duplicates an open descriptor; no memory is touched.
    let control = unsafe { libc::fcntl(delivery.control, libc::F_DUPFD_CLOEXEC, PARKING) };
    let (step, errno) = match prepare(delivery) {
        Ok(()) => {
            // Before the program can do anything, killing its reaper included.
            // SAFETY: getpid cannot fail.
            tell(control, &record::born(unsafe { libc::getpid() }));
            run(&Table::new(delivery.block))
        }
        Err(refusal) => refusal,
    };
    tell(control, &record::refused(step, errno));
    // SAFETY: ends this process without running anything else.
    unsafe { libc::_exit(REFUSED) }
}

fn tell(control: c_int, report: &[u8; SIZE]) {
    // SAFETY: the report is valid for its length.
    unsafe { libc::send(control, report.as_ptr().cast(), report.len(), libc::MSG_NOSIGNAL) };
}

fn prepare(delivery: &Delivery<'_>) -> Result<(), Refusal> {
    let table = Table::new(delivery.block);
    // SAFETY: setsid and prctl with this option touch no memory. The command dies with its reaper even when that is
    // killed by force.
    unsafe {
        check(libc::setsid(), Step::Process)?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0), Step::Process)?;
    }
    // SAFETY: the directory is a C string in the block.
    check(unsafe { libc::chdir(table.directory()) }, Step::Directory)?;
    place(&table, delivery.descriptors)?;
    if let Some(terminal) = table.terminal() {
        // SAFETY: TIOCSCTTY takes an integer; the process is a session leader without a terminal.
        check(unsafe { libc::ioctl(terminal, libc::TIOCSCTTY, 0) }, Step::Process)?;
    }
    delivery.limits.apply().map_err(|error| (Step::Process, error.raw_os_error().unwrap_or(0)))
}

/// Everything that is open here closes on exec, except what this puts in its place.
fn place(table: &Table, descriptors: &[c_int]) -> Result<(), Refusal> {
    let mut parked = [-1; MOST_PLACED];
    for (place, &descriptor) in parked.iter_mut().zip(descriptors) {
        // SAFETY: fcntl duplicates an open descriptor; no memory is touched.
        let copy = unsafe { libc::fcntl(descriptor, libc::F_DUPFD_CLOEXEC, PARKING) };
        *place = check(copy, Step::Process)?;
    }
    for (index, &copy) in parked.iter().enumerate().take(table.placed().min(descriptors.len())) {
        // SAFETY: dup2 duplicates an open descriptor onto a number that only this process uses.
        check(unsafe { libc::dup2(copy, table.number(index)) }, Step::Process)?;
    }
    Ok(())
}

fn check(result: c_int, step: Step) -> Result<c_int, Refusal> {
    if result < 0 { Err((step, errno())) } else { Ok(result) }
}

fn errno() -> c_int {
    // SAFETY: the location is valid for the life of the thread.
    unsafe { *libc::__errno_location() }
}

/// Tries one candidate after the other like execvp(3).
fn run(table: &Table) -> Refusal {
    let mut denied = false;
    let mut last = libc::ENOENT;
    unblock_signals();
    for candidate in 0..table.candidates() {
        last = table.run(candidate);
        match last {
            libc::EACCES => denied = true,
            libc::ENOENT | libc::ENOTDIR | libc::ESTALE | libc::ENODEV | libc::ETIMEDOUT => {}
            _ => break,
        }
    }
    (Step::Program, if denied && last == libc::ENOENT { libc::EACCES } else { last })
}

/// Handlers are the defaults already; that was seen to when the nursery started.
fn unblock_signals() {
    // SAFETY: all-zero bytes are a valid sigset_t, and sigemptyset fills it.
    unsafe {
        let mut none: libc::sigset_t = std::mem::zeroed();
        libc::sigemptyset(&raw mut none);
        libc::sigprocmask(libc::SIG_SETMASK, &raw const none, ptr::null_mut());
    }
}

/// The tables of a block; its form is described where it is written.
struct Table {
    block: *mut u64,
}

impl Table {
    fn new(block: *mut u64) -> Self {
        Self { block }
    }

    fn word(&self, index: usize) -> u64 {
        // SAFETY: callers stay within the tables, whose sizes the block itself tells.
        unsafe { *self.block.add(index) }
    }

    fn count(&self, index: usize) -> usize {
        usize::try_from(self.word(index)).unwrap_or(0)
    }

    fn candidates(&self) -> usize {
        self.count(0)
    }

    fn placed(&self) -> usize {
        self.count(3)
    }

    fn terminal(&self) -> Option<c_int> {
        let number = self.word(4);
        if number == NO_TERMINAL { None } else { c_int::try_from(number).ok() }
    }

    fn directory(&self) -> *const c_char {
        self.string(5)
    }

    fn number(&self, index: usize) -> c_int {
        c_int::try_from(self.word(HEADER + index)).unwrap_or(-1)
    }

    fn string(&self, index: usize) -> *const c_char {
        // SAFETY: the word is an offset within the block.
        unsafe { self.block.cast::<c_char>().add(self.count(index)) }
    }

    /// Turns the offsets of a table of `count` into addresses.
    fn pointers(&self, start: usize, count: usize) -> *mut *const c_char {
        for index in start..start + count {
            // An address is far from the small number that an offset is, so that doing this twice can be told.
            if self.count(index) < self.block.addr() {
                // SAFETY: the table's words are within the block.
                unsafe { *self.block.add(index) = self.string(index).addr() as u64 };
            }
        }
        // SAFETY: the table is within the block.
        unsafe { self.block.add(start).cast() }
    }

    /// Returns only when the candidate cannot be run.
    fn run(&self, candidate: usize) -> c_int {
        let spare = HEADER + self.placed() + self.candidates();
        let (arguments, variables) = (self.count(1), self.count(2));
        let argv = self.pointers(spare + 1, arguments);
        let envp = self.pointers(spare + 1 + arguments + 1, variables);
        let path = self.string(HEADER + self.placed() + candidate);
        // SAFETY: the path is a C string, the tables hold C strings and end with a null pointer.
        unsafe { libc::execve(path, argv.cast_const(), envp.cast_const()) };
        let error = errno();
        if error != libc::ENOEXEC {
            return error;
        }
        // SAFETY: the place before the arguments is there for this: `sh path arguments...`.
        unsafe {
            *argv.sub(1) = SHELL.as_ptr();
            *argv = path;
            libc::execve(SHELL.as_ptr(), argv.sub(1).cast_const(), envp.cast_const());
        }
        errno()
    }
}
