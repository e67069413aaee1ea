//! The plan: tasks, what they wait for, and how plans change.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::plan_rules::{Surroundings, validate_added};
use crate::{Lock, PlanError, RaceId, Resources, RetryPolicy, Role, TaskId};

/// A node of the plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its name, unique in the run.
    pub id: TaskId,
    /// The specialist it is for.
    pub role: Role,
    /// What is to be achieved, one line for people.
    pub goal: String,
    /// The tasks it waits for.
    #[serde(default)]
    pub after: Vec<TaskId>,
    /// What "waits for" means.
    #[serde(default)]
    pub needs: Needs,
    /// Whatever the agent needs to know; opaque here.
    #[serde(default)]
    pub params: Value,
    /// The race it takes part in, if any.
    #[serde(default)]
    pub race: Option<RaceId>,
    /// Most attempts, at least 1; those lost because the process ended are not counted.
    pub max_attempts: u32,
    /// Which endings of an attempt lead to another one.
    #[serde(default)]
    pub retry: RetryPolicy,
    /// How long one attempt may take, in milliseconds. Enforced by whoever runs the attempt; at least 1.
    pub time_limit_ms: u64,
    /// Higher starts earlier; passed on to the tasks it waits for. 0 is ordinary.
    #[serde(default)]
    pub priority: i64,
    /// How long it probably takes, in milliseconds; decides the critical path.
    #[serde(default)]
    pub weight_ms: u64,
    /// The name of a lock: at most one task per lock runs at a time. The same as an entry of `locks` that is not shared.
    #[serde(default)]
    pub exclusive: Option<String>,
    /// The locks it holds while it runs; it waits until it can have all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub locks: Vec<Lock>,
    /// What it takes while it runs.
    #[serde(default, skip_serializing_if = "Resources::is_negligible")]
    pub resources: Resources,
    /// The paths it will probably write: names of files or folders, or patterns with `*`, `**` and `?`. Tasks that would
    /// write the same do not run at the same time; of those that could start, the one planned first goes first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owns: Vec<String>,
    /// What takes the place of the longest chain in the schedule, in milliseconds; see [`crate::schedule::tune`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rank_ms: Option<u64>,
}

impl Task {
    /// A task that waits for nothing, may be tried once for ten minutes, and is expected to take a second.
    pub fn new(id: impl Into<TaskId>, role: impl Into<Role>, goal: impl Into<String>) -> Self {
        Self {
            id: id.into(),
            role: role.into(),
            goal: goal.into(),
            after: Vec::new(),
            needs: Needs::default(),
            params: Value::Null,
            race: None,
            max_attempts: 1,
            retry: RetryPolicy::default(),
            time_limit_ms: 600_000,
            priority: 0,
            weight_ms: 1_000,
            exclusive: None,
            locks: Vec::new(),
            resources: Resources::default(),
            owns: Vec::new(),
            rank_ms: None,
        }
    }
}

/// When a task's dependencies let it start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Needs {
    /// All of them are done. If one settles otherwise, this task is dropped as unreachable.
    #[default]
    AllDone,
    /// All of them are settled, however: done, given up, failed or dropped.
    AllSettled,
}

/// A set of tasks with dependencies among them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// In the order in which the planner named them; ties in the schedule are broken by it.
    pub tasks: Vec<Task>,
}

/// A change of the plan. The empty change says "the plan stands".
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanChange {
    /// New tasks; they may wait for existing ones and for each other.
    #[serde(default)]
    pub add: Vec<Task>,
    /// Tasks not wanted any more. Those running are asked to stop; those settled cannot be dropped. A task of `add` may be
    /// named as well: it is on record then, with the reason why it is never done.
    #[serde(default)]
    pub drop: Vec<TaskId>,
    /// Why, for people.
    #[serde(default)]
    pub reason: String,
    /// How many settled tasks the planner had seen ([`crate::RunState::settled`]`.len()` when it began to think).
    /// `None` means all so far. Give it when planning takes a while, lest what settled meanwhile goes unconsidered.
    #[serde(default)]
    pub seen: Option<u64>,
}

impl From<Plan> for PlanChange {
    fn from(plan: Plan) -> Self {
        Self { add: plan.tasks, reason: "first plan".into(), ..Self::default() }
    }
}

impl Plan {
    /// Checks that names are usable and unique, dependencies exist, nothing waits for itself, and limits are sane.
    pub fn validate(&self) -> Result<(), PlanError> {
        validate_added(&self.tasks, &Surroundings::none())
    }
}
