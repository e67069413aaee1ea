//! Asks the planner again for every change of the plan that it made, and for the verdict. Pure.

use std::collections::VecDeque;

use smallhands_task_graph::{
    Command, Effect, PlanChange, ReplanCause, RunEvent, RunState, decide, effects, evolve,
};

use super::{Divergence, Recorded, follow};
use crate::chronicle;
use crate::dispatcher::{facts_of, known_tasks, verdict_of, view_of};
use crate::planner::plan_file::Script;
use crate::planner::view::PlannerView;
use crate::planner::{Course, Halt, next};
use crate::spec::RunSpec;

/// Follows the log and returns how many decisions of the planner were made again. A plan that does not say what it has
/// seen is none of the planner's.
///
/// # Errors
/// The first decision that comes out otherwise.
pub(super) fn retrace(stream: &str, events: &[Recorded]) -> Result<u64, Divergence> {
    let mut planner = Planner::default();
    let mut state = RunState::default();
    let mut decisions = 0;
    for recorded in events {
        if let RunEvent::RunSubmitted { spec, .. } = &recorded.event {
            planner = Planner::of(spec);
        }
        let expected = match &recorded.event {
            RunEvent::PlanAdopted { seen: Some(_), .. } => planner.plan_after(&state),
            RunEvent::RunFinished { .. } => planner.verdict_after(&state),
            _ => None,
        };
        // A run of another version of the specification, or of none, was not planned here.
        if let Some(expected) = expected {
            decisions += 1;
            if !agrees(&expected, &recorded.event) {
                return Err(Divergence {
                    stream: stream.to_owned(),
                    event: state.events + 1,
                    expected: describe(&expected),
                    got: chronicle::line(&recorded.event),
                });
            }
        }
        state = follow(stream, state, &recorded.event)?;
    }
    Ok(decisions)
}

/// What the planner says now.
enum Said {
    Plan(PlanChange),
    Verdict(&'static str, String),
    Nothing(String),
}

/// The planner of a run, made again from its first event.
#[derive(Default)]
struct Planner {
    script: Option<Script>,
    /// Further steps of its last decision.
    coming: VecDeque<PlanChange>,
}

impl Planner {
    fn of(spec: &serde_json::Value) -> Self {
        let spec: Option<RunSpec> = serde_json::from_value(spec.clone()).ok();
        let script = spec.and_then(|spec| Script::new(spec.plan.as_ref()?, spec.model.is_some()).ok());
        Self { script, coming: VecDeque::new() }
    }

    fn look(&self, state: &RunState, cause: &ReplanCause) -> Option<(Course, PlannerView)> {
        let view = view_of(state, facts_of(state)?).ok()?;
        let script = self.script.as_ref().map(|script| script.progress(&known_tasks(state)));
        Some((next(cause, &view, script), view))
    }

    fn plan_after(&mut self, state: &RunState) -> Option<Said> {
        if let Some(change) = self.coming.pop_front() {
            return Some(Said::Plan(change));
        }
        facts_of(state)?;
        let Some((cause, seen)) = due(state) else {
            return Some(Said::Nothing("no change of the plan, since none is due".into()));
        };
        match self.look(state, &cause)?.0 {
            Course::Halt(halt) => Some(Said::Nothing(format!("the end of the run ({halt:?})"))),
            Course::Changes(changes) => {
                self.coming =
                    changes.into_iter().map(|change| PlanChange { seen: Some(seen), ..change }).collect();
                let first = self.coming.pop_front();
                Some(first.map_or_else(|| Said::Nothing("no change of the plan".into()), Said::Plan))
            }
        }
    }

    fn verdict_after(&mut self, state: &RunState) -> Option<Said> {
        facts_of(state)?;
        let Some((cause, seen)) = due(state) else {
            return Some(Said::Nothing("no end of the run, since it is not due".into()));
        };
        let (course, view) = self.look(state, &cause)?;
        Some(match course {
            Course::Halt(halt) => judged(state, &view, &halt),
            Course::Changes(changes) => refused(state, &view, changes, seen),
        })
    }
}

fn due(state: &RunState) -> Option<(ReplanCause, u64)> {
    effects(state).into_iter().find_map(|effect| match effect {
        Effect::Replan { cause, seen } => Some((cause, seen)),
        _ => None,
    })
}

/// A decision of which a step is refused is not followed at all, and ends the run.
fn refused(state: &RunState, view: &PlannerView, changes: Vec<PlanChange>, seen: u64) -> Said {
    let changes: Vec<PlanChange> =
        changes.into_iter().map(|change| PlanChange { seen: Some(seen), ..change }).collect();
    let mut after = state.clone();
    for change in &changes {
        match decide(&after, &Command::AdoptPlan(change.clone())) {
            Ok(events) => after = events.iter().fold(after, evolve),
            Err(rejection) => return judged(state, view, &Halt::PlanFailed(rejection.to_string())),
        }
    }
    let first = changes.into_iter().next();
    first.map_or_else(|| Said::Nothing("no end of the run".into()), Said::Plan)
}

fn judged(state: &RunState, view: &PlannerView, halt: &Halt) -> Said {
    let (verdict, reason) = verdict_of(state, view, halt);
    Said::Verdict(verdict, reason)
}

fn agrees(said: &Said, event: &RunEvent) -> bool {
    match (said, event) {
        (Said::Plan(change), RunEvent::PlanAdopted { add, drop, reason, seen }) => {
            (&change.add, &change.drop, &change.reason, &change.seen) == (add, drop, reason, seen)
        }
        (Said::Verdict(verdict, reason), RunEvent::RunFinished { verdict: recorded, summary }) => {
            // What was delivered, and where to, is said behind the reason.
            let told = summary["reason"].as_str().unwrap_or_default();
            recorded.as_str() == Some(verdict) && told.starts_with(reason.as_str())
        }
        _ => false,
    }
}

fn describe(said: &Said) -> String {
    match said {
        Said::Plan(PlanChange { add, drop, reason, seen }) => {
            let (add, drop, reason, seen) = (add.clone(), drop.clone(), reason.clone(), *seen);
            chronicle::line(&RunEvent::PlanAdopted { add, drop, reason, seen })
        }
        Said::Verdict(verdict, reason) => format!("the verdict {verdict} — {reason}"),
        Said::Nothing(what) => what.clone(),
    }
}
