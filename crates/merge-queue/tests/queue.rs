//! The queue against a simulated world that knows which patches are bad and which do not go together.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

#[path = "queue/drive.rs"]
mod drive;
#[path = "queue/figures.rs"]
mod figures;
#[path = "queue/noise.rs"]
mod noise;
#[path = "queue/oracle.rs"]
mod oracle;
#[path = "queue/situations.rs"]
mod situations;
#[path = "queue/world.rs"]
mod world;
