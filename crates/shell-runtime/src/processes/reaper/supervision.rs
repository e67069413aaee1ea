//! The reaper: starts its command, tells how that ended, takes in every orphan of its tree, and on the word kills until
//! nothing is left. When nobody holds its leash any more, it hangs up before that.

use std::ffi::{c_int, c_void};
use std::mem::{MaybeUninit, zeroed};
use std::ptr;

use super::birth::{Delivery, become_command};
use super::descendants::Hunted;
use super::nursery::close_from;
use super::record::{self, SIZE, Step};
use crate::limits::PreparedLimits;

/// The reaper's own descriptors. The second is the nursery's: it tells of the reaper's own signals when it asks.
const LEASH: c_int = 0;
const SIGNALS: c_int = 1;

/// Bytes of the stack on which the command's process prepares itself.
const STACK: usize = 64 << 10;

/// How long killed processes may take to go before a look at what else there is, in milliseconds; more each time.
const FIRST_GRACE: c_int = 2;
const LONGEST_GRACE: c_int = 100;

/// Looks at what a lost tree does after the hang-up, and how long one may last in milliseconds: the tree has about a
/// second to put away what it holds, lock files above all.
const LAST_LOOKS: u32 = 100;
const LAST_LOOK: c_int = 10;

/// What a reaper gets from the nursery.
pub(super) struct Charge<'a> {
    pub(super) leash: c_int,
    pub(super) block: c_int,
    pub(super) placed: &'a [c_int],
    pub(super) limits: PreparedLimits,
}

