//! Which files of a folder make up the repository: tracked ones and those that are neither tracked nor ignored.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::error::SandboxError;
use crate::git::Git;

/// Left by tools, never part of a repository's meaning, and harmful when stale.
const CACHES: [&str; 6] = ["__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", ".tox"];

/// Folders that builds need and that nobody commits; they are copied beside the tree instead of into it.
pub const DEPENDENCIES: [&str; 4] = ["node_modules", ".venv", "venv", "vendor"];

/// Folders that builds make and that are not copied at all, when they are not tracked.
const OUTPUTS: [&str; 1] = ["target"];

/// Names the ignored files that travel nevertheless, one gitignore pattern per line.
const INCLUDE_FILE: &str = ".worktreeinclude";

/// The files of a repository.
#[derive(Debug, Default)]
pub struct Listing {
    /// Paths relative to the folder; links are not followed.
    pub files: Vec<PathBuf>,
    /// What the user should know.
    pub warnings: Vec<String>,
}

/// Lists the files of `folder`, nested repositories and checked-out submodules included as plain files.
/// `spare` is an empty repository that gives plain folders git's rules about what is ignored.
pub async fn list(folder: &Path, spare: &Path) -> Result<Listing, SandboxError> {
    let mut listing = Listing::default();
    let mut waiting = vec![PathBuf::new()];
    while let Some(prefix) = waiting.pop() {
        for entry in list_one(&folder.join(&prefix), spare).await? {
            let path = prefix.join(&entry);
            match std::fs::symlink_metadata(folder.join(&path)) {
                Err(_) => {}
                Ok(metadata) if metadata.is_dir() => descend(folder, path, &mut waiting, &mut listing),
                Ok(metadata) if metadata.is_symlink() => keep_link(folder, path, &mut listing),
                Ok(metadata) if metadata.is_file() => listing.files.push(path),
                Ok(_) => listing.warnings.push(format!("{} is not a regular file and is left out", path.display())),
            }
        }
    }
    listing.files.sort();
    listing.files.dedup();
    Ok(listing)
}

/// A folder in a listing is another repository: a submodule, or a clone that lies about.
fn descend(folder: &Path, path: PathBuf, waiting: &mut Vec<PathBuf>, listing: &mut Listing) {
    let is_empty = std::fs::read_dir(folder.join(&path)).is_ok_and(|mut entries| entries.next().is_none());
    if is_empty {
        listing.warnings.push(format!(
            "the submodule {} is not checked out and is left out; run `git submodule update --init` if the checks need it",
            path.display()
        ));
    } else {
        waiting.push(path);
    }
}

fn keep_link(folder: &Path, path: PathBuf, listing: &mut Listing) {
    let target = folder.join(&path).canonicalize().ok();
    let root = folder.canonicalize().ok();
    if let (Some(target), Some(root)) = (target, root)
        && !target.starts_with(&root)
    {
        listing.warnings.push(format!(
            "{} is a link to {}, outside of the repository; the copy holds the link, not what it points to",
            path.display(),
            target.display()
        ));
    }
    listing.files.push(path);
}

/// The entries of one repository or plain folder, without what is never wanted.
async fn list_one(folder: &Path, spare: &Path) -> Result<Vec<PathBuf>, SandboxError> {
    let is_repository = is_repository(folder).await;
    let git = |what: &str| {
        let git = Git::new(what, folder);
        if is_repository { git } else { git.repository(spare).work_tree(folder) }
    };
    let tracked = if is_repository { git("list the tracked files").args(["ls-files", "-z", "-c"]).run().await? } else { Vec::new() };
    let others = git("list the untracked files").args(["ls-files", "-z", "-o", "--exclude-standard"]).run().await?;
    let mut entries: Vec<PathBuf> = split(&tracked).collect();
    entries.extend(split(&others).filter(|path| !is_unwanted(path)));
    if folder.join(INCLUDE_FILE).is_file() {
        let exclude = format!("--exclude-from={INCLUDE_FILE}");
        let included = git("list the files to include").args(["ls-files", "-z", "-o", "-i", &exclude]).run().await?;
        entries.extend(split(&included).filter(|path| !is_cache(path)));
    }
    Ok(entries)
}

/// Whether git has an opinion about this folder. One that an outer repository ignores is a plain folder.
async fn is_repository(folder: &Path) -> bool {
    if folder.join(".git").exists() {
        return succeeds(Git::new("look for a repository", folder).args(["rev-parse", "--is-inside-work-tree"])).await;
    }
    succeeds(Git::new("look for a repository", folder).args(["rev-parse", "--is-inside-work-tree"])).await
        && !succeeds(Git::new("ask what is ignored", folder).args(["check-ignore", "-q", "."])).await
}

async fn succeeds(git: Git) -> bool {
    git.output().await.is_ok_and(|output| output.status.success())
}

fn split(bytes: &[u8]) -> impl Iterator<Item = PathBuf> + '_ {
    bytes.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(|path| {
        let path = path.strip_suffix(b"/").unwrap_or(path);
        PathBuf::from(OsStr::from_bytes(path))
    })
}

fn is_cache(path: &Path) -> bool {
    path.components().any(|part| CACHES.iter().any(|cache| part.as_os_str() == *cache))
        || path.extension().is_some_and(|extension| extension == "pyc")
}

fn is_unwanted(path: &Path) -> bool {
    let first = path.components().next().map(|part| part.as_os_str().to_owned()).unwrap_or_default();
    is_cache(path) || DEPENDENCIES.iter().chain(&OUTPUTS).any(|name| first == *name)
}
