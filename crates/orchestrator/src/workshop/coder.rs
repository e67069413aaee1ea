//! The coder's place in a run: a model works in a sandbox; what it changed is judged by tests, and their log goes back to it.

use std::pin::Pin;
use std::sync::Mutex;
use std::time::Duration;

use smallhands_agent::coder::{self, CoderError, CoderLimits, CoderObserver, CoderOutcome, CoderTask, Ended};
use smallhands_agent::repair::Observation;
use smallhands_agent::validation;
use smallhands_checks::TestId;
use smallhands_event_log::{NewEvent, StreamId};
use smallhands_model_gateway::ChatModel;
use smallhands_sandbox::Sandbox;
use smallhands_trajectory::{Message, Step, Trajectory};

use super::command::found_patch;
use super::{Attempt, Breakdown, Ending, Workshop};
use crate::assignment::{Assignment, Delivery};
use crate::journal::now_ms;
use crate::request::ApprovalPolicy;

/// Times that a model gets its failing tests back.
const ROUNDS: u32 = 3;
const STEPS: u32 = 60;
/// Failing tests shown to the model.
const SHOWN_TESTS: usize = 20;
/// Most of a test log shown to the model, bytes.
const FEEDBACK_LIMIT: usize = 8 * 1024;

/// What was spent in one attempt, over all rounds.
#[derive(Default)]
struct Spent {
    steps: u32,
    cost_usd_micros: u64,
}

/// Lets the model work towards the goal.
///
/// # Errors
/// Whatever breaks under it. A model that refuses or fails makes the attempt give up.
pub async fn code(shop: &Workshop, attempt: &Attempt) -> Result<Ending, Breakdown> {
    let Some(model) = shop.model.clone() else {
        return Err(Breakdown::NotRunnable("no model is configured; name one with --model".into()));
    };
    let reserved = shop.purse.reserve(shop.spec.agents);
    let mut spent = Spent::default();
    let own = match &attempt.work {
        Assignment::Code { budget_usd_micros, .. } => *budget_usd_micros,
        _ => None,
    };
    let most = [reserved, own].into_iter().flatten().min();
    let result = work(shop, attempt, model, most, &mut spent).await;
    shop.purse.settle(reserved, spent.cost_usd_micros);
    result
}

async fn work(
    shop: &Workshop,
    attempt: &Attempt,
    model: std::sync::Arc<dyn ChatModel>,
    most: Option<u64>,
    spent: &mut Spent,
) -> Result<Ending, Breakdown> {
    let sandbox = shop.lease(attempt, &attempt.head).await?;
    let recorder = Recorder::new(shop, attempt)?;
    let mut task = brief(shop, attempt)?;
    let mut previous: Option<Trajectory> = None;
    let mut note = String::new();
    let mut fixed = Vec::new();
    for round in 1..=ROUNDS {
        task.limits.budget_usd_micros = most.map(|budget| budget.saturating_sub(spent.cost_usd_micros));
        let (model, runtime, cancel) = (model.clone(), sandbox.runtime(), &attempt.cancel);
        let outcome = match previous.take() {
            None => coder::run(model, runtime, &task, &recorder, cancel).await,
            Some(previous) => coder::run_continued(model, runtime, previous, &task, &recorder, cancel).await,
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(error) => return give_up(sandbox, &error, spent).await,
        };
        spent.steps += outcome.steps;
        spent.cost_usd_micros += outcome.cost_usd_micros;
        note = describe(&outcome, spent);
        let (passing, feedback) = judge(shop, attempt, &*sandbox).await?;
        fixed = passing;
        if feedback.is_none() || round == ROUNDS || !matches!(outcome.ended, Ended::Submitted { .. }) {
            break;
        }
        task.feedback = feedback;
        previous = Some(outcome.trajectory);
    }
    let diff = sandbox.diff().await?;
    sandbox.destroy().await?;
    let found = found_patch(shop, &diff, "by the model", fixed)?;
    let done = found.is_some();
    let delivery =
        Delivery::Changed { found, note: note.clone(), cost_usd_micros: spent.cost_usd_micros, log: None };
    Ok(if done {
        Ending::Done(delivery)
    } else {
        Ending::GaveUp(format!("{note}; nothing was changed"), delivery)
    })
}

/// What the model changed before it failed is not looked at: nobody has said that it is complete.
async fn give_up(
    sandbox: Box<dyn Sandbox>,
    error: &CoderError,
    spent: &mut Spent,
) -> Result<Ending, Breakdown> {
    sandbox.destroy().await?;
    if let CoderError::Model { so_far, .. } | CoderError::Runtime { so_far, .. } = error {
        spent.cost_usd_micros += so_far.cost_usd_micros;
    }
    let note = error.to_string();
    let cost_usd_micros = spent.cost_usd_micros;
    Ok(Ending::GaveUp(note.clone(), Delivery::Changed { found: None, note, cost_usd_micros, log: None }))
}

fn describe(outcome: &CoderOutcome, spent: &Spent) -> String {
    let how = match &outcome.ended {
        Ended::Submitted { message } => format!("submitted: {message}"),
        Ended::GaveUp { reason } => format!("gave up: {reason}"),
        Ended::LimitReached { which } => format!("reached its limit of {}", which.name()),
        Ended::Cancelled => "was stopped".to_owned(),
    };
    format!("{how} ({} steps, ${:.4})", spent.steps, spent.cost_usd_micros as f64 / 1e6)
}

