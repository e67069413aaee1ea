//! Turning files into one commit in one pack, in one process, by git's import stream (git-fast-import(1)). Reading the
//! files here instead of letting git add them keeps bytes exact whatever attributes and filters a repository has, and
//! a pack is a fraction of the cost of a file per object, here and in every checkout.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use tokio::io::AsyncWriteExt;
use tokio::process::ChildStdin;

use super::survey::{RelativePath, shown};
use super::warning::Warning;
use crate::error::SandboxError;
use crate::git::{Git, IDENTITY, first_line};
use crate::tree::{BadTreeId, TreeId};

/// Larger files are not copied: they would be read into memory.
const LARGEST: u64 = 512 << 20;

/// Files are read and passed on in groups of about this many bytes.
const GROUP: usize = 4 << 20;

const MESSAGE: &str = "The working tree as it was published";

/// Commits `paths` of the folder `repo` onto `branch` and answers with the commit and with what could not be read.
pub(super) async fn import(
    git: &Git,
    branch: &str,
    repo: &Path,
    paths: Vec<RelativePath>,
) -> Result<(TreeId, Vec<Warning>), SandboxError> {
    const WHAT: &str = "copy the files";
    let args =
        ["-c", "fastimport.unpackLimit=1", "-c", "pack.compression=1", "fast-import", "--quiet", "--done"];
    let files = Files { repo: repo.to_owned(), rest: paths.into_iter(), warnings: Vec::new() };
    let (answer, warnings) =
        git.run_feeding(WHAT, &args, async |stdin| feed(stdin, branch, files).await).await?;
    let parsed = first_line(&answer).parse();
    let id = parsed
        .map_err(|error: BadTreeId| SandboxError::GitFailed { what: WHAT, stderr: error.to_string() })?;
    Ok((id, warnings?))
}

async fn feed(mut stdin: ChildStdin, branch: &str, mut files: Files) -> Result<Vec<Warning>, SandboxError> {
    let mut piece = header(branch);
    loop {
        // When git fails it stops reading; its own message says why.
        if stdin.write_all(&piece).await.is_err() {
            return Ok(files.warnings);
        }
        let group = tokio::task::spawn_blocking(move || {
            let group = files.next_group();
            (files, group)
        });
        let Ok((returned, group)) = group.await else {
            return Err(SandboxError::GitFailed {
                what: "copy the files",
                stderr: "reading them failed".to_owned(),
            });
        };
        files = returned;
        match group {
            Some(group) => piece = group,
            None => break,
        }
    }
    stdin.write_all(b"\nget-mark :1\ndone\n").await.ok();
    Ok(files.warnings)
}

fn header(branch: &str) -> Vec<u8> {
    let [(_, name), (_, mail), (_, date), ..] = IDENTITY;
    let who = format!("{name} <{mail}> {date}");
    let length = MESSAGE.len();
    format!("commit {branch}\nmark :1\nauthor {who}\ncommitter {who}\ndata {length}\n{MESSAGE}\n")
        .into_bytes()
}

/// The files that are still to be passed on.
struct Files {
    repo: PathBuf,
    rest: std::vec::IntoIter<RelativePath>,
    warnings: Vec<Warning>,
}

impl Files {
    /// The next part of the stream; `None` at its end.
    fn next_group(&mut self) -> Option<Vec<u8>> {
        let mut group = Vec::new();
        while group.len() < GROUP {
            let Some(path) = self.rest.next() else { break };
            self.append(&mut group, &path);
        }
        (!group.is_empty() || self.rest.len() > 0).then_some(group)
    }

    /// What is gone, or became a folder, since it was listed is left out without a word.
    fn append(&mut self, group: &mut Vec<u8>, path: &[u8]) {
        let full = self.repo.join(OsStr::from_bytes(path));
        let Ok(metadata) = full.symlink_metadata() else { return };
        let content = if metadata.is_symlink() {
            full.read_link().map(|target| target.into_os_string().into_encoded_bytes())
        } else if metadata.is_file() && metadata.len() > LARGEST {
            self.warnings.push(Warning::TooLarge { path: shown(path), bytes: metadata.len() });
            return;
        } else if metadata.is_file() {
            fs::read(&full)
        } else {
            return;
        };
        match content {
            Ok(content) => append_entry(group, mode(&metadata), path, &content),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(_) => self.warnings.push(Warning::Unreadable { path: shown(path) }),
        }
    }
}

fn mode(metadata: &fs::Metadata) -> &'static str {
    match (metadata.is_symlink(), metadata.mode() & 0o100) {
        (true, _) => "120000",
        (false, 0) => "100644",
        (false, _) => "100755",
    }
}

fn append_entry(stream: &mut Vec<u8>, mode: &str, path: &[u8], content: &[u8]) {
    stream.extend_from_slice(format!("M {mode} inline ").as_bytes());
    append_quoted(stream, path);
    stream.extend_from_slice(format!("\ndata {}\n", content.len()).as_bytes());
    stream.extend_from_slice(content);
    stream.push(b'\n');
}

/// A path in the stream's quotes: any byte but these three stands for itself.
fn append_quoted(stream: &mut Vec<u8>, path: &[u8]) {
    stream.push(b'"');
    for &byte in path {
        match byte {
            b'"' => stream.extend_from_slice(b"\\\""),
            b'\\' => stream.extend_from_slice(b"\\\\"),
            b'\n' => stream.extend_from_slice(b"\\n"),
            _ => stream.push(byte),
        }
    }
    stream.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_hold_any_path_and_any_content() {
        let mut stream = Vec::new();
        append_entry(&mut stream, "100644", b"a \"b\"\\\n\xff", b"x\0\n");
        assert_eq!(stream, b"M 100644 inline \"a \\\"b\\\"\\\\\\n\xff\"\ndata 3\nx\0\n\n");
    }

    #[test]
    fn files_are_grouped_and_the_end_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let names: Vec<RelativePath> = (0..3).map(|number| format!("f{number}").into_bytes()).collect();
        for name in &names {
            fs::write(dir.path().join(OsStr::from_bytes(name)), vec![b'x'; GROUP * 2 / 3]).unwrap();
        }
        let paths = [names, vec![b"missing".to_vec()]].concat().into_iter();
        let mut files = Files { repo: dir.path().to_owned(), rest: paths, warnings: Vec::new() };
        let groups: Vec<usize> = std::iter::from_fn(|| files.next_group()).map(|group| group.len()).collect();
        assert_eq!(groups.len(), 2);
        assert!(groups.iter().sum::<usize>() > 2 * GROUP && files.warnings.is_empty());
    }
}
