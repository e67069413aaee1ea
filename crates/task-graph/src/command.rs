//! What may be asked of a run.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AttemptId, Capacity, Failure, Limit, Order, PlanChange, RunLimits};

/// A request to change a run. All times are milliseconds since the Unix epoch, read by the caller.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Begins the run.
    Submit {
        /// What the user asked for; opaque here.
        spec: Value,
        /// Bounds on the run.
        limits: RunLimits,
        /// Now.
        at_ms: i64,
    },
    /// Adopts the first plan, changes the plan, or (when empty) acknowledges that the plan stands.
    AdoptPlan(PlanChange),
    /// Starts what may start now. Events are none when nothing may.
    StartReady {
        /// Now.
        at_ms: i64,
    },
    /// Keeps a small note from which a next attempt at the same task could go on. The latest one wins.
    AttemptProgress {
        /// Whose progress.
        attempt: AttemptId,
        /// Opaque here; keep it small, it is written each time.
        note: Value,
    },
    /// An attempt has ended.
    FinishAttempt {
        /// Which one.
        attempt: AttemptId,
        /// How.
        result: AttemptResult,
        /// Now.
        at_ms: i64,
    },
    /// An attempt has failed, and it is known in which way. Says more than [`Command::FinishAttempt`].
    FailAttempt {
        /// Which one.
        attempt: AttemptId,
        /// How.
        failure: Failure,
        /// Now.
        at_ms: i64,
    },
    /// From now on there is this much for all tasks together, besides agents.
    ChangeCapacity {
        /// How much; `None` for as much as one likes.
        capacity: Option<Capacity>,
    },
    /// Calls the run off: waiting tasks are dropped, running attempts are asked to stop.
    Cancel {
        /// Why, for people.
        reason: String,
    },
    /// A limit that the caller watches was reached (money, tokens, …). Halts the run; for [`Limit::Attempts`] what runs
    /// may end by itself, for any other limit running attempts are asked to stop.
    LimitReached {
        /// Which one.
        which: Limit,
    },
    /// Closes the run. Refused while attempts run, except after [`Command::Cancel`].
    Finish {
        /// The verdict; opaque here.
        verdict: Value,
        /// The rest of the result; opaque here.
        summary: Value,
    },
    /// Time passed: checks the deadline.
    Tick {
        /// Now.
        at_ms: i64,
    },
    /// A process takes over an existing log. Attempts that were running are recorded as lost.
    Resume {
        /// Now.
        at_ms: i64,
    },
    /// An order of the user. Taken at most once per number.
    Order {
        /// The number of the request that it came with; higher than those before.
        request: u64,
        /// What is ordered.
        order: Order,
        /// Now.
        at_ms: i64,
    },
    /// An attempt asks the user something.
    Ask {
        /// Who asks.
        attempt: AttemptId,
        /// What.
        question: String,
        /// What counts when nobody answers in time.
        default: bool,
        /// Until when an answer counts.
        until_ms: i64,
    },
    /// Something is about to be done outside of the run.
    Intend {
        /// The same for the same effect; never used for another.
        key: String,
        /// Who does it; absent for the run itself.
        attempt: Option<AttemptId>,
        /// What; opaque here.
        what: Value,
    },
    /// How an effect outside came out.
    Receive {
        /// The key of the intent.
        key: String,
        /// Whether it is known to be done.
        done: bool,
        /// What is known about it; opaque here.
        receipt: Value,
    },
    /// The events so far are those of another run; what follows is this run's own.
    Fork {
        /// The other run.
        parent: String,
        /// How many events are shared.
        at: u64,
    },
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "snake_case")]
pub enum AttemptResult {
    /// The goal is reached.
    Done {
        /// What came out; opaque here.
        output: Value,
    },
    /// The agent found no way.
    GaveUp {
        /// Why, for people.
        reason: String,
        /// What there is nevertheless; opaque here.
        output: Value,
    },
    /// A limit of the attempt was reached.
    LimitReached {
        /// Which one.
        which: Limit,
    },
    /// Broken machinery, or (after a request) stopped.
    Lost {
        /// Why, for people.
        reason: String,
    },
}
