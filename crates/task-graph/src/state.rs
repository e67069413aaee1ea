//! Where a run stands: the fold of its events. A cache of the log, may be thrown away at any time.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::tasks::Tasks;
use crate::{
    AttemptId, AttemptPhase, Capacity, ControlState, FailureClass, Limit, RaceId, RunLimits, RunPhase, Task,
    TaskId, TaskPhase,
};

/// The state of a run. Read it freely; only [`crate::evolve`] changes it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunState {
    /// Where the run stands.
    pub phase: RunPhase,
    /// How many events led here.
    pub events: u64,
    /// What was asked for.
    pub spec: Value,
    /// Bounds on the run; the deadline as last moved.
    pub limits: RunLimits,
    /// When the run was submitted, in milliseconds since the Unix epoch.
    pub submitted_at_ms: i64,
    /// The latest time that any event tells, likewise.
    pub last_at_ms: i64,
    /// How many times another process took the run over.
    pub epoch: u32,
    /// Set once the run is ending: nothing new starts.
    pub halt: Option<Halt>,
    /// What there is for all tasks together, besides agents; absent for as much as one likes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<Capacity>,
    /// Every task that ever was in the plan.
    pub tasks: Tasks,
    /// The settled tasks, in the order in which they settled.
    pub settled: Vec<TaskId>,
    /// How many of `settled` the planner has considered.
    pub planned_through: u64,
    /// How many plans and changes were adopted.
    pub revision: u32,
    /// Attempts started, without those lost because the process ended.
    pub attempts_charged: u32,
    /// What its user ordered, what it asked its user, and what it did outside.
    #[serde(default, skip_serializing_if = "ControlState::is_untouched")]
    pub control: ControlState,
    /// The verdict, once finished.
    pub verdict: Option<Value>,
    /// The rest of the result, once finished.
    pub summary: Option<Value>,
}

/// Why a run is ending.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Halt {
    /// It was called off.
    Cancelled {
        /// Why.
        reason: String,
    },
    /// It ran into a limit.
    LimitReached {
        /// Which one.
        which: Limit,
    },
}

impl Halt {
    /// Whether attempts that run may end by themselves.
    pub fn lets_attempts_end(&self) -> bool {
        matches!(self, Self::LimitReached { which: Limit::Attempts })
    }
}

impl std::fmt::Display for Halt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Cancelled { reason } => write!(f, "cancelled: {reason}"),
            Self::LimitReached { which } => write!(f, "{which} reached"),
        }
    }
}

/// Where a task stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskState {
    /// The task as planned.
    pub task: Task,
    /// Its place in the order of adoption; breaks ties in the schedule.
    pub order: u64,
    /// Where it stands.
    pub phase: TaskPhase,
    /// Every try so far; the `n`-th has number `n + 1`.
    pub attempts: Vec<Attempt>,
    /// Tries charged to `max_attempts`.
    pub charged: u32,
    /// The last progress note of any try: where the next one goes on.
    pub last_progress: Option<Value>,
    /// Why it is where it is, for people, where there is something to say.
    pub note: Option<String>,
    /// The next attempt must not start before this time, in milliseconds since the Unix epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before_ms: Option<i64>,
    /// Attempts that took their worker with them.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub kills: u32,
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

/// One try at a task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Attempt {
    /// Where it stands.
    pub phase: AttemptPhase,
    /// When it was recorded as started, in milliseconds since the Unix epoch.
    pub started_at_ms: i64,
    /// When it was recorded as over.
    pub ended_at_ms: Option<i64>,
    /// What came out, if anything.
    pub output: Option<Value>,
    /// Why it ended or is to end, for people; absent for success.
    pub reason: Option<String>,
    /// What kind of failure it was, where that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<FailureClass>,
}

impl TaskState {
    /// A task that was just planned.
    pub(crate) fn planned(task: Task, order: u64) -> Self {
        Self {
            task,
            order,
            phase: TaskPhase::Waiting,
            attempts: Vec::new(),
            charged: 0,
            last_progress: None,
            note: None,
            not_before_ms: None,
            kills: 0,
        }
    }

    /// When the attempt that runs will probably be over.
    pub(crate) fn expected_end_ms(&self) -> i64 {
        let started = self.attempts.last().map_or(0, |attempt| attempt.started_at_ms);
        started.saturating_add_unsigned(self.task.weight_ms)
    }

    /// The attempt that runs or is being stopped, if any.
    pub fn active_attempt(&self) -> Option<AttemptId> {
        self.phase.is_active().then(|| AttemptId::new(self.task.id.clone(), self.attempts.len() as u32))
    }

    /// What the task brought: the output of its last attempt, also of one that gave up.
    pub fn output(&self) -> Option<&Value> {
        self.attempts.last().and_then(|attempt| attempt.output.as_ref())
    }

    /// Whether another charged attempt is allowed.
    pub fn attempts_remain(&self) -> bool {
        self.charged < self.task.max_attempts
    }
}

/// A view of the tasks that are sibling attempts at one goal.
#[derive(Debug, Clone, PartialEq)]
pub struct Race<'a> {
    /// All its tasks, by name.
    pub members: Vec<&'a TaskState>,
    /// Whether all of them are settled.
    pub settled: bool,
    /// What those that are done brought, by task.
    pub outputs: BTreeMap<&'a TaskId, &'a Value>,
}

impl RunState {
    /// The task of this name, in whatever phase.
    pub fn task(&self, id: &TaskId) -> Option<&TaskState> {
        self.tasks.get(id)
    }

    /// The attempt of this name, over or not.
    pub fn attempt(&self, id: &AttemptId) -> Option<&Attempt> {
        let index = id.number.checked_sub(1)? as usize;
        self.tasks.get(&id.task)?.attempts.get(index)
    }

    /// The attempts that run or are being stopped, by name.
    pub fn active_attempts(&self) -> Vec<AttemptId> {
        let active = self.tasks.agenda().active().iter().filter_map(|slot| self.tasks.at(*slot));
        let mut active: Vec<AttemptId> = active.filter_map(TaskState::active_attempt).collect();
        active.sort_unstable();
        active
    }

    /// The race of this name, or `None` if no task takes part in it.
    pub fn race(&self, race: &RaceId) -> Option<Race<'_>> {
        let members: Vec<&TaskState> =
            self.tasks.values().filter(|state| state.task.race.as_ref() == Some(race)).collect();
        let settled = members.iter().all(|state| state.phase.is_settled());
        let outputs = members
            .iter()
            .filter(|state| state.phase == TaskPhase::Done)
            .filter_map(|state| Some((&state.task.id, state.output()?)))
            .collect();
        (!members.is_empty()).then_some(Race { members, settled, outputs })
    }

    /// Settled tasks that the planner has not considered, in the order in which they settled.
    pub fn unconsidered(&self) -> &[TaskId] {
        self.settled.get(self.planned_through as usize..).unwrap_or_default()
    }

    /// Attempts that may still be started in this run; `None` for any number.
    pub fn attempts_left(&self) -> Option<u32> {
        self.limits.max_attempts.map(|most| most.saturating_sub(self.attempts_charged))
    }

    /// Whether the deadline has come. It waits while the run is paused.
    pub fn is_past_deadline(&self, at_ms: i64) -> bool {
        !self.control.is_paused() && self.limits.deadline_at_ms.is_some_and(|deadline| at_ms >= deadline)
    }

    /// How many tasks are in `phase`.
    pub fn count(&self, phase: TaskPhase) -> usize {
        self.tasks.agenda().count(phase)
    }
}
