//! The plan of a run and everything that may happen to it, as pure functions: no clock, no files, no randomness.
//!
//! ```text
//!  Command ──► decide(&state, &command) ──► events ──► (made durable by the caller) ──► evolve(state, &event) ──► state
//!                       │                                                                                          │
//!                       └── or a Rejection: nothing changed, and why                        effects(&state) ◄──────┘
//! ```
//!
//! * [`decide`] holds all policy: what may start, what is retried, when a limit ends the run. Its decisions are written
//!   into the events, so changing a policy never changes what an old log means.
//! * [`evolve`] holds no policy: it follows the tables in [`transitions`]. Same events, same state, byte for byte, and
//!   every prefix of a log is a state from which a run can go on.
//! * [`effects`] says what must be done now. It is derived from state and never stored; each effect has a key, so asking
//!   twice is harmless. [`effects_of`] says what the last events have added, however much runs.
//!
//! Deciding, following and looking take time for what changes, not for how much there is: a state keeps at hand what the next
//! decision needs (`agenda`).
//!
//! # What the words mean here
//!
//! **Attempts.** A task is worked on in attempts, at most one at a time. [`Command::StartReady`] records
//! [`RunEvent::AttemptStarted`]; once that is durable, [`effects`] lists the attempt until it ends. The caller launches the
//! listed attempts that it has not launched yet in this process, and stops those listed as [`Effect::StopAttempt`].
//!
//! **Crashes.** A process that picks up an existing log issues [`Command::Resume`] before anything else. Every attempt that
//! was running is recorded as lost. The loss is not charged to the task's `max_attempts`, and the last progress note
//! travels with the next attempt ([`Effect::StartAttempt::continue_from`]), so work goes on where it was. Time in which no
//! process was alive is not charged to the run's deadline.
//!
//! **Retry.** A lost attempt (the sandbox or the machinery broke) is tried again while attempts remain, unless the task says
//! otherwise ([`RetryPolicy`]). An agent that gave up or ran into its own limit has answered; that is final unless the
//! task asks for another try. [`Command::FailAttempt`] tells classes of failure apart ([`FailureClass`]). A task may wait before
//! it is tried again ([`Backoff`]): the wait is decided once, with its share of chance, and recorded as
//! [`RunEvent::TaskDelayed`]; [`next_wake_ms`] says when to look again. A task that killed its workers too often is left alone.
//! A [`Breaker`] keeps away from what keeps failing; it belongs to the caller, one per endpoint, backend or worker.
//!
//! **What tasks share.** Tasks may take [`Resources`] of the run's [`Capacity`], hold [`Lock`]s, and say which paths they will
//! probably write ([`Task::owns`]). What does not go together does not run together; [`schedule`] says who goes first.
//!
//! **Dependencies.** A task starts when all tasks in `after` are settled ([`Needs::AllSettled`]) or are all done
//! ([`Needs::AllDone`]). With the latter, a dependency that settles in any other way makes the task unreachable; it is
//! dropped at once, and so are those that need it. A dropped task counts as settled, never as done.
//!
//! **Races.** Tasks with the same [`RaceId`] are sibling attempts at one goal. Nothing stops the losers: agents bound
//! themselves, and a late answer may be the better one. A race is settled when all its tasks are; see [`RunState::race`].
//! A planner that has seen enough may drop the rest.
//!
//! **Re-planning.** [`Effect::Replan`] is due whenever tasks settled that the planner has not considered, and whenever
//! nothing runs and nothing can start. [`Command::AdoptPlan`], even an empty one, acknowledges. Dropping a running
//! task asks its attempt to stop; the slot and the lock stay taken until the attempt has really ended.
//!
//! **Control.** The user of a run may pause it, cancel parts of it, change its limits, talk to its agents and answer their
//! questions ([`Order`]); each order is taken at most once. What is done outside of the run is intended before and has a
//! receipt after ([`OutsideEffect`]), so that nothing is repeated blindly.
//!
//! **Endings.** Cancelling, or running into a limit, halts the run: nothing new starts. [`Command::Finish`] then closes it.

mod agenda;
mod breaker;
mod chance;
mod command;
mod control;
mod decide;
mod effects;
mod event;
mod evolve;
mod id;
mod limits;
mod plan;
mod plan_rules;
mod rejection;
pub mod render;
mod resources;
mod retry;
pub mod schedule;
mod state;
mod tasks;
mod topology;
pub mod transitions;

pub use breaker::{Breaker, BreakerPolicy, BreakerState, Permit};
pub use command::{AttemptResult, Command};
pub use control::{Approval, ControlState, Order, Origin, OutsideEffect};
pub use decide::decide;
pub use effects::{Effect, ReplanCause, effects, effects_of};
pub use event::{DecodeError, EVENT_VERSION, EncodedEvent, RunEvent};
pub use evolve::{IllegalEvent, evolve, replay, try_evolve};
pub use id::{AttemptId, BadAttemptId, RaceId, Role, TaskId, WorkerId};
pub use limits::{Limit, RunLimits};
pub use plan::{Needs, Plan, PlanChange, Task};
pub use plan_rules::PlanError;
pub use rejection::Rejection;
pub use resources::{Capacity, Lock, Resources, Worker};
pub use retry::{Backoff, Failure, FailureClass, RetryPolicy};
pub use schedule::{critical_path_ms, next_wake_ms, ready, startable, startable_at};
pub use state::{Attempt, Halt, Race, RunState, TaskState};
pub use tasks::Tasks;
pub use transitions::{AttemptPhase, RunPhase, TaskPhase, TaskStep};
