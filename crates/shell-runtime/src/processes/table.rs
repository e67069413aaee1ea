//! The process table as `/proc` shows it (proc(5): `stat`, `status`, `environ`).

use std::fs;
use std::os::unix::ffi::OsStrExt;

/// One process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Process {
    /// Process id.
    pub pid: i32,
    /// Process id of the parent.
    pub parent: i32,
    /// Process group.
    pub group: i32,
    /// Session, named by the process id of its leader.
    pub session: i32,
    /// State letter: `R`, `S`, `D`, `T`, `Z`, ...
    pub state: char,
    /// Number of threads.
    pub threads: u64,
    /// Start, in clock ticks after boot; together with the id it names a process for good.
    pub started: u64,
}

impl Process {
    /// Whether it still runs anything: zombies only wait to be collected by their parent.
    pub fn is_alive(&self) -> bool {
        !matches!(self.state, 'Z' | 'X' | 'x')
    }
}

/// Every process that can be seen. Processes that end meanwhile are left out.
pub fn snapshot() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let numbers = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    numbers.filter_map(read).collect()
}

fn read(pid: i32) -> Option<Process> {
    parse_stat(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// `pid (name) state ppid pgrp session ...`: the name may hold anything, so fields are counted from its last `)`.
fn parse_stat(stat: &[u8]) -> Option<Process> {
    let name_start = stat.iter().position(|&byte| byte == b'(')?;
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let pid = std::str::from_utf8(&stat[..name_start]).ok()?.trim().parse().ok()?;
    let fields: Vec<&str> =
        std::str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    let id = |index: usize| fields.get(index)?.parse::<i32>().ok();
    Some(Process {
        pid,
        state: fields.first()?.chars().next()?,
        parent: id(1)?,
        group: id(2)?,
        session: id(3)?,
        threads: number(17)?,
        started: number(19)?,
    })
}

/// When a process started, in clock ticks after boot; `None` when there is no such process.
pub fn start_time(pid: i32) -> Option<u64> {
    read(pid).map(|process| process.started)
}

/// The present in the unit of [`Process::started`].
pub fn uptime_ticks() -> u64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a valid timespec that the call fills; sysconf has no preconditions.
    let per_second = unsafe {
        libc::clock_gettime(libc::CLOCK_BOOTTIME, &raw mut now);
        libc::sysconf(libc::_SC_CLK_TCK)
    };
    let per_second = u64::try_from(per_second).unwrap_or(100).max(1);
    let fraction = u64::try_from(now.tv_nsec).unwrap_or(0) * per_second / 1_000_000_000;
    u64::try_from(now.tv_sec).unwrap_or(0) * per_second + fraction
}

/// Whether a process was started with the variable `name` set to `value`.
pub fn carries(pid: i32, name: &str, value: &str) -> bool {
    variable(pid, name).is_some_and(|found| found == value)
}

/// The value that the variable `name` had when the process was started.
pub fn variable(pid: i32, name: &str) -> Option<String> {
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let value = |entry: &[u8]| Some(entry.strip_prefix(name.as_bytes())?.strip_prefix(b"=")?.to_vec());
    String::from_utf8(environ.split(|&byte| byte == 0).find_map(value)?).ok()
}

/// Memory that only this process accounts for, in bytes: resident anonymous and shared-memory pages, no file pages.
pub fn memory_bytes(pid: i32) -> u64 {
    let Ok(status) = fs::read_to_string(format!("/proc/{pid}/status")) else { return 0 };
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        line.split_ascii_whitespace().next()?.parse::<u64>().ok()
    };
    1024 * (field("RssAnon:").unwrap_or(0) + field("RssShmem:").unwrap_or(0))
}

/// How many tasks (processes and threads) the calling user runs on this machine.
pub fn user_tasks() -> u64 {
    use std::os::unix::fs::MetadataExt;
    // SAFETY: geteuid has no preconditions and cannot fail.
    let user = unsafe { libc::geteuid() };
    let owned = |process: &Process| {
        fs::metadata(std::ffi::OsStr::from_bytes(format!("/proc/{}", process.pid).as_bytes()))
            .is_ok_and(|metadata| metadata.uid() == user)
    };
    snapshot().iter().filter(|process| owned(process)).map(|process| process.threads).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_lines_are_read_whatever_the_name() {
        let rest = "S 10 11 12 34816 11 4194560 1 2 3 4 5 6 7 8 20 0 4 0 98765 1 1";
        for name in ["bash", "a b", "we) ird (", "\u{e9}"] {
            let process = parse_stat(format!("42 ({name}) {rest}\n").as_bytes()).unwrap();
            let expected = Process {
                pid: 42,
                parent: 10,
                group: 11,
                session: 12,
                state: 'S',
                threads: 4,
                started: 98765,
            };
            assert_eq!(process, expected, "{name}");
        }
        for broken in ["", "42", "42 (x", "42 (x) S 1", "x (y) S 1 2 3"] {
            assert_eq!(parse_stat(broken.as_bytes()), None, "{broken}");
        }
        assert!(
            parse_stat(b"7 (\xff\xfe) Z 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 5 0 0")
                .is_some_and(|p| !p.is_alive())
        );
    }

    #[test]
    fn this_process_is_in_the_table() {
        let me = std::process::id() as i32;
        let process = snapshot().into_iter().find(|process| process.pid == me).unwrap();
        assert!(process.is_alive() && process.threads >= 1);
        assert_eq!(start_time(me), Some(process.started));
        assert!(process.started <= uptime_ticks() + 1);
        assert!(memory_bytes(me) > 100_000 && user_tasks() >= 1);
        assert_eq!((start_time(-1), memory_bytes(-1)), (None, 0));
    }
    #[test]
    fn variables_are_those_a_process_was_started_with() {
        let mut child = std::process::Command::new("sleep")
            .arg("310")
            .env_clear()
            .env("NAME", "value=with=signs")
            .env("NAMESAKE", "other")
            .env("EMPTY", "")
            .spawn()
            .unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let cases = [
            ("NAME", Some("value=with=signs")),
            ("NAMESAKE", Some("other")),
            ("EMPTY", Some("")),
            ("NAM", None),
        ];
        for (name, expected) in cases {
            assert_eq!(variable(pid, name).as_deref(), expected, "{name}");
        }
        assert!(carries(pid, "NAME", "value=with=signs") && !carries(pid, "NAME", "value"));
        child.kill().unwrap();
        // Dead and not collected yet: in the table, but no longer alive and without an environment.
        let dead = || {
            snapshot()
                .into_iter()
                .find(|process| process.pid == pid)
                .is_none_or(|process| !process.is_alive())
        };
        while !dead() {
            std::thread::yield_now();
        }
        assert_eq!(variable(pid, "NAME"), None);
        child.wait().unwrap();
        assert_eq!(start_time(pid), None);
    }
}
