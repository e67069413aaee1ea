//! How the tasks of the plan that the user laid down stand, as its script wants to know it.

use smallhands_plan_format::expand::{Known, Standing};
use smallhands_task_graph::{RunState, TaskId, TaskPhase, TaskState};

use crate::assignment::{Assignment, Delivery};
use crate::planner::plan_file::merge_id;

/// How the tasks of the plan file stand: a function of the run's state.
#[must_use]
pub fn known_tasks(state: &RunState) -> Known {
    let tasks = &state.tasks;
    tasks
        .values()
        .filter(|state| is_of_plan_file(state))
        .map(|state| {
            let id = state.task.id.to_string();
            let merge = tasks.get(&TaskId::new(merge_id(&id)));
            (id, standing(state, merge))
        })
        .collect()
}

fn is_of_plan_file(state: &TaskState) -> bool {
    matches!(
        Assignment::from_value(&state.task.params),
        Ok(Assignment::Run { .. } | Assignment::Skip { .. } | Assignment::Code { round: 0, .. })
    )
}

/// A task is done when its change is part of the run's tree.
fn standing(work: &TaskState, merge: Option<&TaskState>) -> Standing {
    match work.phase {
        TaskPhase::Dropped => Standing::Skipped(work.note.clone().unwrap_or_default()),
        TaskPhase::GaveUp | TaskPhase::Failed => Standing::Failed(reason(work)),
        TaskPhase::Done => match merge.map(|merge| (merge.phase, merge)) {
            Some((TaskPhase::GaveUp | TaskPhase::Failed | TaskPhase::Dropped, merge)) => {
                Standing::Failed(reason(merge))
            }
            Some((TaskPhase::Done, _)) | None => Standing::Done(outputs(work)),
            Some(_) => Standing::Open,
        },
        TaskPhase::Waiting | TaskPhase::Running | TaskPhase::Stopping => Standing::Open,
    }
}

fn outputs(work: &TaskState) -> serde_json::Map<String, serde_json::Value> {
    match work.output().and_then(|output| Delivery::from_value(output).ok()) {
        Some(Delivery::Ran { outputs, .. }) => outputs,
        _ => serde_json::Map::new(),
    }
}

/// Why a task ended without success, in the words of its last attempt.
fn reason(state: &TaskState) -> String {
    let last = state.attempts.last().and_then(|attempt| attempt.reason.clone());
    last.or_else(|| state.note.clone()).unwrap_or_else(|| "it did not come to its end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};
    use smallhands_task_graph::{Attempt, AttemptPhase, Task};

    fn state(phase: TaskPhase, note: Option<&str>, ended: Option<(AttemptPhase, &str)>) -> TaskState {
        let delivery = Delivery::Ran {
            found: None,
            note: "n".into(),
            log: "b".into(),
            outputs: Map::from_iter([("v".into(), json!(1))]),
        };
        let attempt = ended.map(|(phase, reason)| Attempt {
            phase,
            started_at_ms: 0,
            ended_at_ms: Some(1),
            output: (phase == AttemptPhase::Done).then(|| delivery.to_value()),
            failure: None,
            reason: (!reason.is_empty()).then(|| reason.to_owned()),
        });
        TaskState {
            task: Task::new("a", "command", "g"),
            order: 0,
            phase,
            attempts: attempt.into_iter().collect(),
            charged: 1,
            kills: 0,
            not_before_ms: None,
            last_progress: None,
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn a_task_is_done_when_its_change_is_merged() {
        let worked = || state(TaskPhase::Done, None, Some((AttemptPhase::Done, "")));
        let outputs = Map::from_iter([("v".to_owned(), json!(1))]);
        let failed = Standing::Failed("conflict".to_owned());
        let cases = [
            (None, Standing::Done(outputs.clone())),
            (Some(state(TaskPhase::Waiting, None, None)), Standing::Open),
            (Some(state(TaskPhase::Running, None, None)), Standing::Open),
            (Some(state(TaskPhase::Done, None, None)), Standing::Done(outputs)),
            (Some(state(TaskPhase::GaveUp, None, Some((AttemptPhase::GaveUp, "conflict")))), failed.clone()),
            (
                Some(state(TaskPhase::Failed, Some("x"), Some((AttemptPhase::Lost, "conflict")))),
                failed.clone(),
            ),
            (Some(state(TaskPhase::Dropped, Some("conflict"), None)), failed),
        ];
        for (merge, expected) in cases {
            assert_eq!(standing(&worked(), merge.as_ref()), expected, "{:?}", merge.map(|merge| merge.phase));
        }
    }

    #[test]
    fn other_ends_are_told_in_their_own_words() {
        let cases = [
            (state(TaskPhase::Waiting, None, None), Standing::Open),
            (state(TaskPhase::Stopping, Some("x"), None), Standing::Open),
            (state(TaskPhase::Dropped, Some("why"), None), Standing::Skipped("why".into())),
            (
                state(TaskPhase::GaveUp, None, Some((AttemptPhase::GaveUp, "exit code 1"))),
                Standing::Failed("exit code 1".into()),
            ),
            (state(TaskPhase::Failed, None, None), Standing::Failed("it did not come to its end".into())),
        ];
        for (work, expected) in cases {
            assert_eq!(standing(&work, None), expected, "{:?}", work.phase);
        }
    }
}
