//! A copied Python environment still names the folder it was installed in: in the first lines of its scripts and in
//! the files by which a package in development is found. Left alone, checks in a sandbox would run the user's code.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Larger files are data, not pointers.
const LARGEST: u64 = 256 << 10;

/// Makes the environment at `folder` name `to` wherever it names `from`. Other folders are left alone.
pub(super) fn relocate(folder: &Path, from: &Path, to: &Path) -> io::Result<()> {
    if !folder.join("pyvenv.cfg").is_file() {
        return Ok(());
    }
    let (from, to) = (from.as_os_str().as_bytes(), to.as_os_str().as_bytes());
    pointers(folder).iter().try_for_each(|file| rewrite(file, from, to))
}

/// The files that may name places.
fn pointers(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.join("pyvenv.cfg")];
    found.extend(files_in(&folder.join("bin")));
    for library in entries(&folder.join("lib")) {
        let packages = files_in(&library.join("site-packages"));
        found.extend(packages.filter(|file| names_a_package(file)));
    }
    found
}

/// `*.pth` and `*.egg-link` hold folders; `__editable__*` finders hold them in code.
fn names_a_package(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    name.ends_with(".pth") || name.ends_with(".egg-link") || name.starts_with("__editable__")
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

fn files_in(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    let is_small_file = |path: &PathBuf| {
        path.symlink_metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() <= LARGEST)
    };
    entries(folder).filter(is_small_file)
}

/// Writes in place, so that the file's mode stays.
fn rewrite(file: &Path, from: &[u8], to: &[u8]) -> io::Result<()> {
    let content = fs::read(file)?;
    let replaced = replace(&content, from, to);
    if replaced == content { Ok(()) } else { fs::write(file, replaced) }
}

/// Replaces whole paths only: `/a/repo` in `/a/repo/src`, not in `/a/repo2`.
fn replace(content: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut replaced = Vec::with_capacity(content.len());
    let mut rest = content;
    while let Some(&first) = rest.first() {
        let ends_there = |next: &u8| !(next.is_ascii_alphanumeric() || b"._-".contains(next));
        match rest.strip_prefix(from) {
            Some(after) if after.first().is_none_or(ends_there) => {
                replaced.extend_from_slice(to);
                rest = after;
            }
            _ => {
                replaced.push(first);
                rest = &rest[1..];
            }
        }
    }
    replaced
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_paths_are_replaced() {
        let cases = [
            ("#!/r/repo/bin/python\n", "#!/w/bin/python\n"),
            ("/r/repo", "/w"),
            ("{'p': '/r/repo'}", "{'p': '/w'}"),
            ("/r/repo2 /r/repo-x /r/repo.git", "/r/repo2 /r/repo-x /r/repo.git"),
            ("nothing", "nothing"),
        ];
        for (content, expected) in cases {
            let replaced = replace(content.as_bytes(), b"/r/repo", b"/w");
            assert_eq!(String::from_utf8(replaced).unwrap(), expected);
        }
    }
}
