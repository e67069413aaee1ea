//! The process that reapers are forked from: small, without threads, forked once and kept for the runtime's life.

use std::ffi::c_int;
use std::io;
use std::mem::zeroed;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::{Duration, Instant};

use super::order::{MOST_PLACED, Order};
use super::record::{self, Step};
use super::shed::shed_memory;
use super::supervision::{self, Charge};
use crate::limits::PreparedLimits;

/// Descriptors with one order: the reaper's end of its leash, the block, and those to place.
const MOST_DESCRIPTORS: usize = 2 + MOST_PLACED;

/// The nursery's own descriptors.
const ORDERS: c_int = 0;
const SIGNALS: c_int = 1;

/// How long an ended nursery may take to go. Only a process stuck in the kernel makes it stay.
const PATIENCE: Duration = Duration::from_secs(1);

/// This side of a running nursery.
#[derive(Debug)]
pub(crate) struct Nursery {
    orders: Option<OwnedFd>,
    pid: c_int,
}

impl Nursery {
    /// Forks. What the nursery starts lives under `limits`.
    pub(crate) fn start(limits: PreparedLimits) -> io::Result<Self> {
        let (ours, theirs) = packet_sockets()?;
        // A signal must not run one of this process's handlers in the other.
        let before = block_signals();
        let pid = fork();
        if pid == 0 {
            run(theirs.as_raw_fd(), limits);
        }
        restore_signals(&before);
        if pid < 0 {
            return Err(io::Error::from_raw_os_error(-pid));
        }
        Ok(Self { orders: Some(ours), pid })
    }

