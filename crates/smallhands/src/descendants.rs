//! Kills every process below this one: the last resort when the user does not want to wait for an orderly end.

use std::collections::BTreeSet;
use std::fs;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How often to look again: a process may have forked between the look and the kill.
const ROUNDS: usize = 5;

/// Kills all descendants as far as the system tells them (Linux's `/proc`); elsewhere the next run's clean-up does it.
pub fn kill_all() {
    let own = std::process::id();
    for _ in 0..ROUNDS {
        let below = below(own, &parents());
        if below.is_empty() {
            return;
        }
        for process in below {
            if let Ok(process) = i32::try_from(process) {
                let _ = kill(Pid::from_raw(process), Signal::SIGKILL);
            }
        }
    }
}

/// All living processes as (process, parent).
fn parents() -> Vec<(u32, u32)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    processes
        .filter_map(|process| {
            Some((process, parent_in(&fs::read_to_string(format!("/proc/{process}/stat")).ok()?)?))
        })
        .collect()
}

/// The parent in a line of `/proc/PID/stat`; `None` for a process that is dead already.
fn parent_in(stat: &str) -> Option<u32> {
    // The name in parentheses may itself hold blanks and parentheses.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?;
    if matches!(state, "Z" | "X") { None } else { fields.next()?.parse().ok() }
}

/// Everything below `root`, children before their own children.
fn below(root: u32, parents: &[(u32, u32)]) -> Vec<u32> {
    let mut found = vec![root];
    let mut known = BTreeSet::from([root]);
    let mut next = 0;
    while next < found.len() {
        let children =
            parents.iter().filter(|(_, parent)| *parent == found[next]).map(|(process, _)| *process);
        let new: Vec<_> = children.filter(|process| known.insert(*process)).collect();
        found.extend(new);
        next += 1;
    }
    found.split_off(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_tree_below_is_found_and_nothing_else() {
        let parents = [(2, 1), (3, 2), (4, 3), (5, 1), (6, 2), (7, 7)];
        assert_eq!(below(2, &parents), [3, 6, 4]);
        assert_eq!(below(4, &parents), [0_u32; 0]);
        assert_eq!(below(7, &parents), [0_u32; 0], "a loop ends");
    }

    #[test]
    fn names_of_processes_cannot_confuse() {
        assert_eq!(parent_in("12 (a) b (c)) S 34 12 12 0"), Some(34));
        assert_eq!(parent_in("12 (a) Z 34 12 12 0"), None);
        assert_eq!(parent_in("rubbish"), None);
    }
}
