//! Finding files by pattern.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};
use ignore::WalkBuilder;

use crate::files::error::FileError;

/// Paths that match, sorted, and whether there were more.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The paths, relative to where the search began.
    pub paths: Vec<PathBuf>,
    /// The limit was reached.
    pub truncated: bool,
}

/// The files below `root` whose path relative to it matches the glob `pattern` (`*` stays within a directory, `**`
/// does not). What `.gitignore` names and `.git` itself are passed over unless `everything` is wanted.
///
/// # Errors
/// [`FileError::BadPattern`]; [`FileError::System`] when `root` is not a directory.
pub fn glob(root: &Path, pattern: &str, limit: usize, everything: bool) -> Result<Found, FileError> {
    let matcher = matcher(pattern)?;
    let mut found = Found::default();
    for path in files_below(root, everything)? {
        let Ok(relative) = path.strip_prefix(root) else { continue };
        if !matcher.is_match(relative) {
            continue;
        }
        if found.paths.len() == limit {
            found.truncated = true;
            break;
        }
        found.paths.push(relative.to_owned());
    }
    Ok(found)
}

/// A glob as this module reads it.
pub(crate) fn matcher(pattern: &str) -> Result<GlobMatcher, FileError> {
    let bad = |error: globset::Error| FileError::BadPattern {
        pattern: pattern.to_owned(),
        reason: error.kind().to_string(),
    };
    Ok(GlobBuilder::new(pattern).literal_separator(true).build().map_err(bad)?.compile_matcher())
}

/// The regular files below a directory, in the order of their names. What cannot be read is passed over.
pub(crate) fn files_below(
    root: &Path,
    everything: bool,
) -> Result<impl Iterator<Item = PathBuf> + use<>, FileError> {
    std::fs::read_dir(root).map_err(FileError::about(root))?;
    let mut walk = WalkBuilder::new(root);
    walk.standard_filters(!everything).hidden(false).require_git(false).parents(!everything);
    walk.sort_by_file_name(|a, b| a.cmp(b));
    walk.filter_entry(move |entry| everything || entry.depth() == 0 || entry.file_name() != ".git");
    let files = walk.build().filter_map(Result::ok);
    Ok(files
        .filter(|entry| entry.file_type().is_some_and(|kind| kind.is_file()))
        .map(ignore::DirEntry::into_path))
}
