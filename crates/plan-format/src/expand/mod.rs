//! How a plan unfolds: from what is known so far to the tasks that can be laid down now.
//!
//! Pure and without memory: the whole is computed anew each time from the plan, its inputs and how its tasks stand, so
//! a resumed run unfolds exactly as one that was never stopped. A step that needs nothing but inputs is laid down at
//! once; one whose condition, fan-out or text names another task waits until everything before it has settled.

mod facts;
mod outcome;

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::expression::evaluate::{asks_always, evaluate, truth};
use crate::expression::{Expression, Kind, Problem};
use crate::model::{Bounds, Document, Items, Needs, Plan, Step, Work};
use crate::outputs::OutputDeclaration;
use crate::rules::asks_status;
use facts::StepFacts;
use outcome::{Outcome, Status};

/// Most instances of one fan-out.
pub const MOST_INSTANCES: usize = 1000;
/// Longest name of a task, those of the plans around it included, in bytes.
const LONGEST_ID: usize = 85;

/// How a task that was laid down stands.
#[derive(Debug, Clone, PartialEq)]
pub enum Standing {
    /// Waiting or at work.
    Open,
    /// Done, with what it hands on.
    Done(Map<String, Value>),
    /// Ended without success, and why.
    Failed(String),
    /// Never begun, and why.
    Skipped(String),
}

/// All tasks that were laid down so far.
pub type Known = BTreeMap<String, Standing>;

/// What a plan has unfolded to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Expansion {
    /// Tasks to be laid down now, those before others first.
    pub tasks: Vec<PlannedTask>,
    /// Tasks that are not to be done, to be recorded with their reasons.
    pub skipped: Vec<SkippedTask>,
    /// Whether nothing is left to be laid down or waited for.
    pub settled: bool,
    /// What failed, with reasons.
    pub failed: Vec<(String, String)>,
    /// What the plan hands on, once it has settled.
    pub outputs: Map<String, Value>,
}

/// A task with everything filled in.
#[derive(Debug, Clone, PartialEq)]
pub struct PlannedTask {
    /// Its name: `build`, `lint.2` (second instance of a fan-out), `release/publish` (within another plan).
    pub id: String,
    /// One line for people, or a model's assignment.
    pub goal: String,
    /// What is done.
    pub work: PlannedWork,
    /// Tasks that must be done before.
    pub after: Vec<String>,
    /// Commands that must succeed on its result.
    pub checks: Vec<String>,
    /// Whether the user is asked before each attempt.
    pub approval: bool,
    /// The effect outside that its command has.
    pub effect: Option<PlannedEffect>,
    /// What it needs while it runs.
    pub needs: Needs,
    /// Its limits.
    pub bounds: Bounds,
    /// How long the rest of the plan probably takes from its beginning, milliseconds.
    pub urgency_ms: u64,
}

/// An effect outside that must happen once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedEffect {
    /// Tells whether it has happened.
    pub verify: Option<String>,
}

/// What a task does.
#[derive(Debug, Clone, PartialEq)]
pub enum PlannedWork {
    /// Runs a shell command.
    Command {
        /// The command.
        command: String,
        /// Its variables.
        env: BTreeMap<String, String>,
        /// What it hands on.
        outputs: Vec<OutputDeclaration>,
    },
    /// Lets a model work towards the goal.
    Coder,
}

/// A task that is not to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedTask {
    /// Its name.
    pub id: String,
    /// `command`, `coder` or `plan`.
    pub role: &'static str,
    /// What it would have done, one line.
    pub goal: String,
    /// Why not.
    pub reason: String,
}

