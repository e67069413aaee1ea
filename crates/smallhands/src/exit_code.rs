//! The exit codes of the command: a contract that scripts rely on, documented in the README and in `--help`.

/// Every check holds in a fresh copy with the patch applied, or there was nothing to do.
pub const VERIFIED: u8 = 0;
/// The run came to its end without a verified solution.
pub const NOT_VERIFIED: u8 = 1;
/// The command line or what it names cannot be used as it is. Also what the argument parser uses.
pub const BAD_INPUT: u8 = 2;
/// A limit the user set was reached first: time or money.
pub const LIMIT: u8 = 3;
/// The machine failed, not the task: disk, state store, sandbox.
pub const INFRASTRUCTURE: u8 = 4;
/// Interrupted by the user; the state is kept.
pub const INTERRUPTED: u8 = 130;
