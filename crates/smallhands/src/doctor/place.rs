//! The state directory and the disk under it.

use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::statvfs::statvfs;

use super::report::{Area, Finding, Status};

/// Below this, copies of a middle-sized repository may not fit.
const LITTLE_ROOM: u64 = 1 << 30;

const CHOOSE_ANOTHER: &str = "choose another place with --state-dir DIR or SMALLHANDS_STATE_DIR";

/// Whether runs can be kept in the directory, and how much room there is. Creates nothing that stays.
pub fn probe(state_dir: &Path) -> [Finding; 2] {
    [writable(state_dir), room(state_dir)]
}

fn writable(state_dir: &Path) -> Finding {
    let outcome = write_probe(&existing_ancestor(state_dir));
    let shown = state_dir.display();
    match outcome {
        Ok(()) => finding("directory", Status::Ok, shown.to_string(), None),
        Err(reason) => finding(
            "directory",
            Status::Missing,
            format!("{shown} cannot be written: {reason}"),
            Some(CHOOSE_ANOTHER),
        ),
    }
}

/// Tries it: permissions alone do not tell, for root least of all.
fn write_probe(folder: &Path) -> Result<(), String> {
    if !folder.is_dir() {
        return Err(format!("{} is not a folder", folder.display()));
    }
    let probe = folder.join(format!(".smallhands-doctor-{}", std::process::id()));
    fs::write(&probe, b"").and_then(|()| fs::remove_file(&probe)).map_err(|error| error.to_string())
}

/// The nearest folder above that exists already.
fn existing_ancestor(path: &Path) -> PathBuf {
    path.ancestors().find(|ancestor| ancestor.exists()).unwrap_or(Path::new("/")).to_path_buf()
}

fn room(state_dir: &Path) -> Finding {
    let bytes = match statvfs(&existing_ancestor(state_dir)) {
        // The fields have different widths on different systems.
        #[allow(clippy::useless_conversion, clippy::unnecessary_cast)]
        Ok(disk) => u64::from(disk.blocks_available()).saturating_mul(disk.fragment_size() as u64),
        Err(error) => {
            return finding("disk", Status::Warning, format!("free room is unknown: {error}"), None);
        }
    };
    let free = format!("{} MiB free", bytes >> 20);
    if bytes < LITTLE_ROOM {
        finding(
            "disk",
            Status::Warning,
            free,
            Some("free some room: every agent works in a copy of the repository"),
        )
    } else {
        finding("disk", Status::Ok, free, None)
    }
}

fn finding(name: &str, status: Status, detail: String, remedy: Option<&str>) -> Finding {
    let remedy = remedy.map(str::to_owned);
    Finding { area: Area::State, name: name.to_owned(), status, detail, remedy, essential: true }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_can_be_made_is_fine_and_is_not_made() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("deep/down");
        assert_eq!(writable(&state).status, Status::Ok);
        assert!(!folder.path().join("deep").exists());
        assert_eq!(writable(folder.path()).status, Status::Ok);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the probe is removed");
    }

    #[test]
    fn a_place_that_cannot_be_written_comes_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "").unwrap();
        for place in [file.clone(), file.join("below"), PathBuf::from("/proc/nowhere")] {
            if place.starts_with("/proc") && !Path::new("/proc/self").exists() {
                continue;
            }
            let found = writable(&place);
            assert_eq!(found.remedy.as_deref(), Some(CHOOSE_ANOTHER), "{found:?}");
        }
    }

    #[test]
    fn room_is_measured_where_the_directory_will_be() {
        let found = room(Path::new("/no/such/place"));
        assert!(found.detail.ends_with("MiB free"), "{found:?}");
    }
}
