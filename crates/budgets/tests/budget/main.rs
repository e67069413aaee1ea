//! What a budget does, from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a failed unwrap is a failed test")]

mod codec;
mod crashes;
mod forecasts;
mod oracle;
mod properties;
mod refusals;
mod stories;
mod words;
