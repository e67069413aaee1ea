//! Offline repair as a pure function: source text and suspicion in, ranked candidate edits out.
//!
//! ```text
//! coverage, stack traces ─► localise ─► Suspicion ─┐
//! source text ─► language ─► syntax tree ──────────┴─► enumerate ─► rank ─► Vec<Candidate>, best first
//! ```
//!
//! Nothing here runs code, reads files or draws randomness: the caller tries the candidates in order.

mod edit;
mod enumerate;
mod kind;
mod language;
mod localise;
mod rank;
mod scope;
mod search;
mod syntax;

pub use edit::{Candidate, Edit, SUMMARY_LIMIT, Span};
pub use kind::EditKind;
pub use language::{Language, language_of};
pub use localise::{
    CoveredLines, FailingTest, Group, GroupingInput, MODULE_CODE, RankedFunction, Spectrum, StackFrame,
    Suspicion, TestCoverage, from_evidence, from_frames, group_failures, ochiai, rank_functions,
};
pub use search::{EnumerationLimits, Explanation, Search, SearchInput, candidates, explain, search};
pub use syntax::{Function, functions};
