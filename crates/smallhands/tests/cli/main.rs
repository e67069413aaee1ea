//! The command as its users meet it: every test drives the built binary, offline, against projects made for it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot go on may panic; helpers are not marked as tests"
)]

mod bad_input;
mod delivery;
mod doctor;
mod harness;
mod interruption;
mod json_documentation;
mod keeping;
mod main_job;
mod odd_repositories;
mod plans;
mod projects;
mod steering;
mod traces;
mod usage;
