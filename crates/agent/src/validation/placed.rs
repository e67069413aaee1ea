//! Edits on the disk of the sandbox's copy, and their certain removal.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallhands_repair::Edit;
use smallhands_shell_runtime::Runtime;

use super::error::ValidationError;

/// The original content of every file that was ever edited, and which of them differ from it now.
pub(super) struct Originals {
    runtime: Arc<dyn Runtime>,
    content: BTreeMap<String, Arc<Vec<u8>>>,
    /// Files that may differ from their original.
    dirty: Vec<String>,
}

impl Originals {
    pub(super) fn new(runtime: Arc<dyn Runtime>) -> Self {
        Self { runtime, content: BTreeMap::new(), dirty: Vec::new() }
    }

    /// Checks that the edits fit, and remembers what they will change. Call it before the files are edited.
    pub(super) async fn remember(&mut self, edits: &[Edit]) -> Result<(), ValidationError> {
        for edit in edits {
            if !self.content.contains_key(&edit.file) {
                let read = self.runtime.read_file(&edit.file).await;
                let data = read.map_err(ValidationError::runtime("read a file that is to be edited"))?;
                self.content.insert(edit.file.clone(), Arc::new(data));
            }
            let data = self.content.get(&edit.file);
            if !data.is_some_and(|data| fits(edit, data)) {
                let Edit { file, start, end, .. } = edit.clone();
                return Err(ValidationError::EditDoesNotFit { file, start, end });
            }
        }
        Ok(())
    }

    /// Says that somebody is about to change these files.
    pub(super) fn mark(&mut self, edits: &[Edit]) {
        for edit in edits {
            if !self.dirty.contains(&edit.file) {
                self.dirty.push(edit.file.clone());
            }
        }
    }

    /// Says that whoever changed the files has put them back.
    pub(super) fn unmark(&mut self) {
        self.dirty.clear();
    }

    /// Each edited file with its new content.
    pub(super) fn edited(&self, edits: &[Edit]) -> BTreeMap<String, Vec<u8>> {
        let mut files: BTreeMap<String, Vec<&Edit>> = BTreeMap::new();
        for edit in edits {
            files.entry(edit.file.clone()).or_default().push(edit);
        }
        let spliced =
            |file: &str, edits| self.content.get(file).map(|data| splice(data, edits)).unwrap_or_default();
        files.into_iter().map(|(file, edits)| (file.clone(), spliced(&file, edits))).collect()
    }

    /// Whether the files are the same with the edits as without.
    pub(super) fn unchanged_by(&self, edited: &BTreeMap<String, Vec<u8>>) -> bool {
        edited.iter().all(|(file, data)| self.content.get(file).is_some_and(|original| **original == *data))
    }

    /// Writes new content.
    pub(super) async fn place(&self, edited: &BTreeMap<String, Vec<u8>>) -> Result<(), ValidationError> {
        for (file, data) in edited {
            let written = self.runtime.write_file(file, data).await;
            written.map_err(ValidationError::runtime("write an edited file"))?;
        }
        Ok(())
    }

    /// Puts back whatever may differ.
    pub(super) async fn restore(&mut self) -> Result<(), ValidationError> {
        while let Some(file) = self.dirty.last() {
            if let Some(data) = self.content.get(file) {
                let written = self.runtime.write_file(file, data).await;
                written.map_err(ValidationError::runtime("put back an edited file"))?;
            }
            self.dirty.pop();
        }
        Ok(())
    }
}

impl Drop for Originals {
    /// Somebody went away in the middle of a run: the files are put back in the background.
    fn drop(&mut self) {
        if self.dirty.is_empty() {
            return;
        }
        let mut left = Self {
            runtime: Arc::clone(&self.runtime),
            content: std::mem::take(&mut self.content),
            dirty: std::mem::take(&mut self.dirty),
        };
        match tokio::runtime::Handle::try_current() {
            Ok(handle) => {
                handle.spawn(async move {
                    if let Err(error) = left.restore().await {
                        left.unmark();
                        tracing::warn!(%error, "an edited file could not be put back");
                    }
                });
            }
            Err(_) => {
                tracing::warn!(files = ?left.dirty, "edited files could not be put back");
                left.unmark();
            }
        }
    }
}

fn fits(edit: &Edit, data: &[u8]) -> bool {
    let boundary = |at: usize| at == data.len() || data.get(at).is_some_and(|byte| byte & 0xC0 != 0x80);
    edit.start <= edit.end && boundary(edit.start) && boundary(edit.end)
}

/// Applies edits whose offsets count in `data`, from the last to the first.
fn splice(data: &[u8], mut edits: Vec<&Edit>) -> Vec<u8> {
    edits.sort_by_key(|edit| (edit.start, edit.end));
    let mut edited = data.to_vec();
    for edit in edits.into_iter().rev() {
        edited.splice(edit.start..edit.end.max(edit.start), edit.text.bytes());
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edit(start: usize, end: usize, text: &str) -> Edit {
        Edit { file: "f".into(), start, end, text: text.into() }
    }

    #[test]
    fn edits_count_in_the_unedited_text() {
        let check = |edits: &[Edit], expected: &str| {
            assert_eq!(splice(b"abcdef", edits.iter().collect()), expected.as_bytes());
        };
        check(&[], "abcdef");
        check(&[edit(1, 2, "XX")], "aXXcdef");
        check(&[edit(0, 1, ""), edit(5, 6, "Y"), edit(3, 3, "+")], "bc+deY");
    }

    #[test]
    fn edits_outside_or_inside_a_character_do_not_fit() {
        let data = "aéb".as_bytes();
        for (start, end, expected) in
            [(0, 4, true), (1, 3, true), (4, 4, true), (2, 3, false), (3, 5, false), (3, 1, false)]
        {
            assert_eq!(fits(&edit(start, end, ""), data), expected, "{start}..{end}");
        }
    }
}
