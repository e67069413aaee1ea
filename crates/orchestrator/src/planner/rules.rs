//! The rule planner: observe, group failures by suspected cause, search each group with several agents, integrate, look again, verify.
//!
//! It is called whenever a task settles and decides from the whole view each time, so it needs no memory of its own:
//! a resumed run plans on exactly like one that was never stopped.

use std::collections::BTreeSet;

use smallhands_task_graph::{Needs, PlanChange, RaceId, Task, TaskId};

use super::view::{Observed, PlannedTask, PlannerView, Standing};
use super::{Decision, Halt};
use crate::assignment::{Assignment, Delivery, FailureGroup};

/// Rounds of observe, search, integrate; each needs progress in the one before.
const MAX_ROUNDS: u32 = 6;
/// More shards than this win nothing: the best candidates are at the front of every shard.
const MAX_SHARDS: u32 = 16;
const MINUTE_MS: u64 = 60_000;

/// Decides the next change of the plan.
#[must_use]
pub fn plan(view: &PlannerView) -> Decision {
    let round = view.round();
    if round == 0 {
        return before_first_round(view);
    }
    if let Some(halt) = verified(view) {
        return halt;
    }
    let settled_groups = settled_groups(view, round);
    if let Some(change) = drop_vanished(view, round) {
        return change;
    }
    if view.of_round(round).any(|task| task.standing == Standing::Open) {
        return wait();
    }
    if !settled_groups {
        return after_observation(view, round);
    }
    after_groups(view, round)
}

/// The tasks of a plan file come first, then the checks are looked at.
fn before_first_round(view: &PlannerView) -> Decision {
    if view.tasks.iter().any(|task| task.standing == Standing::Open) {
        return wait();
    }
    observe(view, 1, "find out what fails")
}

fn wait() -> Decision {
    Decision::Change(PlanChange::default())
}

fn add(tasks: Vec<Task>, reason: impl Into<String>) -> Decision {
    Decision::Change(PlanChange { add: tasks, reason: reason.into(), ..PlanChange::default() })
}

/// A verification that has ended decides the run.
fn verified(view: &PlannerView) -> Option<Decision> {
    let head = view.head();
    view.tasks.iter().find_map(|task| match &task.work {
        Assignment::Verify { at, .. } if *at == head => match task.standing {
            Standing::Open => Some(wait()),
            Standing::Done => Some(Decision::Halt(Halt::Verified)),
            Standing::Failed | Standing::Dropped => {
                Some(Decision::Halt(Halt::Unobservable("the verification could not be run".into())))
            }
        },
        _ => None,
    })
}

/// Whether groups were planned in this round at all.
fn settled_groups(view: &PlannerView, round: u32) -> bool {
    view.tasks.iter().any(|task| task.work.round() == round && task.work.group().is_some())
}

/// Groups whose failures went away when another group's patch was integrated are not worth another second.
fn drop_vanished(view: &PlannerView, round: u32) -> Option<Decision> {
    let fixed = view.fixed(round);
    let drop: Vec<TaskId> = view
        .of_round(round)
        .filter(|task| task.standing == Standing::Open)
        .filter(|task| failing_of(&task.work).is_some_and(|failing| is_covered(failing, &fixed)))
        .map(|task| TaskId::new(task.id.clone()))
        .collect();
    (!drop.is_empty()).then(|| {
        let reason = "a patch of another group made these failures vanish".into();
        Decision::Change(PlanChange { drop, reason, ..PlanChange::default() })
    })
}

fn failing_of(work: &Assignment) -> Option<&[String]> {
    match work {
        Assignment::Search { failing, .. }
        | Assignment::Code { failing, .. }
        | Assignment::Integrate { failing, .. } => Some(failing),
        _ => None,
    }
}

fn is_covered(failing: &[String], fixed: &BTreeSet<&str>) -> bool {
    !failing.is_empty() && failing.iter().all(|test| fixed.contains(test.as_str()))
}

/// One observation task per check.
fn observe(view: &PlannerView, round: u32, reason: &str) -> Decision {
    let at = view.head();
    let tasks = view.facts.checks.iter().enumerate().map(|(check, command)| {
        let work = Assignment::Observe { check, round, at: at.clone() };
        task(format!("observe-{round}.{check}"), work, format!("run `{command}` test by test"))
    });
    add(tasks.collect(), reason)
}

