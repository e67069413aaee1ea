//! Killing a set of processes that may still be growing: find, kill whole process groups, look again, until a look
//! finds nothing. Killing a group is atomic in the kernel, so a fork bomb inside one cannot outrun it.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use super::table::{Process, carries, snapshot};

/// How long a hunt goes on. Only processes stuck in the kernel live through it.
const PATIENCE: Duration = Duration::from_secs(5);

/// Pause between two looks, in which the kernel takes down what was killed.
const PAUSE: Duration = Duration::from_millis(1);

/// Processes that stayed alive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Survivors(pub Vec<i32>);

/// Describes a set of processes: sessions, known processes, marks in the environment with the whole sessions of the
/// marked, and all descendants of those. What the runtime starts always leads a session of its own.
#[derive(Debug, Clone, Default)]
pub struct Hunt {
    sessions: Vec<i32>,
    known: HashSet<(i32, u64)>,
    mark: Option<(&'static str, String)>,
    since: u64,
}

impl Hunt {
    /// Nothing yet; processes that started before `since` (clock ticks after boot) are never looked at.
    pub fn since(since: u64) -> Self {
        // Start times are rounded down by the kernel; one tick of slack keeps the first child in.
        Self { since: since.saturating_sub(1), ..Self::default() }
    }

    /// Adds the members of sessions, named by their leaders.
    pub fn in_sessions(mut self, sessions: impl IntoIterator<Item = i32>) -> Self {
        self.sessions.extend(sessions);
        self
    }

    /// Adds single processes, named by process id and start time.
    pub fn knowing(mut self, processes: impl IntoIterator<Item = (i32, u64)>) -> Self {
        self.known.extend(processes);
        self
    }

    /// Adds the processes that were started with the variable `name` set to `value`.
    pub fn marked(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.mark = Some((name, value.into()));
        self
    }

    /// The living processes of the set, this one and those above it never among them.
    pub fn find(&self) -> Vec<Process> {
        let mut table = snapshot();
        let spared = lineage(&table, own_pid());
        let family = with_descendants(&table, self.roots(&table, &spared));
        table.retain(|process| process.is_alive() && process.started >= self.since);
        table.retain(|process| family.contains(&process.pid) && !is_one_of(&spared, process.pid));
        table
    }

    /// A process that cleaned its environment and was adopted by init still is in the session it was started in.
    fn roots(&self, table: &[Process], spared: &[Process]) -> HashSet<i32> {
        let table = || {
            let hunted = |process: &&Process| process.is_alive() && process.started >= self.since;
            table.iter().filter(hunted).filter(|process| !is_one_of(spared, process.pid))
        };
        let marked = |process: &&Process| {
            self.mark.as_ref().is_some_and(|(name, value)| carries(process.pid, name, value))
        };
        let mut sessions: HashSet<i32> = table().filter(marked).map(|process| process.session).collect();
        sessions.extend(&self.sessions);
        sessions.remove(&own_session());
        sessions.retain(|session| spared.iter().all(|process| process.session != *session));
        // Session 0 is that of everything outside of a process namespace.
        sessions.remove(&0);
        let is_root = |process: &&Process| {
            sessions.contains(&process.session) || self.known.contains(&(process.pid, process.started))
        };
        table().filter(is_root).map(|process| process.pid).collect()
    }

    /// Kills the set and what joins it meanwhile. Returns when nothing is left; takes milliseconds as a rule.
    ///
    /// # Errors
    /// What was still alive after five seconds.
    pub fn kill(&self) -> Result<(), Survivors> {
        let start = Instant::now();
        loop {
            let found = self.find();
            if found.is_empty() {
                return Ok(());
            }
            if start.elapsed() > PATIENCE {
                return Err(Survivors(found.iter().map(|process| process.pid).collect()));
            }
            kill_all(&found);
            std::thread::sleep(PAUSE);
        }
    }
}

/// A process and all above it.
fn lineage(table: &[Process], pid: i32) -> Vec<Process> {
    let mut found: Vec<Process> = Vec::new();
    let mut next = pid;
    while let Some(process) = table.iter().find(|process| process.pid == next)
        && !is_one_of(&found, next)
    {
        next = process.parent;
        found.push(*process);
    }
    found
}

fn is_one_of(processes: &[Process], pid: i32) -> bool {
    processes.iter().any(|process| process.pid == pid)
}

fn own_pid() -> i32 {
    i32::try_from(std::process::id()).unwrap_or(-1)
}

fn own_session() -> i32 {
    // SAFETY: getsid has no memory preconditions; 0 means the calling process.
    unsafe { libc::getsid(0) }
}

fn with_descendants(table: &[Process], mut family: HashSet<i32>) -> HashSet<i32> {
    loop {
        let before = family.len();
        family.extend(
            table
                .iter()
                .filter(|process| family.contains(&process.parent))
                .map(|process| process.pid)
                .collect::<Vec<_>>(),
        );
        if family.len() == before {
            return family;
        }
    }
}

/// Stops all before it kills any: a shell whose command was killed would go on with the next one until its own turn.
fn kill_all(processes: &[Process]) {
    for signal in [libc::SIGSTOP, libc::SIGKILL] {
        send_to_all(processes, signal);
    }
}

fn send_to_all(processes: &[Process], signal: i32) {
    // SAFETY: getpgrp has no preconditions and cannot fail.
    let own_group = unsafe { libc::getpgrp() };
    let groups: HashSet<i32> = processes.iter().map(|process| process.group).collect();
    for group in groups.into_iter().filter(|&group| group > 1 && group != own_group) {
        send(-group, signal);
    }
    processes.iter().for_each(|process| send(process.pid, signal));
}

fn send(target: i32, signal: i32) {
    // SAFETY: kill has no memory preconditions. A target that is gone meanwhile gives an error that means success.
    unsafe { libc::kill(target, signal) };
}

#[cfg(test)]
mod tests {
    use std::process::{Child, Command, Stdio};

