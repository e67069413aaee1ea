//! The local executor: gives every attempt its own sandbox and its specialist, and turns what comes back into a result.
//!
//! One file per specialist. None of them knows the graph: they get an [`Attempt`] and bring an [`Ending`].

mod coder;
mod command;
mod evidence;
mod integrator;
mod merger;
mod once;
mod races;
mod repairer;
mod tester;
mod verifier;
pub mod voice;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use smallhands_agent::cancel::CancelToken;
use smallhands_agent::validation::CheckSpec;
use smallhands_event_log::{BlobId, EventLog, LogError};
use smallhands_model_gateway::ChatModel;
use smallhands_sandbox::{Base, Sandbox, SandboxBackend, SandboxError, SandboxSpec, TreeId};
use smallhands_shell_runtime::Limits;
use smallhands_task_graph::{AttemptId, AttemptResult, Limit, OutsideEffect, RaceId, Task};

use crate::assignment::{Assignment, Delivery, Tree};
use crate::conduct::Conduct;
use crate::planner::plan_file::Script;
use crate::request::ApprovalPolicy;
use crate::spec::RunSpec;
use races::Races;
use voice::Voice;

/// Memory for one attempt's processes together.
const ATTEMPT_MEMORY: u64 = 4 << 30;
/// Processes of one attempt.
const ATTEMPT_PROCESSES: u64 = 512;
/// How long an attempt that was asked to stop may take to do so by itself; then its processes are killed.
const WIND_DOWN: Duration = Duration::from_secs(3);

/// Everything that attempts of one run share. Immutable but for the bounds of races.
pub struct Workshop {
    /// The run's id.
    pub run: String,
    /// What was asked for.
    pub spec: RunSpec,
    /// The published copy of the repository.
    pub base: Arc<Base>,
    /// Where sandboxes come from.
    pub backend: Arc<dyn SandboxBackend>,
    /// For blobs and for the attempts' own streams.
    pub log: Arc<dyn EventLog>,
    /// The model, if one may be used.
    pub model: Option<Arc<dyn ChatModel>>,
    /// Complete environment for commands.
    pub environment: BTreeMap<String, String>,
    /// CPU cores to count on.
    pub cores: u32,
    /// When the run has to be over; moves when the user says so.
    deadline: Mutex<Instant>,
    /// Money left for models, millionths of a US dollar.
    pub purse: Purse,
    /// The plan that the user laid down.
    pub script: Option<Script>,
    races: Races,
}

/// The parts of a workshop that the caller provides.
pub struct WorkshopParts {
    /// The run's id.
    pub run: String,
    /// What was asked for.
    pub spec: RunSpec,
    /// The published copy of the repository.
    pub base: Base,
    /// Where sandboxes come from.
    pub backend: Arc<dyn SandboxBackend>,
    /// The event log.
    pub log: Arc<dyn EventLog>,
    /// The model, if one may be used.
    pub model: Option<Arc<dyn ChatModel>>,
    /// Complete environment for commands.
    pub environment: BTreeMap<String, String>,
    /// CPU cores to count on.
    pub cores: u32,
    /// When the run has to be over.
    pub deadline: Instant,
    /// Money spent before this process took over, millionths of a US dollar.
    pub spent_usd_micros: u64,
    /// The plan that the user laid down.
    pub script: Option<Script>,
}

/// The run's money. Reserved before a model is called, settled afterwards.
#[derive(Debug)]
pub struct Purse {
    sums: Mutex<Sums>,
}

/// Millionths of a US dollar.
#[derive(Debug)]
struct Sums {
    budget: Option<u64>,
    spent: u64,
    reserved: u64,
}

impl Purse {
    fn new(budget: Option<u64>, spent: u64) -> Self {
        Self { sums: Mutex::new(Sums { budget, spent, reserved: 0 }) }
    }

    /// Allows this much for the whole run from now on. What is reserved already stays so.
    pub fn set_budget(&self, budget: u64) {
        if let Ok(mut sums) = self.sums.lock() {
            sums.budget = Some(budget);
        }
    }

    /// Takes one of `shares` equal shares of what is left, so that parallel attempts cannot overspend together; `None`
    /// means no limit.
    fn reserve(&self, shares: u32) -> Option<u64> {
        let mut sums = self.sums.lock().ok()?;
        let left = sums.budget?.saturating_sub(sums.spent.saturating_add(sums.reserved));
        let share = left / u64::from(shares.max(1));
        sums.reserved += share;
        Some(share)
    }

