//! What must hold beyond the tables: names, cycles, types, and which fields go together.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::expression::evaluate::a;
use crate::expression::infer::{Scope, expect_truth, infer};
use crate::expression::{Expression, Kind, Problem};
use crate::model::{Items, Plan, Step, Work};
use crate::node::{Entry, Node};
use crate::outputs::STDOUT;
use crate::similar::suggestion;
use crate::source::Span;
use crate::template::Given;
use crate::value_type::ValueType;

/// Fields that only a command has.
const COMMAND_FIELDS: [&str; 5] = ["command", "env", "outputs", "effect", "verify"];
/// Fields that a task which becomes a plan does not have: its tasks have their own.
const NOT_WITH_USE: [&str; 15] = [
    "approval",
    "effect",
    "verify",
    "role",
    "command",
    "env",
    "outputs",
    "checks",
    "resources",
    "locks",
    "owns",
    "retry",
    "timeout",
    "expect",
    "budget",
];

/// Checks which fields of a task go together.
pub(crate) fn check_task(task: &Node, found: &mut Diagnostics) {
    let entry = |name: &str| task.entries().iter().find(|entry| entry.key == name);
    let role = task.get("role").and_then(Node::text);
    let mut refuse = |entry: Option<&Entry>, why: &str, help: &str| {
        if let Some(entry) = entry {
            found.error_with_help(entry.key_span, format!("`{}` {why}", entry.key), help);
        }
    };
    if entry("use").is_some() {
        for name in NOT_WITH_USE {
            refuse(entry(name), "cannot stand beside `use`", "give it to the tasks of the plan that is used");
        }
    } else {
        refuse(entry("with"), "is only for tasks with `use`", "a command gets values by `${{ … }}` or `env`");
    }
    if entry("effect").is_none() {
        refuse(entry("verify"), "is only for tasks with `effect`", "add `effect: once`");
    }
    if entry("for_each").is_none() {
        refuse(entry("as"), "is only for tasks with `for_each`", "remove it");
    }
    let has_command = entry("command").is_some();
    if has_command && role == Some("coder") {
        refuse(entry("command"), "is only for the role `command`", "say what is to be achieved with `goal`");
    }
    if !has_command && entry("use").is_none() && role != Some("command") {
        for name in COMMAND_FIELDS {
            refuse(entry(name), "is only for commands", "let a command after this task do it");
        }
    }
    let names_work = ["command", "goal", "use"].iter().any(|name| entry(name).is_some());
    let slip = task.entries().iter().any(|entry| {
        crate::similar::nearest(&entry.key, ["command", "goal", "use"]).is_some_and(|near| near != entry.key)
    });
    if role == Some("command") && !has_command && !slip {
        found.error_with_help(
            task.span,
            "a command task needs the field `command`",
            "say which shell command to run",
        );
    } else if role == Some("coder") && entry("goal").is_none() && !slip {
        found.error_with_help(task.span, "a coder task needs the field `goal`", "say what is to be achieved");
    } else if !names_work && role.is_none() && !slip {
        let help = "give it a `command`, a `goal` for a model, or `use` another plan";
        found.error_with_help(task.span, "this task does nothing", help);
    }
}

/// Checks a plan, and fills in what its steps wait for and the types of its outputs. `plans` are those read so far.
pub(crate) fn check_plan(plan: &mut Plan, node: &Node, plans: &[Option<Plan>], found: &mut Diagnostics) {
    if let Some(tasks) = node.get("tasks").filter(|tasks| tasks.items().is_empty()) {
        found.error(tasks.span, "a plan needs at least one task");
    }
    check_ids(plan, found);
    check_inputs(plan, found);
    let mut problems = Vec::new();
    for step in &plan.steps {
        check_step(plan, step, plans, &mut problems);
    }
    let scope = Names { plan, plans, step: None };
    let kinds: Vec<ValueType> =
        plan.outputs.iter().map(|output| given_type(&output.value, &scope, &mut problems)).collect();
    plan.outputs.iter_mut().zip(kinds).for_each(|(output, kind)| output.kind = kind);
    for Problem { span, message, help } in problems {
        found.push(Diagnostic { span, message, help });
    }
    let edges = edges(plan, found);
    check_cycles(plan, &edges, found);
    for (step, edges) in plan.steps.iter_mut().zip(edges) {
        let before: BTreeSet<usize> = edges.into_iter().map(|(index, _)| index).collect();
        step.waits_for = before.into_iter().collect();
    }
}

fn check_ids(plan: &Plan, found: &mut Diagnostics) {
    let mut seen: Vec<&Step> = Vec::new();
    for step in &plan.steps {
        match seen.iter().find(|known| known.id == step.id) {
            Some(_) => found.error_with_help(
                step.span,
                format!("there is another task `{}`", step.id),
                "give each task of a plan its own id",
            ),
            None => seen.push(step),
        }
    }
}

