//! A plan that was read: steps with their expressions, everything typed. What it means is in `rules` and `expand`.

use serde_json::Value;

use crate::expression::Expression;
use crate::outputs::OutputDeclaration;
use crate::source::{FileIndex, Sources, Span};
use crate::template::{Given, Template};
use crate::value_type::ValueType;

/// How long a command probably takes when the plan does not say, milliseconds.
pub const EXPECTED_COMMAND_MS: u64 = 10_000;
/// The same for a model.
pub const EXPECTED_CODER_MS: u64 = 300_000;
/// How long an attempt may take when the plan does not say, milliseconds.
pub const DEFAULT_TIMEOUT_MS: u64 = 30 * 60_000;

/// A plan with all plans that it uses, free of errors.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// The files that it came from; the first is the plan's own.
    pub sources: Sources,
    /// All plans; the first is the one that is run.
    pub plans: Vec<Plan>,
}

/// One plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What it is called.
    pub name: Option<String>,
    /// The file that it stands in.
    pub file: FileIndex,
    /// Its inputs.
    pub inputs: Vec<Input>,
    /// Commands that must succeed at the end.
    pub checks: Vec<String>,
    /// Its tasks, in the order written.
    pub steps: Vec<Step>,
    /// What it hands on.
    pub outputs: Vec<PlanOutput>,
}

/// An input of a plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Its type.
    pub kind: ValueType,
    /// Its value when none is given.
    pub default: Option<Value>,
    /// The only values that it may have; empty means any.
    pub choices: Vec<Value>,
    /// What it is for.
    pub description: Option<String>,
}

/// What a plan hands on.
#[derive(Debug, Clone, PartialEq)]
pub struct PlanOutput {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: Given,
    /// Its type; known once the rules have been applied.
    pub kind: ValueType,
}

/// A task as written; it may become none, one or many.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Its name in its plan.
    pub id: String,
    /// Where the name stands.
    pub span: Span,
    /// What is to be achieved.
    pub goal: Option<Template>,
    /// What is done.
    pub work: Work,
    /// The tasks named in `after`.
    pub after: Vec<(String, Span)>,
    /// The steps it waits for, by index: `after` and all that its expressions name. Known once the rules have been applied.
    pub waits_for: Vec<usize>,
    /// Whether it runs at all.
    pub when: Option<Expression>,
    /// The fan-out.
    pub each: Option<Each>,
    /// Environment variables.
    pub env: Vec<(String, Template)>,
    /// What a command hands on.
    pub outputs: Vec<OutputDeclaration>,
    /// Commands that must succeed on its result.
    pub checks: Vec<Template>,
    /// What has to be minded about it.
    pub care: Care,
    /// What it needs while it runs.
    pub needs: Needs,
    /// Its limits.
    pub bounds: Bounds,
}

/// What has to be minded about a step.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Care {
    /// The user is asked before each attempt.
    pub approval: bool,
    /// Its command has an effect outside that must happen once.
    pub once: bool,
    /// Tells whether that effect has happened.
    pub verify: Option<Template>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Work {
    /// Runs a shell command.
    Command(Template),
    /// Lets a model work towards the goal.
    Coder,
    /// Becomes another plan.
    Plan {
        /// Its index.
        plan: usize,
        /// Its inputs: name, place, value.
        with: Vec<(String, Span, Given)>,
        /// Where `use` stands.
        span: Span,
    },
}

/// A fan-out.
#[derive(Debug, Clone, PartialEq)]
pub struct Each {
    /// Where `for_each` stands.
    pub span: Span,
    /// The items.
    pub items: Items,
    /// What an item is called.
    pub name: String,
}

/// Where the items of a fan-out come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Items {
    /// Computed.
    Computed(Expression),
    /// Written down.
    Written(Vec<Given>),
}

/// What a task needs while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Thousandths of a processor.
    pub cpu_milli: Option<u64>,
    /// Mebibytes.
    pub memory_mb: Option<u64>,
    /// Graphics processors.
    pub gpu: Option<u32>,
    /// Locks.
    pub locks: Vec<String>,
    /// Patterns of the files that it will change.
    pub owns: Vec<String>,
}

/// Limits of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bounds {
    /// Attempts in all; `None` means one, and another if the machinery broke.
    pub attempts: Option<u32>,
    /// The endings that lead to another attempt: failed, timeout, lost.
    pub retry_on: [bool; 3],
    /// The wait before the second attempt, milliseconds.
    pub backoff_ms: u64,
    /// The longest wait, milliseconds.
    pub max_backoff_ms: Option<u64>,
    /// The longest attempt, milliseconds.
    pub timeout_ms: u64,
    /// How long it probably takes, milliseconds.
    pub expect_ms: u64,
    /// Whether the plan says how long.
    pub expected: bool,
    /// The most that an attempt may spend, millionths of a US dollar.
    pub budget_usd_micros: Option<u64>,
    /// The most tokens of an attempt.
    pub budget_tokens: Option<u64>,
    /// Higher starts earlier.
    pub priority: i64,
}

impl Plan {
    /// The step of this name.
    #[must_use]
    pub fn step(&self, id: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.id == id)
    }
}

impl Step {
    /// All expressions of the step.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        let mut all: Vec<&Expression> = self.when.iter().collect();
        match self.each.as_ref().map(|each| &each.items) {
            Some(Items::Computed(expression)) => all.push(expression),
            Some(Items::Written(items)) => all.extend(items.iter().flat_map(Given::expressions)),
            None => {}
        }
        all.extend(self.work_expressions());
        all
    }

    /// The expressions that every instance computes anew: all but `when` and `for_each`.
    #[must_use]
    pub fn work_expressions(&self) -> Vec<&Expression> {
        let env = self.env.iter().map(|(_, value)| value);
        let templates = self.goal.iter().chain(env).chain(&self.checks).chain(&self.care.verify);
        let mut all: Vec<&Expression> = templates.flat_map(Template::expressions).collect();
        match &self.work {
            Work::Command(command) => all.extend(command.expressions()),
            Work::Plan { with, .. } => all.extend(with.iter().flat_map(|(_, _, value)| value.expressions())),
            Work::Coder => {}
        }
        all
    }
}
