//! The plan-file planner: from the plan that the user laid down and how its tasks stand to the next changes of the run's
//! plan. Pure; what it decides follows from recorded events alone, so a resumed run goes on as if it had never stopped.
//!
//! Every task of the file becomes two: its work, and the merge of what it changed. Who waits for the task waits for the
//! merge, and so works on a tree that has it.

use serde_json::{Map, Value};
use smallhands_plan_format::diagnostic::Diagnostics;
use smallhands_plan_format::expand::{
    Expansion, Known, PlannedTask, PlannedWork, SkippedTask, Standing, expand,
};
use smallhands_plan_format::model::{Bounds, Document, Needs as Wanted, Work};
use smallhands_task_graph::{Backoff, Lock, Needs, PlanChange, Resources, RetryPolicy, Task, TaskId};

use super::rules::task;
use crate::assignment::Assignment;
use crate::conduct::{Conduct, Once};
use crate::plan_source::{BadPlan, PlanSource, refuse};

/// Attempts when the plan names no number: another one if the machinery broke.
const ATTEMPTS: u32 = 2;
/// The longest wait between attempts when the plan names none, milliseconds.
const LONGEST_BACKOFF_MS: u64 = 10 * 60_000;
/// Characters of the goal of a task that is not done.
const SKIPPED_GOAL: usize = 27;

/// A plan file ready to be followed.
#[derive(Debug, Clone)]
pub struct Script {
    document: Document,
    inputs: Map<String, Value>,
    checks: Vec<String>,
}

/// What is to happen next.
#[derive(Debug, Clone, PartialEq)]
pub enum Progressed {
    /// These changes, in this order; the empty change when there is only something to wait for.
    Changes(Vec<PlanChange>),
    /// Every task is done or was skipped on purpose; says how many.
    Done(String),
    /// Nothing is left, and something failed; says what.
    Failed(String),
}

impl Script {
    /// Prepares a plan.
    ///
    /// # Errors
    /// When the plan has problems, or tasks for a model and there is none.
    pub fn new(source: &PlanSource, has_model: bool) -> Result<Self, BadPlan> {
        let document = source.document()?;
        if !has_model {
            let problems = need_a_model(&document);
            if !problems.is_empty() {
                return Err(refuse(source, &document, &problems));
            }
        }
        let checks = document.plans.first().map(|plan| plan.checks.clone()).unwrap_or_default();
        Ok(Self { document, inputs: source.inputs.clone(), checks })
    }

    /// The commands that must succeed at the end.
    #[must_use]
    pub fn checks(&self) -> &[String] {
        &self.checks
    }

    /// Decides the next changes from how the tasks stand.
    #[must_use]
    pub fn progress(&self, known: &Known) -> Progressed {
        let expansion = expand(&self.document, &self.inputs, known);
        let changes = changes(&expansion);
        if !changes.is_empty() {
            return Progressed::Changes(changes);
        }
        if !expansion.settled {
            return Progressed::Changes(vec![PlanChange::default()]);
        }
        if expansion.failed.is_empty() {
            Progressed::Done(all_done(known))
        } else {
            Progressed::Failed(failures(&expansion))
        }
    }
}

fn need_a_model(document: &Document) -> Diagnostics {
    let mut problems = Diagnostics::default();
    let steps = document.plans.iter().flat_map(|plan| &plan.steps);
    for step in steps.filter(|step| step.work == Work::Coder) {
        let message = format!("task `{}` is for a model, and none is named", step.id);
        problems.error_with_help(step.span, message, "name one with --model, or give the task a `command`");
    }
    problems
}

/// One change for the tasks that begin to wait; one for each reason why others never will.
fn changes(expansion: &Expansion) -> Vec<PlanChange> {
    let mut changes: Vec<PlanChange> = Vec::new();
    if !expansion.tasks.is_empty() {
        let add = expansion.tasks.iter().flat_map(tasks_of).collect();
        changes.push(PlanChange { add, reason: "the plan file".into(), ..PlanChange::default() });
    }
    for skipped in &expansion.skipped {
        let task = record_of(skipped);
        match changes.iter_mut().find(|change| !change.drop.is_empty() && change.reason == skipped.reason) {
            Some(change) => {
                change.drop.push(task.id.clone());
                change.add.push(task);
            }
            None => changes.push(PlanChange {
                drop: vec![task.id.clone()],
                add: vec![task],
                reason: skipped.reason.clone(),
                ..PlanChange::default()
            }),
        }
    }
    changes
}

/// The name of the task that merges what the task `id` changed.
#[must_use]
pub fn merge_id(id: &str) -> String {
    format!("integrate-{id}")
}

