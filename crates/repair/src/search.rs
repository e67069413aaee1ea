//! The search space of one repair: the sources, where to look, and how much of it.

use serde::{Deserialize, Serialize};

use crate::{Candidate, Suspicion};

/// How much is enumerated before the ranking cuts the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnumerationLimits {
    /// Longest list returned.
    pub max_candidates: usize,
    /// Files larger than this many bytes are refused with a note.
    pub max_file_bytes: usize,
    /// Most alternatives of one kind at one place of the code.
    pub max_per_site: usize,
}

impl Default for EnumerationLimits {
    fn default() -> Self {
        Self { max_candidates: 20_000, max_file_bytes: 1 << 20, max_per_site: 400 }
    }
}

/// What to search.
#[derive(Clone, Copy)]
pub struct SearchInput<'a> {
    /// Path (repository-relative) and text of every file that may be edited.
    pub sources: &'a [(String, String)],
    /// Where the fault is suspected.
    pub suspicion: &'a Suspicion,
    /// How much to enumerate.
    pub limits: EnumerationLimits,
}

/// Ranked candidates with what was left out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Search {
    /// Best first, without duplicates; the rank of a candidate is its index.
    pub candidates: Vec<Candidate>,
    /// One sentence for each thing that was not searched, and why.
    pub notes: Vec<String>,
}

/// Every candidate edit, best first: [`search`] without its notes.
pub fn candidates(input: &SearchInput<'_>) -> Vec<Candidate> {
    search(input).candidates
}

/// Enumerates and ranks the edits of all suspicious functions. Deterministic: equal input, equal output.
pub fn search(input: &SearchInput<'_>) -> Search {
    let _ = input;
    Search::default()
}