    use super::super::table::uptime_ticks;
    use super::*;

    const MARK: &str = "SMALLHANDS_HUNT_TEST";

    fn shell(mark: &str, script: &str) -> Child {
        Command::new("setsid")
            .args(["-w", "sh", "-c", script])
            .env(MARK, mark)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// Waits for the line by which a script says that everything it starts is running.
    fn wait_ready(child: &mut Child) {
        use std::io::{BufRead, BufReader};
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
    }

    #[test]
    fn finds_children_grandchildren_and_daemons_by_their_mark() {
        let mark = format!("a{}", std::process::id());
        let hunt = Hunt::since(uptime_ticks()).marked(MARK, mark.clone());
        let script = "sleep 300 & (setsid sh -c 'sleep 301 & sleep 302' >/dev/null &) ; \
                      (env -i sleep 303 &) ; sh -c 'echo ready; sleep 304'";
        let mut child = shell(&mark, script);
        wait_ready(&mut child);
        assert!(hunt.find().len() >= 4);
        assert_eq!(hunt.kill(), Ok(()));
        assert_eq!(hunt.find(), []);
        child.wait().unwrap();
    }

    #[test]
    fn other_marks_and_older_processes_are_left_alone() {
        let mark = format!("b{}", std::process::id());
        let before = uptime_ticks();
        let mut child = shell(&mark, "echo ready; exec sleep 305");
        wait_ready(&mut child);
        assert_eq!(Hunt::since(before).marked(MARK, "other").find(), []);
        assert_eq!(Hunt::since(uptime_ticks() + 1000).marked(MARK, mark.clone()).find(), []);
        Hunt::since(before).marked(MARK, mark).kill().unwrap();
        child.wait().unwrap();
    }

    #[test]
    fn known_processes_die_with_their_descendants_and_later_namesakes_do_not() {
        let mut child = shell("d", "sleep 306 & sh -c 'echo ready; sleep 307'");
        wait_ready(&mut child);
        let pid = i32::try_from(child.id()).unwrap();
        let started = super::super::table::start_time(pid).unwrap();
        let namesake = Hunt::default().knowing([(pid, started + 1)]);
        assert_eq!(namesake.find(), []);
        let hunt = Hunt::default().knowing([(pid, started)]);
        assert!(hunt.find().len() >= 3);
        hunt.kill().unwrap();
        assert_eq!(hunt.find(), []);
        child.wait().unwrap();
    }

    #[test]
    fn neither_this_process_nor_one_above_it_is_ever_hunted() {
        let table = snapshot();
        let above = lineage(&table, own_pid());
        assert!(above.len() > 1 && above[0].pid == own_pid(), "{above:?}");
        let hunt = Hunt::default().knowing(above.iter().map(|process| (process.pid, process.started)));
        let hunt = hunt.in_sessions(above.iter().map(|process| process.session));
        assert_eq!(hunt.find(), []);
    }

    #[test]
    fn sessions_are_hunted_whatever_their_members_carry() {
        let mut child = shell("e", "(env -i sleep 308 &) ; echo ready; exec sleep 309");
        wait_ready(&mut child);
        // setsid(1) forks when it leads a group already; the session is the one of the shell that wrote.
        let pid = i32::try_from(child.id()).unwrap();
        let table = snapshot();
        let family = with_descendants(&table, HashSet::from([pid]));
        let sessions: HashSet<i32> = table
            .iter()
            .filter(|process| family.contains(&process.pid))
            .map(|process| process.session)
            .collect();
        let ours: Vec<i32> = sessions.into_iter().filter(|&session| session != own_session()).collect();
        let hunt = Hunt::default().in_sessions(ours);
        assert!(!hunt.find().is_empty());
        hunt.kill().unwrap();
        assert_eq!(hunt.find(), []);
        child.wait().unwrap();
    }

    #[test]
    fn a_small_fork_bomb_ends() {
        let mark = format!("c{}", std::process::id());
        let hunt = Hunt::since(uptime_ticks()).marked(MARK, mark.clone());
        let script = "echo ready; grow() { sleep 0.3; grow & grow & wait; }; n=0; \
                      while [ $n -lt 20 ]; do n=$((n+1)); grow & done; wait";
        let mut child = shell(&mark, script);
        wait_ready(&mut child);
        assert_eq!(hunt.kill(), Ok(()));
        assert_eq!(hunt.find(), []);
        child.wait().unwrap();
    }

    #[test]
    fn descent_is_followed_to_the_end() {
        let process =
            |pid, parent| Process { pid, parent, group: pid, session: 1, state: 'S', threads: 1, started: 0 };
        let table = [process(5, 4), process(4, 3), process(3, 2), process(9, 1), process(2, 1)];
        let mut family: Vec<i32> = with_descendants(&table, HashSet::from([3])).into_iter().collect();
        family.sort_unstable();
        assert_eq!(family, [3, 4, 5]);
    }
}