/// The work and the merge.
fn tasks_of(planned: &PlannedTask) -> [Task; 2] {
    let assignment = match &planned.work {
        PlannedWork::Command { command, env, outputs } => {
            Assignment::Run { command: command.clone(), env: env.clone(), outputs: outputs.clone() }
        }
        PlannedWork::Coder => Assignment::Code {
            group: planned.id.clone(),
            round: 0,
            goal: planned.goal.clone(),
            failing: Vec::new(),
            hints: Vec::new(),
            check: 0,
            observation: None,
            budget_usd_micros: planned.bounds.budget_usd_micros,
        },
    };
    let conduct = Conduct {
        approval: planned.approval,
        once: planned.effect.as_ref().map(|effect| Once { verify: effect.verify.clone() }),
    };
    let priority = planned.bounds.priority;
    let rank_ms = Some(planned.urgency_ms);
    let after = planned.after.iter().map(|id| TaskId::new(merge_id(id))).collect();
    let work = Task {
        after,
        needs: Needs::AllDone,
        priority,
        rank_ms,
        ..task(planned.id.clone(), assignment, planned.goal.clone())
    };
    let mut work = with_bounds(with_needs(work, &planned.needs), &planned.bounds);
    conduct.write_into(&mut work.params);
    let merge = Assignment::Merge { from: planned.id.clone(), checks: planned.checks.clone() };
    let goal = format!("put what {} changed on the run's tree", planned.id);
    let merge = Task {
        after: vec![TaskId::new(planned.id.clone())],
        needs: Needs::AllDone,
        exclusive: Some("merge".into()),
        priority: priority.saturating_add(1),
        rank_ms,
        weight_ms: 100,
        ..task(merge_id(&planned.id), merge, goal)
    };
    [work, merge]
}

/// The one place where what a plan says of resources, locks and files meets the task graph.
fn with_needs(task: Task, wanted: &Wanted) -> Task {
    let lock = |name: &String| Lock::exclusive(format!("plan:{name}"));
    let resources = Resources {
        cpu_milli: wanted.cpu_milli.unwrap_or(0),
        memory_mb: wanted.memory_mb.unwrap_or(0),
        gpu: wanted.gpu.unwrap_or(0),
    };
    Task { locks: wanted.locks.iter().map(lock).collect(), resources, owns: wanted.owns.clone(), ..task }
}

fn with_bounds(task: Task, bounds: &Bounds) -> Task {
    let [on_gave_up, on_limit, on_lost] = match bounds.attempts {
        Some(_) => bounds.retry_on,
        None => [false, false, true],
    };
    Task {
        max_attempts: bounds.attempts.unwrap_or(ATTEMPTS),
        retry: RetryPolicy {
            on_lost,
            on_gave_up,
            on_limit,
            on_check_failed: on_gave_up,
            backoff: backoff(bounds),
            ..RetryPolicy::default()
        },
        time_limit_ms: bounds.timeout_ms,
        weight_ms: bounds.expect_ms,
        ..task
    }
}

/// Twice as long each time, with a little chance, so that many that failed together do not come back together.
fn backoff(bounds: &Bounds) -> Option<Backoff> {
    let max_ms = bounds.max_backoff_ms.unwrap_or(LONGEST_BACKOFF_MS).max(bounds.backoff_ms);
    (bounds.backoff_ms > 0).then_some(Backoff {
        initial_ms: bounds.backoff_ms,
        factor: 2.0,
        max_ms,
        jitter: 0.1,
    })
}

/// A task that is on record only to say why it is not done.
fn record_of(skipped: &SkippedTask) -> Task {
    let work = Assignment::Skip { role: skipped.role.to_owned() };
    // Short, so that the reason finds room beside it.
    let mut goal: String = skipped.goal.chars().take(SKIPPED_GOAL).collect();
    if goal.len() < skipped.goal.len() {
        goal.push('…');
    }
    task(skipped.id.clone(), work, goal)
}

fn all_done(known: &Known) -> String {
    let skipped = known.values().filter(|standing| matches!(standing, Standing::Skipped(_))).count();
    let done = known.len() - skipped;
    let tasks = if done == 1 { "1 task".to_owned() } else { format!("{done} tasks") };
    match skipped {
        0 => format!("all of the plan is done: {tasks}"),
        count => format!("all of the plan is done: {tasks}, {count} skipped"),
    }
}

/// The first failure in full, and how many more there are.
fn failures(expansion: &Expansion) -> String {
    let Some((id, reason)) = expansion.failed.first() else { return "a task of the plan failed".into() };
    match expansion.failed.len() - 1 {
        0 => format!("task `{id}` of the plan failed: {reason}"),
        more => format!("task `{id}` of the plan failed, and {more} more: {reason}"),
    }
}

#[cfg(test)]
#[path = "plan_file_tests.rs"]
mod tests;