/// Unfolds a plan as far as it can be.
#[must_use]
pub fn expand(document: &Document, inputs: &Map<String, Value>, known: &Known) -> Expansion {
    let Some(root) = document.plans.first() else { return Expansion::default() };
    let mut expander = Expander { document, known, out: Expansion::default() };
    let frame = Frame {
        plan: root,
        inputs: inputs.clone(),
        prefix: String::new(),
        waits: Vec::new(),
        waits_settled: true,
        tail_ms: 0,
        outcomes: Vec::new(),
    };
    let (outcomes, frame) = expander.plan(frame);
    let whole = Outcome::of_parts(&outcomes);
    expander.out.settled = whole.status.is_some();
    if whole.status == Some(Status::Done) {
        match outputs_of(root, &frame) {
            Ok(outputs) => expander.out.outputs = outputs,
            Err(problem) => expander.out.failed.push(("outputs".to_owned(), problem.message)),
        }
    }
    expander.out
}

/// One use of a plan while it is unfolded.
struct Frame<'a> {
    plan: &'a Plan,
    inputs: Map<String, Value>,
    /// What its tasks' names begin with.
    prefix: String,
    /// The tasks that all of its tasks wait for.
    waits: Vec<String>,
    waits_settled: bool,
    /// What comes after it, milliseconds.
    tail_ms: u64,
    /// What became of its steps; absent for those not looked at.
    outcomes: Vec<Option<Outcome>>,
}

struct Expander<'a> {
    document: &'a Document,
    known: &'a Known,
    out: Expansion,
}

/// One instance of a step.
struct Instance<'a> {
    id: String,
    step: &'a Step,
    variables: Vec<(String, Value)>,
    waits: Vec<String>,
    waits_settled: bool,
    tail_ms: u64,
}

impl<'a> Expander<'a> {
    fn plan(&mut self, mut frame: Frame<'a>) -> (Vec<Outcome>, Frame<'a>) {
        let steps = &frame.plan.steps;
        let tails = tails(self.document, frame.plan);
        frame.outcomes = vec![None; steps.len()];
        for index in order(frame.plan) {
            let Some(step) = steps.get(index) else { continue };
            let tail_ms = tails.get(index).copied().unwrap_or(0).saturating_add(frame.tail_ms);
            let outcome = self.step(&frame, step, tail_ms);
            frame.outcomes[index] = Some(outcome);
        }
        (frame.outcomes.iter().flatten().cloned().collect(), frame)
    }

    fn step(&mut self, frame: &Frame<'a>, step: &'a Step, tail_ms: u64) -> Outcome {
        let before: Vec<(&str, &Outcome)> = step
            .waits_for
            .iter()
            .filter_map(|index| {
                Some((frame.plan.steps.get(*index)?.id.as_str(), frame.outcomes.get(*index)?.as_ref()?))
            })
            .collect();
        let settled = before.iter().all(|(_, outcome)| outcome.status.is_some()) && frame.waits_settled;
        let late = names_tasks(step) || before.iter().any(|(_, outcome)| !outcome.determined);
        let id = format!("{}{}", frame.prefix, step.id);
        if !self.has_begun(&id)
            && let Some(reason) = blocked(step, &before)
        {
            return self.skip(id, step, Status::Skipped, reason);
        }
        if late && !settled {
            return Outcome::undecided();
        }
        let done = |id: &&String| matches!(self.known.get(*id), Some(Standing::Done(_)));
        let mut waits: Vec<String> = before.iter().flat_map(|(_, outcome)| outcome.leaves.clone()).collect();
        if before.is_empty() {
            waits.clone_from(&frame.waits);
        }
        if late {
            waits = waits.iter().filter(done).cloned().collect();
        }
        waits.sort();
        waits.dedup();
        let instance = Instance { id, step, variables: Vec::new(), waits, waits_settled: settled, tail_ms };
        self.conditional(frame, instance)
    }

    /// Decides the condition, unless it is about the items of a fan-out.
    fn conditional(&mut self, frame: &Frame<'a>, instance: Instance<'a>) -> Outcome {
        let step = instance.step;
        match &step.when {
            Some(when) if step.each.is_none() || !names_variables(when) => {
                if let Some(outcome) = self.decide(frame, &instance, when) {
                    return outcome;
                }
            }
            _ => {}
        }
        if step.each.is_some() { self.fan_out(frame, instance) } else { self.instance(frame, instance) }
    }