    /// Gives back what was not spent.
    fn settle(&self, reserved: Option<u64>, spent: u64) {
        if let Ok(mut sums) = self.sums.lock() {
            sums.reserved = sums.reserved.saturating_sub(reserved.unwrap_or(0));
            sums.spent = sums.spent.saturating_add(spent);
        }
    }
}

/// One try at one task.
pub struct Attempt {
    /// Its id.
    pub id: AttemptId,
    /// The task.
    pub task: Task,
    /// What is asked.
    pub work: Assignment,
    /// The run's tree when the attempt began.
    pub head: Tree,
    /// Where an earlier try left off.
    pub continue_from: Option<Value>,
    /// What the tasks named in the assignment brought.
    pub brought: Vec<(String, Delivery)>,
    /// Tests that patches merged in the same round made pass.
    pub fixed: BTreeSet<String>,
    /// How it is to be carried out.
    pub conduct: Conduct,
    /// Idempotency key of the task's effect outside, if it has one.
    pub effect_key: String,
    /// What is known about that effect from earlier attempts.
    pub outside: Option<OutsideEffect>,
    /// What the user says to the agent.
    pub mailbox: Arc<Mutex<Vec<String>>>,
    /// Stops the work.
    pub cancel: CancelToken,
    /// The line to the dispatcher.
    pub voice: Arc<Voice>,
}

impl Attempt {
    fn race(&self) -> Option<&RaceId> {
        self.task.race.as_ref()
    }
}

/// How a specialist ended.
#[derive(Debug)]
pub enum Ending {
    /// The goal is reached.
    Done(Delivery),
    /// There is no way that it knows, but this is what there is.
    GaveUp(String, Delivery),
}

/// What broke under an attempt. The attempt counts as lost and may be tried again.
#[derive(Debug, thiserror::Error)]
pub enum Breakdown {
    /// The sandbox.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// The event log.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The check cannot be run here at all; trying again will not help.
    #[error("{0}")]
    NotRunnable(String),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}

impl Workshop {
    /// Opens the workshop.
    #[must_use]
    pub fn new(parts: WorkshopParts) -> Self {
        Self {
            purse: Purse::new(parts.spec.budget_usd_micros, parts.spent_usd_micros),
            run: parts.run,
            spec: parts.spec,
            base: Arc::new(parts.base),
            backend: parts.backend,
            log: parts.log,
            model: parts.model,
            environment: parts.environment,
            cores: parts.cores.max(1),
            deadline: Mutex::new(parts.deadline),
            script: parts.script,
            races: Races::default(),
        }
    }

    /// Works on an attempt until it ends, is cancelled, or runs out of time. Leaves no sandbox behind.
    pub async fn perform(&self, attempt: &Attempt) -> AttemptResult {
        if attempt.conduct.approval && !self.is_approved(attempt).await {
            let reason = "the user did not agree to it".to_owned();
            return AttemptResult::GaveUp { reason, output: Value::Null };
        }
        let limit = Duration::from_millis(attempt.task.time_limit_ms);
        let outcome = tokio::select! {
            outcome = tokio::time::timeout(limit, self.assign(attempt)) => outcome,
            () = overdue(&attempt.cancel) => {
                return AttemptResult::Lost { reason: "stopped on request".into() };
            }
        };
        match outcome {
            Err(_) => AttemptResult::LimitReached { which: Limit::Time },
            Ok(Ok(Ending::Done(delivery))) => AttemptResult::Done { output: delivery.to_value() },
            Ok(Ok(Ending::GaveUp(reason, delivery))) => {
                AttemptResult::GaveUp { reason, output: delivery.to_value() }
            }
            Ok(Err(Breakdown::NotRunnable(reason))) => AttemptResult::GaveUp { reason, output: Value::Null },
            Ok(Err(breakdown)) => AttemptResult::Lost { reason: breakdown.to_string() },
        }
    }

