//! The offline repair specialist: it needs no model, only tests that fail.
//!
//! ```text
//! observe ─► Observation ──(caller: localise, group, cut into shards)──► SearchTask ─► search ─► SearchOutcome
//!
//! search:  sources ─► candidates, ranked ─► frontier ─► exam ─► plausible patches, best first
//!                     (smallhands-repair)   which next    does it pass?
//! ```
//!
//! - [`observe()`]: what the tests do to the code as it is: outcomes, coverage, flakiness.
//! - [`search()`]: tries candidates in rank order; siblings with other shards of the same ranks can race it.
//! - `frontier`: which rank comes next and when it is enough; `exam`: how one candidate is judged; `baseline`: what the
//!   exam asks; `trials`: a validator with a deadline that survives its own death.
//! - `preference`: which of several patches that pass is the better one; [`diff`]: patches as git diffs.

mod baseline;
mod combine;
pub mod diff;
mod exam;
mod frontier;
mod observe;
mod observer;
mod preference;
mod roles;
mod search;
mod space;
mod task;
mod trials;

use smallhands_checks::TestId;

use crate::validation::ValidationError;

pub use combine::combine;
pub use observe::{Observation, observe, observe_with};
pub use observer::AttemptObserver;
pub use roles::role_for;
pub use search::{search, search_with};
pub use space::Space;
pub use task::{Plausible, SearchEnd, SearchOutcome, SearchTask};
pub use trials::{OpenValidator, RuntimeValidators};

/// Why the specialist could not do its work. Finding nothing is no error.
#[derive(Debug, thiserror::Error)]
pub enum RepairError {
    /// The tests could not be run at all.
    #[error(transparent)]
    Validation(#[from] ValidationError),
    /// The validator died or stopped answering too often.
    #[error(
        "the test process died {times} times while candidates were tried ({last}); run the check by hand to see why"
    )]
    Unstable {
        /// How often it was started again.
        times: u32,
        /// What the last death looked like.
        last: String,
    },
    /// The tests to repair pass when they are run without the rest of the check.
    #[error("{} pass when run on their own; they depend on other tests or on chance, so a repair cannot be judged", listed(.tests))]
    NotReproduced {
        /// The tests that were to be repaired.
        tests: Vec<TestId>,
    },
    /// None of the files to edit could be read as text.
    #[error("no file to edit could be read ({notes}); name source files that exist in the sandbox")]
    NoSources {
        /// Why each file was left out.
        notes: String,
    },
    /// The work was cancelled before there was anything to return.
    #[error("cancelled before the tests had been observed")]
    Cancelled,
}

/// The first few ids, for a message.
fn listed(tests: &[TestId]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = tests.iter().take(SHOWN).map(|test| test.0.as_str()).collect();
    match tests.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
