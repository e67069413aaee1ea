//! Where is the fault? Scores for lines, from coverage, from stack traces, or from both.

mod spectrum;
mod suspicion;

pub use spectrum::{CoveredLines, Spectrum, TestCoverage, ochiai};
pub use suspicion::Suspicion;
