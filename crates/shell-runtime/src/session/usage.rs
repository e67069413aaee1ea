//! What a command in a session used, as `/proc` shows it of the shell and its processes (proc(5): `stat`, `io`).

use std::fs;

use crate::processes::{memory_bytes, snapshot};
use crate::protocol::Usage;

/// Measures one command. Processor time has the resolution of the kernel's clock ticks (10 ms as a rule) and includes
/// what the shell has waited for, so not background jobs; memory is sampled.
#[derive(Debug)]
pub(super) struct Meter {
    shell: i32,
    before: Option<Counters>,
    peak: u64,
}

/// What a process and the children it waited for used since their start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counters {
    ticks: u64,
    read_bytes: u64,
    written_bytes: u64,
}

impl Meter {
    pub(super) fn start(shell: i32) -> Self {
        Self { shell, before: counters(shell), peak: memory_bytes(shell) }
    }

    /// Looks at the memory that the session's processes have now.
    pub(super) async fn sample(&mut self) {
        let shell = self.shell;
        let looking = tokio::task::spawn_blocking(move || {
            let processes = snapshot().into_iter().filter(|process| process.session == shell);
            processes.map(|process| memory_bytes(process.pid)).sum()
        });
        self.peak = self.peak.max(looking.await.unwrap_or(0));
    }

    /// `None` when the shell is gone, or `/proc` cannot be read.
    pub(super) fn finish(self) -> Option<Usage> {
        let (before, after) = (self.before?, counters(self.shell)?);
        Some(Usage {
            cpu_seconds: after.ticks.saturating_sub(before.ticks) as f64 / ticks_per_second(),
            peak_memory_bytes: self.peak.max(memory_bytes(self.shell)),
            read_bytes: after.read_bytes.saturating_sub(before.read_bytes),
            written_bytes: after.written_bytes.saturating_sub(before.written_bytes),
        })
    }
}

fn counters(pid: i32) -> Option<Counters> {
    let ticks = ticks(&fs::read(format!("/proc/{pid}/stat")).ok()?)?;
    let io = fs::read_to_string(format!("/proc/{pid}/io")).unwrap_or_default();
    Some(Counters {
        ticks,
        read_bytes: field(&io, "read_bytes: "),
        written_bytes: field(&io, "write_bytes: "),
    })
}

/// `utime`, `stime`, `cutime` and `cstime`. The name in front of them may hold anything but comes to an end with `)`.
fn ticks(stat: &[u8]) -> Option<u64> {
    let name_end = stat.iter().rposition(|&byte| byte == b')')?;
    let fields = std::str::from_utf8(&stat[name_end + 1..]).ok()?.split_ascii_whitespace();
    let times: Vec<u64> = fields.skip(11).take(4).map_while(|field| field.parse().ok()).collect();
    (times.len() == 4).then(|| times.iter().sum())
}

fn field(text: &str, name: &str) -> u64 {
    text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok()).unwrap_or(0)
}

fn ticks_per_second() -> f64 {
    // SAFETY: sysconf has no preconditions.
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    if ticks > 0 { ticks as f64 } else { 100.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_found_behind_any_name() {
        let rest = "S 10 11 12 34816 11 4194560 1 2 3 4 50 6 700 8000 20 0 4 0 98765 1 1";
        for name in ["bash", "a) b (", "\u{e9}"] {
            assert_eq!(ticks(format!("42 ({name}) {rest}").as_bytes()), Some(8756), "{name}");
        }
        assert_eq!((ticks(b"42 (x) S 1 2"), ticks(b"")), (None, None));
        assert_eq!(field("rchar: 1\nread_bytes: 4096\n", "read_bytes: "), 4096);
        assert_eq!(field("", "read_bytes: "), 0);
    }

    #[tokio::test]
    async fn a_process_is_measured_while_it_lives() {
        let mut meter = Meter::start(i32::try_from(std::process::id()).unwrap());
        meter.sample().await;
        let usage = meter.finish().unwrap();
        assert!(usage.peak_memory_bytes > 100_000 && usage.cpu_seconds >= 0.0);
        assert_eq!(Meter::start(-1).finish(), None);
    }
}