/// All observations of the round are in: form groups, or stop.
fn after_observation(view: &PlannerView, round: u32) -> Decision {
    let observed = view.observed(round);
    if observed.is_empty() {
        return Decision::Halt(Halt::Unobservable("no check could be run".into()));
    }
    let all_green = observed.iter().all(|seen| seen.failing.is_empty());
    if round == 1 && view.facts.goal.is_some() && view.facts.has_model {
        return add(goal_tasks(view, round), "work towards the goal");
    }
    if all_green {
        return if view.head() == view.facts.base {
            Decision::Halt(Halt::NothingToDo)
        } else {
            verify(view, round)
        };
    }
    let groups = groups_worth_trying(view, round, &observed);
    if groups.is_empty() {
        return finish_with_what_there_is(view, round);
    }
    let reason = format!("{} of failing tests by suspected cause", count(groups.len(), "group"));
    add(group_tasks(view, round, &groups), reason)
}

/// Every group of the round has ended: hire the model for what is left, look again, or verify.
fn after_groups(view: &PlannerView, round: u32) -> Decision {
    if view.facts.has_model {
        let rescue = model_tasks(view, round);
        if !rescue.is_empty() {
            return add(rescue, "the repair search gave up on these; a model tries");
        }
    }
    let merged = view.of_round(round).any(moved_the_head);
    let fixed = view.fixed(round);
    let left = view
        .observed(round)
        .iter()
        .any(|seen| seen.failing.iter().any(|test| !fixed.contains(test.as_str())));
    if merged && left && round < MAX_ROUNDS {
        return observe(view, round + 1, "some failures are left; look again at the changed tree");
    }
    finish_with_what_there_is(view, round)
}

fn finish_with_what_there_is(view: &PlannerView, round: u32) -> Decision {
    if view.head() == view.facts.base { Decision::Halt(Halt::NoPatch) } else { verify(view, round) }
}

fn verify(view: &PlannerView, round: u32) -> Decision {
    let work = Assignment::Verify { round, at: view.head() };
    add(
        vec![task(format!("verify-{round}"), work, "run every check in a fresh copy".into())],
        "verify the result",
    )
}

/// In later rounds a group is tried again only if something about it changed: otherwise the same search would fail the same way.
fn groups_worth_trying<'a>(
    view: &PlannerView,
    round: u32,
    observed: &[Observed<'a>],
) -> Vec<(Observed<'a>, &'a FailureGroup)> {
    let given_up = given_up_groups(view, round);
    observed
        .iter()
        .flat_map(|seen| seen.groups.iter().map(move |group| (*seen, group)))
        .filter(|(_, group)| {
            !given_up.contains(&group.tests.iter().map(String::as_str).collect::<BTreeSet<_>>())
        })
        .collect()
}

/// Test sets whose search brought nothing in an earlier round.
fn given_up_groups(view: &PlannerView, before: u32) -> Vec<BTreeSet<&str>> {
    view.tasks
        .iter()
        .filter(|task| task.work.round() < before)
        .filter_map(|task| match (&task.work, &task.delivery) {
            (
                Assignment::Integrate { failing, .. },
                Some(Delivery::Integrated { merged: None, rejected, .. }),
            ) if rejected.is_empty() => Some(failing.iter().map(String::as_str).collect()),
            _ => None,
        })
        .collect()
}

