//! What has happened to a run, and how it is written down.
//!
//! Events carry the decisions that were made, not the policy behind them. Each is complete in itself: a log cut after any
//! event is the log of a run that can go on.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{AttemptId, AttemptResult, Capacity, Failure, Limit, Order, RunLimits, Task, TaskId, TaskStep};

/// Version of the events written by this crate. Raised when the meaning of a kind changes; adding a kind or an optional
/// field does not raise it.
pub const EVENT_VERSION: u16 = 1;

/// Something that has happened. All times are milliseconds since the Unix epoch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "payload", rename_all = "snake_case")]
pub enum RunEvent {
    /// The user asked for the run.
    RunSubmitted {
        /// What was asked for.
        spec: Value,
        /// Its bounds.
        limits: RunLimits,
        /// When.
        at_ms: i64,
    },
    /// A plan, a change of the plan, or the statement that the plan stands. Dropped tasks that waited are dropped,
    /// those that ran are asked to stop.
    PlanAdopted {
        /// New tasks.
        #[serde(default)]
        add: Vec<Task>,
        /// Tasks that leave the plan.
        #[serde(default)]
        drop: Vec<TaskId>,
        /// Why.
        #[serde(default)]
        reason: String,
        /// How many settled tasks the planner has considered; absent for all, those of this event included.
        #[serde(default)]
        seen: Option<u64>,
    },
    /// A task that can never start, because it needs one that did not get done. It is dropped.
    TaskUnreachable {
        /// The task.
        task: TaskId,
        /// The dependency that did not get done.
        because: TaskId,
    },
    /// An attempt begins: to be launched as soon as this is durable.
    AttemptStarted {
        /// The attempt.
        attempt: AttemptId,
        /// When.
        at_ms: i64,
    },
    /// An attempt came so far.
    AttemptProgressed {
        /// The attempt.
        attempt: AttemptId,
        /// From where a next attempt could go on.
        note: Value,
    },
    /// An attempt ended while its process was alive.
    AttemptFinished {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        result: AttemptResult,
        /// What that means for the task.
        then: TaskStep,
        /// When.
        at_ms: i64,
    },
    /// An attempt failed, in a known way.
    AttemptFailed {
        /// The attempt.
        attempt: AttemptId,
        /// How.
        failure: Failure,
        /// What that means for the task.
        then: TaskStep,
        /// Whether the task is left alone because it killed too many workers.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        quarantined: bool,
        /// When.
        at_ms: i64,
    },
    /// A waiting task must not start before a time.
    TaskDelayed {
        /// The task.
        task: TaskId,
        /// The time.
        not_before_ms: i64,
    },
    /// There is this much for all tasks together from now on.
    CapacityChanged {
        /// How much; absent for as much as one likes.
        #[serde(default)]
        capacity: Option<Capacity>,
    },
    /// An attempt ended because its process did. Not charged to the task.
    AttemptLost {
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        reason: String,
        /// What that means for the task.
        then: TaskStep,
        /// When it was noticed.
        at_ms: i64,
    },
    /// Another process took the run over.
    RunResumed {
        /// The deadline from now on.
        #[serde(default)]
        deadline_at_ms: Option<i64>,
        /// When.
        at_ms: i64,
    },
    /// The run was called off. Waiting tasks are dropped, running ones asked to stop.
    RunCancelled {
        /// Why.
        reason: String,
    },
    /// The run ran into a limit. Waiting tasks are dropped; running ones are asked to stop, except for
    /// [`Limit::Attempts`].
    RunLimitReached {
        /// Which limit.
        which: Limit,
    },
    /// The user ordered something; its consequences follow as events of their own.
    OrderTaken {
        /// The number of the request.
        request: u64,
        /// What was ordered.
        order: Order,
        /// When.
        at_ms: i64,
    },
    /// The run has to be over at another time.
    DeadlineMoved {
        /// When.
        deadline_at_ms: i64,
    },
    /// An attempt asks the user something.
    ApprovalAsked {
        /// The name of the question.
        approval: String,
        /// Who asks.
        attempt: AttemptId,
        /// What.
        question: String,
        /// What counts when nobody answers in time.
        default: bool,
        /// Until when an answer counts.
        until_ms: i64,
    },
    /// Nobody answered in time.
    ApprovalLapsed {
        /// The name of the question.
        approval: String,
    },
    /// Something is about to be done outside of the run: to be done as soon as this is durable.
    EffectIntended {
        /// Its idempotency key.
        key: String,
        /// Who does it; absent for the run itself.
        #[serde(default)]
        attempt: Option<AttemptId>,
        /// What.
        what: Value,
    },
    /// How it came out.
    EffectReceived {
        /// Its idempotency key.
        key: String,
        /// Whether it is known to be done.
        done: bool,
        /// What is known about it.
        receipt: Value,
    },
    /// The events before this one are those of another run.
    RunForked {
        /// The other run.
        parent: String,
        /// How many they are.
        at: u64,
    },
    /// The run is closed. Whatever was not settled is dropped.
    RunFinished {
        /// The verdict.
        verdict: Value,
        /// The rest of the result.
        summary: Value,
    },
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct EncodedEvent {
    /// One of [`RunEvent::KINDS`].
    pub kind: &'static str,
    /// [`EVENT_VERSION`].
    pub version: u16,
    /// The fields of the event.
    pub payload: Value,
}

/// Why a stored event cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Written by a program that knows more.
    #[error(
        "events of kind `{kind}` are unknown here; the run was written by a newer smallhands: use that one, or newer"
    )]
    UnknownKind {
        /// The kind as stored.
        kind: String,
    },
    /// Written by a program that means something else by it.
    #[error(
        "an event `{kind}` has version {version}, but versions up to {EVENT_VERSION} can be read here; \
         use a newer smallhands"
    )]
    UnsupportedVersion {
        /// The kind as stored.
        kind: String,
        /// The version as stored.
        version: u16,
    },
    /// Not what was written.
    #[error(
        "an event `{kind}` is malformed: {detail}; the log was changed by something else than smallhands"
    )]
    Malformed {
        /// The kind as stored.
        kind: String,
        /// What is wrong.
        detail: String,
    },
}

