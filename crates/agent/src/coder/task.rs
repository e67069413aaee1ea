//! What the coder is asked, what bounds it, and how it ended.

use std::pin::Pin;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallhands_model_gateway::ModelError;
use smallhands_shell_runtime::RuntimeError;
use smallhands_trajectory::{Message, Step, Trajectory, Usage};

/// What an attempt is for. Every text is bounded again before a model sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct CoderTask {
    /// What is to be achieved, in the user's words.
    pub goal: String,
    /// Commands that must succeed in the end.
    pub checks: Vec<String>,
    /// Tests that fail now: each an id, and what it says if that is known.
    pub failing: Vec<String>,
    /// Where to look first, such as `src/a.py:12 is run by every failing test`.
    pub hints: Vec<String>,
    /// What verification found wrong with an earlier round, if there was one.
    pub feedback: Option<String>,
    /// What bounds the attempt.
    pub limits: CoderLimits,
}

/// Bounds on one round ([`run`](super::run) or [`run_continued`](super::run_continued)); each round counts from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CoderLimits {
    /// Answers of the model.
    pub steps: u32,
    /// Time for the whole round.
    pub wall: Duration,
    /// Time for one command.
    pub command: Duration,
    /// Tokens of one answer.
    pub output_tokens_per_call: u32,
    /// Tokens of all calls together, input and output; `None` for no bound.
    pub total_tokens: Option<u64>,
    /// Millionths of a US dollar for all calls together; `None` for no bound. A call that could exceed it is not made.
    pub budget_usd_micros: Option<u64>,
}

impl Default for CoderLimits {
    fn default() -> Self {
        Self {
            steps: 40,
            wall: Duration::from_secs(30 * 60),
            command: Duration::from_secs(300),
            output_tokens_per_call: 8_000,
            total_tokens: None,
            budget_usd_micros: None,
        }
    }
}

/// Which bound ended an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// All steps were used.
    Steps,
    /// The time was up.
    Wall,
    /// All tokens were used.
    Tokens,
    /// The next call could have cost more than was left.
    Budget,
    /// The conversation no longer fits the model.
    Context,
}

impl Limit {
    /// The bound's name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Steps => "steps",
            Self::Wall => "wall time",
            Self::Tokens => "tokens",
            Self::Budget => "budget",
            Self::Context => "model context",
        }
    }
}

/// How an attempt ended. The sandbox may hold a useful change in every case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Ended {
    /// The model says it is done.
    Submitted {
        /// Its words.
        message: String,
    },
    /// It stopped making progress.
    GaveUp {
        /// How that was noticed.
        reason: String,
    },
    /// A bound was reached.
    LimitReached {
        /// Which.
        which: Limit,
    },
    /// The attempt was cancelled.
    Cancelled,
}

/// What an attempt leaves behind, beside the change in its sandbox.
#[derive(Debug, Clone, PartialEq)]
pub struct CoderOutcome {
    /// How it ended.
    pub ended: Ended,
    /// Steps of this round.
    pub steps: u32,
    /// Tokens of this round.
    pub usage: Usage,
    /// Cost of this round in millionths of a US dollar, as far as prices are known.
    pub cost_usd_micros: u64,
    /// The whole conversation, earlier rounds included.
    pub trajectory: Trajectory,
}

/// The attempt could not be carried on. What the model does wrong is never one of these.
#[derive(Debug, thiserror::Error)]
pub enum CoderError {
    /// The model cannot be used (any more).
    #[error("the model failed after {} steps: {error}", so_far.steps)]
    Model {
        /// Why.
        #[source]
        error: ModelError,
        /// What was done and spent until then.
        so_far: Box<SoFar>,
    },
    /// There is a budget in money, and nobody knows what a call costs.
    #[error(
        "the price of {model} is not known, so a budget in money cannot be kept; give the price or remove the budget"
    )]
    PriceUnknown {
        /// The model's name.
        model: String,
    },
    /// The sandbox does not work (any more).
    #[error("the sandbox failed after {} steps: {error}", so_far.steps)]
    Runtime {
        /// Why.
        #[source]
        error: RuntimeError,
        /// What was done and spent until then.
        so_far: Box<SoFar>,
    },
}

/// What a failed attempt had done and spent.
#[derive(Debug, Clone, PartialEq)]
pub struct SoFar {
    /// Complete steps of this round.
    pub steps: u32,
    /// Tokens of this round.
    pub usage: Usage,
    /// Cost of this round in millionths of a US dollar, as far as prices are known.
    pub cost_usd_micros: u64,
    /// The conversation up to the last complete step.
    pub trajectory: Trajectory,
}

/// Watches an attempt while it lives. Calls are short and must not block.
pub trait CoderObserver: Send + Sync {
    /// What is being done right now, one short line.
    fn activity(&self, doing: &str);

    /// A step is complete.
    fn step(&self, step: &Step);

    /// The model is told something beside the results of its calls: the task, feedback, the user's words.
    fn told(&self, _message: &Message) {}

    /// What the user has said to the model since the last time; asked before each of its answers.
    fn heard(&self) -> Vec<String> {
        Vec::new()
    }

    /// Whether a call may be made that reaches outside of the sandbox. Must not wait for ever.
    fn permit(&self, _question: String) -> Pin<Box<dyn Future<Output = bool> + Send + '_>> {
        Box::pin(std::future::ready(true))
    }
}

/// An observer that ignores everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl CoderObserver for Silent {
    fn activity(&self, _doing: &str) {}

    fn step(&self, _step: &Step) {}
}
