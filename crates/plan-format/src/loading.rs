//! Reads a plan with all plans that it uses, and says everything that is wrong with them.

use std::collections::BTreeMap;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::expression::Problem;
use crate::model::{Document, Plan};
use crate::node::Node;
use crate::reading::Reader;
use crate::rules;
use crate::shape::{self, PLAN, Takes};
use crate::similar::suggestion;
use crate::source::{FileIndex, Source, Sources, Span};
use crate::syntax;

/// Most files of one plan.
const MOST_FILES: usize = 64;
/// Deepest chain of plans that use each other.
const DEEPEST: usize = 16;

/// What came of reading a plan.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The files that were read.
    pub sources: Sources,
    /// What is wrong; empty when there is a document.
    pub problems: Diagnostics,
    /// The plan, if nothing is wrong with it.
    pub document: Option<Document>,
}

/// Answers with the text of another file; the name is relative to where the first file's name is relative to.
pub type ReadFile<'a> = dyn FnMut(&str) -> Result<String, String> + 'a;

/// Reads the plan `text` from the file `name`. Files that it uses are asked of `read`.
pub fn load(name: &str, text: &str, read: &mut ReadFile<'_>) -> Loaded {
    let mut loader = Loader {
        sources: Sources::default(),
        problems: Diagnostics::default(),
        read,
        files: BTreeMap::new(),
        known: BTreeMap::new(),
        plans: Vec::new(),
        stack: Vec::new(),
    };
    let file = loader.sources.add(Source::new(name, text));
    if let Some(node) = loader.parse(file) {
        loader.files.insert(name.to_owned(), Some(node.clone()));
        loader.plan(&node, file, &[], name);
    }
    let Loader { sources, mut problems, plans, .. } = loader;
    let plans: Vec<Plan> = plans.into_iter().flatten().collect();
    if plans.is_empty() && problems.is_empty() {
        problems.error(Span::new(file, 0, 0), "there is no plan in it");
    }
    let document = problems.is_empty().then(|| Document { sources: sources.clone(), plans });
    Loaded { sources, problems, document }
}

struct Loader<'a> {
    sources: Sources,
    problems: Diagnostics,
    read: &'a mut ReadFile<'a>,
    /// Files by name; `None` for those that could not be read.
    files: BTreeMap<String, Option<Node>>,
    /// Plans by place: the index of one that is complete, or of one under way.
    known: BTreeMap<Span, usize>,
    plans: Vec<Option<Plan>>,
    /// The plans under way, outermost first: place and name.
    stack: Vec<(Span, String)>,
}

