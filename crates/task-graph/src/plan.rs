//! The plan: tasks, what they wait for, and the rules that make a set of tasks a plan.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::id::is_good_name;
use crate::{RaceId, Role, TaskId};

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
    /// The name of a lock: at most one task per lock runs at a time.
    #[serde(default)]
    pub exclusive: Option<String>,
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

/// Which endings of an attempt lead to another attempt, while attempts remain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RetryPolicy {
    /// The machinery broke, or the process ended. `false` for work that must never be repeated blindly.
    pub on_lost: bool,
    /// The agent found no way.
    pub on_gave_up: bool,
    /// The attempt ran into its own limit.
    pub on_limit: bool,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { on_lost: true, on_gave_up: false, on_limit: false }
    }
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
    /// Tasks not wanted any more. Those running are asked to stop; those settled cannot be dropped.
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

/// Why a set of tasks is not a plan. Each names the offending task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A name that cannot be used.
    #[error(
        "task `{task}`: {what} `{name}` is not a usable name; use 1 to 100 ASCII letters, digits and . _ - : / \
         beginning with a letter or digit"
    )]
    BadName {
        /// The task.
        task: TaskId,
        /// What the name is for: `id`, `role`, `race` or `exclusive`.
        what: &'static str,
        /// The name.
        name: String,
    },
    /// Two tasks of one name.
    #[error(
        "task `{task}` appears twice; give each task its own id, also distinct from settled and dropped ones"
    )]
    Duplicate {
        /// The task.
        task: TaskId,
    },
    /// A dependency that is not there.
    #[error(
        "task `{task}` waits for `{missing}`, which is not in the plan; add it or remove it from `after`"
    )]
    UnknownDependency {
        /// The task.
        task: TaskId,
        /// What it names.
        missing: TaskId,
    },
    /// The same dependency twice.
    #[error("task `{task}` names `{repeated}` twice in `after`; name it once")]
    RepeatedDependency {
        /// The task.
        task: TaskId,
        /// What it names twice.
        repeated: TaskId,
    },
    /// Tasks that wait for each other.
    #[error("task `{task}` waits for itself: {}; remove one of these dependencies", cycle_text(.cycle))]
    Cycle {
        /// The first task of the cycle, in the order of names.
        task: TaskId,
        /// The tasks of the cycle, each waiting for the next and the last for the first.
        cycle: Vec<TaskId>,
    },
    /// A number that makes no sense.
    #[error("task `{task}`: `{field}` is 0; it must be at least 1")]
    ZeroLimit {
        /// The task.
        task: TaskId,
        /// `max_attempts` or `time_limit_ms`.
        field: &'static str,
    },
    /// More tasks than a run may have.
    #[error("task `{task}` would be one too many: a run has at most {most} tasks; plan coarser")]
    TooMany {
        /// The first task beyond the bound.
        task: TaskId,
        /// The bound.
        most: usize,
    },
}

/// Most tasks of a run over its life. A bound against planners that run away, far above sensible plans.
pub(crate) const MOST_TASKS: usize = 10_000;

impl Plan {
    /// Checks that names are usable and unique, dependencies exist, nothing waits for itself, and limits are sane.
    pub fn validate(&self) -> Result<(), PlanError> {
        validate_added(&self.tasks, &BTreeSet::new())
    }
}

/// Checks `added` tasks against the names already taken. Existing tasks never wait for added ones, so a cycle can only
/// lie within `added`.
pub(crate) fn validate_added(added: &[Task], existing: &BTreeSet<&TaskId>) -> Result<(), PlanError> {
    if let Some(task) = added.get(MOST_TASKS.saturating_sub(existing.len())) {
        return Err(PlanError::TooMany { task: task.id.clone(), most: MOST_TASKS });
    }
    let mut known = existing.clone();
    for task in added {
        validate_fields(task)?;
        if !known.insert(&task.id) {
            return Err(PlanError::Duplicate { task: task.id.clone() });
        }
    }
    for task in added {
        validate_after(task, &known)?;
    }
    match find_cycle(added) {
        Some(cycle) => Err(PlanError::Cycle { task: cycle[0].clone(), cycle }),
        None => Ok(()),
    }
}

