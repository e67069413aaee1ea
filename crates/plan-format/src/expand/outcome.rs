//! What became of a step: of one task, of all instances of a fan-out, or of all tasks of a plan.

use serde_json::{Map, Value};

use super::Standing;
use crate::model::{Document, Step, Work};
use crate::outputs::STDOUT;

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    /// Everything in it is done or was skipped on purpose.
    Done,
    /// Something in it failed.
    Failed,
    /// It was not to be done, or could not be.
    Skipped,
}

/// What became of a step so far.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Outcome {
    /// The tasks that it consists of.
    pub(super) leaves: Vec<String>,
    /// Whether all of them are known.
    pub(super) determined: bool,
    /// How it ended, once it has.
    pub(super) status: Option<Status>,
    /// What it hands on.
    pub(super) outputs: Map<String, Value>,
}

impl Outcome {
    /// Nothing can be said yet.
    pub(super) fn undecided() -> Self {
        Self { leaves: Vec::new(), determined: false, status: None, outputs: Map::new() }
    }

    /// One task.
    pub(super) fn of_standing(id: &str, standing: &Standing) -> Self {
        let (status, outputs) = match standing {
            Standing::Open => (None, Map::new()),
            Standing::Done(outputs) => (Some(Status::Done), outputs.clone()),
            Standing::Failed(_) => (Some(Status::Failed), Map::new()),
            Standing::Skipped(_) => (Some(Status::Skipped), Map::new()),
        };
        Self { leaves: vec![id.to_owned()], determined: true, status, outputs }
    }

    /// All steps of a plan. One in which steps were skipped is done all the same.
    pub(super) fn of_parts(parts: &[Self]) -> Self {
        let mut whole = Self::joined(parts);
        if whole.status == Some(Status::Skipped) {
            whole.status = Some(Status::Done);
        }
        whole
    }

    /// All instances of a fan-out: what they hand on becomes lists, with nothing for those that are not done.
    pub(super) fn of_instances(step: &Step, document: &Document, parts: &[Self]) -> Self {
        let mut whole = Self::joined(parts);
        if whole.status.is_some() {
            for name in output_names(step, document) {
                let values = parts.iter().map(|part| part.outputs.get(&name).cloned().unwrap_or_default());
                let values: Value = values.collect();
                whole.outputs.insert(name, values);
            }
        }
        whole
    }

    /// A fan-out over nothing: it is done when what it waits for is, and who waits for it waits for that.
    pub(super) fn nothing(step: &Step, document: &Document, waits: Vec<String>, settled: bool) -> Self {
        let empty = output_names(step, document).into_iter().map(|name| (name, Value::Array(Vec::new())));
        Self {
            leaves: waits,
            determined: true,
            status: settled.then_some(Status::Done),
            outputs: empty.collect(),
        }
    }

    fn joined(parts: &[Self]) -> Self {
        let any = |status| parts.iter().any(|part| part.status == Some(status));
        let settled = parts.iter().all(|part| part.status.is_some());
        let status = match () {
            () if !settled => None,
            () if any(Status::Failed) => Some(Status::Failed),
            () if any(Status::Skipped) && !any(Status::Done) => Some(Status::Skipped),
            () => Some(Status::Done),
        };
        Self {
            leaves: parts.iter().flat_map(|part| part.leaves.clone()).collect(),
            determined: parts.iter().all(|part| part.determined),
            status,
            outputs: Map::new(),
        }
    }
}

fn output_names(step: &Step, document: &Document) -> Vec<String> {
    match &step.work {
        Work::Command(_) => {
            step.outputs.iter().map(|output| output.name.clone()).chain([STDOUT.to_owned()]).collect()
        }
        Work::Coder => Vec::new(),
        Work::Plan { plan, .. } => document
            .plans
            .get(*plan)
            .map_or_else(Vec::new, |plan| plan.outputs.iter().map(|output| output.name.clone()).collect()),
    }
}
