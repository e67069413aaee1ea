//! Merging by symbol: what goes together, what does not, in each language.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "symbols/cases.rs"]
mod cases;
#[path = "symbols/properties.rs"]
mod properties;
