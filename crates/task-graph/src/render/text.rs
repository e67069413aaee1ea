//! Text for the terminal: a table of tasks, step by step.

use super::{Drawing, Node, one_line, phase_name};
use crate::{Needs, TaskPhase};

/// Draws the table.
pub(super) fn draw(drawing: &Drawing<'_>, width: usize) -> String {
    let columns = Columns::of(drawing);
    let mut out = heading(drawing);
    for step in 0..drawing.steps() {
        let mut label = format!("{:>3}", step + 1);
        for node in drawing.nodes.iter().filter(|node| node.depth == step) {
            out.push_str(&cut(line(node, &label, &columns), width.max(columns.least_width())));
            out.push('\n');
            label = " ".repeat(3);
        }
    }
    out
}

fn heading(drawing: &Drawing<'_>) -> String {
    let (tasks, steps) = (drawing.nodes.len(), drawing.steps());
    let plural = |count: usize| if count == 1 { "" } else { "s" };
    format!("{tasks} task{} in {steps} step{}\n", plural(tasks), plural(steps))
}

/// How wide the columns are, in characters.
struct Columns {
    id: usize,
    role: usize,
}

impl Columns {
    fn of(drawing: &Drawing<'_>) -> Self {
        let widest = |text: fn(&Node<'_>) -> usize| drawing.nodes.iter().map(text).max().unwrap_or(0);
        Self {
            id: widest(|node| node.task.id.as_str().chars().count()),
            role: widest(|node| node.task.role.as_str().chars().count()),
        }
    }

    /// Up to the end of the role.
    fn least_width(&self) -> usize {
        8 + self.id + 2 + self.role
    }
}

fn line(node: &Node<'_>, label: &str, columns: &Columns) -> String {
    let (id, role) = (node.task.id.as_str(), node.task.role.as_str());
    let mut line = format!(
        "{label} {} {id:<id_width$}  {role:<role_width$}  {}",
        mark(node),
        one_line(&node.task.goal),
        id_width = columns.id,
        role_width = columns.role,
    );
    for remark in remarks(node) {
        line.push_str(" · ");
        line.push_str(&remark);
    }
    line.trim_end().to_owned()
}

/// Two characters: the sign of the phase, or a bar in a plan that does not run.
fn mark(node: &Node<'_>) -> &'static str {
    match node.state.map(|state| state.phase) {
        None => "│ ",
        Some(TaskPhase::Waiting) => "· ",
        Some(TaskPhase::Running) => "▶ ",
        Some(TaskPhase::Stopping) => "■ ",
        Some(TaskPhase::Done) => "✔ ",
        Some(TaskPhase::GaveUp) => "✘ ",
        Some(TaskPhase::Failed) => "! ",
        Some(TaskPhase::Dropped) => "– ",
    }
}

fn remarks(node: &Node<'_>) -> Vec<String> {
    let task = node.task;
    let mut remarks = Vec::new();
    if !task.after.is_empty() {
        let names: Vec<&str> = task.after.iter().map(|id| id.as_str()).collect();
        let however = if task.needs == Needs::AllSettled { ", however they end" } else { "" };
        remarks.push(format!("after {}{however}", names.join(", ")));
    }
    remarks.extend(task.race.as_ref().map(|race| format!("race {race}")));
    remarks.extend(task.exclusive.as_ref().map(|lock| format!("alone on {lock}")));
    if let Some(state) = node.state {
        if state.attempts.len() > 1 {
            remarks.push(format!("attempt {}", state.attempts.len()));
        }
        if !matches!(state.phase, TaskPhase::Waiting | TaskPhase::Running | TaskPhase::Done) {
            let why = state.note.as_deref().map(|note| format!(": {}", one_line(note))).unwrap_or_default();
            remarks.push(format!("{}{why}", phase_name(state.phase)));
        }
    }
    remarks
}

/// Cuts to `width` characters, with an ellipsis for what is missing.
fn cut(line: String, width: usize) -> String {
    if line.chars().count() <= width {
        return line;
    }
    let mut kept: String = line.chars().take(width.saturating_sub(1)).collect();
    kept.truncate(kept.trim_end().len());
    kept.push('…');
    kept
}
