//! Searching the content of files.

use std::io::Read;
use std::path::{Path, PathBuf};

use regex::bytes::Regex;

use crate::files::access::open;
use crate::files::error::FileError;
use crate::files::find::{files_below, matcher};

/// Files beyond this are passed over and counted.
const LARGEST_FILE: u64 = 32 << 20;

/// Longest piece of a line that is shown, in bytes.
const LONGEST_LINE: usize = 2000;

/// A file with a NUL within so many bytes is no text.
const LOOKED_AT: usize = 8 << 10;

/// What to search for.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// A regular expression.
    pub pattern: String,
    /// Only files whose relative path matches this glob.
    pub glob: Option<String>,
    /// Most matching lines.
    pub limit: usize,
    /// Lines shown before and after each.
    pub context: usize,
    /// Also what `.gitignore` names, and `.git`.
    pub everything: bool,
}

/// A line that matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// The file, relative to where the search began.
    pub path: PathBuf,
    /// The line's number, from 1.
    pub line: usize,
    /// The line, shortened.
    pub text: String,
    /// The lines before it.
    pub before: Vec<String>,
    /// The lines after it.
    pub after: Vec<String>,
}

/// What a search found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hits {
    /// The matching lines, by file and line.
    pub hits: Vec<Hit>,
    /// The limit was reached.
    pub truncated: bool,
    /// Files too large to be searched.
    pub skipped: usize,
}

/// Searches the text files below `root`, line by line.
///
/// # Errors
/// [`FileError::BadPattern`]; [`FileError::System`] when `root` is not a directory.
pub fn search(root: &Path, wanted: &Search) -> Result<Hits, FileError> {
    let bad = |error: regex::Error| FileError::BadPattern {
        pattern: wanted.pattern.clone(),
        reason: error.to_string(),
    };
    let pattern = Regex::new(&wanted.pattern).map_err(bad)?;
    let only = wanted.glob.as_deref().map(matcher).transpose()?;
    let mut hits = Hits::default();
    let mut content = Vec::new();
    for path in files_below(root, wanted.everything)? {
        let relative = path.strip_prefix(root).unwrap_or(&path);
        if only.as_ref().is_some_and(|only| !only.is_match(relative)) {
            continue;
        }
        if !read(&path, &mut content) {
            hits.skipped += usize::from(path.metadata().is_ok_and(|m| m.len() > LARGEST_FILE));
            continue;
        }
        if !search_file(relative, &content, &pattern, wanted, &mut hits) {
            hits.truncated = true;
            break;
        }
    }
    Ok(hits)
}

/// Reads a text file of bearable size; answers false for anything else.
fn read(path: &Path, content: &mut Vec<u8>) -> bool {
    content.clear();
    let Ok((file, length)) = open(path) else { return false };
    if length > LARGEST_FILE || file.take(LARGEST_FILE).read_to_end(content).is_err() {
        return false;
    }
    !content[..content.len().min(LOOKED_AT)].contains(&0)
}

/// Answers false when the limit is reached.
fn search_file(path: &Path, content: &[u8], pattern: &Regex, wanted: &Search, hits: &mut Hits) -> bool {
    // The list of lines is made for the first match only: most files have none.
    let mut lines: Option<Vec<&[u8]>> = None;
    for (index, line) in content.split(|&byte| byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let behind_the_end = line.is_empty() && content.len() == offset_in(content, line);
        if behind_the_end || !pattern.is_match(line) {
            continue;
        }
        if hits.hits.len() == wanted.limit {
            return false;
        }
        let lines = lines.get_or_insert_with(|| content.split(|&byte| byte == b'\n').collect());
        let around = |from: usize, to: usize| {
            lines.get(from..to.min(lines.len())).unwrap_or_default().iter().map(|line| shown(line)).collect()
        };
        hits.hits.push(Hit {
            path: path.to_owned(),
            line: index + 1,
            text: shown(line),
            before: around(index.saturating_sub(wanted.context), index),
            after: around(index + 1, index + 1 + wanted.context),
        });
    }
    true
}

fn offset_in(content: &[u8], line: &[u8]) -> usize {
    line.as_ptr() as usize - content.as_ptr() as usize
}

fn shown(line: &[u8]) -> String {
    String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]).into_owned()
}
