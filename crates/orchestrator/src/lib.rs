//! One owner per run: plans the work, leases sandboxes to agents, verifies and merges what they bring, resumes after a crash.

pub mod progress;