/// A reaper's whole life.
pub(super) fn run(charge: &Charge<'_>) -> ! {
    // SAFETY: system calls that touch no memory.
    unsafe {
        libc::dup3(charge.leash, LEASH, libc::O_CLOEXEC);
        libc::prctl(libc::PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    }
    let command = start(charge);
    if command < 0 {
        tell(&record::refused(Step::Process, -command));
        end();
    }
    close_from(SIGNALS + 1);
    // SAFETY: the name is a C string of at most 15 bytes.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"smallhands-reap".as_ptr(), 0, 0, 0) };
    tell(&record::started(command));
    let mut tree = Tree { command };
    if tree.supervise() == Word::Lost {
        tree.hang_up();
    }
    tree.kill()
}

/// The command's process id, or an error's number below zero. Returns when the command runs or has given up.
fn start(charge: &Charge<'_>) -> c_int {
    let Some(block) = Mapping::of_file(charge.block) else { return -libc::ENOMEM };
    let Some(stack) = Mapping::empty(STACK) else { return -libc::ENOMEM };
    let delivery = Delivery {
        block: block.start.cast(),
        descriptors: charge.placed,
        control: LEASH,
        limits: charge.limits,
    };
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child runs on a stack of its own, grown from its upper end, and this process stands still until it
    // execs or ends, so that what it is given stays valid.
    let pid = unsafe {
        let top = stack.start.byte_add(STACK);
        libc::clone(born, top, flags, ptr::from_ref(&delivery).cast_mut().cast())
    };
    // SAFETY: the location is valid for the life of the thread.
    if pid < 0 { -unsafe { *libc::__errno_location() } } else { pid }
}

extern "C" fn born(delivery: *mut c_void) -> c_int {
    // SAFETY: `start` passes a delivery that outlives this.
    become_command(unsafe { &*delivery.cast::<Delivery<'_>>() })
}

/// Memory that is given back.
struct Mapping {
    start: *mut c_void,
    length: usize,
}

impl Mapping {
    fn of_file(file: c_int) -> Option<Self> {
        // SAFETY: all-zero bytes are a valid stat, which the call fills.
        let length = unsafe {
            let mut about: libc::stat = zeroed();
            libc::fstat(file, &raw mut about);
            usize::try_from(about.st_size).ok()?
        };
        Self::new(length, libc::MAP_PRIVATE, file)
    }

    fn empty(length: usize) -> Option<Self> {
        Self::new(length, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1)
    }

    fn new(length: usize, flags: c_int, file: c_int) -> Option<Self> {
        let access = libc::PROT_READ | libc::PROT_WRITE;
        // SAFETY: the kernel chooses the place; nothing that exists is touched.
        let start = unsafe { libc::mmap(ptr::null_mut(), length, access, flags, file, 0) };
        (start != libc::MAP_FAILED).then_some(Self { start, length })
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's own.
        unsafe { libc::munmap(self.start, self.length) };
    }
}

/// The processes below a reaper.
struct Tree {
    /// The command's process id; 0 when it has ended.
    command: c_int,
}

impl Tree {
    /// Takes note of what ends until it is time to kill.
    fn supervise(&mut self) -> Word {
        loop {
            self.reap();
            wait_for_news(LEASH, SIGNALS, -1);
            if let Some(word) = heard() {
                return word;
            }
        }
    }

    /// Says that nobody is there any more, and gives what hears it a moment.
    fn hang_up(&mut self) {
        if self.command > 1 {
            // SAFETY: kill has no memory preconditions. The command leads its group and was not collected yet.
            unsafe {
                libc::kill(-self.command, libc::SIGHUP);
                libc::kill(-self.command, libc::SIGCONT);
            }
        }
        for _ in 0..LAST_LOOKS {
            self.reap();
            wait_for_news(-1, SIGNALS, LAST_LOOK);
        }
    }

    /// Collects what has ended. When nothing is left, nor is this process.
    fn reap(&mut self) {
        loop {
            let mut status = 0;
            // SAFETY: the status is a valid place.
            match unsafe { libc::waitpid(-1, &raw mut status, libc::WNOHANG) } {
                0 => return,
                pid if pid == self.command => {
                    self.command = 0;
                    tell(&record::ended(status, &used()));
                }
                pid if pid > 0 => {}
                _ => end(),
            }
        }
    }

    /// Ends when everything has.
    fn kill(&mut self) -> ! {
        let mut hunted = Hunted::default();
        let mut grace = FIRST_GRACE;
        hunted.kill_group(self.command);
        loop {
            self.reap();
            if !wait_for_news(-1, SIGNALS, grace) {
                hunted.kill_all();
                grace = (grace * 2).min(LONGEST_GRACE);
            }
        }
    }
}

/// Waits for input on `socket` (-1: none) or an ended child, `limit` milliseconds at most (-1: for ever); whether
/// there was any.
pub(super) fn wait_for_news(socket: c_int, signals: c_int, limit: c_int) -> bool {
    let watch = |descriptor| libc::pollfd { fd: descriptor, events: libc::POLLIN, revents: 0 };
    let mut watched = [watch(socket), watch(signals)];
    // SAFETY: the array is valid for its length.
    let ready = unsafe { libc::poll(watched.as_mut_ptr(), 2, limit) };
    if watched[1].revents != 0 {
        let mut told = MaybeUninit::<libc::signalfd_siginfo>::uninit();
        // SAFETY: the place is as large as it says. One signal stands for any number of ended children.
        unsafe { libc::read(signals, told.as_mut_ptr().cast(), size_of::<libc::signalfd_siginfo>()) };
    }
    ready > 0
}

/// What comes over the leash.
#[derive(PartialEq)]
enum Word {
    /// The tree is to be killed.
    Kill,
    /// Nobody holds the leash: who did was killed, most likely.
    Lost,
}

fn heard() -> Option<Word> {
    let mut word = 0_u8;
    // SAFETY: the place is valid for one byte.
    let count = unsafe { libc::recv(LEASH, (&raw mut word).cast(), 1, libc::MSG_DONTWAIT) };
    if count > 0 {
        return Some(Word::Kill);
    }
    // SAFETY: the location is valid for the life of the thread.
    let is_silent = count < 0 && matches!(unsafe { *libc::__errno_location() }, libc::EAGAIN | libc::EINTR);
    (!is_silent).then_some(Word::Lost)
}

fn used() -> libc::rusage {
    // SAFETY: all-zero bytes are a valid rusage, which the call fills.
    unsafe {
        let mut usage: libc::rusage = zeroed();
        libc::getrusage(libc::RUSAGE_CHILDREN, &raw mut usage);
        usage
    }
}

/// Nobody may be listening any more, and that is no reason to wait.
fn tell(report: &[u8; SIZE]) {
    let flags = libc::MSG_NOSIGNAL | libc::MSG_DONTWAIT;
    // SAFETY: the report is valid for its length.
    unsafe { libc::send(LEASH, report.as_ptr().cast(), report.len(), flags) };
}

fn end() -> ! {
    tell(&record::empty());
    // SAFETY: ends this process without running anything else.
    unsafe { libc::_exit(0) }
}