    /// Whether the user lets the attempt begin.
    async fn is_approved(&self, attempt: &Attempt) -> bool {
        match self.spec.approvals.policy {
            ApprovalPolicy::Allow => true,
            ApprovalPolicy::Deny => false,
            ApprovalPolicy::Ask => {
                let question = format!("may task {} begin? {}", attempt.task.id, attempt.task.goal);
                tokio::select! {
                    answer = attempt.voice.ask(question, false) => answer,
                    () = attempt.cancel.cancelled() => false,
                }
            }
        }
    }

    async fn assign(&self, attempt: &Attempt) -> Result<Ending, Breakdown> {
        match &attempt.work {
            Assignment::Observe { check, at, .. } => tester::observe(self, attempt, *check, at).await,
            Assignment::Search { .. } => repairer::search(self, attempt).await,
            Assignment::Code { .. } => coder::code(self, attempt).await,
            Assignment::Run { command, env, outputs } => {
                let order = command::Order { command, env, outputs };
                match &attempt.conduct.once {
                    Some(once) => once::run(self, attempt, order, once).await,
                    None => command::run(self, attempt, order).await,
                }
            }
            Assignment::Merge { checks, .. } => merger::merge(self, attempt, checks).await,
            Assignment::Skip { .. } => Err(Breakdown::NotRunnable("there is nothing to do".into())),
            Assignment::Integrate { .. } => integrator::integrate(self, attempt).await,
            Assignment::Verify { at, .. } => verifier::verify(self, attempt, at).await,
        }
    }

    /// A fresh sandbox with the tree `at`.
    async fn lease(&self, attempt: &Attempt, at: &Tree) -> Result<Box<dyn Sandbox>, Breakdown> {
        let spec = SandboxSpec {
            at: tree_id(at)?,
            owner: format!("{}/{}", self.run, attempt.id),
            limits: Limits {
                memory_bytes: Some(ATTEMPT_MEMORY),
                processes: Some(ATTEMPT_PROCESSES),
                ..Limits::default()
            },
            env: self.environment.clone(),
            ttl: Duration::from_millis(attempt.task.time_limit_ms) + Duration::from_secs(60),
        };
        Ok(self.backend.create(&self.base, spec).await?)
    }

    /// The check with this index.
    fn check(&self, index: usize) -> Result<CheckSpec, Breakdown> {
        self.spec.check(index).ok_or_else(|| Breakdown::Other(format!("the run has no check number {index}")))
    }

    /// Time until the run has to be over.
    fn time_left(&self) -> Duration {
        let deadline = self.deadline.lock().map_or_else(|_| Instant::now(), |deadline| *deadline);
        deadline.saturating_duration_since(Instant::now())
    }

    /// The run has to be over at another time.
    pub fn set_deadline(&self, at: Instant) {
        if let Ok(mut deadline) = self.deadline.lock() {
            *deadline = at;
        }
    }

    /// Stores something large beside the events.
    fn store<T: Serialize>(&self, value: &T) -> Result<String, Breakdown> {
        let bytes = serde_json::to_vec(value).map_err(|error| Breakdown::Other(error.to_string()))?;
        Ok(self.log.put_blob(&bytes)?.to_string())
    }

    /// Reads it back.
    fn fetch<T: DeserializeOwned>(&self, blob: &str) -> Result<T, Breakdown> {
        let id: BlobId =
            blob.parse().map_err(|_| Breakdown::Other(format!("`{blob}` does not name a blob")))?;
        let bytes = self.log.get_blob(&id)?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Breakdown::Other(format!("blob {blob} cannot be read: {error}")))
    }
}

/// Waits until an attempt that was asked to stop has had its time to put its things away.
async fn overdue(cancel: &CancelToken) {
    cancel.cancelled().await;
    tokio::time::sleep(WIND_DOWN).await;
}

/// A tree named in an assignment.
fn tree_id(tree: &Tree) -> Result<TreeId, Breakdown> {
    tree.parse().map_err(|_| Breakdown::Other(format!("`{tree}` does not name a tree")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parallel_attempts_cannot_overspend_together() {
        let purse = Purse::new(Some(100), 30);
        let first = purse.reserve(2);
        assert_eq!((first, purse.reserve(1), purse.reserve(1)), (Some(35), Some(35), Some(0)));
        purse.settle(first, 15);
        assert_eq!(purse.reserve(1), Some(20));
        assert_eq!(Purse::new(None, 30).reserve(1), None);
    }
}
