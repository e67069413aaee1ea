//! Why a command was refused. A refused command changes nothing.

use crate::{AttemptId, AttemptPhase, PlanError, TaskId, TaskPhase};

/// The reason of a refusal, with what to do instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// The first command of a run must be `Submit`.
    #[error("the run has not been submitted; submit it first")]
    NotSubmitted,
    /// `Submit` on a run that has events.
    #[error("the run has already been submitted; begin another run under a new id")]
    AlreadySubmitted,
    /// Anything on a finished run.
    #[error("the run is finished; its verdict stands. Begin another run")]
    Finished,
    /// A limit that makes no sense.
    #[error("`{field}` is 0; it must be at least 1")]
    ZeroLimit {
        /// The field of [`crate::RunLimits`].
        field: &'static str,
    },
    /// The tasks to be added do not make a plan together with those that exist.
    #[error("the plan cannot be adopted: {0}")]
    Plan(#[from] PlanError),
    /// Tasks to be added to a run that is ending.
    #[error("the run is ending ({why}); no task can be added. Finish it")]
    Halted {
        /// What halted it.
        why: String,
    },
    /// A name that is not in the plan.
    #[error("there is no task `{task}` in the plan")]
    UnknownTask {
        /// The name.
        task: TaskId,
    },
    /// A task that cannot be dropped because it is settled or being dropped already.
    #[error("task `{task}` cannot be dropped: it is {}; leave it out of `drop`", phase_text(.phase))]
    CannotDrop {
        /// The task.
        task: TaskId,
        /// Where it stands.
        phase: TaskPhase,
    },
    /// The same task twice in `drop`.
    #[error("task `{task}` is named twice in `drop`; name it once")]
    DroppedTwice {
        /// The task.
        task: TaskId,
    },
    /// The planner claims to have seen more than there is.
    #[error("the planner says it has seen {claimed} settled tasks, but only {actual} are settled")]
    SeenTooMuch {
        /// What [`crate::PlanChange::seen`] says.
        claimed: u64,
        /// How many there are.
        actual: u64,
    },
    /// An attempt that was never started.
    #[error("there is no attempt `{attempt}`; only attempts recorded as started can progress or end")]
    UnknownAttempt {
        /// The name.
        attempt: AttemptId,
    },
    /// News from an attempt that is over, for example one that was taken for lost.
    #[error("attempt `{attempt}` is over ({}); its news come too late", attempt_text(.phase))]
    AttemptOver {
        /// The attempt.
        attempt: AttemptId,
        /// How it ended.
        phase: AttemptPhase,
    },
    /// `Finish` while attempts run.
    #[error("the run cannot be finished while attempts run ({}); stop them first, or cancel the run", list(.attempts))]
    AttemptsRunning {
        /// Those that run.
        attempts: Vec<AttemptId>,
    },
    /// An order that was taken before.
    #[error("request {request} was answered before; nothing is done twice")]
    OrderKnown {
        /// Its number.
        request: u64,
    },
    /// An order that makes no sense in a run that is ending.
    #[error("the run is ending ({why}); wait for its result, or begin another run")]
    Ending {
        /// What halted it.
        why: String,
    },
    /// `Pause` on a paused run.
    #[error("the run is paused already; unpause it to let it go on")]
    AlreadyPaused,
    /// `Unpause` on a run that is not paused.
    #[error("the run is not paused")]
    NotPaused,
    /// A change of limits that names none.
    #[error("no limit is named; name the time, the money or the number of agents")]
    NothingToChange,
    /// An answer to a question that nobody asked.
    #[error("nobody asked `{approval}`; `smallhands show` lists the open questions")]
    UnknownApproval {
        /// The name.
        approval: String,
    },
    /// An answer that comes too late.
    #[error("`{approval}` does not wait for an answer any more")]
    ApprovalOver {
        /// The name.
        approval: String,
    },
    /// An effect of an attempt that is to stop.
    #[error("attempt `{attempt}` is to stop; it must not begin anything outside")]
    AttemptStopping {
        /// The attempt.
        attempt: AttemptId,
    },
    /// An intent for a key that has one.
    #[error("`{key}` was intended before; find out whether it happened instead of doing it again")]
    EffectKnown {
        /// The key.
        key: String,
    },
    /// A receipt for what was never intended.
    #[error("`{key}` was never intended; say what will be done before it is done")]
    UnknownEffect {
        /// The key.
        key: String,
    },
    /// A receipt for what is known to be done.
    #[error("`{key}` is known to be done already")]
    EffectDone {
        /// The key.
        key: String,
    },
    /// `Fork` on a run that is a fork already at this place, or has no events.
    #[error("a fork shares at least one event, and no more than there are: {at} of {events}")]
    BadFork {
        /// Events shared.
        at: u64,
        /// Events there are.
        events: u64,
    },
}

fn phase_text(phase: &TaskPhase) -> &'static str {
    match phase {
        TaskPhase::Waiting => "waiting",
        TaskPhase::Running => "running",
        TaskPhase::Stopping => "being dropped already",
        TaskPhase::Done => "done",
        TaskPhase::GaveUp => "given up",
        TaskPhase::Failed => "failed",
        TaskPhase::Dropped => "dropped already",
    }
}

fn attempt_text(phase: &AttemptPhase) -> &'static str {
    match phase {
        AttemptPhase::Running => "running",
        AttemptPhase::Stopping => "stopping",
        AttemptPhase::Done => "done",
        AttemptPhase::GaveUp => "gave up",
        AttemptPhase::LimitReached => "ran into its limit",
        AttemptPhase::Lost => "lost",
        AttemptPhase::Stopped => "stopped",
    }
}

fn list(attempts: &[AttemptId]) -> String {
    attempts.iter().map(|id| format!("`{id}`")).collect::<Vec<_>>().join(", ")
}