fn validate_fields(task: &Task) -> Result<(), PlanError> {
    let names = [
        ("id", Some(task.id.as_str())),
        ("role", Some(task.role.as_str())),
        ("race", task.race.as_ref().map(RaceId::as_str)),
        ("exclusive", task.exclusive.as_deref()),
    ];
    for (what, name) in names {
        if let Some(name) = name.filter(|name| !is_good_name(name)) {
            return Err(PlanError::BadName { task: task.id.clone(), what, name: name.to_owned() });
        }
    }
    for (field, zero) in
        [("max_attempts", task.max_attempts == 0), ("time_limit_ms", task.time_limit_ms == 0)]
    {
        if zero {
            return Err(PlanError::ZeroLimit { task: task.id.clone(), field });
        }
    }
    Ok(())
}

fn validate_after(task: &Task, known: &BTreeSet<&TaskId>) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for dependency in &task.after {
        if !known.contains(dependency) {
            return Err(PlanError::UnknownDependency { task: task.id.clone(), missing: dependency.clone() });
        }
        if !seen.insert(dependency) {
            return Err(PlanError::RepeatedDependency {
                task: task.id.clone(),
                repeated: dependency.clone(),
            });
        }
    }
    Ok(())
}

/// Takes away, again and again, the tasks that wait for none of the rest; what cannot be taken away contains a cycle,
/// which is then found by following dependencies until a task comes up again. No recursion: plans may be deep.
fn find_cycle(tasks: &[Task]) -> Option<Vec<TaskId>> {
    let mut rest: BTreeMap<&TaskId, Vec<&TaskId>> =
        tasks.iter().map(|task| (&task.id, task.after.iter().collect())).collect();
    let mut dependents: BTreeMap<&TaskId, Vec<&TaskId>> = BTreeMap::new();
    for task in tasks {
        for dependency in &task.after {
            dependents.entry(dependency).or_default().push(&task.id);
        }
    }
    let ids: BTreeSet<&TaskId> = rest.keys().copied().collect();
    for waits in rest.values_mut() {
        waits.retain(|dependency| ids.contains(dependency));
    }
    let mut open: BTreeMap<&TaskId, usize> = rest.iter().map(|(id, waits)| (*id, waits.len())).collect();
    let mut free: Vec<&TaskId> = open.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
    while let Some(id) = free.pop() {
        rest.remove(id);
        for dependent in dependents.get(id).into_iter().flatten() {
            if let Some(count) = open.get_mut(dependent) {
                *count -= 1;
                if *count == 0 {
                    free.push(dependent);
                }
            }
        }
    }
    rest.keys().next().copied().map(|start| walk_to_cycle(&rest, start))
}

/// Follows unresolved dependencies from `start`; every task in `rest` has at least one.
fn walk_to_cycle(rest: &BTreeMap<&TaskId, Vec<&TaskId>>, start: &TaskId) -> Vec<TaskId> {
    let mut path: Vec<&TaskId> = Vec::new();
    let mut at = start;
    loop {
        if let Some(position) = path.iter().position(|seen| *seen == at) {
            let mut cycle: Vec<TaskId> = path[position..].iter().map(|id| (*id).clone()).collect();
            let first = cycle.iter().enumerate().min_by_key(|(_, id)| *id).map_or(0, |(index, _)| index);
            cycle.rotate_left(first);
            return cycle;
        }
        path.push(at);
        match rest.get(at).and_then(|waits| waits.iter().find(|id| rest.contains_key(**id))) {
            Some(next) => at = next,
            None => return path.into_iter().cloned().collect(),
        }
    }
}

fn cycle_text(cycle: &[TaskId]) -> String {
    let mut names: Vec<&str> = cycle.iter().map(TaskId::as_str).collect();
    names.extend(cycle.first().map(TaskId::as_str));
    names.join(" → ")
}
