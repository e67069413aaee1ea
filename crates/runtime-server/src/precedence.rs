//! A server that answers at once although a thousand shells want the processor.
//!
//! Linux shares processors between terminal sessions (sched(7), autogroup), and every shell has one of its own, so that
//! the server would be one in a thousand.

use std::fs;

/// The nice value of the server's session: it counts about nine times as much as a shell.
const NICE: &str = "-10";

/// Asks for precedence over what the server starts. Nothing changes where the right to is missing, nor where others share
/// the session, a user's terminal for example.
pub fn take() {
    if !leads_its_session() {
        return;
    }
    match fs::write("/proc/self/autogroup", NICE) {
        Ok(()) => tracing::debug!("the server goes before the shells"),
        Err(error) => tracing::debug!(%error, "the server is treated like one of the shells"),
    }
}

fn leads_its_session() -> bool {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    session(&stat).is_some_and(|session| session == std::process::id())
}

/// The session in a `stat` line (proc(5)); the name before it may hold anything.
fn session(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_ascii_whitespace().nth(3)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_session_is_read_whatever_the_name() {
        let cases = [
            ("42 (x) S 1 2 3 0", Some(3)),
            ("42 (a) b) S 1 2 3 0", Some(3)),
            ("42 (x) S 1 2", None),
            ("", None),
        ];
        for (stat, expected) in cases {
            assert_eq!(session(stat), expected, "{stat}");
        }
    }
}
