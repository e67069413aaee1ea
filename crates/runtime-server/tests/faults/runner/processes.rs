//! What the system knows: processes by their command line or state, and the space that a folder takes.

use std::path::Path;

/// Number of living processes whose command line contains `pattern`.
pub fn running(pattern: &str) -> usize {
    let own = std::process::id();
    let matches = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        *pid != own && String::from_utf8_lossy(&line).replace('\0', " ").contains(pattern)
    };
    all().filter(matches).count()
}

/// Number of children of `parent` in `state`, a letter as in `/proc/PID/stat`.
pub fn children_in_state(parent: u32, state: &str) -> usize {
    let fits = |pid: u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
        Some(fields.next()? == state && fields.next()?.parse() == Ok(parent))
    };
    all().filter(|&pid| fits(pid) == Some(true)).count()
}

fn all() -> impl Iterator<Item = u32> {
    std::fs::read_dir("/proc").unwrap().filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
}

/// Bytes of the files below `folder`.
pub fn bytes_below(folder: &Path) -> u64 {
    let size = |path: &Path| match path.symlink_metadata() {
        Ok(data) if data.is_dir() => bytes_below(path),
        Ok(data) => data.len(),
        Err(_) => 0,
    };
    std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| size(&entry.path())).sum()
}
