//! From values with places to the model. Tolerant: what does not fit the tables was noted before and is left out here,
//! so that one mistake does not hide the others.

use serde_json::Value;

use crate::expression::{Expression, Problem, parse};
use crate::model::{
    Bounds, Care, DEFAULT_TIMEOUT_MS, EXPECTED_CODER_MS, EXPECTED_COMMAND_MS, Each, Input, Items, Needs,
    PlanOutput, Step, Work,
};
use crate::node::{Kind, Node};
use crate::outputs::OutputDeclaration;
use crate::quantity::{cpu_milli, duration_ms, memory_mb};
use crate::source::{Sources, Span};
use crate::template::{Given, Template};
use crate::value_type::ValueType;

/// Reads parts of plans; collects what is wrong with expressions.
pub(crate) struct Reader<'a> {
    pub(crate) sources: &'a Sources,
    pub(crate) problems: Vec<Problem>,
}

impl Reader<'_> {
    fn template(&mut self, node: &Node) -> Template {
        Template::read(node, self.sources, &mut self.problems)
    }

    fn given(&mut self, node: &Node) -> Given {
        Given::read(node, self.sources, &mut self.problems)
    }

    /// An expression, with or without `${{ … }}` around it.
    fn expression(&mut self, node: &Node) -> Option<Expression> {
        let text = node.text()?;
        if text.contains("${{") {
            let template = self.template(node);
            let only = template.only_expression().cloned();
            if only.is_none() && self.problems.is_empty() {
                let message = "one expression is expected here, and nothing around it";
                self.problems.push(Problem::new(node.span, message));
            }
            return only;
        }
        let place = |range: std::ops::Range<usize>| node.place(self.sources, range.start, range.end);
        parse(text, &place).map_err(|problem| self.problems.push(problem)).ok()
    }

    /// The inputs of a plan.
    pub(crate) fn inputs(&self, plan: &Node) -> Vec<Input> {
        let entries = plan.get("inputs").map_or(&[][..], Node::entries);
        entries
            .iter()
            .map(|entry| Input {
                name: entry.key.clone(),
                span: entry.key_span,
                kind: type_of(&entry.value),
                default: entry.value.get("default").map(Node::to_value),
                choices: entry
                    .value
                    .get("choices")
                    .map_or_else(Vec::new, |choices| choices.items().iter().map(Node::to_value).collect()),
                description: entry.value.get("description").and_then(Node::text).map(str::to_owned),
            })
            .collect()
    }

    /// The outputs of a plan.
    pub(crate) fn plan_outputs(&mut self, plan: &Node) -> Vec<PlanOutput> {
        let entries = plan.get("outputs").map_or(&[][..], Node::entries);
        entries
            .iter()
            .map(|entry| PlanOutput {
                name: entry.key.clone(),
                value: self.given(&entry.value),
                kind: ValueType::Any,
            })
            .collect()
    }

    /// A task; `used` is the plan that its `use` names. `None` without an id.
    pub(crate) fn step(&mut self, task: &Node, defaults: Option<&Node>, used: Option<usize>) -> Option<Step> {
        let id = task.get("id")?;
        let work = self.work(task, used);
        let is_coder = matches!(work, Work::Coder);
        Some(Step {
            id: id.text()?.to_owned(),
            span: id.span,
            goal: task.get("goal").map(|goal| self.template(goal)),
            after: named(task.get("after")),
            waits_for: Vec::new(),
            when: task.get("when").and_then(|when| self.expression(when)),
            each: task.get("for_each").and_then(|each| self.each(each, task.get("as"))),
            env: self.env(task, defaults),
            outputs: declarations(task.get("outputs")),
            checks: task
                .get("checks")
                .map_or(&[][..], Node::items)
                .iter()
                .map(|check| self.template(check))
                .collect(),
            care: Care {
                approval: task
                    .get("approval")
                    .and_then(Node::scalar)
                    .and_then(Value::as_bool)
                    .unwrap_or(false),
                once: task.get("effect").is_some(),
                verify: task.get("verify").map(|verify| self.template(verify)),
            },
            needs: needs(task, defaults),
            bounds: bounds(task, defaults, is_coder),
            work,
        })
    }

    fn work(&mut self, task: &Node, used: Option<usize>) -> Work {
        if let (Some(plan), Some(name)) = (used, task.get("use")) {
            let entries = task.get("with").map_or(&[][..], Node::entries);
            let with =
                entries.iter().map(|entry| (entry.key.clone(), entry.key_span, self.given(&entry.value)));
            return Work::Plan { plan, with: with.collect(), span: name.span };
        }
        match task.get("command") {
            Some(command) => Work::Command(self.template(command)),
            None => Work::Coder,
        }
    }

    fn each(&mut self, each: &Node, name: Option<&Node>) -> Option<Each> {
        let items = match &each.kind {
            Kind::List(items) => Items::Written(items.iter().map(|item| self.given(item)).collect()),
            _ => Items::Computed(self.expression(each)?),
        };
        let name = name.and_then(Node::text).unwrap_or("item").to_owned();
        Some(Each { span: each.span, items, name })
    }

    /// A task's own variables on top of the defaults.
    fn env(&mut self, task: &Node, defaults: Option<&Node>) -> Vec<(String, Template)> {
        let mut env: Vec<(String, Template)> = Vec::new();
        for node in [defaults, Some(task)].into_iter().flatten() {
            for entry in node.get("env").map_or(&[][..], Node::entries) {
                let value = self.template(&entry.value);
                env.retain(|(name, _)| *name != entry.key);
                env.push((entry.key.clone(), value));
            }
        }
        env
    }
}

