//! From the run's state to what planners and specialists see of it.

use smallhands_task_graph::{RunState, TaskId, TaskPhase, TaskState};

use super::Dispatcher;
use crate::assignment::{Assignment, Delivery};
use crate::planner::view::{PlannedTask, PlannerView, RunFacts, Standing};
use crate::request::RunError;
use crate::spec::RunSpec;

/// What the planner knows of a run from its first event; `None` when that was written by something else.
#[must_use]
pub fn facts_of(state: &RunState) -> Option<RunFacts> {
    serde_json::from_value::<RunSpec>(state.spec.clone()).ok().map(|spec| spec.facts())
}

/// The planner's view of a run: a function of its state and of facts that never change.
///
/// # Errors
/// The task that cannot be read, and why.
pub fn view_of(state: &RunState, facts: RunFacts) -> Result<PlannerView, (TaskId, String)> {
    let mut states: Vec<&TaskState> = state.tasks.values().collect();
    states.sort_by_key(|state| state.order);
    let tasks = states.into_iter().map(planned).collect::<Result<_, _>>()?;
    Ok(PlannerView { facts, tasks })
}

fn planned(state: &TaskState) -> Result<PlannedTask, (TaskId, String)> {
    let work = Assignment::from_value(&state.task.params)
        .map_err(|error| (state.task.id.clone(), error.to_string()))?;
    Ok(PlannedTask {
        id: state.task.id.to_string(),
        work,
        standing: standing(state.phase),
        delivery: state.output().and_then(|output| Delivery::from_value(output).ok()),
    })
}

impl Dispatcher {
    /// The planner's view of the run.
    pub(super) fn view(&self) -> Result<PlannerView, RunError> {
        view_of(self.journal.state(), self.shop.spec.facts())
            .map_err(|(task, reason)| self.unreadable(&task, &reason))
    }

    /// What a specialist gets to know of other tasks: the patches that an integration chooses from, and the first
    /// observations for a verification.
    pub(super) fn brought_for(&self, work: &Assignment) -> Result<Vec<(String, Delivery)>, RunError> {
        let view = self.view()?;
        let wanted = |task: &PlannedTask| match work {
            Assignment::Integrate { from, .. } => from.contains(&task.id),
            Assignment::Merge { from, .. } => *from == task.id,
            Assignment::Verify { .. } => matches!(task.work, Assignment::Observe { round: 1, .. }),
            _ => false,
        };
        Ok(view
            .tasks
            .into_iter()
            .filter(wanted)
            .filter_map(|task| task.delivery.map(|delivery| (task.id, delivery)))
            .collect())
    }
}

fn standing(phase: TaskPhase) -> Standing {
    match phase {
        TaskPhase::Waiting | TaskPhase::Running => Standing::Open,
        TaskPhase::Done | TaskPhase::GaveUp => Standing::Done,
        TaskPhase::Failed => Standing::Failed,
        TaskPhase::Dropped | TaskPhase::Stopping => Standing::Dropped,
    }
}
