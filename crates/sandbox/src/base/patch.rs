//! Patches: as text that is always valid UTF-8, and applied to a commit without any working tree.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Base;
use crate::error::SandboxError;
use crate::git::{Git, first_line, records};
use crate::tree::{BadTreeId, TreeId};

/// What every patch is made with: complete, applicable anywhere, independent of configuration.
const DIFF_OPTIONS: [&str; 9] = [
    "--binary",
    "--full-index",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-renames",
    "--ignore-submodules=all",
    "--src-prefix=a/",
    "--dst-prefix=b/",
];

impl Base {
    /// Applies a git patch to the commit `on`, merging three ways where lines have moved, and answers with the new
    /// commit. A blank patch changes nothing and answers with `on`.
    ///
    /// # Errors
    /// [`SandboxError::Conflict`] with the files that do not fit, [`SandboxError::InvalidPatch`].
    pub async fn commit_patch(
        &self,
        on: &TreeId,
        patch: &str,
        message: &str,
    ) -> Result<TreeId, SandboxError> {
        if patch.trim().is_empty() {
            return Ok(on.clone());
        }
        let index = TemporaryIndex::new(self);
        let git = self.git().with_index(&index.0);
        git.run("read the commit", &["read-tree", on.as_str()]).await?;
        apply(&git, patch).await?;
        let tree = git.run("write the tree", &["write-tree"]).await?;
        let args = ["commit-tree", &first_line(&tree), "-p", on.as_str(), "-F", "-"];
        let made = git.run_with_input("make the commit", &args, message.as_bytes()).await?;
        first_line(&made).parse().map_err(|error: BadTreeId| SandboxError::GitFailed {
            what: "make the commit",
            stderr: error.to_string(),
        })
    }
}

/// An index that is gone with this value.
struct TemporaryIndex(PathBuf);

impl TemporaryIndex {
    fn new(base: &Base) -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        Self(base.dir().join(format!("index-{}-{number}", std::process::id())))
    }
}

impl Drop for TemporaryIndex {
    fn drop(&mut self) {
        // It was never made when reading the commit failed.
        std::fs::remove_file(&self.0).ok();
    }
}

async fn apply(git: &Git, patch: &str) -> Result<(), SandboxError> {
    const WHAT: &str = "apply the patch";
    let args = ["apply", "--cached", "--3way", "--whitespace=nowarn", "-"];
    let applied = git.try_run(WHAT, &args, patch.as_bytes()).await?;
    if applied.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&applied.stderr).into_owned();
    let unmerged =
        git.run("list the conflicts", &["diff", "--cached", "--name-only", "-z", "--diff-filter=U"]).await?;
    let mut files: BTreeSet<String> =
        records(&unmerged).map(|path| String::from_utf8_lossy(path).into_owned()).collect();
    files.extend(refused_files(&said));
    if !files.is_empty() {
        return Err(SandboxError::Conflict { files: files.into_iter().collect() });
    }
    if [
        "corrupt patch",
        "No valid patches",
        "unrecognized input",
        "patch with only garbage",
        "fragment without header",
    ]
    .iter()
    .any(|sign| said.contains(sign))
    {
        return Err(SandboxError::InvalidPatch { reason: said.trim().to_owned() });
    }
    Err(SandboxError::git(WHAT, &PathBuf::from("the base"), &applied.stderr))
}

/// The files in git's complaints: `error: FILE: does not exist in index`, `error: patch failed: FILE:LINE`.
fn refused_files(said: &str) -> Vec<String> {
    const ENDS: [&str; 6] = [
        ": patch does not apply",
        ": does not exist in index",
        ": already exists in index",
        ": does not match index",
        ": wrong type",
        ": already exists in working directory",
    ];
    let complaints = said.lines().filter_map(|line| line.strip_prefix("error: "));
    let named = complaints.filter_map(|line| match line.strip_prefix("patch failed: ") {
        Some(place) => place.rsplit_once(':').map(|(file, _)| file),
        None => ENDS.iter().find_map(|end| line.strip_suffix(end)),
    });
    named.map(str::to_owned).collect()
}

/// Runs a diff and answers with a patch that is valid UTF-8: a file whose text is not becomes a binary patch.
pub(crate) async fn patch_text(git: &Git, diff: &[&str]) -> Result<String, SandboxError> {
    const WHAT: &str = "make a patch";
    let run = async |settings: &[&str], options: &[&str], paths: &[&str]| {
        let args = [settings, diff, &DIFF_OPTIONS, options, &["--"], paths].concat();
        git.run(WHAT, &args).await
    };
    let patch = match String::from_utf8(run(&[], &[], &[]).await?) {
        Ok(patch) => return Ok(patch),
        Err(error) => error.into_bytes(),
    };
    let listed = run(&[], &["--name-only", "-z"], &[]).await?;
    let names: Vec<&[u8]> = records(&listed).collect();
    let pieces = sections(&patch);
    let binary = ["-c", &format!("core.attributesFile={}", git.all_binary_attributes().display())];
    let mut text = String::new();
    for (piece, name) in pieces.iter().zip(&names) {
        match (std::str::from_utf8(piece), std::str::from_utf8(name)) {
            (Ok(piece), _) if pieces.len() == names.len() => text.push_str(piece),
            (Err(_), Ok(name)) if pieces.len() == names.len() => {
                let literal = format!(":(literal){name}");
                text.push_str(&String::from_utf8_lossy(&run(&binary, &[], &[&literal]).await?));
            }
            // Names that do not pair up with pieces, or cannot be passed on: everything as binary.
            _ => return Ok(String::from_utf8_lossy(&run(&binary, &[], &[]).await?).into_owned()),
        }
    }
    Ok(text)
}

/// A patch cut where the part of each file begins. Lines of content always begin with another character.
fn sections(patch: &[u8]) -> Vec<&[u8]> {
    const START: &[u8] = b"diff --git ";
    let at_line_start = |&at: &usize| patch[at..].starts_with(START) && (at == 0 || patch[at - 1] == b'\n');
    let starts: Vec<usize> = (0..patch.len()).filter(at_line_start).collect();
    let ends = starts.iter().skip(1).copied().chain([patch.len()]);
    starts.iter().zip(ends).map(|(&start, end)| &patch[start..end]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_files() {
        let said = "error: patch failed: a b.py:3\nerror: a b.py: patch does not apply\n\
                    error: x/y.py: does not exist in index\nFalling back to direct application...\n";
        assert_eq!(refused_files(said), ["a b.py", "a b.py", "x/y.py"]);
        assert!(refused_files("error: corrupt patch at line 3\n").is_empty());
    }

    #[test]
    fn patches_are_cut_at_files_only() {
        let first = b"diff --git a/x b/x\n-diff --git a/z b/z\n+x\n".as_slice();
        let second = b"diff --git a/y b/y\nGIT binary patch\n".as_slice();
        assert_eq!(sections(&[first, second].concat()), [first, second]);
        assert!(sections(b"").is_empty());
    }
}
