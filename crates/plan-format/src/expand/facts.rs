//! What the expressions of a step may ask for while a plan unfolds.

use serde_json::Value;

use super::Frame;
use super::outcome::Status;
use crate::expression::evaluate::Facts;

/// The inputs of the plan, what became of its other steps, and the item of a fan-out.
pub(super) struct StepFacts<'a> {
    pub(super) frame: &'a Frame<'a>,
    pub(super) variables: &'a [(String, Value)],
}

impl StepFacts<'_> {
    fn outcome(&self, task: &str) -> Option<&super::Outcome> {
        let index = self.frame.plan.steps.iter().position(|step| step.id == task)?;
        self.frame.outcomes.get(index)?.as_ref()
    }
}

impl Facts for StepFacts<'_> {
    fn input(&self, name: &str) -> Option<Value> {
        self.frame.inputs.get(name).cloned()
    }

    fn status(&self, task: &str) -> Option<&'static str> {
        Some(match self.outcome(task)?.status? {
            Status::Done => "done",
            Status::Failed => "failed",
            Status::Skipped => "skipped",
        })
    }

    fn output(&self, task: &str, name: &str) -> Option<Value> {
        let outcome = self.outcome(task)?;
        outcome.status?;
        Some(outcome.outputs.get(name).cloned().unwrap_or_default())
    }

    fn variable(&self, name: &str) -> Option<Value> {
        self.variables.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone())
    }
}
