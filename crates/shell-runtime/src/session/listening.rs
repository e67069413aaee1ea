//! Whether the foreground of a terminal waits for input. The kernel says in which system call a process sleeps
//! (proc(5): `syscall`); reading, or waiting for something to read, from this terminal is what is looked for.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

use crate::processes::snapshot;

/// First of the major device numbers of pseudo terminals; each stands for 256 of them.
const PTY_MAJOR: u32 = 136;

/// Most threads looked at per process, and most descriptors of one system call.
const MOST_THREADS: usize = 64;
const MOST_DESCRIPTORS: usize = 1024;

/// Whether a process of the foreground group waits for input from `/dev/pts/<terminal>`.
pub(super) async fn waits_for_input(group: i32, terminal: u32) -> bool {
    let looking = tokio::task::spawn_blocking(move || foreground_waits(group, terminal));
    looking.await.unwrap_or(false)
}

fn foreground_waits(group: i32, terminal: u32) -> bool {
    let listens = |pid| threads(pid).into_iter().any(|thread| thread_listens(pid, thread, terminal));
    // The leader is the likely one, and the table need not be read for it.
    listens(group)
        || snapshot()
            .into_iter()
            .filter(|process| process.group == group && process.pid != group && process.state == 'S')
            .any(|process| listens(process.pid) || is_silent_about_it(process.pid))
}

fn threads(pid: i32) -> Vec<i32> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    ids.take(MOST_THREADS).collect()
}

/// A program of another user (`sudo` asking for a password) hides its system calls; then sleeping in the terminal's
/// own wait is evidence enough where the kernel shows it.
fn is_silent_about_it(pid: i32) -> bool {
    let unreadable = fs::read_to_string(format!("/proc/{pid}/syscall")).is_err();
    unreadable
        && fs::read_to_string(format!("/proc/{pid}/wchan"))
            .is_ok_and(|place| matches!(place.as_str(), "n_tty_read" | "wait_woken"))
}

fn thread_listens(pid: i32, thread: i32, terminal: u32) -> bool {
    let Ok(text) = fs::read_to_string(format!("/proc/{pid}/task/{thread}/syscall")) else {
        return is_silent_about_it(pid);
    };
    let Some((number, arguments)) = parse(&text) else { return false };
    awaited(pid, number, arguments).into_iter().any(|fd| is_terminal(pid, fd, terminal))
}

/// `NUMBER ARGUMENT... STACK PROGRAM`, the number in decimal and the others in hexadecimal; `running` otherwise.
fn parse(text: &str) -> Option<(i64, [u64; 6])> {
    let mut words = text.split_ascii_whitespace();
    let number = words.next()?.parse().ok()?;
    let mut arguments = [0; 6];
    for (argument, word) in arguments.iter_mut().zip(words) {
        *argument = u64::from_str_radix(word.strip_prefix("0x")?, 16).ok()?;
    }
    Some((number, arguments))
}

/// The descriptors that a sleeping system call waits to read from.
fn awaited(pid: i32, number: i64, arguments: [u64; 6]) -> Vec<i32> {
    let [first, second, ..] = arguments;
    match number {
        libc::SYS_read | libc::SYS_readv => i32::try_from(first).into_iter().collect(),
        libc::SYS_ppoll => polled(pid, first, second),
        libc::SYS_pselect6 => selected(pid, first, second),
        libc::SYS_epoll_pwait => epolled(pid, first),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_poll => polled(pid, first, second),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_select => selected(pid, first, second),
        #[cfg(target_arch = "x86_64")]
        libc::SYS_epoll_wait => epolled(pid, first),
        _ => Vec::new(),
    }
}

/// The array of `struct pollfd`: descriptor, wanted events, seen events.
fn polled(pid: i32, address: u64, count: u64) -> Vec<i32> {
    let count = usize::try_from(count).unwrap_or(0).min(MOST_DESCRIPTORS);
    let entries = memory(pid, address, 8 * count);
    let readable = |entry: &[u8]| {
        let fd = i32::from_ne_bytes(entry[..4].try_into().ok()?);
        let events = i16::from_ne_bytes(entry[4..6].try_into().ok()?);
        (events & libc::POLLIN != 0).then_some(fd)
    };
    entries.chunks_exact(8).filter_map(readable).collect()
}

