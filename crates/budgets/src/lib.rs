//! What may still be spent, level by level (run, task, attempt, to any depth): money, tokens, working time, validations. Pure:
//! no clock, no files, no threads.
//!
//! ```text
//!  Command ──► decide(&state, &command) ──► events ──► (made durable by the caller) ──► evolve(state, &event) ──► state
//! ```
//!
//! **Reserve, call, settle.** Before a call, the most that it can cost is reserved ([`Ask`]); after it, the reservation is
//! settled with what it did cost, or released. A reservation is granted only if it fits at its level and at every level
//! above, with all that is reserved and spent there: so no limit is overshot, however many callers there are. This is
//! reservation-based admission as for credit control (RFC 8506, *Diameter Credit-Control*, section 5) with the hierarchical
//! limits of token buckets in a tree (M. Devera, *Hierarchical Token Bucket*, 2002), but without refilling. A limit is a cap
//! and not an allotment: siblings share what their parent has.
//!
//! **Liars.** A receipt is the truth. Is it above the reservation, it is booked nevertheless and listed as
//! [`Level::excess`]; a level that is above a limit by it is overdrawn ([`Budgets::overdrafts`]), and nothing at all is
//! granted there or below until it fits again.
//!
//! **Crashes.** [`Command::Reclaim`] takes back what a dead holder held. A call that was begun may have happened: it counts as
//! spent in full until a receipt says otherwise. A call that was not begun has not happened, because the dead cannot begin it
//! any more ([`Rejection::HolderGone`], [`Rejection::ReservationOver`]).
//!
//! **Repetition.** Everything has a name. A command repeated leads to no events; an event repeated, however late, changes
//! nothing. A call may be settled once: the first receipt counts.
//!
//! **Refusals** say which levels lack how much of what, and what to do: wait, ask for less, or raise a limit to a given value.
//!
//! # Using it
//!
//! One owner keeps the state behind a lock and writes events down before it believes them. Nothing waits while the lock is held,
//! neither for models nor for tests.
//!
//! ```
//! use std::sync::Mutex;
//! use smallhands_budgets::{Amounts, Ask, BudgetEvent, Budgets, Command, Limits, Rejection, decide, evolve};
//!
//! /// `log` stands for something durable.
//! #[derive(Default)]
//! struct Ledger(Mutex<(Budgets, Vec<BudgetEvent>)>);
//!
//! impl Ledger {
//!     fn tell(&self, command: &Command) -> Result<Vec<BudgetEvent>, Rejection> {
//!         let mut guard = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
//!         let (state, log) = &mut *guard;
//!         let events = decide(state, command)?;
//!         log.extend(events.iter().cloned());
//!         *state = events.iter().fold(std::mem::take(state), evolve);
//!         Ok(events)
//!     }
//! }
//!
//! let ledger = Ledger::default();
//! let limits = Limits { usd_micros: Some(1_000), ..Limits::NONE };
//! ledger.tell(&Command::OpenLevel { level: "run".into(), parent: None, limits })?;
//! ledger.tell(&Command::OpenLevel { level: "fix-a".into(), parent: Some("run".into()), limits: Limits::NONE })?;
//!
//! let dearest = Amounts { usd_micros: 700, ..Amounts::ZERO };
//! ledger.tell(&Command::Reserve(Ask::exactly("fix-a#1/call-1", "fix-a", "fix-a#1", dearest)))?;
//! let refused = ledger.tell(&Command::Reserve(Ask::exactly("fix-b#1/call-1", "run", "fix-b#1", dearest)));
//! assert_eq!(
//!     refused.unwrap_err().to_string(),
//!     "the budget does not suffice: `run` has money (micro-dollars) for 1000, 0 spent and 700 reserved; 700 asked: \
//!      wait until a reservation is settled, or raise the limit to 1400"
//! );
//! // … the call …
//! let actual = Amounts { usd_micros: 120, ..Amounts::ZERO };
//! ledger.tell(&Command::Settle { reservation: "fix-a#1/call-1".into(), actual })?;
//! # Ok::<(), Rejection>(())
//! ```

mod command;
mod decide;
mod event;
mod evolve;
mod forecast;
mod id;
mod level;
mod refusal;
mod reservation;
mod resource;
mod state;

pub use command::Command;
pub use decide::decide;
pub use event::{BudgetEvent, DecodeError, EVENT_VERSION, EncodedEvent};
pub use evolve::{IllegalEvent, evolve, replay, try_evolve};
pub use forecast::Outlook;
pub use id::{HolderId, LevelId, ReservationId};
pub use level::Level;
pub use refusal::{NextStep, Refusal, Rejection, Shortfall};
pub use reservation::{Ask, Phase, Reservation};
pub use resource::{Amounts, Limits, PerResource, Resource};
pub use state::Budgets;
