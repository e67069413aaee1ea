//! The state machines of a run, of a task and of an attempt, as tables. Nothing else decides which phase follows which:
//! a step that is not in its table is refused.

use serde::{Deserialize, Serialize};

/// Where a run stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunPhase {
    /// No event yet.
    #[default]
    Unsubmitted,
    /// Submitted; no plan yet.
    Planning,
    /// A plan is adopted.
    Running,
    /// Closed with a verdict; nothing happens any more.
    Finished,
}

/// What happens to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RunStep {
    /// The user asks for it.
    Submit,
    /// A plan, or a change of it, is adopted.
    Adopt,
    /// Attempts start, progress or end; a limit is reached; a new process takes over.
    Work,
    /// It is called off.
    Halt,
    /// It is closed with a verdict.
    Finish,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskPhase {
    /// For its needs, for a free agent, for its lock or for its next attempt.
    Waiting,
    /// An attempt is running.
    Running,
    /// It is being dropped; its attempt has been asked to stop.
    Stopping,
    /// An attempt succeeded.
    Done,
    /// The agent found no way.
    GaveUp,
    /// It ran into a limit, or the machinery broke too often.
    Failed,
    /// Not wanted any more, or not reachable any more.
    Dropped,
}

/// What happens to a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStep {
    /// An attempt starts.
    Start,
    /// The attempt succeeded.
    Succeed,
    /// The agent gave up, finally.
    GiveUp,
    /// A limit or a broken machinery, finally.
    Fail,
    /// The attempt ended without success and another is due.
    Retry,
    /// The attempt is asked to stop.
    Stop,
    /// The task leaves the plan.
    Drop,
}

/// Where an attempt stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptPhase {
    /// Recorded as started; being launched or at work.
    Running,
    /// Asked to stop; has not ended yet.
    Stopping,
    /// Succeeded.
    Done,
    /// The agent found no way.
    GaveUp,
    /// Ran into a limit of its own.
    LimitReached,
    /// The sandbox, the machinery or the process broke.
    Lost,
    /// Stopped on request.
    Stopped,
}

/// What happens to an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum AttemptStep {
    /// Comes back with a result.
    Succeed,
    /// Comes back without.
    GiveUp,
    /// Runs into its limit.
    ReachLimit,
    /// Never comes back.
    Lose,
    /// Is asked to stop.
    Stop,
}

/// Every step a run may take.
#[rustfmt::skip]
pub const RUN: &[(RunPhase, RunStep, RunPhase)] = &[
    (RunPhase::Unsubmitted, RunStep::Submit, RunPhase::Planning),
    (RunPhase::Planning,    RunStep::Adopt,  RunPhase::Running),
    (RunPhase::Planning,    RunStep::Work,   RunPhase::Planning),
    (RunPhase::Planning,    RunStep::Halt,   RunPhase::Planning),
    (RunPhase::Planning,    RunStep::Finish, RunPhase::Finished),
    (RunPhase::Running,     RunStep::Adopt,  RunPhase::Running),
    (RunPhase::Running,     RunStep::Work,   RunPhase::Running),
    (RunPhase::Running,     RunStep::Halt,   RunPhase::Running),
    (RunPhase::Running,     RunStep::Finish, RunPhase::Finished),
];

/// Every step a task may take.
#[rustfmt::skip]
pub const TASK: &[(TaskPhase, TaskStep, TaskPhase)] = &[
    (TaskPhase::Waiting,  TaskStep::Start,   TaskPhase::Running),
    (TaskPhase::Waiting,  TaskStep::Drop,    TaskPhase::Dropped),
    (TaskPhase::Running,  TaskStep::Succeed, TaskPhase::Done),
    (TaskPhase::Running,  TaskStep::GiveUp,  TaskPhase::GaveUp),
    (TaskPhase::Running,  TaskStep::Fail,    TaskPhase::Failed),
    (TaskPhase::Running,  TaskStep::Retry,   TaskPhase::Waiting),
    (TaskPhase::Running,  TaskStep::Stop,    TaskPhase::Stopping),
    (TaskPhase::Stopping, TaskStep::Drop,    TaskPhase::Dropped),
];