impl Loader<'_> {
    fn parse(&mut self, file: FileIndex) -> Option<Node> {
        let source = self.sources.get(file)?.clone();
        syntax::parse(&source, file, &mut self.problems)
    }

    /// Reads a plan; `outer` are the plans around it, innermost last, whose `plans` it may use.
    fn plan(&mut self, node: &Node, file: FileIndex, outer: &[&Node], name: &str) -> usize {
        let index = self.plans.len();
        self.plans.push(None);
        self.known.insert(node.span, index);
        self.stack.push((node.span, name.to_owned()));
        if outer.is_empty() {
            shape::check(node, &Takes::Object(&PLAN), &mut self.problems);
        }
        let scope: Vec<&Node> = outer.iter().copied().chain([node]).collect();
        let mut steps = Vec::new();
        for task in node.get("tasks").map_or(&[][..], Node::items) {
            let used = task.get("use").and_then(|used| self.used(used, file, &scope));
            let mut reader = Reader { sources: &self.sources, problems: Vec::new() };
            let step = reader.step(task, node.get("defaults"), used);
            let problems = reader.problems;
            self.note(problems);
            if let Some(step) = step {
                steps.push(step);
                rules::check_task(task, &mut self.problems);
            }
        }
        let mut reader = Reader { sources: &self.sources, problems: Vec::new() };
        let (inputs, outputs) = (reader.inputs(node), reader.plan_outputs(node));
        let problems = reader.problems;
        self.note(problems);
        let texts = |name| node.get(name).map_or(&[][..], Node::items).iter().filter_map(Node::text);
        let mut plan = Plan {
            name: node.get("name").and_then(Node::text).map(str::to_owned),
            file,
            inputs,
            checks: texts("checks").map(str::to_owned).collect(),
            steps,
            outputs,
        };
        rules::check_plan(&mut plan, node, &self.plans, &mut self.problems);
        self.plans[index] = Some(plan);
        for entry in node.get("plans").map_or(&[][..], Node::entries) {
            if !self.known.contains_key(&entry.value.span) {
                self.plan(&entry.value, file, &scope, &entry.key);
            }
        }
        self.stack.pop();
        index
    }

    fn note(&mut self, problems: Vec<Problem>) {
        for Problem { span, message, help } in problems {
            self.problems.push(Diagnostic { span, message, help });
        }
    }

    /// The plan that `use` names.
    fn used(&mut self, used: &Node, file: FileIndex, scope: &[&Node]) -> Option<usize> {
        let name = used.text()?;
        if is_file(name) {
            return self.used_file(used, name, file);
        }
        let levels = (1..=scope.len()).rev();
        for level in levels {
            let Some(plan) = scope[level - 1].get("plans").and_then(|plans| plans.get(name)) else {
                continue;
            };
            return self.complete(used, plan, file, &scope[..level], name);
        }
        let known: Vec<&str> = scope
            .iter()
            .filter_map(|node| node.get("plans"))
            .flat_map(|plans| plans.entries().iter().map(|entry| entry.key.as_str()))
            .collect();
        let help = if known.is_empty() {
            "add it under `plans:`, or name a file such as ./other.yaml".to_owned()
        } else {
            suggestion(name, known)
        };
        self.problems.error_with_help(used.span, format!("there is no plan `{name}`"), help);
        None
    }

    fn used_file(&mut self, used: &Node, name: &str, file: FileIndex) -> Option<usize> {
        let from = self.sources.get(file).map(|source| source.name.clone()).unwrap_or_default();
        let path = beside(&from, name);
        if !self.files.contains_key(&path) {
            let node = self.read_file(used, &path);
            self.files.insert(path.clone(), node);
        }
        let node = self.files.get(&path).cloned().flatten()?;
        let file = node.span.file;
        self.complete(used, &node, file, &[], &path)
    }

    fn read_file(&mut self, used: &Node, path: &str) -> Option<Node> {
        if self.files.len() >= MOST_FILES {
            self.problems.error(used.span, format!("the plan uses more than {MOST_FILES} files"));
            return None;
        }
        match (self.read)(path) {
            Ok(text) => {
                let file = self.sources.add(Source::new(path, &text));
                self.parse(file)
            }
            Err(reason) => {
                self.problems.error(used.span, format!("the plan {path} cannot be read: {reason}"));
                None
            }
        }
    }

    /// The index of a plan, which is read if it was not yet; a plan that uses itself is refused.
    fn complete(
        &mut self,
        used: &Node,
        plan: &Node,
        file: FileIndex,
        outer: &[&Node],
        name: &str,
    ) -> Option<usize> {
        if let Some(at) = self.stack.iter().position(|(span, _)| *span == plan.span) {
            let mut path: Vec<&str> = self.stack[at..].iter().map(|(_, name)| name.as_str()).collect();
            path.push(name);
            let message = format!("the plan uses itself: {}", path.join(" → "));
            self.problems.error_with_help(
                used.span,
                message,
                "a plan cannot contain itself; remove one `use`",
            );
            return None;
        }
        if let Some(index) = self.known.get(&plan.span) {
            return Some(*index);
        }
        if self.stack.len() >= DEEPEST {
            self.problems.error(used.span, format!("plans use each other more than {DEEPEST} deep"));
            return None;
        }
        let stack = std::mem::take(&mut self.stack);
        self.stack.clone_from(&stack);
        let index = self.plan(plan, file, outer, name);
        self.stack = stack;
        Some(index)
    }
}

/// Names of files have a slash or an ending.
fn is_file(name: &str) -> bool {
    name.contains('/') || [".yaml", ".yml", ".json"].iter().any(|ending| name.ends_with(ending))
}

/// The path of `name` as seen from where `from` is relative to.
fn beside(from: &str, name: &str) -> String {
    if name.starts_with('/') {
        return name.to_owned();
    }
    let folder = from.rsplit_once('/').map(|(folder, _)| folder);
    let joined = folder.map_or_else(|| name.to_owned(), |folder| format!("{folder}/{name}"));
    let mut parts: Vec<&str> = Vec::new();
    for part in joined.split('/') {
        match part {
            "." => {}
            ".." if parts.last().is_some_and(|last| !last.is_empty() && *last != "..") => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_found_beside_the_file_that_uses_them() {
        for (from, name, expected) in [
            ("plan.yaml", "./b.yaml", "b.yaml"),
            ("a/plan.yaml", "b.yaml", "a/b.yaml"),
            ("/x/a/plan.yaml", "../b.yaml", "/x/b.yaml"),
            ("plan.yaml", "../b.yaml", "../b.yaml"),
            ("a/plan.yaml", "/b.yaml", "/b.yaml"),
        ] {
            assert_eq!(beside(from, name), expected, "{from} {name}");
        }
        assert!(is_file("x.yaml") && is_file("./x") && !is_file("tests"));
    }
}
