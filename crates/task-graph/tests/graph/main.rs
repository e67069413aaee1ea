//! The behaviour of the task graph, from outside: stories, truth tables, random runs, drawings and old logs.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

mod codec;
mod control;
mod drawings;
mod failures;
mod machines;
mod makespan;
mod packing;
mod plans;
mod properties;
mod retries;
mod stories;
mod support;