    /// What becomes of an instance that its condition keeps from running.
    fn decide(&mut self, frame: &Frame<'a>, instance: &Instance<'a>, when: &Expression) -> Option<Outcome> {
        let facts = StepFacts { frame, variables: &instance.variables };
        match truth(when, &facts) {
            Ok(true) => None,
            Ok(false) => {
                let reason = format!("its condition is false: {when}");
                Some(self.skip(instance.id.clone(), instance.step, Status::Skipped, reason))
            }
            Err(problem) => Some(self.fail(instance, problem, "its condition cannot be decided")),
        }
    }

    fn fan_out(&mut self, frame: &Frame<'a>, all: Instance<'a>) -> Outcome {
        let step = all.step;
        let Some(each) = &step.each else { return Outcome::undecided() };
        let facts = StepFacts { frame, variables: &[] };
        let items = match items(&each.items, &facts) {
            Ok(items) => items,
            Err(problem) => return self.fail(&all, problem, "its items are not known"),
        };
        if items.is_empty() {
            return Outcome::nothing(step, self.document, all.waits, all.waits_settled);
        }
        let mut parts = Vec::new();
        for (index, item) in items.into_iter().enumerate() {
            let instance = Instance {
                id: format!("{}.{}", all.id, index + 1),
                variables: vec![(each.name.clone(), item), ("index".to_owned(), Value::from(index))],
                waits: all.waits.clone(),
                ..all
            };
            let kept = match step.when.as_ref().filter(|when| names_variables(when)) {
                Some(when) => self.decide(frame, &instance, when),
                None => None,
            };
            parts.push(match kept {
                Some(outcome) => outcome,
                None => self.instance(frame, instance),
            });
        }
        Outcome::of_instances(step, self.document, &parts)
    }

    fn instance(&mut self, frame: &Frame<'a>, instance: Instance<'a>) -> Outcome {
        match &instance.step.work {
            Work::Plan { plan, with, .. } => self.sub_plan(frame, &instance, *plan, with),
            _ => self.leaf(frame, &instance),
        }
    }

    fn leaf(&mut self, frame: &Frame<'a>, instance: &Instance<'a>) -> Outcome {
        match self.known.get(&instance.id) {
            Some(Standing::Failed(reason)) => {
                self.out.failed.push((instance.id.clone(), reason.clone()));
                return Outcome::of_standing(&instance.id, &Standing::Failed(reason.clone()));
            }
            // It may be on record because it could not be filled in: then it fails again.
            Some(Standing::Skipped(_)) | None => {}
            Some(standing) => return Outcome::of_standing(&instance.id, standing),
        }
        if instance.id.len() > LONGEST_ID {
            let problem = Problem::new(instance.step.span, format!("{} bytes of name", instance.id.len()));
            return self.fail(instance, problem, "its name with those of the plans around it is too long");
        }
        let facts = StepFacts { frame, variables: &instance.variables };
        match fill_in(instance, &facts) {
            Ok(task) => match self.known.get(&instance.id) {
                Some(standing) => Outcome::of_standing(&instance.id, standing),
                None => {
                    self.out.tasks.push(task);
                    Outcome::of_standing(&instance.id, &Standing::Open)
                }
            },
            Err(problem) => self.fail(instance, problem, "it cannot be filled in"),
        }
    }

    fn sub_plan(
        &mut self,
        frame: &Frame<'a>,
        instance: &Instance<'a>,
        plan: usize,
        with: &[(String, crate::source::Span, crate::template::Given)],
    ) -> Outcome {
        let Some(used) = self.document.plans.get(plan) else { return Outcome::undecided() };
        let facts = StepFacts { frame, variables: &instance.variables };
        let mut given = Map::new();
        for (name, _, value) in with {
            match value.render(&facts) {
                Ok(value) => given.insert(name.clone(), value),
                Err(problem) => return self.fail(instance, problem, "its inputs are not known"),
            };
        }
        let inputs = match crate::inputs::complete(used, given) {
            Ok(inputs) => inputs,
            Err(reason) => {
                let problem = Problem::new(instance.step.span, reason.join("; "));
                return self.fail(instance, problem, "its inputs do not fit");
            }
        };
        let inner = Frame {
            plan: used,
            inputs,
            prefix: format!("{}/", instance.id),
            waits: instance.waits.clone(),
            waits_settled: instance.waits_settled,
            tail_ms: instance.tail_ms.saturating_sub(length_ms(self.document, used)),
            outcomes: Vec::new(),
        };
        let (outcomes, inner) = self.plan(inner);
        let mut whole = Outcome::of_parts(&outcomes);
        if whole.status == Some(Status::Done) {
            match outputs_of(used, &inner) {
                Ok(outputs) => whole.outputs = outputs,
                Err(problem) => return self.fail(instance, problem, "its outputs are not known"),
            }
        }
        whole
    }

