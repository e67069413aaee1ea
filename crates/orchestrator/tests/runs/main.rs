//! Whole runs in process: a small project in a temporary folder goes in, progress and a verdict come out.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

mod control;
mod delivery;
mod endpoint;
mod interruption;
mod models;
mod nothing_found;
mod plans;
mod project;
mod repairs;
mod resuming;
mod retracing;
mod support;
mod unfolding;
