//! Looks at the processes of all sandboxes of a backend a few times a second: kills those of a sandbox that together
//! exceed its limits, and removes a sandbox whose time is over. The kernel's own limits hold for single processes
//! only; this holds for their sum.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use smallhands_shell_runtime::processes::{
    Hunt, LEASE_VARIABLE, Process, memory_bytes, snapshot, uptime_ticks, variable,
};
use smallhands_shell_runtime::{Limits, LocalRuntime};

use super::lease::Lease;
use super::workspace::Workspace;
use crate::backend::LimitHit;

/// Time between two looks.
const INTERVAL: Duration = Duration::from_millis(200);

/// One sandbox as the watchdog sees it.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) runtime: Arc<LocalRuntime>,
    pub(super) workspace: Workspace,
    id: String,
    limits: Limits,
    since: u64,
    expires: Option<Instant>,
    hit: Mutex<Option<LimitHit>>,
    /// The processes seen last: some of them may carry no mark.
    seen: Mutex<Vec<Process>>,
}

impl Watched {
    pub(super) fn new(
        lease: &Lease,
        limits: Limits,
        runtime: Arc<LocalRuntime>,
        workspace: Workspace,
    ) -> Self {
        Self {
            runtime,
            workspace,
            id: lease.id.clone(),
            limits,
            since: uptime_ticks().saturating_sub(1),
            expires: Instant::now().checked_add(lease.ttl()),
            hit: Mutex::default(),
            seen: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<LimitHit>> {
        self.hit.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn limit_hit(&self) -> Option<LimitHit> {
        *self.lock()
    }

    fn remember(&self, processes: impl Iterator<Item = Process>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = processes.collect();
    }

    /// Kills what the watchdog saw and what came of it since, but nothing that was started independently meanwhile.
    /// Blocks for milliseconds.
    pub(super) fn kill_seen(&self) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        if seen.is_empty() {
            return;
        }
        let sessions: Vec<i32> = seen.iter().map(|process| process.session).collect();
        let known = seen.iter().map(|process| (process.pid, process.started));
        if let Err(survivors) = Hunt::since(self.since).knowing(known).in_sessions(sessions).kill() {
            tracing::warn!(sandbox = self.id, ?survivors, "a sandbox leaves processes behind");
        }
    }

    /// Kills and removes everything, as far as that is still there.
    pub(super) fn end(&self) {
        if !self.workspace.is_present() {
            return;
        }
        self.kill_seen();
        if let Err(error) = self.runtime.close_now() {
            tracing::warn!(sandbox = self.id, %error, "a sandbox leaves processes behind");
        }
        if let Err(error) = self.workspace.remove_now() {
            tracing::warn!(sandbox = self.id, %error, "a sandbox stays until the next reconciliation");
        }
    }

    fn judge(&self, usage: Usage) {
        if self.expires.is_some_and(|time| Instant::now() >= time) {
            *self.lock() = Some(LimitHit::TimeToLive);
            self.end();
        } else if let Some(hit) = exceeded(&self.limits, usage) {
            *self.lock() = Some(hit);
            tracing::info!(sandbox = self.id, %hit, "a sandbox exceeds its limits");
            self.kill_seen();
        }
    }
}

/// What the processes of one sandbox use together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Usage {
    processes: u64,
    memory: u64,
}

fn exceeded(limits: &Limits, usage: Usage) -> Option<LimitHit> {
    let memory = limits.memory_bytes.filter(|&limit| usage.memory > limit);
    let processes = limits.processes.filter(|&limit| usage.processes > limit);
    memory
        .map(|limit| LimitHit::Memory { used: usage.memory, limit })
        .or_else(|| processes.map(|limit| LimitHit::Processes { count: usage.processes, limit }))
}

/// The watchdog of a backend. Its thread lives as long as there is something to watch.
#[derive(Debug, Default)]
pub(super) struct Watchdog {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    watched: Vec<Weak<Watched>>,
    running: bool,
}

impl Watchdog {
    pub(super) fn new() -> Arc<Self> {
        Arc::default()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches a sandbox until it is dropped.
    pub(super) fn watch(self: &Arc<Self>, watched: &Arc<Watched>) {
        let mut state = self.lock();
        state.watched.push(Arc::downgrade(watched));
        if state.running {
            return;
        }
        let watchdog = Arc::clone(self);
        let thread =
            std::thread::Builder::new().name("sandbox-watchdog".to_owned()).spawn(move || watchdog.run());
        match thread {
            Ok(_) => state.running = true,
            Err(error) => tracing::warn!(%error, "no watchdog: only the limits of single processes hold"),
        }
    }

    fn run(&self) {
        let mut members = Members::default();
        while let Some(watched) = self.living() {
            let ids = watched.iter().map(|sandbox| sandbox.id.as_str()).collect();
            let since = watched.iter().map(|sandbox| sandbox.since).min().unwrap_or(u64::MAX);
            members.update(&ids, since, &snapshot(), |pid| variable(pid, LEASE_VARIABLE));
            for sandbox in &watched {
                sandbox.remember(members.of(&sandbox.id));
                sandbox.judge(members.usage(&sandbox.id));
            }
            drop(watched);
            std::thread::sleep(INTERVAL);
        }
    }

    /// What there is to watch; `None` ends the thread.
    fn living(&self) -> Option<Vec<Arc<Watched>>> {
        let mut state = self.lock();
        state.watched.retain(|watched| watched.strong_count() > 0);
        state.running = !state.watched.is_empty();
        state.running.then(|| state.watched.iter().filter_map(Weak::upgrade).collect())
    }
}

/// Which process belongs to which sandbox. Once a member always a member, and so are a member's children and the
/// others of its session: a process cannot leave by cleaning its environment.
#[derive(Debug, Default)]
struct Members {
    processes: HashMap<i32, (Process, String)>,
    sessions: HashMap<i32, String>,
}

impl Members {
    /// Looks at a process table again. `mark` tells the sandbox named in a process's environment.
    fn update(
        &mut self,
        ids: &HashSet<&str>,
        since: u64,
        table: &[Process],
        mark: impl Fn(i32) -> Option<String>,
    ) {
        let before = std::mem::take(self);
        // Parents and leaders first: they pass their membership on.
        let mut young: Vec<&Process> =
            table.iter().filter(|process| process.is_alive() && process.started >= since).collect();
        young.sort_by_key(|process| (process.started, process.pid));
        for process in young {
            let belongs = self.heir_of(process).or_else(|| before.heir_of(process));
            let belongs = belongs.or_else(|| mark(process.pid));
            if let Some(id) = belongs.filter(|id| ids.contains(id.as_str())) {
                self.sessions.insert(process.session, id.clone());
                self.processes.insert(process.pid, (*process, id));
            }
        }
    }