/// The bit set of descriptors to read from.
fn selected(pid: i32, count: u64, address: u64) -> Vec<i32> {
    let count = usize::try_from(count).unwrap_or(0).min(MOST_DESCRIPTORS);
    let bits = memory(pid, address, count.div_ceil(64) * 8);
    let is_set = |fd: &usize| bits.get(fd / 8).is_some_and(|byte| byte & (1 << (fd % 8)) != 0);
    (0..count).filter(is_set).filter_map(|fd| i32::try_from(fd).ok()).collect()
}

/// What an epoll descriptor watches: lines `tfd: FD events: MASK ...` (proc(5), `fdinfo`).
fn epolled(pid: i32, epoll: u64) -> Vec<i32> {
    let text = fs::read_to_string(format!("/proc/{pid}/fdinfo/{epoll}")).unwrap_or_default();
    let watched = |line: &str| {
        let mut words = line.strip_prefix("tfd:")?.split_ascii_whitespace();
        let fd = words.next()?.parse().ok()?;
        let events = words.nth(1).and_then(|mask| u32::from_str_radix(mask, 16).ok())?;
        (events & 1 != 0).then_some(fd)
    };
    text.lines().filter_map(watched).collect()
}

/// Memory of another process; nothing when it may not be read.
fn memory(pid: i32, address: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let local = libc::iovec { iov_base: bytes.as_mut_ptr().cast(), iov_len: length };
    let Ok(address) = usize::try_from(address) else { return Vec::new() };
    let remote = libc::iovec { iov_base: address as *mut libc::c_void, iov_len: length };
    // SAFETY: the local vector describes `bytes`; the remote one is an address that the kernel checks.
    let count = unsafe { libc::process_vm_readv(pid, &raw const local, 1, &raw const remote, 1, 0) };
    bytes.truncate(usize::try_from(count).unwrap_or(0));
    bytes
}

/// Whether a process's descriptor is the terminal, by its own name or as the controlling one.
fn is_terminal(pid: i32, fd: i32, terminal: u32) -> bool {
    const CONTROLLING: (u32, u32) = (5, 0);
    let wanted = (PTY_MAJOR + terminal / 256, terminal % 256);
    fs::metadata(format!("/proc/{pid}/fd/{fd}")).is_ok_and(|metadata| {
        let device = (libc::major(metadata.rdev()), libc::minor(metadata.rdev()));
        metadata.file_type().is_char_device() && (device == wanted || device == CONTROLLING)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_calls_are_read_as_the_kernel_writes_them() {
        let line = "0 0x0 0x7ffe5 0x1 0x0 0x0 0x0 0x7ffe4 0x7f11\n";
        assert_eq!(parse(line), Some((0, [0, 0x7ffe5, 1, 0, 0, 0])));
        for other in ["running\n", "", "-1 0x7ffe 0x7f11\n"] {
            assert!(parse(other).is_none_or(|(number, _)| number == -1), "{other}");
        }
    }

    #[test]
    fn sets_of_descriptors_are_read_from_memory() {
        let me = i32::try_from(std::process::id()).unwrap();
        let wanted = |fd, events| libc::pollfd { fd, events, revents: 0 };
        let entries =
            [wanted(0, libc::POLLIN), wanted(1, libc::POLLOUT), wanted(7, libc::POLLIN | libc::POLLOUT)];
        assert_eq!(polled(me, entries.as_ptr() as u64, 3), [0, 7]);
        let bits: [u64; 2] = [0b1001, 1];
        assert_eq!(selected(me, 65, bits.as_ptr() as u64), [0, 3, 64]);
        assert_eq!(selected(me, 64, bits.as_ptr() as u64), [0, 3]);
        assert!(polled(me, 1, 3).is_empty());
    }
}
