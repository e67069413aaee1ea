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
    /// The processes seen last, by id and start: some of them carry no mark.
    seen: Mutex<Vec<(i32, u64)>>,
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

    fn remember(&self, processes: impl Iterator<Item = (i32, u64)>) {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = processes.collect();
    }

    /// Kills what the watchdog saw, beside what the runtime finds by itself. Blocks for milliseconds.
    pub(super) fn kill_seen(&self) {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap_or_else(PoisonError::into_inner));
        if seen.is_empty() {
            return;
        }
        if let Err(survivors) = Hunt::since(self.since).knowing(seen).kill() {
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
            if let Err(error) = self.runtime.kill_now() {
                tracing::warn!(sandbox = self.id, %error, "processes above the limits could not be killed");
            }
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
            members.update(&watched, &snapshot());
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
    processes: HashMap<i32, (u64, String)>,
    sessions: HashMap<i32, String>,
}

impl Members {
    fn update(&mut self, watched: &[Arc<Watched>], table: &[Process]) {
        let ids: HashSet<&str> = watched.iter().map(|sandbox| sandbox.id.as_str()).collect();
        let since = watched.iter().map(|sandbox| sandbox.since).min().unwrap_or(u64::MAX);
        let before = std::mem::take(self);
        // Parents and leaders first: they pass their membership on.
        let mut young: Vec<&Process> =
            table.iter().filter(|process| process.is_alive() && process.started >= since).collect();
        young.sort_by_key(|process| (process.started, process.pid));
        for process in young {
            let belongs = self.heir_of(process).or_else(|| before.heir_of(process));
            let belongs = belongs.or_else(|| variable(process.pid, LEASE_VARIABLE));
            if let Some(id) = belongs.filter(|id| ids.contains(id.as_str())) {
                self.sessions.insert(process.session, id.clone());
                self.processes.insert(process.pid, (process.started, id));
            }
        }
    }

    fn heir_of(&self, process: &Process) -> Option<String> {
        let itself = self.processes.get(&process.pid).filter(|(started, _)| *started == process.started);
        let known = itself.or_else(|| self.processes.get(&process.parent)).map(|(_, id)| id);
        known.or_else(|| self.sessions.get(&process.session)).cloned()
    }

    fn of<'a>(&'a self, id: &'a str) -> impl Iterator<Item = (i32, u64)> + 'a {
        let members = self.processes.iter().filter(move |(_, (_, member_of))| member_of == id);
        members.map(|(&pid, &(started, _))| (pid, started))
    }

    fn usage(&self, id: &str) -> Usage {
        self.of(id).fold(Usage::default(), |usage, (pid, _)| Usage {
            processes: usage.processes + 1,
            memory: usage.memory + memory_bytes(pid),
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
}
