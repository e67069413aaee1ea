//! The merge queue as a state machine.
//!
//! ```text
//!  Command ──► decide(&queue, &command) ──► events ──► (made durable by the caller) ──► evolve(queue, &event) ──► queue
//!                      │                                                                                           │
//!                      └── or a Refusal: nothing changed                                    steps(&queue) ◄────────┘
//! ```
//!
//! [`steps`] lists what has to be under way now. It is derived and never stored: a step that is still listed goes on, a step
//! that is no longer listed is called off. [`Step::key`] tells steps apart. Each step is answered by a [`Command`].
//!
//! # How patches land
//!
//! **Batches.** Waiting entries are put into a batch, built one upon the other on the head, and verified together. While a batch is
//! verified the next ones are built on what is expected of those before (as Zuul does), up to [`Settings::parallel`]. When
//! the first batch holds, the head advances to its tree; a batch behind it that was built on that tree keeps its evidence.
//!
//! **Red.** The prefixes of a red batch are trees that exist already, so the first red prefix is found by halving. The green
//! prefix before it lands. The entry at its end is *suspected*: it is verified once more, alone on the advanced head, and
//! blamed only if it is red again while the head itself is green. Of two entries that hold alone but not together,
//! the earlier lands and the later goes through just this. Batches behind a suspect are built on the expectation that it falls.
//!
//! **Conflicts.** An entry whose text does not fit is tried by symbol; when that fails too and it was tried on the head itself,
//! it is handed to a merge task, otherwise it waits for the head.
//!
//! **Evidence** is about one tree. Nothing advances to a tree without green evidence of every check on just that tree; when
//! the base moves, candidate trees change and so what was known says nothing about them.
//!
//! **Bounds.** Every conclusion of the first batch settles an entry. What interrupts it from outside (a base that moves) is
//! charged to the entries in it; see [`Settings::max_rounds`].

mod batch;
mod bisection;
mod command;
mod decide;
mod entry;
mod event;
mod evidence;
mod evolve;
mod name;
mod refusal;
mod rules;
mod settings;
mod state;
mod steps;

pub use batch::{Batch, BatchId, Phase};
pub use command::{Command, Fit, Mended};
pub use decide::decide;
pub use entry::{Entry, EntryState, Standing, Why};
pub use event::{BackBecause, EVENT_VERSION, How, QueueEvent};
pub use evidence::{Evidence, Outcome, Run, Verdict};
pub use evolve::{evolve, replay};
pub use name::{Check, EntryId, Tree};
pub use refusal::Refusal;
pub use settings::Settings;
pub use state::Queue;
pub use steps::{Purpose, Step, steps};