    /// Has a reaper start the order; its reports come over `leash`'s other end.
    pub(crate) fn send(&self, leash: &UnixStream, order: &Order) -> io::Result<()> {
        if order.placed.len() > MOST_PLACED {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let block = order.write()?;
        let mut descriptors = vec![leash.as_raw_fd(), block.as_raw_fd()];
        descriptors.extend(order.descriptors());
        match &self.orders {
            Some(orders) => {
                // SAFETY: kill has no memory preconditions. The child was not waited for, so the id is its own; some
                // command may have stopped it.
                unsafe { libc::kill(self.pid, libc::SIGCONT) };
                send_descriptors(orders.as_raw_fd(), &descriptors)
            }
            None => Err(io::ErrorKind::BrokenPipe.into()),
        }
    }
}

impl Drop for Nursery {
    fn drop(&mut self) {
        self.orders = None;
        let start = Instant::now();
        // SAFETY: the child is this process's own and was not waited for; no status is asked for.
        while unsafe { libc::waitpid(self.pid, ptr::null_mut(), libc::WNOHANG) } == 0 {
            if start.elapsed() > PATIENCE {
                tracing::warn!(pid = self.pid, "the nursery does not end");
                return;
            }
            std::thread::sleep(Duration::from_micros(100));
        }
    }
}

fn packet_sockets() -> io::Result<(OwnedFd, OwnedFd)> {
    let mut pair = [-1; 2];
    let kind = libc::SOCK_SEQPACKET | libc::SOCK_CLOEXEC;
    // SAFETY: the call fills the two places.
    if unsafe { libc::socketpair(libc::AF_UNIX, kind, 0, pair.as_mut_ptr()) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded and nothing else owns the descriptors.
    Ok(unsafe { (OwnedFd::from_raw_fd(pair[0]), OwnedFd::from_raw_fd(pair[1])) })
}

/// Room for the control message that carries descriptors, aligned as it must be.
#[repr(C)]
union ControlRoom {
    header: libc::cmsghdr,
    bytes: [u8; 256],
}

fn message(payload: &mut libc::iovec, room: &mut ControlRoom, control_size: usize) -> libc::msghdr {
    // SAFETY: all-zero bytes are a valid msghdr.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = payload;
    message.msg_iovlen = 1;
    message.msg_control = ptr::from_mut(room).cast();
    message.msg_controllen = control_size as _;
    message
}

fn send_descriptors(socket: RawFd, descriptors: &[RawFd]) -> io::Result<()> {
    let mut byte = [0_u8];
    let mut payload = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let mut room = ControlRoom { bytes: [0; 256] };
    let size = u32::try_from(size_of_val(descriptors)).unwrap_or(0);
    // SAFETY: CMSG_SPACE only computes; the room is larger than that of the most descriptors.
    let space = unsafe { libc::CMSG_SPACE(size) } as usize;
    let message = message(&mut payload, &mut room, space);
    // SAFETY: the message's control room is large enough for one header and the descriptors.
    let sent = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        (*header).cmsg_level = libc::SOL_SOCKET;
        (*header).cmsg_type = libc::SCM_RIGHTS;
        (*header).cmsg_len = libc::CMSG_LEN(size) as _;
        ptr::copy_nonoverlapping(descriptors.as_ptr(), libc::CMSG_DATA(header).cast(), descriptors.len());
        libc::sendmsg(socket, &raw const message, libc::MSG_NOSIGNAL)
    };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Blocks all signals of this thread and tells which were blocked before.
fn block_signals() -> libc::sigset_t {
    // SAFETY: all-zero bytes are a valid sigset_t; the calls fill the sets.
    unsafe {
        let (mut all, mut before): (libc::sigset_t, libc::sigset_t) = (zeroed(), zeroed());
        libc::sigfillset(&raw mut all);
        libc::pthread_sigmask(libc::SIG_SETMASK, &raw const all, &raw mut before);
        before
    }
}

fn restore_signals(before: &libc::sigset_t) {
    // SAFETY: the set was filled by the kernel.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, before, ptr::null_mut()) };
}

/// fork without the C library's handlers, which would take locks of threads that are not there. The id of the
/// child, 0 in the child, or an error's number below zero.
pub(super) fn fork() -> c_int {
    // SAFETY: the child goes on with a copy of this memory and, as its callers promise, only makes system calls.
    let pid = unsafe { libc::syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0) };
    // SAFETY: the location is valid for the life of the thread.
    if pid < 0 { -unsafe { *libc::__errno_location() } } else { c_int::try_from(pid).unwrap_or(0) }
}

/// The nursery itself. Ends when nobody can order any more and the last reaper has ended.
fn run(orders: c_int, limits: PreparedLimits) -> ! {
    settle(orders);
    shed_memory();
    let mut open = true;
    loop {
        let childless = reap();
        if childless && !open {
            // SAFETY: ends this process without running anything else.
            unsafe { libc::_exit(0) };
        }
        supervision::wait_for_news(if open { ORDERS } else { -1 }, SIGNALS, -1);
        if open {
            open = take_orders(limits);
        }
    }
}

/// Leaves the runtime's session, signals and files behind.
fn settle(orders: c_int) {
    // SAFETY: all of these are system calls that touch no memory but their own arguments, which are valid.
    unsafe {
        libc::dup3(orders, ORDERS, libc::O_CLOEXEC);
        close_from(ORDERS + 1);
        libc::setsid();
        for signal in 1..=64 {
            libc::signal(signal, libc::SIG_DFL);
        }
        libc::chdir(c"/".as_ptr());
        libc::prctl(libc::PR_SET_NAME, c"smallhands-nest".as_ptr(), 0, 0, 0);
        let mut child: libc::sigset_t = zeroed();
        libc::sigemptyset(&raw mut child);
        libc::sigaddset(&raw mut child, libc::SIGCHLD);
        let signals = libc::signalfd(-1, &raw const child, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK);
        if signals != SIGNALS {
            libc::dup3(signals, SIGNALS, libc::O_CLOEXEC);
            libc::close(signals);
        }
    }
}

/// Closes all descriptors from `first` on.
pub(super) fn close_from(first: c_int) {
    // SAFETY: closing descriptors that nothing in this process uses.
    unsafe {
        if libc::syscall(libc::SYS_close_range, first, libc::c_uint::MAX, 0) < 0 {
            // Kernels before 5.9. Higher numbers are as good as never in use.
            for descriptor in first..65_536 {
                libc::close(descriptor);
            }
        }
    }
}

/// Collects ended reapers, and wakes those that some command has stopped; whether none is left.
fn reap() -> bool {
    loop {
        let mut status = 0;
        // SAFETY: the status is a valid place. A child that was stopped and not collected has its process id.
        unsafe {
            match libc::waitpid(-1, &raw mut status, libc::WNOHANG | libc::WUNTRACED) {
                0 => return false,
                pid if pid < 0 => return true,
                pid if libc::WIFSTOPPED(status) => libc::kill(pid, libc::SIGCONT),
                _ => 0,
            };
        }
    }
}

/// Takes what orders there are; whether there can be more.
fn take_orders(limits: PreparedLimits) -> bool {
    loop {
        let mut descriptors = [-1; MOST_DESCRIPTORS];
        let count = match receive_descriptors(&mut descriptors) {
            Received::Order(count) => count,
            Received::Nothing => return true,
            Received::End => return false,
        };
        let held = &descriptors[..count.min(MOST_DESCRIPTORS)];
        if let &[leash, block, ref placed @ ..] = held {
            deliver(leash, block, placed, limits);
        }
        for &descriptor in held {
            // SAFETY: the descriptor was just received; the reaper has its own.
            unsafe { libc::close(descriptor) };
        }
    }
}

fn deliver(leash: c_int, block: c_int, placed: &[c_int], limits: PreparedLimits) {
    let pid = fork();
    if pid == 0 {
        supervision::run(&Charge { leash, block, placed, limits });
    }
    if pid < 0 {
        let report = record::refused(Step::Process, -pid);
        // SAFETY: the report is valid for its length.
        unsafe { libc::send(leash, report.as_ptr().cast(), report.len(), libc::MSG_NOSIGNAL) };
    }
}

enum Received {
    Order(usize),
    Nothing,
    End,
}

fn receive_descriptors(into: &mut [RawFd; MOST_DESCRIPTORS]) -> Received {
    let mut byte = [0_u8];
    let mut payload = libc::iovec { iov_base: byte.as_mut_ptr().cast(), iov_len: 1 };
    let mut room = ControlRoom { bytes: [0; 256] };
    let mut message = message(&mut payload, &mut room, size_of::<ControlRoom>());
    // SAFETY: the message points to valid room of the sizes it tells.
    let count =
        unsafe { libc::recvmsg(ORDERS, &raw mut message, libc::MSG_DONTWAIT | libc::MSG_CMSG_CLOEXEC) };
    if count < 0 {
        return Received::Nothing;
    }
    if count == 0 {
        return Received::End;
    }
    // SAFETY: the kernel filled the control room; the header, if any, tells how many descriptors follow it.
    let received = unsafe {
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if header.is_null() || (*header).cmsg_type != libc::SCM_RIGHTS {
            return Received::Order(0);
        }
        let bytes = ((*header).cmsg_len as usize).saturating_sub(libc::CMSG_LEN(0) as usize);
        let count = (bytes / size_of::<RawFd>()).min(MOST_DESCRIPTORS);
        ptr::copy_nonoverlapping(libc::CMSG_DATA(header).cast(), into.as_mut_ptr(), count);
        count
    };
    Received::Order(received)
}
