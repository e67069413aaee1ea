//! Finding and killing everything below a reaper, without allocating. Whatever loses its parent becomes a child of
//! the reaper, so a look that finds no child is the end, and the kernel is who says so (`ECHILD`).

use std::ffi::{CStr, c_int};
use std::ptr;

/// Most processes that one look takes in; the next takes in the others.
const MOST: usize = 1 << 16;

/// Bytes of directory read at a time.
const LISTING: usize = 32 << 10;

/// How many looks only ask for the reaper's own children, where the kernel can tell those.
const NARROW_LOOKS: u32 = 8;

/// One process as a look sees it.
#[derive(Clone, Copy)]
struct Seen {
    pid: c_int,
    parent: c_int,
    group: c_int,
    hunted: bool,
}

/// The state of killing.
#[derive(Default)]
pub(super) struct Hunted {
    looks: u32,
}

impl Hunted {
    /// Kills the process group of the command, which as a rule is everything.
    pub(super) fn kill_group(&mut self, command: c_int) {
        if command > 1 {
            // SAFETY: kill has no memory preconditions. The command leads its group and was not collected yet.
            unsafe {
                libc::kill(-command, libc::SIGSTOP);
                libc::kill(-command, libc::SIGKILL);
            }
        }
    }

    /// Looks for everything below this process and kills it. All are stopped before any is killed: a shell whose
    /// command was killed would go on with the next one until its own turn.
    pub(super) fn kill_all(&mut self) {
        self.looks += 1;
        let Some(mut table) = Table::new() else { return };
        // SAFETY: getpid and getpgrp cannot fail.
        let (me, own_group) = unsafe { (libc::getpid(), libc::getpgrp()) };
        if self.looks > NARROW_LOOKS || !table.read_children(me) {
            table.read_all();
        }
        let found = table.mark_descendants(me);
        for signal in [libc::SIGSTOP, libc::SIGKILL] {
            for process in found.iter().filter(|process| process.hunted) {
                send(process, own_group, signal);
            }
        }
    }
}

fn send(process: &Seen, own_group: c_int, signal: c_int) {
    // SAFETY: kill has no memory preconditions. Groups never cross sessions, and commands begin with a session of
    // their own, so that a descendant's group holds descendants; before that, it is in the reapers' common group.
    unsafe {
        if process.group > 1 && process.group != own_group {
            libc::kill(-process.group, signal);
        }
        libc::kill(process.pid, signal);
    }
}

/// Room for one look; the kernel provides only what is used of it.
struct Table {
    room: *mut Seen,
    length: usize,
}

impl Table {
    fn new() -> Option<Self> {
        let (access, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
        // SAFETY: the kernel chooses the place; nothing that exists is touched.
        let room = unsafe { libc::mmap(ptr::null_mut(), MOST * size_of::<Seen>(), access, flags, -1, 0) };
        (room != libc::MAP_FAILED).then_some(Self { room: room.cast(), length: 0 })
    }

    fn processes(&mut self) -> &mut [Seen] {
        // SAFETY: the first `length` places were filled.
        unsafe { std::slice::from_raw_parts_mut(self.room, self.length) }
    }

    fn push(&mut self, process: Seen) {
        if self.length < MOST {
            // SAFETY: the place is within the mapping.
            unsafe { self.room.add(self.length).write(process) };
            self.length += 1;
        }
    }

    /// Everything that can be seen in `/proc`.
    fn read_all(&mut self) {
        // SAFETY: the path is a C string.
        let proc = unsafe { libc::open(c"/proc".as_ptr(), libc::O_RDONLY | libc::O_DIRECTORY) };
        if proc < 0 {
            return;
        }
        let mut listing = Listing([0; LISTING]);
        loop {
            // SAFETY: the buffer is valid for its length.
            let count = unsafe { libc::syscall(libc::SYS_getdents64, proc, listing.0.as_mut_ptr(), LISTING) };
            let Ok(count @ 1..) = usize::try_from(count) else { break };
            listing.each_number(count, |pid| self.read(proc, pid));
        }
        // SAFETY: the descriptor was just opened.
        unsafe { libc::close(proc) };
    }

    fn read(&mut self, proc: c_int, pid: c_int) {
        let mut path = [0; 32];
        let Some(path) = stat_path(pid, &mut path) else { return };
        let mut stat = [0_u8; 512];
        let Some(length) = read_file(proc, path, &mut stat) else { return };
        if let Some((parent, group)) = stat.get(..length).and_then(parent_and_group) {
            self.push(Seen { pid, parent, group, hunted: false });
        }
    }

    /// The reaper's own children, where the kernel was built to list them; whether it was.
    fn read_children(&mut self, me: c_int) -> bool {
        let mut list = [0_u8; 4096];
        let path = c"/proc/thread-self/children";
        let Some(length) = read_file(libc::AT_FDCWD, path, &mut list) else { return false };
        // A number at the end of a full list may be cut; the next look has it.
        let whole = list[..length].iter().rposition(|&byte| byte == b' ').unwrap_or(0);
        for number in list[..whole].split(|&byte| byte == b' ') {
            if let Some(pid) = parse(number) {
                // SAFETY: getpgid has no memory preconditions. A child that was not collected has its group.
                let group = unsafe { libc::getpgid(pid) };
                self.push(Seen { pid, parent: me, group, hunted: false });
            }
        }
        true
    }

    /// The listing is in the order of numbers, so a parent is found quickly; and mostly it comes before its children,
    /// so that few rounds are needed.
    fn mark_descendants(&mut self, me: c_int) -> &[Seen] {
        let processes = self.processes();
        loop {
            let mut more = false;
            for index in 0..processes.len() {
                let Some(&Seen { parent, hunted: false, .. }) = processes.get(index) else { continue };
                let place = processes.binary_search_by_key(&parent, |other| other.pid).ok();
                let hunted_parent = place.and_then(|place| processes.get(place)).is_some_and(|it| it.hunted);
                if let Some(process) = processes.get_mut(index).filter(|_| parent == me || hunted_parent) {
                    (process.hunted, more) = (true, true);
                }
            }
            if !more {
                return processes;
            }
        }
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        // SAFETY: the mapping is this one's own.
        unsafe { libc::munmap(self.room.cast(), MOST * size_of::<Seen>()) };
    }
}

/// Directory entries as getdents64(2) gives them.
#[repr(align(8))]
struct Listing([u8; LISTING]);

/// Where the length and the name of an entry are.
const ENTRY_LENGTH: usize = 16;
const ENTRY_NAME: usize = 19;

impl Listing {
    fn each_number(&self, length: usize, mut take: impl FnMut(c_int)) {
        let mut rest = self.0.get(..length).unwrap_or(&[]);
        while let (Some(&low), Some(&high)) = (rest.get(ENTRY_LENGTH), rest.get(ENTRY_LENGTH + 1)) {
            let size = usize::from(u16::from_ne_bytes([low, high]));
            let name = rest.get(ENTRY_NAME..size).unwrap_or(&[]);
            let end = name.iter().position(|&byte| byte == 0).unwrap_or(name.len());
            if let Some(pid) = parse(&name[..end]) {
                take(pid);
            }
            rest = rest.get(size.max(1)..).unwrap_or(&[]);
        }
    }
}

fn parse(digits: &[u8]) -> Option<c_int> {
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_i32, |number, &byte| {
        let digit = byte.is_ascii_digit().then(|| c_int::from(byte - b'0'))?;
        number.checked_mul(10)?.checked_add(digit)
    })
}

