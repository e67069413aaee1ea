//! Lands parallel patches on one branch, and says what they did to the tests that judge them. Pure: no files, no clock, no
//! chance; whoever drives it applies patches, runs checks and keeps the log.
//!
//! * [`queue`]: which patch is tried when and on what, which verifications that needs, and who is to blame when they fail.
//! * [`symbols`]: three-way merge of a file symbol by symbol, for when its text conflicts.
//! * [`judging`]: flags where a patch changes what judges it: tests, their configuration, expected outputs.

pub mod judging;
pub mod queue;
pub mod symbols;
