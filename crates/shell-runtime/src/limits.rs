//! Resource limits of child processes, set by the child itself between fork and exec.

use std::io;

use serde::{Deserialize, Serialize};

/// What one process may use; `None` leaves the system's own limit. Limits are only ever lowered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Private writable memory of a process, in bytes. Enforced as `RLIMIT_DATA`, not `RLIMIT_AS`: language
    /// runtimes reserve address space by the terabyte that they never touch.
    pub memory_bytes: Option<u64>,
    /// Processes beside those the user already runs. The kernel counts per user, so this is a backstop with
    /// headroom against fork bombs; an exact count is the business of the sandbox.
    pub processes: Option<u64>,
    /// Processor time of a process, in seconds.
    pub cpu_seconds: Option<u64>,
    /// Size of a file that a process writes, in bytes.
    pub file_bytes: Option<u64>,
    /// Open files of a process, as the soft limit only: programs may raise it again. For a parent that raised its own
    /// and does not want to pass that on, because some programs close every possible descriptor one by one.
    pub open_files: Option<u64>,
}

/// Room left for what else the user starts meanwhile, because the kernel counts processes per user.
const PROCESS_HEADROOM: u64 = 2048;

/// Grace between the signal that warns of the end of processor time and the one that kills.
const CPU_GRACE_SECONDS: u64 = 2;

/// How the C library's interface names a resource.
#[cfg(target_env = "gnu")]
type Resource = libc::__rlimit_resource_t;
#[cfg(not(target_env = "gnu"))]
type Resource = libc::c_int;

/// Limits in the form that can be applied after fork: no allocation, only system calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PreparedLimits([Option<(Resource, u64, u64)>; 6]);

impl PreparedLimits {
    /// `user_tasks` is what the user already runs on this machine.
    pub(crate) fn new(limits: &Limits, user_tasks: u64) -> Self {
        let both = |resource, limit: Option<u64>| limit.map(|limit| (resource, limit, limit));
        let processes =
            limits.processes.map(|most| user_tasks.saturating_add(most).saturating_add(PROCESS_HEADROOM));
        Self([
            both(libc::RLIMIT_DATA, limits.memory_bytes),
            both(libc::RLIMIT_NPROC, processes),
            limits.cpu_seconds.map(|most| (libc::RLIMIT_CPU, most, most.saturating_add(CPU_GRACE_SECONDS))),
            both(libc::RLIMIT_FSIZE, limits.file_bytes),
            limits.open_files.map(|soft| (libc::RLIMIT_NOFILE, soft, u64::MAX)),
            both(libc::RLIMIT_CORE, Some(0)),
        ])
    }

    /// Lowers the calling process's limits. Safe to call between fork and exec.
    pub(crate) fn apply(&self) -> io::Result<()> {
        self.0.iter().flatten().try_for_each(|&(resource, soft, hard)| lower(resource, soft, hard))
    }
}

fn lower(resource: Resource, soft: u64, hard: u64) -> io::Result<()> {
    let mut current = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: `current` is a valid rlimit that the call fills; the call is async-signal-safe.
    if unsafe { libc::getrlimit(resource, &raw mut current) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let hard = hard.min(current.rlim_max);
    let wanted = libc::rlimit { rlim_cur: soft.min(hard), rlim_max: hard };
    // SAFETY: `wanted` is a valid rlimit; the call is async-signal-safe.
    match unsafe { libc::setrlimit(resource, &raw const wanted) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_given_is_limited_and_cores_never_are_written() {
        let prepared = PreparedLimits::new(&Limits::default(), 10);
        assert_eq!(prepared.0.iter().flatten().count(), 1);
        let limits = Limits { processes: Some(5), cpu_seconds: Some(3), ..Limits::default() };
        let prepared = PreparedLimits::new(&limits, 10);
        let processes = 10 + 5 + PROCESS_HEADROOM;
        assert_eq!(prepared.0[1], Some((libc::RLIMIT_NPROC, processes, processes)));
        assert_eq!(prepared.0[2], Some((libc::RLIMIT_CPU, 3, 5)));
    }
    /// What a child that applied `limits` sees of a limit: soft and hard.
    fn in_child(limits: &Limits, name: &str) -> (String, String) {
        use std::os::unix::process::CommandExt;
        let prepared = PreparedLimits::new(limits, 0);
        let mut command = std::process::Command::new("cat");
        // SAFETY: applying limits only makes async-signal-safe system calls.
        unsafe { command.arg("/proc/self/limits").pre_exec(move || prepared.apply()) };
        let shown = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let line = shown.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let mut values = line.split_whitespace().map(str::to_owned);
        (values.next().unwrap(), values.next().unwrap())
    }

    #[test]
    fn a_child_lives_under_its_limits() {
        let limits = Limits {
            memory_bytes: Some(100 << 20),
            processes: Some(10),
            cpu_seconds: Some(7),
            file_bytes: Some(4096),
            open_files: Some(99),
        };
        let hard_files = in_child(&Limits::default(), "Max open files").1;
        let cases = [
            ("Max open files", ("99", hard_files.as_str())),
            ("Max data size", ("104857600", "104857600")),
            ("Max processes", ("2058", "2058")),
            ("Max cpu time", ("7", "9")),
            ("Max file size", ("4096", "4096")),
            ("Max core file size", ("0", "0")),
        ];
        for (name, (soft, hard)) in cases {
            assert_eq!(in_child(&limits, name), (soft.to_owned(), hard.to_owned()), "{name}");
        }
    }

    #[test]
    fn limits_are_never_raised() {
        let limits = Limits { file_bytes: Some(u64::MAX), cpu_seconds: Some(u64::MAX), ..Limits::default() };
        assert_eq!(in_child(&limits, "Max file size"), in_child(&Limits::default(), "Max file size"));
    }
}