    /// Whether tasks of a step were laid down before. A record that the step was skipped is none.
    fn has_begun(&self, id: &str) -> bool {
        let family = self.known.range(id.to_owned()..).take_while(|(known, _)| known.starts_with(id));
        family.filter_map(|(known, standing)| Some((known.strip_prefix(id)?, standing))).any(
            |(rest, standing)| match standing {
                Standing::Skipped(_) if rest.is_empty() => false,
                _ => rest.is_empty() || rest.starts_with(['.', '/']),
            },
        )
    }

    fn skip(&mut self, id: String, step: &Step, status: Status, reason: String) -> Outcome {
        if status == Status::Failed {
            self.out.failed.push((id.clone(), reason.clone()));
        }
        if !self.known.contains_key(&id) {
            let goal = step.goal.as_ref().map_or_else(|| describe(step), |goal| goal.text.clone());
            let role = match &step.work {
                Work::Command(_) => "command",
                Work::Coder => "coder",
                Work::Plan { .. } => "plan",
            };
            self.out.skipped.push(SkippedTask { id, role, goal, reason });
        }
        Outcome { leaves: Vec::new(), determined: true, status: Some(status), outputs: Map::new() }
    }

    fn fail(&mut self, instance: &Instance<'_>, problem: Problem, what: &str) -> Outcome {
        self.skip(instance.id.clone(), instance.step, Status::Failed, format!("{what}: {}", problem.message))
    }
}

/// Why a step cannot run any more: something that it waits for is not done, and its condition does not ask about that.
fn blocked(step: &Step, before: &[(&str, &Outcome)]) -> Option<String> {
    let when = step.when.as_ref();
    if when.is_some_and(asks_always) {
        return None;
    }
    before.iter().find_map(|(id, outcome)| {
        let asked = when.is_some_and(|when| asks_status(when, id));
        match outcome.status {
            Some(Status::Failed) if !asked => Some(format!("`{id}` failed")),
            Some(Status::Skipped) if !asked => Some(format!("`{id}` was skipped")),
            _ => None,
        }
    })
}

/// Whether anything about a step depends on how other tasks end.
fn names_tasks(step: &Step) -> bool {
    step.when.as_ref().is_some_and(asks_always)
        || step.expressions().iter().any(|expression| !expression.tasks().is_empty())
}

fn names_variables(expression: &Expression) -> bool {
    let mut found = false;
    expression.walk(&mut |part| found |= matches!(part.kind, Kind::Variable(_)));
    found
}

fn items(items: &Items, facts: &StepFacts<'_>) -> Result<Vec<Value>, Problem> {
    let list = match items {
        Items::Written(items) => {
            items.iter().map(|item| item.render(facts)).collect::<Result<Vec<_>, _>>()?
        }
        Items::Computed(expression) => match evaluate(expression, facts)? {
            Value::Array(items) => items,
            Value::Null => Vec::new(),
            other => {
                let message =
                    format!("`{expression}` is not a list but {}", crate::value_type::ValueType::of(&other));
                return Err(Problem::new(expression.span, message));
            }
        },
    };
    if list.len() > MOST_INSTANCES {
        let message = format!("{} items are too many; at most {MOST_INSTANCES} are possible", list.len());
        return Err(Problem::new(crate::source::Span::default(), message));
    }
    Ok(list)
}