impl RunEvent {
    /// Every kind of event, as stored.
    pub const KINDS: &[&str] = &[
        "run_submitted",
        "plan_adopted",
        "task_unreachable",
        "attempt_started",
        "attempt_progressed",
        "attempt_finished",
        "attempt_lost",
        "run_resumed",
        "run_cancelled",
        "run_limit_reached",
        "order_taken",
        "deadline_moved",
        "approval_asked",
        "approval_lapsed",
        "effect_intended",
        "effect_received",
        "run_forked",
        "run_finished",
        "attempt_failed",
        "task_delayed",
        "capacity_changed",
    ];

    /// The kind under which the event is stored.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RunSubmitted { .. } => "run_submitted",
            Self::PlanAdopted { .. } => "plan_adopted",
            Self::TaskUnreachable { .. } => "task_unreachable",
            Self::AttemptStarted { .. } => "attempt_started",
            Self::AttemptProgressed { .. } => "attempt_progressed",
            Self::AttemptFinished { .. } => "attempt_finished",
            Self::AttemptLost { .. } => "attempt_lost",
            Self::RunResumed { .. } => "run_resumed",
            Self::RunCancelled { .. } => "run_cancelled",
            Self::RunLimitReached { .. } => "run_limit_reached",
            Self::OrderTaken { .. } => "order_taken",
            Self::DeadlineMoved { .. } => "deadline_moved",
            Self::ApprovalAsked { .. } => "approval_asked",
            Self::ApprovalLapsed { .. } => "approval_lapsed",
            Self::EffectIntended { .. } => "effect_intended",
            Self::EffectReceived { .. } => "effect_received",
            Self::RunForked { .. } => "run_forked",
            Self::RunFinished { .. } => "run_finished",
            Self::AttemptFailed { .. } => "attempt_failed",
            Self::TaskDelayed { .. } => "task_delayed",
            Self::CapacityChanged { .. } => "capacity_changed",
        }
    }

    /// The event as it is stored.
    pub fn encode(&self) -> EncodedEvent {
        let mut whole = serde_json::to_value(self).unwrap_or_default();
        let payload = whole.get_mut("payload").map(Value::take).unwrap_or_default();
        EncodedEvent { kind: self.kind(), version: EVENT_VERSION, payload }
    }

    /// Reads a stored event back.
    pub fn decode(kind: &str, version: u16, payload: &Value) -> Result<Self, DecodeError> {
        if !Self::KINDS.contains(&kind) {
            return Err(DecodeError::UnknownKind { kind: kind.to_owned() });
        }
        if version == 0 || version > EVENT_VERSION {
            return Err(DecodeError::UnsupportedVersion { kind: kind.to_owned(), version });
        }
        let whole = serde_json::json!({ "kind": kind, "payload": payload });
        serde_json::from_value(whole)
            .map_err(|error| DecodeError::Malformed { kind: kind.to_owned(), detail: error.to_string() })
    }
}
