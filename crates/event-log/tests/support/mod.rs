//! What the tests of this crate share.
#![allow(
    dead_code,
    unused_imports,
    clippy::unwrap_used,
    reason = "each test binary uses a part of it; a failed unwrap is a failed test"
)]

#[path = "ports.rs"]
mod ports;

use std::path::Path;

pub use ports::*;
use smallhands_event_log::{Durability, SqliteLog, SqliteOptions};

/// A log whose appends need not survive a power failure: much faster, and no test pulls the plug.
pub fn quick(path: &Path) -> SqliteLog {
    SqliteLog::open_with(path, &quick_options()).unwrap()
}

/// The options of [`quick`].
pub fn quick_options() -> SqliteOptions {
    SqliteOptions { durability: Durability::Relaxed, ..SqliteOptions::default() }
}
