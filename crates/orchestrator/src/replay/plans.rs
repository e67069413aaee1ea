//! Asks the planner again for every change of the plan that it made, and for the verdict. Pure.

use smallhands_task_graph::{Effect, PlanChange, ReplanCause, RunEvent, RunState, effects};

use super::{Divergence, Recorded, follow};
use crate::chronicle;
use crate::dispatcher::{facts_of, verdict_of, view_of};
use crate::planner::{Decision, next};

/// Follows the log and returns how many decisions of the planner were made again. A plan that the user laid down is no
/// decision of the planner: it does not say what it has seen.
///
/// # Errors
/// The first decision that comes out otherwise.
pub(super) fn retrace(stream: &str, events: &[Recorded]) -> Result<u64, Divergence> {
    let mut state = RunState::default();
    let mut decisions = 0;
    for recorded in events {
        let expected = match &recorded.event {
            RunEvent::PlanAdopted { seen: Some(_), .. } => Some(plan_after(&state)),
            RunEvent::RunFinished { .. } => Some(verdict_after(&state)),
            _ => None,
        };
        // A run of another version of the specification, or of none, was not planned here.
        if let Some(Some(expected)) = expected {
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

fn due(state: &RunState) -> Option<(ReplanCause, u64)> {
    effects(state).into_iter().find_map(|effect| match effect {
        Effect::Replan { cause, seen } => Some((cause, seen)),
        _ => None,
    })
}

fn plan_after(state: &RunState) -> Option<Said> {
    let facts = facts_of(state)?;
    let Some((cause, seen)) = due(state) else {
        return Some(Said::Nothing("no change of the plan, since none is due".into()));
    };
    let view = view_of(state, facts).ok()?;
    Some(match next(&cause, &view) {
        Decision::Change(change) => Said::Plan(PlanChange { seen: Some(seen), ..change }),
        Decision::Halt(halt) => Said::Nothing(format!("the end of the run ({halt:?})")),
    })
}

fn verdict_after(state: &RunState) -> Option<Said> {
    let facts = facts_of(state)?;
    let Some((cause, _)) = due(state) else {
        return Some(Said::Nothing("no end of the run, since it is not due".into()));
    };
    let view = view_of(state, facts).ok()?;
    Some(match next(&cause, &view) {
        Decision::Change(change) => Said::Plan(change),
        Decision::Halt(halt) => {
            let (verdict, reason) = verdict_of(state, &view, &halt);
            Said::Verdict(verdict, reason)
        }
    })
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
