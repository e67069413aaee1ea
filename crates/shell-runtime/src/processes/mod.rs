//! Processes: keeping what descends from a command together, and finding what nobody keeps.
//!
//! What this runtime starts lives below a *reaper*, which ends it completely. The rest is for leftovers of others, say
//! of a machine that went down: finding and killing processes through `/proc`, by session, by descent, and by a
//! variable in their environment, which also finds daemons that left the session and were adopted by init.

mod hunt;
pub(crate) mod reaper;
mod table;

pub use hunt::{Hunt, Survivors};
pub use table::{Process, carries, memory_bytes, snapshot, start_time, uptime_ticks, user_tasks, variable};

/// The variable whose value names the lease (the runtime) that a process belongs to.
pub const LEASE_VARIABLE: &str = "SMALLHANDS_LEASE";

/// The variable whose value names the one command, helper or session that a process belongs to.
pub const ORIGIN_VARIABLE: &str = "SMALLHANDS_ORIGIN";
