//! What a search is asked for and what it gives back; both are stored, so both serialise.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallhands_checks::TestId;
use smallhands_repair::{Candidate, EnumerationLimits, Suspicion};

use crate::validation::CheckSpec;

/// One search, or one shard of it: make these tests pass by one small edit in these files.
#[derive(Debug, Clone)]
pub struct SearchTask {
    /// The check the tests belong to.
    pub check: CheckSpec,
    /// The group of failing tests that are thought to have one cause.
    pub failing: Vec<TestId>,
    /// Tests that pass now and must stay green, most relevant first.
    pub guards: Vec<TestId>,
    /// Where the fault is suspected.
    pub suspicion: Suspicion,
    /// Repository-relative source files that may be edited, best first.
    pub files: Vec<String>,
    /// `(index, count)`: this search takes the ranks that leave `index` when divided by `count`.
    pub shard: (u32, u32),
    /// Ranks below this one were judged before.
    pub start_rank: u64,
    /// How long the search may take, opening the validator included.
    pub wall: Duration,
    /// How many complete patches to collect beyond the first.
    pub max_alternatives: usize,
    /// How much to enumerate.
    pub limits: EnumerationLimits,
}

/// A patch that makes tests of the group pass and breaks no guard.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plausible {
    /// Position in the ranking over all shards; for a combination, the latest of its parts.
    pub rank: u64,
    /// The edit.
    pub candidate: Candidate,
    /// Edits made together with it; only combinations of partial patches have any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub together_with: Vec<Candidate>,
    /// The tests of the group that pass with it.
    pub fixed: Vec<TestId>,
    /// Whether that is the whole group.
    pub complete: bool,
    /// The change in one line, `old → new`.
    pub summary: String,
    /// The change as a git unified diff with three lines of context.
    pub diff: String,
}

impl Plausible {
    /// All edits of the patch.
    pub fn candidates(&self) -> impl Iterator<Item = &Candidate> {
        std::iter::once(&self.candidate).chain(&self.together_with)
    }
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SearchEnd {
    /// A complete patch was found, and the ranks near it were looked at as well.
    Found,
    /// Every candidate of the shard was judged; none is complete.
    Exhausted,
    /// The time was over.
    TimeLimit,
    /// A sibling found a patch of a better rank.
    Bounded,
    /// The caller cancelled.
    Cancelled,
}

/// The result of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchOutcome {
    /// Patches found, best first: complete ones before partial ones.
    pub plausible: Vec<Plausible>,
    /// Candidates that were run against the tests.
    pub validated: u64,
    /// The first rank of this shard that was not judged; where another attempt would go on.
    pub next_rank: u64,
    /// Why it ended.
    pub ended: SearchEnd,
    /// Candidates in the whole ranking, over all shards.
    pub candidates: u64,
    /// Remarks for people: files left out, guards that do not hold here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}