fn fill_in(instance: &Instance<'_>, facts: &StepFacts<'_>) -> Result<PlannedTask, Problem> {
    let step = instance.step;
    let goal = step.goal.as_ref().map(|goal| goal.render(facts)).transpose()?;
    let (work, fallback) = match &step.work {
        Work::Command(command) => {
            let command = command.render_for_shell(facts)?;
            let env = step.env.iter().map(|(name, value)| Ok((name.clone(), value.render(facts)?)));
            let env = env.collect::<Result<_, Problem>>()?;
            let fallback = command.clone();
            (PlannedWork::Command { command, env, outputs: step.outputs.clone() }, fallback)
        }
        _ => (PlannedWork::Coder, String::new()),
    };
    let verify = step.care.verify.as_ref().map(|verify| verify.render_for_shell(facts)).transpose()?;
    let checks = step.checks.iter().map(|check| check.render_for_shell(facts)).collect::<Result<_, _>>()?;
    Ok(PlannedTask {
        id: instance.id.clone(),
        goal: goal.unwrap_or(fallback),
        work,
        after: instance.waits.clone(),
        checks,
        approval: step.care.approval,
        effect: step.care.once.then_some(PlannedEffect { verify }),
        needs: step.needs.clone(),
        bounds: step.bounds.clone(),
        urgency_ms: instance.tail_ms,
    })
}

fn outputs_of(plan: &Plan, frame: &Frame<'_>) -> Result<Map<String, Value>, Problem> {
    let facts = StepFacts { frame, variables: &[] };
    let mut outputs = Map::new();
    for output in &plan.outputs {
        outputs.insert(output.name.clone(), output.value.render(&facts)?);
    }
    Ok(outputs)
}

/// One line about a step without a goal.
pub(crate) fn describe(step: &Step) -> String {
    match &step.work {
        Work::Command(command) => command.text.clone(),
        Work::Coder => "work of a model".to_owned(),
        Work::Plan { .. } => "another plan".to_owned(),
    }
}

/// Steps in an order in which each comes after those that it waits for; ties by the order written.
pub(crate) fn order(plan: &Plan) -> Vec<usize> {
    let mut placed = vec![false; plan.steps.len()];
    let mut missing: Vec<usize> = plan.steps.iter().map(|step| step.waits_for.len()).collect();
    let mut dependents: Vec<Vec<usize>> = vec![Vec::new(); plan.steps.len()];
    for (index, step) in plan.steps.iter().enumerate() {
        step.waits_for.iter().for_each(|before| dependents[*before].push(index));
    }
    let mut ready: std::collections::BTreeSet<usize> =
        (0..missing.len()).filter(|index| missing[*index] == 0).collect();
    let mut order = Vec::new();
    while let Some(next) = ready.pop_first() {
        if std::mem::replace(&mut placed[next], true) {
            continue;
        }
        order.push(next);
        for dependent in &dependents[next] {
            missing[*dependent] -= 1;
            if missing[*dependent] == 0 {
                ready.insert(*dependent);
            }
        }
    }
    order
}

/// For each step how long the rest of its plan probably takes from its beginning, milliseconds.
pub(crate) fn tails(document: &Document, plan: &Plan) -> Vec<u64> {
    let mut tails: Vec<u64> = plan.steps.iter().map(|step| step_ms(document, step)).collect();
    let own = tails.clone();
    for index in order(plan).into_iter().rev() {
        for before in &plan.steps[index].waits_for {
            tails[*before] = tails[*before].max(own[*before].saturating_add(tails[index]));
        }
    }
    tails
}

/// How long a plan probably takes with agents enough, milliseconds.
fn length_ms(document: &Document, plan: &Plan) -> u64 {
    tails(document, plan).into_iter().max().unwrap_or(0)
}

fn step_ms(document: &Document, step: &Step) -> u64 {
    match &step.work {
        Work::Plan { plan, .. } => document.plans.get(*plan).map_or(0, |plan| length_ms(document, plan)),
        _ => step.bounds.expect_ms,
    }
}
