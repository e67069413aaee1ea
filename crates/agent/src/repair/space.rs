//! What is searched: the sources that may be edited and the ranked candidates for them.

use smallhands_repair::{Candidate, Edit, SearchInput};
use smallhands_shell_runtime::Runtime;

use super::exam::Repaired;
use super::{Plausible, RepairError, SearchTask, diff};

/// Larger files are left out: they are generated, and enumerating them takes longer than it is worth.
const SOURCE_LIMIT: usize = 1 << 20;

/// Sources and the candidates made for them; the rank of a candidate is its index.
#[derive(Debug, Clone, Default)]
pub struct Space {
    sources: Vec<(String, String)>,
    candidates: Vec<Candidate>,
    notes: Vec<String>,
}

impl Space {
    /// A space of given candidates for given sources (path, text).
    #[must_use]
    pub fn new(sources: Vec<(String, String)>, candidates: Vec<Candidate>) -> Self {
        Self { sources, candidates, notes: Vec::new() }
    }

    /// Reads the task's files through the runtime and enumerates their candidates. The same for every shard.
    ///
    /// # Errors
    /// [`RepairError::NoSources`] when none of the files can be read as text.
    pub async fn read(runtime: &dyn Runtime, task: &SearchTask) -> Result<Self, RepairError> {
        let (sources, notes) = read_sources(runtime, &task.files).await;
        if sources.is_empty() {
            return Err(RepairError::NoSources { notes: notes.join("; ") });
        }
        let (suspicion, limits) = (task.suspicion.clone(), task.limits);
        // Enumerating takes up to seconds of pure computing: off the threads that drive everything else.
        let enumerated = tokio::task::spawn_blocking(move || {
            let input = SearchInput { sources: &sources, suspicion: &suspicion, limits };
            (smallhands_repair::search(&input), sources)
        });
        let Ok((found, sources)) = enumerated.await else {
            return Err(RepairError::NoSources { notes: "enumerating their edits failed".into() });
        };
        Ok(Self { sources, candidates: found.candidates, notes: [notes, found.notes].concat() })
    }

    /// How many candidates there are.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.candidates.len() as u64
    }

    /// Whether there is nothing to try.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.candidates.is_empty()
    }

    /// The candidate of a rank.
    #[must_use]
    pub fn candidate(&self, rank: u64) -> Option<&Candidate> {
        self.candidates.get(usize::try_from(rank).ok()?)
    }

    /// Remarks for people: files left out, places not searched.
    #[must_use]
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The patch that `parts`, made together, amount to.
    pub(super) fn patch(&self, rank: u64, parts: &[&Candidate], repaired: Repaired) -> Option<Plausible> {
        let (first, others) = parts.split_first()?;
        Some(Plausible {
            rank,
            candidate: (*first).clone(),
            together_with: others.iter().map(|part| (*part).clone()).collect(),
            fixed: repaired.tests,
            complete: repaired.complete,
            summary: self.summary(parts),
            diff: self.diff(parts),
        })
    }

    fn summary(&self, parts: &[&Candidate]) -> String {
        let summaries: Vec<String> =
            parts.iter().map(|part| part.edit.summary(self.source(&part.edit.file))).collect();
        summaries.join("; ")
    }

    fn diff(&self, parts: &[&Candidate]) -> String {
        let mut files: Vec<&str> = parts.iter().map(|part| part.edit.file.as_str()).collect();
        files.sort_unstable();
        files.dedup();
        let of_file = |file: &&str| {
            let edits: Vec<&Edit> =
                parts.iter().map(|part| &part.edit).filter(|edit| edit.file == *file).collect();
            diff::unified(file, self.source(file), &edits)
        };
        files.iter().map(of_file).collect()
    }

    fn source(&self, path: &str) -> &str {
        self.sources.iter().find(|(known, _)| known == path).map_or("", |(_, text)| text)
    }
}

/// The files that are text of a reasonable size, and a note for each that is not.
async fn read_sources(runtime: &dyn Runtime, files: &[String]) -> (Vec<(String, String)>, Vec<String>) {
    let (mut sources, mut notes) = (Vec::new(), Vec::new());
    for path in files {
        match runtime.read_file(path).await {
            Err(error) => notes.push(format!("{path} was not read: {error}")),
            Ok(bytes) if bytes.len() > SOURCE_LIMIT => {
                notes
                    .push(format!("{path} was left out: {} bytes are more than {SOURCE_LIMIT}", bytes.len()));
            }
            Ok(bytes) => match String::from_utf8(bytes) {
                Ok(text) => sources.push((path.clone(), text)),
                Err(_) => notes.push(format!("{path} was left out: it is not UTF-8 text")),
            },
        }
    }
    (sources, notes)
}
