//! Where is the fault? Scores for lines, from coverage, from stack traces, or from both; and which failing
//! tests seem to have the same cause.

mod frames;
mod groups;
mod outline;
mod spectrum;
mod suspicion;

pub use frames::{StackFrame, from_evidence, from_frames};
pub use groups::{FailingTest, Group, GroupingInput, group_failures};
pub use outline::{MODULE_CODE, RankedFunction, rank_functions};
pub use spectrum::{CoveredLines, Spectrum, TestCoverage, ochiai};
pub use suspicion::Suspicion;
