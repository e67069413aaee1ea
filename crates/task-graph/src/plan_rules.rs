//! The rules that make a set of tasks a plan, and what is said when one is broken.

use std::collections::{BTreeMap, BTreeSet};

use crate::agenda::paths;
use crate::id::is_good_name;
use crate::tasks::Tasks;
use crate::topology::sort;
use crate::{Backoff, Capacity, RaceId, Task, TaskId};

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
        /// What the name is for: `id`, `role`, `race`, `exclusive` or `locks`.
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
    /// A path that no task can write.
    #[error("task `{task}` owns `{path}`: {detail}")]
    BadPath {
        /// The task.
        task: TaskId,
        /// The path or pattern.
        path: String,
        /// What is wrong, and what to do.
        detail: &'static str,
    },
    /// The same lock twice.
    #[error("task `{task}` names the lock `{lock}` twice; name it once")]
    RepeatedLock {
        /// The task.
        task: TaskId,
        /// The lock.
        lock: String,
    },
    /// A wait between attempts that makes no sense.
    #[error("task `{task}`: {detail}")]
    BadBackoff {
        /// The task.
        task: TaskId,
        /// What is wrong, and what to do.
        detail: &'static str,
    },
    /// A task that takes more than the run has.
    #[error("task `{task}` takes more {what} than the run has; ask for less, or give the run more")]
    TooBig {
        /// The task.
        task: TaskId,
        /// `processors`, `memory` or `graphics processors`.
        what: &'static str,
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
pub(crate) const MOST_TASKS: usize = 200_000;

/// What is there already when tasks are added.
pub(crate) struct Surroundings<'a> {
    existing: Option<&'a Tasks>,
    capacity: Option<Capacity>,
}

impl<'a> Surroundings<'a> {
    /// Nothing.
    pub fn none() -> Self {
        Self { existing: None, capacity: None }
    }

    /// The tasks of a run, and what there is for all of them.
    pub fn of_run(existing: &'a Tasks, capacity: Option<Capacity>) -> Self {
        Self { existing: Some(existing), capacity }
    }

    fn has(&self, id: &TaskId) -> bool {
        self.existing.is_some_and(|tasks| tasks.contains_key(id))
    }
}

/// Checks `added` tasks against what is there. Existing tasks never wait for added ones, so a cycle can only lie within
/// `added`. Takes time for what is added, not for what is there.
pub(crate) fn validate_added(added: &[Task], around: &Surroundings<'_>) -> Result<(), PlanError> {
    let taken = around.existing.map_or(0, Tasks::len);
    if let Some(task) = added.get(MOST_TASKS.saturating_sub(taken)) {
        return Err(PlanError::TooMany { task: task.id.clone(), most: MOST_TASKS });
    }
    let mut new = BTreeSet::new();
    for task in added {
        validate_fields(task)?;
        validate_demands(task, around.capacity)?;
        if around.has(&task.id) || !new.insert(&task.id) {
            return Err(PlanError::Duplicate { task: task.id.clone() });
        }
    }
    for task in added {
        validate_after(task, &|id| new.contains(id) || around.has(id))?;
    }
    match find_cycle(added) {
        Some(cycle) => Err(PlanError::Cycle { task: cycle[0].clone(), cycle }),
        None => Ok(()),
    }
}

/// What a task takes while it runs and how long it waits between attempts.
fn validate_demands(task: &Task, capacity: Option<Capacity>) -> Result<(), PlanError> {
    let id = || task.id.clone();
    let mut locks: BTreeSet<&str> = task.exclusive.as_deref().into_iter().collect();
    for lock in &task.locks {
        if !is_good_name(&lock.name) {
            return Err(PlanError::BadName { task: id(), what: "locks", name: lock.name.clone() });
        }
        if !locks.insert(&lock.name) {
            return Err(PlanError::RepeatedLock { task: id(), lock: lock.name.clone() });
        }
    }
    for path in &task.owns {
        if let Some(detail) = paths::fault_of(path) {
            return Err(PlanError::BadPath { task: id(), path: path.clone(), detail });
        }
    }
    if let Some(detail) = task.retry.backoff.as_ref().and_then(fault_of_backoff) {
        return Err(PlanError::BadBackoff { task: id(), detail });
    }
    match capacity.and_then(|all| lacking(task, &all)) {
        Some(what) => Err(PlanError::TooBig { task: id(), what }),
        None => Ok(()),
    }
}

fn fault_of_backoff(backoff: &Backoff) -> Option<&'static str> {
    if !(backoff.factor >= 1.0 && backoff.factor.is_finite()) {
        return Some("`factor` of the backoff must be a number from 1");
    }
    if !(0.0..=1.0).contains(&backoff.jitter) {
        return Some("`jitter` of the backoff must be a number from 0 to 1");
    }
    (backoff.max_ms < backoff.initial_ms).then_some("`max_ms` of the backoff must be at least `initial_ms`")
}

fn lacking(task: &Task, all: &Capacity) -> Option<&'static str> {
    let wanted = &task.resources;
    if wanted.cpu_milli > all.cpu_milli {
        return Some("processors");
    }
    if wanted.memory_mb > all.memory_mb {
        return Some("memory");
    }
    (wanted.gpu > all.gpu).then_some("graphics processors")
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

fn validate_after(task: &Task, known: &dyn Fn(&TaskId) -> bool) -> Result<(), PlanError> {
    let mut seen = BTreeSet::new();
    for dependency in &task.after {
        if !known(dependency) {
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