/// `<pid>/stat` as a C string.
fn stat_path(pid: c_int, room: &mut [u8; 32]) -> Option<&CStr> {
    let end = b"/stat\0";
    let mut start = room.len() - end.len();
    room.get_mut(start..)?.copy_from_slice(end);
    let mut rest = pid.unsigned_abs();
    while rest > 0 {
        start -= 1;
        *room.get_mut(start)? = b'0' + u8::try_from(rest % 10).ok()?;
        rest /= 10;
    }
    CStr::from_bytes_with_nul(room.get(start..)?).ok()
}

/// The fields after state in a `stat` line (proc(5)); the name before them may hold anything.
fn parent_and_group(stat: &[u8]) -> Option<(c_int, c_int)> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let mut fields = stat.get(name_end + 2..)?.split(|&byte| byte == b' ').skip(1);
    Some((parse(fields.next()?)?, parse(fields.next()?)?))
}

fn read_file(folder: c_int, path: &CStr, into: &mut [u8]) -> Option<usize> {
    // SAFETY: the path is a C string, the buffer valid for its length, the descriptor this function's own.
    unsafe {
        let file = libc::openat(folder, path.as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
        if file < 0 {
            return None;
        }
        let count = libc::read(file, into.as_mut_ptr().cast(), into.len());
        libc::close(file);
        usize::try_from(count).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_nothing_else_are_process_ids() {
        let cases: [(&[u8], Option<c_int>); 6] = [
            (b"1", Some(1)),
            (b"32768", Some(32768)),
            (b"", None),
            (b"self", None),
            (b"12a", None),
            (b"99999999999", None),
        ];
        for (digits, expected) in cases {
            assert_eq!(parse(digits), expected, "{digits:?}");
        }
        assert_eq!(stat_path(4711, &mut [0; 32]), Some(c"4711/stat"));
        assert_eq!(stat_path(1, &mut [0; 32]), Some(c"1/stat"));
    }

    #[test]
    fn parents_and_groups_are_read_whatever_the_name() {
        for name in ["bash", "a b", "we) ird (", ") S 1 2 3"] {
            let line = format!("42 ({name}) S 10 11 12 34816 11 4194560 1 2 3\n");
            assert_eq!(parent_and_group(line.as_bytes()), Some((10, 11)), "{name}");
        }
        for broken in ["", "42", "42 (x)", "42 (x) S 1", "42 (x) S a b c"] {
            assert_eq!(parent_and_group(broken.as_bytes()), None, "{broken}");
        }
    }

    #[test]
    fn descent_is_followed_to_the_end() {
        let mut table = Table::new().unwrap();
        for (pid, parent) in [(1, 0), (2, 1), (3, 9), (4, 3), (5, 4), (6, 2), (9, 2)] {
            table.push(Seen { pid, parent, group: pid, hunted: false });
        }
        let marked = table.mark_descendants(2).iter().filter(|process| process.hunted);
        assert_eq!(marked.map(|process| process.pid).collect::<Vec<_>>(), [3, 4, 5, 6, 9]);
    }

    #[test]
    fn a_look_finds_the_children_of_this_process() {
        let mut child = std::process::Command::new("sleep").arg("311").spawn().unwrap();
        let pid = c_int::try_from(child.id()).unwrap();
        let mut table = Table::new().unwrap();
        table.read_all();
        let marked = table.mark_descendants(c_int::try_from(std::process::id()).unwrap());
        assert!(marked.iter().any(|process| process.hunted && process.pid == pid));
        assert!(marked.is_sorted_by_key(|process| process.pid));
        child.kill().unwrap();
        child.wait().unwrap();
    }
}