fn check_inputs(plan: &Plan, found: &mut Diagnostics) {
    for input in &plan.inputs {
        let values = input.default.iter().chain(&input.choices);
        for value in values.filter(|value| !input.kind.holds(value)) {
            found.error(
                input.span,
                format!("`{value}` is not {}, which the input `{}` is", a(&input.kind), input.name),
            );
        }
        if let Some(default) = input.default.as_ref().filter(|_| !input.choices.is_empty())
            && !input.choices.contains(default)
        {
            found.error(
                input.span,
                format!("the default {default} of `{}` is not one of its choices", input.name),
            );
        }
    }
}

fn check_step(plan: &Plan, step: &Step, plans: &[Option<Plan>], problems: &mut Vec<Problem>) {
    let scope = Names { plan, plans, step: Some(step) };
    let outside = Names { plan, plans, step: None };
    if let Some(when) = &step.when {
        expect_truth(when, &scope, problems);
    }
    if let Some(each) = &step.each {
        match &each.items {
            Items::Computed(expression) => {
                let kind = infer(expression, &outside, problems);
                if !kind.meets(&ValueType::List(Box::new(ValueType::Any))) {
                    let message = format!("`for_each` needs a list; `{expression}` is {kind}");
                    problems.push(Problem::new(expression.span, message));
                }
            }
            Items::Written(items) => items.iter().for_each(|item| {
                given_type(item, &outside, problems);
            }),
        }
    }
    for expression in step.work_expressions() {
        infer(expression, &scope, problems);
    }
    match &step.work {
        Work::Command(command) => problems.extend(command.inside_quotes().into_iter().map(|span| {
            Problem::new(span, "this value stands inside quotes, but it is quoted anyway")
                .help("remove the quotes around it")
        })),
        Work::Plan { plan, with, span } => {
            if let Some(used) = plans.get(*plan).and_then(Option::as_ref) {
                check_with(used, with, *span, &scope, problems);
            }
        }
        Work::Coder => {}
    }
    for output in &step.outputs {
        if let Some(default) = output.default.as_ref().filter(|default| !output.kind.holds(default)) {
            problems.push(Problem::new(
                step.span,
                format!("the default {default} of output `{}` is not a {}", output.name, output.kind),
            ));
        }
    }
}

/// The inputs that a task gives to the plan it uses.
fn check_with(
    used: &Plan,
    with: &[(String, Span, Given)],
    span: Span,
    scope: &Names<'_>,
    problems: &mut Vec<Problem>,
) {
    for (name, place, value) in with {
        let kind = given_type(value, scope, problems);
        let Some(input) = used.inputs.iter().find(|input| input.name == *name) else {
            let help = suggestion(name, used.inputs.iter().map(|input| input.name.as_str()));
            problems.push(Problem::new(*place, format!("the plan has no input `{name}`")).help(help));
            continue;
        };
        let literal_fits = !matches!(value, Given::Value(value) if !input.kind.holds(value));
        if !kind.meets(&input.kind) || !literal_fits {
            let message = format!("the input `{name}` is {}, but this is {kind}", input.kind);
            problems.push(Problem::new(*place, message));
        }
    }
    for input in used.inputs.iter().filter(|input| input.default.is_none()) {
        if !with.iter().any(|(name, ..)| *name == input.name) {
            let message = format!("the plan needs the input `{}` ({})", input.name, input.kind);
            problems.push(Problem::new(span, message).help("give it under `with:`"));
        }
    }
}

fn given_type(value: &Given, scope: &dyn Scope, problems: &mut Vec<Problem>) -> ValueType {
    match value {
        Given::Value(value) => ValueType::of(value),
        Given::Template(template) => match template.only_expression() {
            Some(expression) => infer(expression, scope, problems),
            None => {
                template.expressions().for_each(|expression| {
                    infer(expression, scope, problems);
                });
                ValueType::Text
            }
        },
        Given::List(items) => {
            let kinds: Vec<ValueType> = items.iter().map(|item| given_type(item, scope, problems)).collect();
            ValueType::List(Box::new(ValueType::joined(kinds.into_iter())))
        }
        Given::Map(entries) => {
            entries.iter().for_each(|(_, value)| {
                given_type(value, scope, problems);
            });
            ValueType::Object
        }
    }
}

/// The names that expressions of a step may use; without a step, those of the plan.
struct Names<'a> {
    plan: &'a Plan,
    plans: &'a [Option<Plan>],
    step: Option<&'a Step>,
}