/// The searches of each group, as siblings of a race, and the integration that waits for them.
fn group_tasks(view: &PlannerView, round: u32, groups: &[(Observed<'_>, &FailureGroup)]) -> Vec<Task> {
    let shards = shards_per_group(view.facts.agents, groups.len());
    groups
        .iter()
        .enumerate()
        .flat_map(|(index, (seen, group))| {
            let name = format!("g{round}.{}", index + 1);
            let searches: Vec<Task> = (0..shards)
                .map(|shard| search_task(view, round, &name, *seen, group, (shard, shards)))
                .collect();
            let from = searches.iter().map(|search| search.id.to_string()).collect();
            let integration = integration_task(
                round,
                &name,
                seen.check,
                from,
                group.tests.clone(),
                Some(seen.observation.clone()),
            );
            searches.into_iter().chain([integration])
        })
        .collect()
}

fn shards_per_group(agents: u32, groups: usize) -> u32 {
    let groups = u32::try_from(groups.max(1)).unwrap_or(u32::MAX);
    (agents / groups).clamp(1, MAX_SHARDS)
}

fn search_task(
    view: &PlannerView,
    round: u32,
    name: &str,
    seen: Observed<'_>,
    group: &FailureGroup,
    shard: (u32, u32),
) -> Task {
    let work = Assignment::Search {
        group: name.to_owned(),
        check: seen.check,
        round,
        at: view.head(),
        failing: group.tests.clone(),
        functions: group.functions.clone(),
        observation: seen.observation.clone(),
        shard,
        wall_ms: view.facts.search_ms,
        specialist: group.specialist.clone(),
    };
    let suspect = group.functions.first().map_or("an unknown place", String::as_str);
    let goal = format!("repair {} failing in {suspect}", count(group.tests.len(), "test"));
    let mut task = task(format!("search-{name}.{}", shard.0 + 1), work, goal);
    task.race = Some(RaceId::new(name));
    task.weight_ms = 10_000;
    task.time_limit_ms = view.facts.search_ms + MINUTE_MS;
    task
}

/// The integration that puts what the tasks `from` bring on the run's tree.
fn integration_task(
    round: u32,
    name: &str,
    check: usize,
    from: Vec<String>,
    failing: Vec<String>,
    observation: Option<String>,
) -> Task {
    let after = from.iter().cloned().map(TaskId::new).collect();
    let id = format!(
        "integrate-{}",
        from.first().map_or(name, |first| first.split_once('-').map_or(name, |(_, rest)| rest))
    );
    let work = Assignment::Integrate { group: name.to_owned(), check, round, from, failing, observation };
    let mut task =
        task(id, work, format!("put the best patch of {name} on the run's tree, if it holds there"));
    task.after = after;
    task.needs = Needs::AllSettled;
    task.exclusive = Some("merge".into());
    task.priority = 10;
    task
}

/// A model's turn at the user's own goal.
fn goal_tasks(view: &PlannerView, round: u32) -> Vec<Task> {
    let observed = view.observed(round);
    let Some(seen) = observed.first() else { return Vec::new() };
    let goal = view.facts.goal.clone().unwrap_or_default();
    let work = Assignment::Code {
        group: "goal".into(),
        round,
        goal: goal.clone(),
        failing: Vec::new(),
        hints: Vec::new(),
        check: seen.check,
        observation: Some(seen.observation.clone()),
        budget_usd_micros: None,
    };
    let code = task(format!("code-goal-{round}"), work, goal);
    let from = vec![code.id.to_string()];
    vec![code, integration_task(round, "goal", seen.check, from, Vec::new(), Some(seen.observation.clone()))]
}

/// A model's turn at the groups that the repair search could not repair, once per group and round.
fn model_tasks(view: &PlannerView, round: u32) -> Vec<Task> {
    let tried: BTreeSet<&str> = view
        .of_round(round)
        .filter(|task| matches!(task.work, Assignment::Code { .. }))
        .filter_map(|task| task.work.group())
        .collect();
    view.of_round(round)
        .filter(|task| is_unresolved(task))
        .filter_map(|task| match &task.work {
            Assignment::Integrate { group, check, failing, observation, .. }
                if !tried.contains(group.as_str()) =>
            {
                Some((group, *check, failing, observation))
            }
            _ => None,
        })
        .flat_map(|(group, check, failing, observation)| {
            let hints = hints_of(view, round, group);
            let work = Assignment::Code {
                group: group.clone(),
                round,
                goal: "make the failing tests pass without changing them".into(),
                failing: failing.clone(),
                hints,
                check,
                observation: observation.clone(),
                budget_usd_micros: None,
            };
            let code = task(
                format!("code-{group}"),
                work,
                format!("repair {} with a model", count(failing.len(), "test")),
            );
            let from = vec![code.id.to_string()];
            let mut integration =
                integration_task(round, group, check, from, failing.clone(), observation.clone());
            integration.id = TaskId::new(format!("integrate-code-{group}"));
            [code, integration]
        })
        .collect()
}

fn is_unresolved(task: &PlannedTask) -> bool {
    match (&task.work, &task.delivery) {
        (Assignment::Integrate { failing, .. }, Some(Delivery::Integrated { fixed, .. })) => {
            !failing.iter().all(|test| fixed.contains(test))
        }
        (Assignment::Integrate { .. }, None) => task.standing == Standing::Failed,
        _ => false,
    }
}

fn moved_the_head(task: &PlannedTask) -> bool {
    matches!(&task.delivery, Some(Delivery::Integrated { onto, head, .. }) if onto != head)
}

fn hints_of(view: &PlannerView, round: u32, wanted: &str) -> Vec<String> {
    view.of_round(round)
        .find_map(|task| match &task.work {
            Assignment::Search { group, functions, .. } if group == wanted => Some(functions.clone()),
            _ => None,
        })
        .unwrap_or_default()
}

/// A task with the planner's defaults.
pub(crate) fn task(id: String, work: Assignment, goal: String) -> Task {
    Task {
        needs: Needs::AllSettled,
        params: work.to_value(),
        max_attempts: 2,
        time_limit_ms: 30 * MINUTE_MS,
        ..Task::new(id, work.role(), goal)
    }
}

fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
#[path = "rules_tests.rs"]
mod tests;
