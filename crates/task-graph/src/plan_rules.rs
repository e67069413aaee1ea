//! The rules that make a set of tasks a plan, and what is said when one is broken.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::is_good_name;
use crate::topology::sort;
use crate::{RaceId, Task, TaskId};

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

/// Follows dependencies among entangled tasks until one comes up again: there is a cycle, since each has such a dependency.
fn find_cycle(tasks: &[Task]) -> Option<Vec<TaskId>> {
    let entangled = sort(tasks.iter()).entangled;
    let mut at: &TaskId = entangled.keys().next()?;
    let mut path: Vec<&TaskId> = Vec::new();
    let mut seen: BTreeMap<&TaskId, usize> = BTreeMap::new();
    while !seen.contains_key(at) {
        seen.insert(at, path.len());
        path.push(at);
        at = entangled.get(at)?.after.iter().find(|id| entangled.contains_key(*id))?;
    }
    let mut cycle: Vec<TaskId> = path.split_off(*seen.get(at)?).into_iter().cloned().collect();
    let first = cycle.iter().enumerate().min_by_key(|(_, id)| *id).map_or(0, |(index, _)| index);
    cycle.rotate_left(first);
    Some(cycle)
}

fn cycle_text(cycle: &[TaskId]) -> String {
    let mut names: Vec<&str> = cycle.iter().map(TaskId::as_str).collect();
    names.extend(cycle.first().map(TaskId::as_str));
    names.join(" → ")
}