/// What the model is told.
fn brief(shop: &Workshop, attempt: &Attempt) -> Result<CoderTask, Breakdown> {
    let Assignment::Code { goal, failing, hints, observation, .. } = &attempt.work else {
        return Err(Breakdown::Other("not a coder's task".into()));
    };
    let observation: Option<Observation> = observation.as_ref().map(|blob| shop.fetch(blob)).transpose()?;
    let failing =
        failing.iter().take(SHOWN_TESTS).map(|test| with_message(test, observation.as_ref())).collect();
    Ok(CoderTask {
        goal: goal.clone(),
        checks: shop.spec.checks.iter().map(|check| check.command.clone()).collect(),
        failing,
        hints: hints.clone(),
        limits: CoderLimits {
            steps: STEPS,
            wall: shop.time_left().mul_f64(0.5).min(Duration::from_secs(20 * 60)),
            ..CoderLimits::default()
        },
        feedback: None,
    })
}

fn with_message(test: &str, observation: Option<&Observation>) -> String {
    let message = observation
        .and_then(|observation| observation.report.tests.get(&TestId::new(test)))
        .and_then(|result| result.message.as_deref());
    message.map_or_else(|| test.to_owned(), |message| format!("{test}: {message}"))
}

/// Runs the check on what the model left: which wanted tests pass, and the log for another round if some do not.
async fn judge(
    shop: &Workshop,
    attempt: &Attempt,
    sandbox: &dyn Sandbox,
) -> Result<(Vec<String>, Option<String>), Breakdown> {
    let Assignment::Code { failing, check, .. } = &attempt.work else { return Ok((Vec::new(), None)) };
    if failing.is_empty() || shop.spec.checks.is_empty() {
        return Ok((Vec::new(), None));
    }
    let check = shop.check(*check)?;
    attempt.voice.doing(&format!("running `{}` on the model's changes", check.command), 0);
    let run = validation::run_check(sandbox.runtime(), &check)
        .await
        .map_err(|error| Breakdown::Other(error.to_string()))?;
    let passing: Vec<TestId> = run.report.passing();
    let (fixed, left): (Vec<&String>, Vec<&String>) =
        failing.iter().partition(|test| passing.iter().any(|id| id.as_str() == test.as_str()));
    let feedback = (!left.is_empty()).then(|| {
        let names = left.iter().take(SHOWN_TESTS).map(|name| name.as_str()).collect::<Vec<_>>().join("\n");
        format!("These tests still fail:\n{names}\n\nEnd of the test log:\n{}", tail(&run.output_tail))
    });
    Ok((fixed.into_iter().cloned().collect(), feedback))
}

fn tail(text: &str) -> &str {
    let mut start = text.len().saturating_sub(FEEDBACK_LIMIT);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Keeps every step of the attempt in its own stream.
struct Recorder<'a> {
    shop: &'a Workshop,
    attempt: &'a Attempt,
    stream: StreamId,
    seq: Mutex<u64>,
}

impl<'a> Recorder<'a> {
    fn new(shop: &'a Workshop, attempt: &'a Attempt) -> Result<Self, Breakdown> {
        let name = format!("attempt/{}/{}/{}", shop.run, attempt.id.task, attempt.id.number);
        let stream = StreamId::new(name).map_err(|error| Breakdown::Other(error.to_string()))?;
        Ok(Self { shop, attempt, stream, seq: Mutex::new(0) })
    }
}

impl Recorder<'_> {
    fn append(&self, seq: &mut u64, kind: &str, payload: serde_json::Value) {
        let event = NewEvent { kind: kind.into(), version: 1, payload };
        match self.shop.log.append(&self.stream, *seq, now_ms(), &[event]) {
            Ok(last) => *seq = last,
            Err(error) => {
                self.attempt.voice.warn(format!("a step of {} was not recorded: {error}", self.attempt.id))
            }
        }
    }
}

impl CoderObserver for Recorder<'_> {
    fn activity(&self, doing: &str) {
        self.attempt.voice.doing(doing, 0);
    }

    fn step(&self, step: &Step) {
        let (Ok(mut seq), Ok(payload)) = (self.seq.lock(), serde_json::to_value(step)) else { return };
        self.append(&mut seq, "step", payload);
    }

    fn told(&self, message: &Message) {
        let (Ok(mut seq), Ok(payload)) = (self.seq.lock(), serde_json::to_value(message)) else { return };
        self.append(&mut seq, "told", payload);
    }

    fn heard(&self) -> Vec<String> {
        self.attempt.mailbox.lock().map(|mut mailbox| std::mem::take(&mut *mailbox)).unwrap_or_default()
    }

    fn permit(&self, question: String) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        match self.shop.spec.approvals.policy {
            ApprovalPolicy::Allow => Box::pin(std::future::ready(true)),
            ApprovalPolicy::Deny => Box::pin(std::future::ready(false)),
            ApprovalPolicy::Ask => Box::pin(self.attempt.voice.ask(question, false)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tail_is_cut_between_characters() {
        let text = "é".repeat(FEEDBACK_LIMIT);
        assert!(tail(&text).len() <= FEEDBACK_LIMIT);
        assert_eq!(tail("short"), "short");
    }
}
