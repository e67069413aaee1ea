//! Children under supervision: nothing that a command starts can leave its tree, and nothing outlives this process.
//!
//! ```text
//! this process ──── nursery ─┬─ reaper ── command ── ...
//!                            └─ reaper ── command ── ...
//! ```
//!
//! The *nursery* is forked once per runtime and gives its memory back at once, so that starting a command costs the
//! same whatever the runtime holds, and no page of the runtime is ever copied for a child. For each command it forks
//! a *reaper*: a child subreaper (prctl(2)), so that every process that descends from the command, daemons of any
//! kind included, ends up as the reaper's own child when its parents die. The reaper is held by one socket, its
//! [`Leash`]: over it goes the account of the command's end; one byte on it, or its closing because this process
//! closed it or died in whatever way, makes the reaper kill all it has until the kernel says that no child is left.
//!
//! | module | runs in | concept |
//! |---|---|---|
//! | `order` | here | what to start, as one block of memory that needs no allocation to be used |
//! | `leash` | here | a reaper's socket and what came over it |
//! | `nursery` | here and there | starting the nursery; its loop |
//! | `shed` | nursery | giving inherited memory back |
//! | `supervision` | reaper | reporting, reaping, killing |
//! | `descendants` | reaper | finding what is to be killed |
//! | `birth` | command | what happens between fork and exec |
//! | `record` | both | the reports' form |
//!
//! What runs "there" runs in a process that was forked from one with threads and never calls exec: it makes system
//! calls only, allocates nothing, takes no locks and must not panic.

mod birth;
mod descendants;
mod leash;
mod nursery;
mod order;
mod record;
mod shed;
mod supervision;

pub(crate) use leash::{Exit, Leash, Leashes, Refusal, Started, Tree};
pub(crate) use nursery::Nursery;
pub(crate) use order::Order;
pub(crate) use record::Step;
