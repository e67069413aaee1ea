//! Persistent shells: exact output, unforgeable ends, interrupts, ends of the shell, and sessions side by side.

#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers outside of #[test] functions

mod ends;
mod interrupt;
mod output;
mod place;
mod start;
mod state;
mod syntax;
mod talking;
mod together;