/// Every step an attempt may take. One that was asked to stop may still come back by itself first.
#[rustfmt::skip]
pub const ATTEMPT: &[(AttemptPhase, AttemptStep, AttemptPhase)] = &[
    (AttemptPhase::Running,  AttemptStep::Succeed,    AttemptPhase::Done),
    (AttemptPhase::Running,  AttemptStep::GiveUp,     AttemptPhase::GaveUp),
    (AttemptPhase::Running,  AttemptStep::ReachLimit, AttemptPhase::LimitReached),
    (AttemptPhase::Running,  AttemptStep::Lose,       AttemptPhase::Lost),
    (AttemptPhase::Running,  AttemptStep::Stop,       AttemptPhase::Stopping),
    (AttemptPhase::Stopping, AttemptStep::Succeed,    AttemptPhase::Done),
    (AttemptPhase::Stopping, AttemptStep::GiveUp,     AttemptPhase::GaveUp),
    (AttemptPhase::Stopping, AttemptStep::ReachLimit, AttemptPhase::LimitReached),
    (AttemptPhase::Stopping, AttemptStep::Lose,       AttemptPhase::Stopped),
];

/// What the end of an attempt may mean for its task: how the attempt ended, the step the task takes.
/// A task that is being dropped takes [`TaskStep::Drop`] however its attempt ended.
#[rustfmt::skip]
pub const CONSEQUENCE: &[(AttemptPhase, TaskStep)] = &[
    (AttemptPhase::Done,         TaskStep::Succeed),
    (AttemptPhase::Done,         TaskStep::Drop),
    (AttemptPhase::GaveUp,       TaskStep::GiveUp),
    (AttemptPhase::GaveUp,       TaskStep::Retry),
    (AttemptPhase::GaveUp,       TaskStep::Drop),
    (AttemptPhase::LimitReached, TaskStep::Fail),
    (AttemptPhase::LimitReached, TaskStep::Retry),
    (AttemptPhase::LimitReached, TaskStep::Drop),
    (AttemptPhase::Lost,         TaskStep::Fail),
    (AttemptPhase::Lost,         TaskStep::Retry),
    (AttemptPhase::Stopped,      TaskStep::Drop),
];

impl RunPhase {
    /// The phase after `step`, or `None` where the table has no such step.
    pub fn after(self, step: RunStep) -> Option<Self> {
        look_up(RUN, self, step)
    }
}

impl TaskPhase {
    /// The phase after `step`, or `None` where the table has no such step.
    pub fn after(self, step: TaskStep) -> Option<Self> {
        look_up(TASK, self, step)
    }

    /// Whether nothing will happen to the task any more.
    pub fn is_settled(self) -> bool {
        matches!(self, Self::Done | Self::GaveUp | Self::Failed | Self::Dropped)
    }

    /// Whether an attempt holds a slot and the task's lock.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Running | Self::Stopping)
    }
}

impl AttemptPhase {
    /// The phase after `step`, or `None` where the table has no such step.
    pub fn after(self, step: AttemptStep) -> Option<Self> {
        look_up(ATTEMPT, self, step)
    }

    /// Whether the attempt is over.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Running | Self::Stopping)
    }

    /// Whether a task may take `step` because its attempt ended in this phase.
    pub fn allows(self, step: TaskStep) -> bool {
        CONSEQUENCE.contains(&(self, step))
    }
}

fn look_up<P: Copy + PartialEq, S: PartialEq>(table: &[(P, S, P)], phase: P, step: S) -> Option<P> {
    table.iter().find(|(from, by, _)| *from == phase && *by == step).map(|(_, _, to)| *to)
}