    fn heir_of(&self, process: &Process) -> Option<String> {
        let itself = self.processes.get(&process.pid).filter(|(known, _)| known.started == process.started);
        let known = itself.or_else(|| self.processes.get(&process.parent)).map(|(_, id)| id);
        known.or_else(|| self.sessions.get(&process.session)).cloned()
    }

    fn of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = Process> + 'a {
        self.processes.values().filter(move |(_, member_of)| member_of == id).map(|(process, _)| *process)
    }

    fn usage(&self, id: &str) -> Usage {
        self.of(id).fold(Usage::default(), |usage, process| Usage {
            processes: usage.processes + 1,
            memory: usage.memory + memory_bytes(process.pid),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_compared_with_the_limits() {
        let limits = Limits { memory_bytes: Some(100), processes: Some(3), ..Limits::default() };
        let usage = |processes, memory| Usage { processes, memory };
        let cases = [
            (limits, usage(3, 100), None),
            (limits, usage(4, 100), Some(LimitHit::Processes { count: 4, limit: 3 })),
            (limits, usage(4, 101), Some(LimitHit::Memory { used: 101, limit: 100 })),
            (Limits::default(), usage(1 << 20, 1 << 50), None),
        ];
        for (limits, usage, expected) in cases {
            assert_eq!(exceeded(&limits, usage), expected, "{usage:?}");
        }
    }

    fn process(pid: i32, parent: i32, session: i32, started: u64) -> Process {
        Process { pid, parent, group: pid, session, state: 'S', threads: 1, started }
    }

    /// The members of sandbox `a` after looking at these tables, where process 10 and 90 carry marks.
    fn members(looks: &[&[Process]]) -> Vec<i32> {
        let mark = |pid| match pid {
            10 => Some("a".to_owned()),
            90 => Some("gone".to_owned()),
            _ => None,
        };
        let mut members = Members::default();
        for table in looks {
            members.update(&HashSet::from(["a", "b"]), 100, table, mark);
        }
        let mut found: Vec<i32> = members.of("a").map(|process| process.pid).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn membership_is_inherited_and_kept() {
        let marked = process(10, 1, 10, 100);
        type Case<'a> = (&'a str, &'a [&'a [Process]], &'a [i32]);
        let cases: &[Case<'_>] = &[
            ("by mark", &[&[marked, process(11, 1, 11, 100)]], &[10]),
            ("by descent", &[&[process(12, 11, 12, 102), process(11, 10, 11, 101), marked]], &[10, 11, 12]),
            ("by session", &[&[marked, process(20, 1, 10, 105)]], &[10, 20]),
            (
                "after its parent died",
                &[&[marked, process(11, 10, 11, 101)], &[process(11, 1, 11, 101)]],
                &[11],
            ),
            ("after its leader died", &[&[marked], &[process(30, 1, 10, 110)]], &[30]),
            ("not of another sandbox", &[&[process(90, 1, 90, 100)]], &[]),
            ("not older than all sandboxes", &[&[process(10, 1, 10, 99)]], &[]),
            (
                "not by a number used again",
                &[&[process(11, 10, 11, 101), marked], &[process(11, 1, 77, 500)]],
                &[],
            ),
        ];
        for (case, looks, expected) in cases {
            assert_eq!(members(looks), *expected, "{case}");
        }
    }

    #[test]
    fn the_thread_ends_when_there_is_nothing_to_watch() {
        let watchdog = Watchdog::new();
        assert!(watchdog.living().is_none());
        assert!(!watchdog.lock().running);
    }
}
