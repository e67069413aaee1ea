//! What leases do, from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

mod dice;
mod owners;
mod owners_at_once;
mod roster;
mod tenure;
mod words;
mod workers_at_once;