impl Names<'_> {
    /// Outputs of one instance of a step.
    fn outputs_of(&self, step: &Step) -> Vec<(String, ValueType)> {
        match &step.work {
            Work::Command(_) => {
                let declared = step.outputs.iter().map(|output| (output.name.clone(), output.kind.clone()));
                let mut all: Vec<(String, ValueType)> = declared.collect();
                if !all.iter().any(|(name, _)| name == STDOUT) {
                    all.push((STDOUT.to_owned(), ValueType::Text));
                }
                all
            }
            Work::Coder => Vec::new(),
            Work::Plan { plan, .. } => {
                let used = self.plans.get(*plan).and_then(Option::as_ref);
                let outputs = used.map_or(&[][..], |used| &used.outputs);
                outputs.iter().map(|output| (output.name.clone(), output.kind.clone())).collect()
            }
        }
    }
}

impl Scope for Names<'_> {
    fn input(&self, name: &str) -> Option<ValueType> {
        self.plan.inputs.iter().find(|input| input.name == name).map(|input| input.kind.clone())
    }

    fn inputs(&self) -> Vec<String> {
        self.plan.inputs.iter().map(|input| input.name.clone()).collect()
    }

    fn has_task(&self, task: &str) -> bool {
        self.plan.step(task).is_some()
    }

    fn tasks(&self) -> Vec<String> {
        self.plan.steps.iter().map(|step| step.id.clone()).collect()
    }

    fn output(&self, task: &str, name: &str) -> Option<ValueType> {
        let step = self.plan.step(task)?;
        let kind = self.outputs_of(step).into_iter().find(|(known, _)| known == name)?.1;
        Some(if step.each.is_some() { ValueType::List(Box::new(kind)) } else { kind })
    }

    fn outputs(&self, task: &str) -> Vec<String> {
        let step = self.plan.step(task);
        step.map_or_else(Vec::new, |step| self.outputs_of(step).into_iter().map(|(name, _)| name).collect())
    }

    fn variable(&self, name: &str) -> Option<ValueType> {
        let each = self.step?.each.as_ref()?;
        if name == "index" {
            return Some(ValueType::Integer);
        }
        let outside = Names { step: None, ..*self };
        (name == each.name).then(|| match &each.items {
            Items::Computed(expression) => match infer(expression, &outside, &mut Vec::new()) {
                ValueType::List(item) => *item,
                _ => ValueType::Any,
            },
            Items::Written(items) => {
                ValueType::joined(items.iter().map(|item| given_type(item, &outside, &mut Vec::new())))
            }
        })
    }

    fn variables(&self) -> Vec<String> {
        let each = self.step.and_then(|step| step.each.as_ref());
        each.map_or_else(Vec::new, |each| vec![each.name.clone(), "index".to_owned()])
    }
}

/// For each step the steps that it waits for, with the place that says so.
type Edges = Vec<Vec<(usize, Span)>>;

fn edges(plan: &Plan, found: &mut Diagnostics) -> Edges {
    let index = |id: &str| plan.steps.iter().position(|step| step.id == id);
    let mut all = Vec::new();
    for step in &plan.steps {
        let mut edges = Vec::new();
        let mut named = BTreeSet::new();
        for (id, span) in &step.after {
            match index(id) {
                Some(before) => edges.push((before, *span)),
                None => {
                    let help = suggestion(id, plan.steps.iter().map(|step| step.id.as_str()));
                    found.error_with_help(*span, format!("there is no task `{id}`"), help);
                }
            }
            if !named.insert(id) {
                found.error(*span, format!("`{id}` is named twice in `after`"));
            }
        }
        let referred = step.expressions().into_iter().flat_map(Expression::tasks);
        edges.extend(referred.filter_map(|(id, span)| Some((index(&id)?, span))));
        all.push(edges);
    }
    all
}

/// Notes one cycle of each knot of steps that wait for each other, at the place that closes it.
fn check_cycles(plan: &Plan, edges: &Edges, found: &mut Diagnostics) {
    let mut done = vec![false; edges.len()];
    for start in 0..edges.len() {
        let mut path: Vec<usize> = Vec::new();
        // Depth first with an explicit stack: step, and how many of its edges were followed.
        let mut stack: Vec<(usize, usize)> = if done[start] { Vec::new() } else { vec![(start, 0)] };
        while let Some((at, next)) = stack.pop() {
            if next == 0 {
                path.push(at);
            }
            let Some((before, span)) = edges[at].get(next).copied() else {
                done[at] = true;
                path.pop();
                continue;
            };
            stack.push((at, next + 1));
            if let Some(first) = path.iter().position(|step| *step == before) {
                let names: Vec<&str> =
                    path[first..].iter().chain([&before]).map(|step| plan.steps[*step].id.as_str()).collect();
                let message =
                    format!("task `{}` waits for itself: {}", plan.steps[before].id, names.join(" → "));
                found.error_with_help(span, message, "remove one of these dependencies");
            } else if !done[before] {
                stack.push((before, 0));
            }
        }
    }
}

/// Whether a condition names the status of this task, and so decides itself about its failure.
pub(crate) fn asks_status(when: &Expression, task: &str) -> bool {
    let mut asks = false;
    when.walk(&mut |part| asks |= matches!(&part.kind, Kind::Status(named) if named == task));
    asks
}
