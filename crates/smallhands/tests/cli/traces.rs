//! What a run may leave behind, and what not: processes and sandboxes must be gone.

use std::fs;
use std::time::{Duration, Instant};

use super::harness::Account;

/// A killed process may need a moment to disappear; a bound, not a measure.
const PATIENCE: Duration = Duration::from_secs(20);

/// Fails when a process of this account lives on, or a sandbox is left.
#[track_caller]
pub fn assert_nothing_left(account: &Account) {
    let deadline = Instant::now() + PATIENCE;
    let mut processes = living(account);
    while !processes.is_empty() && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(20));
        processes = living(account);
    }
    assert!(processes.is_empty(), "still alive: {processes:?}");
    assert_eq!(sandboxes(account), Vec::<String>::new(), "sandboxes are left");
}

/// Names in the folder of sandboxes.
pub fn sandboxes(account: &Account) -> Vec<String> {
    let entries = fs::read_dir(account.state().join("sandboxes")).into_iter().flatten().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}

/// Processes whose home is the account's: everything a run starts inherits it. Empty where there is no `/proc`.
fn living(account: &Account) -> Vec<String> {
    let home = format!("HOME={}", account.home().display());
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            let environment = fs::read(entry.path().join("environ")).ok()?;
            let ours = environment.split(|&byte| byte == 0).any(|variable| variable == home.as_bytes());
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            ours.then(|| {
                format!("{} {}", entry.file_name().to_string_lossy(), String::from_utf8_lossy(&command))
            })
        })
        .collect()
}
