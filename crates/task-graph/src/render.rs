//! Drawings of a plan or of a run: text for the terminal, Mermaid for documents. Pure functions to strings.

mod mermaid;
mod text;

use std::collections::BTreeMap;

use crate::topology::sort;
use crate::{Plan, RunState, Task, TaskId, TaskPhase, TaskState};

/// The plan as text, at most `width` characters wide (but never less than the names need): one line per task, in steps
/// that could run at the same time.
pub fn plan_text(plan: &Plan, width: usize) -> String {
    text::draw(&Drawing::of_plan(plan), width)
}

/// The run as text: like [`plan_text`], with where each task stands and why.
pub fn run_text(state: &RunState, width: usize) -> String {
    text::draw(&Drawing::of_run(state), width)
}

/// The plan as a Mermaid flowchart.
pub fn plan_mermaid(plan: &Plan) -> String {
    mermaid::draw(&Drawing::of_plan(plan))
}

/// The run as a Mermaid flowchart, coloured by where each task stands.
pub fn run_mermaid(state: &RunState) -> String {
    mermaid::draw(&Drawing::of_run(state))
}

/// What is drawn, in the order of adoption.
struct Drawing<'a> {
    nodes: Vec<Node<'a>>,
}

struct Node<'a> {
    task: &'a Task,
    /// How many tasks lie on the longest chain before it.
    depth: usize,
    /// Where it stands, in a run.
    state: Option<&'a TaskState>,
}

impl<'a> Drawing<'a> {
    fn of_plan(plan: &'a Plan) -> Self {
        let depths = depths(plan.tasks.iter());
        let node = |task: &'a Task| Node { task, depth: depth_of(&depths, task), state: None };
        Self { nodes: plan.tasks.iter().map(node).collect() }
    }

    fn of_run(state: &'a RunState) -> Self {
        let mut tasks: Vec<&TaskState> = state.tasks.values().collect();
        tasks.sort_by_key(|task| task.order);
        let depths = depths(tasks.iter().map(|task| &task.task));
        let node = |state: &'a TaskState| {
            let task = &state.task;
            Node { task, depth: depth_of(&depths, task), state: Some(state) }
        };
        Self { nodes: tasks.into_iter().map(node).collect() }
    }

    fn steps(&self) -> usize {
        self.nodes.iter().map(|node| node.depth + 1).max().unwrap_or(0)
    }
}

fn depth_of(depths: &BTreeMap<&TaskId, usize>, task: &Task) -> usize {
    depths.get(&task.id).copied().unwrap_or(0)
}

/// The length of the longest chain before each task. Drawn plans need not be valid: what lies on a cycle gets no depth.
fn depths<'a>(tasks: impl Iterator<Item = &'a Task>) -> BTreeMap<&'a TaskId, usize> {
    let mut depths = BTreeMap::new();
    for task in sort(tasks).order {
        let before = task.after.iter().filter_map(|id| depths.get(id)).max();
        let depth = before.map_or(0, |deepest: &usize| deepest + 1);
        depths.insert(&task.id, depth);
    }
    depths
}

/// The name of a phase, as people read it and as Mermaid classes are called.
fn phase_name(phase: TaskPhase) -> &'static str {
    match phase {
        TaskPhase::Waiting => "waiting",
        TaskPhase::Running => "running",
        TaskPhase::Stopping => "stopping",
        TaskPhase::Done => "done",
        TaskPhase::GaveUp => "gave up",
        TaskPhase::Failed => "failed",
        TaskPhase::Dropped => "dropped",
    }
}

/// Text from planners and agents on one line, without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_the_longest_chain_and_cycles_end() {
        let task = |id: &str, after: &[&str]| Task {
            after: after.iter().map(|id| TaskId::from(*id)).collect(),
            ..Task::new(id, "r", "g")
        };
        let tasks = [task("d", &["b", "c"]), task("c", &["b"]), task("b", &["a"]), task("a", &[])];
        let found: Vec<usize> = depths(tasks.iter()).values().copied().collect();
        assert_eq!(found, [0, 1, 2, 3]);
        let cycle = [task("a", &["b"]), task("b", &["a"])];
        assert_eq!(depths(cycle.iter()).len(), 0);
    }

    #[test]
    fn escape_sequences_do_not_reach_the_terminal() {
        assert_eq!(one_line("a\u{1b}[31m b\r\nc\t d"), "a [31m b c d");
    }
}
