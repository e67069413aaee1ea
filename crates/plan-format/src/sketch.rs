//! A plan as far as it is known before it runs: for drawings and forecasts.
//!
//! Conditions that inputs decide are decided; all others count as holding. Fan-outs over what is known are counted; over
//! results they count once, and are marked.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::expand::{MOST_INSTANCES, describe, order};
use crate::expression::evaluate::{Facts, evaluate};
use crate::model::{Bounds, Document, Items, Plan, Step, Work};
use crate::template::Given;

/// Most tasks that are sketched.
const MOST: usize = 10_000;

/// A task that will probably be done.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchedTask {
    /// Its name; that of a fan-out over results ends with `.*`.
    pub id: String,
    /// Its name without the numbers of instances: the same for all instances of a fan-out.
    pub place: String,
    /// `command` or `coder`.
    pub role: &'static str,
    /// One line about it.
    pub goal: String,
    /// Earlier tasks that it waits for, by index.
    pub after: Vec<usize>,
    /// Its condition, unless the inputs decide it.
    pub condition: Option<String>,
    /// What it is repeated over, when that is known only later.
    pub over: Option<String>,
    /// Its limits.
    pub bounds: Bounds,
    /// Its locks.
    pub locks: Vec<String>,
}

/// Sketches the first plan of a document with these inputs; inputs may be missing.
#[must_use]
pub fn sketch(document: &Document, inputs: &Map<String, Value>) -> Vec<SketchedTask> {
    let mut sketcher = Sketcher { document, tasks: Vec::new() };
    if let Some(root) = document.plans.first() {
        sketcher.plan(root, &Frame { inputs: inputs.clone(), ..Frame::default() });
    }
    sketcher.tasks
}

#[derive(Debug, Clone, Default)]
struct Frame {
    inputs: Map<String, Value>,
    prefix: String,
    place: String,
    waits: Vec<usize>,
    condition: Option<String>,
    over: Option<String>,
}

struct Sketcher<'a> {
    document: &'a Document,
    tasks: Vec<SketchedTask>,
}

/// How often a step is done.
enum Count {
    Once,
    Times(Vec<Value>),
    Unknown(String),
}

impl Sketcher<'_> {
    /// Adds the tasks of a plan; answers with those that nothing in it waits for.
    fn plan(&mut self, plan: &Plan, frame: &Frame) -> Vec<usize> {
        let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut last: Vec<usize> = Vec::new();
        for index in order(plan) {
            let step = &plan.steps[index];
            let mut waits: Vec<usize> =
                step.waits_for.iter().filter_map(|before| members.get(before)).flatten().copied().collect();
            if step.waits_for.is_empty() || waits.is_empty() {
                waits.extend(&frame.waits);
            }
            waits.sort_unstable();
            waits.dedup();
            let added = self.step(step, frame, waits);
            let is_last = !plan.steps.iter().any(|other| other.waits_for.contains(&index));
            if is_last {
                last.extend(&added);
            }
            members.insert(index, added);
        }
        last
    }

    fn step(&mut self, step: &Step, frame: &Frame, waits: Vec<usize>) -> Vec<usize> {
        let known = Known { inputs: &frame.inputs, item: None };
        let mut inner = Frame {
            prefix: format!("{}{}", frame.prefix, step.id),
            place: format!("{}{}", frame.place, step.id),
            waits,
            ..frame.clone()
        };
        if let Some(when) = &step.when {
            match evaluate(when, &known) {
                Ok(Value::Bool(true)) => {}
                Ok(_) => return Vec::new(),
                Err(_) => inner.condition = Some(when.to_string()),
            }
        }
        match count(step, &known) {
            Count::Once => self.work(step, &inner, None),
            Count::Times(items) => {
                let mut added = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let prefix = format!("{}.{}", inner.prefix, index + 1);
                    added.extend(self.work(step, &Frame { prefix, ..inner.clone() }, Some((item, index))));
                }
                added
            }
            Count::Unknown(over) => {
                let prefix = format!("{}.*", inner.prefix);
                self.work(step, &Frame { prefix, over: Some(over), ..inner }, None)
            }
        }
    }

    fn work(&mut self, step: &Step, frame: &Frame, item: Option<(&Value, usize)>) -> Vec<usize> {
        if self.tasks.len() >= MOST {
            return Vec::new();
        }
        let name = step.each.as_ref().map_or("item", |each| each.name.as_str());
        let known = Known { inputs: &frame.inputs, item: item.map(|(item, index)| (name, item, index)) };
        if let Work::Plan { plan, with, .. } = &step.work {
            let Some(used) = self.document.plans.get(*plan) else { return Vec::new() };
            let inner = Frame {
                inputs: known_inputs(used, with, &known),
                prefix: format!("{}/", frame.prefix),
                place: format!("{}/", frame.place),
                ..frame.clone()
            };
            return self.plan(used, &inner);
        }
        let goal =
            step.goal.as_ref().and_then(|goal| goal.render(&known).ok().or_else(|| Some(goal.text.clone())));
        self.tasks.push(SketchedTask {
            id: frame.prefix.clone(),
            place: frame.place.clone(),
            role: if matches!(step.work, Work::Coder) { "coder" } else { "command" },
            goal: goal.unwrap_or_else(|| describe(step)),
            after: frame.waits.clone(),
            condition: frame.condition.clone(),
            over: frame.over.clone(),
            bounds: step.bounds.clone(),
            locks: step.needs.locks.clone(),
        });
        vec![self.tasks.len() - 1]
    }
}

fn count(step: &Step, known: &Known<'_>) -> Count {
    let Some(each) = &step.each else { return Count::Once };
    match &each.items {
        Items::Written(items) => {
            let render = |item: &Given| item.render(known).unwrap_or_default();
            Count::Times(items.iter().take(MOST_INSTANCES).map(render).collect())
        }
        Items::Computed(expression) => match evaluate(expression, known) {
            Ok(Value::Array(items)) => Count::Times(items.into_iter().take(MOST_INSTANCES).collect()),
            _ => Count::Unknown(expression.to_string()),
        },
    }
}

fn known_inputs(
    used: &Plan,
    with: &[(String, crate::source::Span, Given)],
    known: &Known<'_>,
) -> Map<String, Value> {
    let given = |name: &str| with.iter().find(|(given, ..)| given == name);
    let value = |input: &crate::model::Input| match given(&input.name) {
        Some((_, _, value)) => value.render(known).ok(),
        None => input.default.clone(),
    };
    used.inputs.iter().filter_map(|input| Some((input.name.clone(), value(input)?))).collect()
}

/// Before a run only inputs and written items are known.
struct Known<'a> {
    inputs: &'a Map<String, Value>,
    item: Option<(&'a str, &'a Value, usize)>,
}

impl Facts for Known<'_> {
    fn input(&self, name: &str) -> Option<Value> {
        self.inputs.get(name).cloned()
    }

    fn status(&self, _: &str) -> Option<&'static str> {
        None
    }

    fn output(&self, _: &str, _: &str) -> Option<Value> {
        None
    }

    fn variable(&self, name: &str) -> Option<Value> {
        let (known, item, index) = self.item?;
        match name {
            "index" => Some(Value::from(index)),
            name if name == known => Some(item.clone()),
            _ => None,
        }
    }
}