fn named(node: Option<&Node>) -> Vec<(String, Span)> {
    let items = node.map_or(&[][..], Node::items);
    items.iter().filter_map(|item| Some((item.text()?.to_owned(), item.span))).collect()
}

/// The type of an input or output: itself, or its field `type`.
fn type_of(node: &Node) -> ValueType {
    let text = node.text().or_else(|| node.get("type").and_then(Node::text));
    text.and_then(|text| ValueType::parse(text).ok()).unwrap_or(ValueType::Any)
}

fn declarations(node: Option<&Node>) -> Vec<OutputDeclaration> {
    let entries = node.map_or(&[][..], Node::entries);
    entries
        .iter()
        .map(|entry| OutputDeclaration {
            name: entry.key.clone(),
            kind: type_of(&entry.value),
            from_stdout: entry.value.get("from").and_then(Node::text) == Some("stdout"),
            default: entry.value.get("default").map(Node::to_value),
        })
        .collect()
}

/// A field of a task, or else of the defaults.
fn pick<'a>(task: &'a Node, defaults: Option<&'a Node>, path: &[&str]) -> Option<&'a Node> {
    let follow = |node: &'a Node| path.iter().try_fold(node, |node, name| node.get(name));
    follow(task).or_else(|| defaults.and_then(follow))
}

fn needs(task: &Node, defaults: Option<&Node>) -> Needs {
    let text = |name| pick(task, defaults, &["resources", name]).and_then(Node::text);
    let names = |name| named(task.get(name)).into_iter().map(|(name, _)| name).collect();
    Needs {
        cpu_milli: text("cpu").and_then(|text| cpu_milli(text).ok()),
        memory_mb: text("memory").and_then(|text| memory_mb(text).ok()),
        gpu: text("gpu").and_then(|text| text.parse().ok()),
        locks: names("locks"),
        owns: names("owns"),
    }
}

fn bounds(task: &Node, defaults: Option<&Node>, is_coder: bool) -> Bounds {
    let pick = |path: &[&str]| pick(task, defaults, path);
    let ms = |path: &[&str]| pick(path).and_then(Node::text).and_then(|text| duration_ms(text).ok());
    let whole = |path: &[&str]| pick(path).and_then(Node::scalar).and_then(Value::as_u64);
    let expected = ms(&["expect"]);
    let usd = pick(&["budget", "usd"]).and_then(Node::scalar).and_then(Value::as_f64);
    let on = pick(&["retry", "on"]).map(|on| named(Some(on)));
    let retries = |word: &str| on.as_ref().is_none_or(|on| on.iter().any(|(name, _)| name == word));
    Bounds {
        attempts: whole(&["retry", "attempts"]).and_then(|attempts| u32::try_from(attempts).ok()),
        retry_on: ["failed", "timeout", "lost"].map(retries),
        backoff_ms: ms(&["retry", "backoff"]).unwrap_or(0),
        max_backoff_ms: ms(&["retry", "max_backoff"]),
        timeout_ms: ms(&["timeout"]).unwrap_or(DEFAULT_TIMEOUT_MS),
        expect_ms: expected.unwrap_or(if is_coder { EXPECTED_CODER_MS } else { EXPECTED_COMMAND_MS }),
        expected: expected.is_some(),
        budget_usd_micros: usd.map(|usd| (usd * 1e6).round() as u64),
        budget_tokens: whole(&["budget", "tokens"]),
        priority: pick(&["priority"]).and_then(Node::scalar).and_then(Value::as_i64).unwrap_or(0),
    }
}
