//! From the run's state to what planners and specialists see of it.

use smallhands_task_graph::{TaskPhase, TaskState};

use super::Dispatcher;
use crate::assignment::{Assignment, Delivery};
use crate::planner::view::{PlannedTask, PlannerView, Standing};
use crate::request::RunError;

impl Dispatcher {
    /// The planner's view of the run.
    pub(super) fn view(&self) -> Result<PlannerView, RunError> {
        let mut states: Vec<&TaskState> = self.journal.state().tasks.values().collect();
        states.sort_by_key(|state| state.order);
        let tasks = states.into_iter().map(|state| self.planned(state)).collect::<Result<_, _>>()?;
        Ok(PlannerView { facts: self.shop.spec.facts(), tasks })
    }

    fn planned(&self, state: &TaskState) -> Result<PlannedTask, RunError> {
        let work = Assignment::from_value(&state.task.params)
            .map_err(|error| self.unreadable(&state.task.id, &error.to_string()))?;
        Ok(PlannedTask {
            id: state.task.id.to_string(),
            work,
            standing: standing(state.phase),
            delivery: state.output().and_then(|output| Delivery::from_value(output).ok()),
        })
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
