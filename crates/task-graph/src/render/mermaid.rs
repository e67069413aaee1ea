//! Mermaid flowcharts: tasks as boxes, dependencies as arrows, races as frames.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::{Drawing, Node, one_line, phase_name};
use crate::{Needs, RaceId, TaskId, TaskPhase};

/// The colours of a run, readable on light and dark ground.
const CLASSES: [(TaskPhase, &str); 7] = [
    (TaskPhase::Waiting, "fill:#eeeeee,stroke:#999999,color:#222222"),
    (TaskPhase::Running, "fill:#cfe8ff,stroke:#1f6feb,color:#0b2a52"),
    (TaskPhase::Stopping, "fill:#ffe8c2,stroke:#bf8700,color:#4d3800"),
    (TaskPhase::Done, "fill:#d2f4d3,stroke:#1a7f37,color:#0b3d1a"),
    (TaskPhase::GaveUp, "fill:#ffdcd7,stroke:#cf222e,color:#5a0d12"),
    (TaskPhase::Failed, "fill:#ffb3ab,stroke:#a40e26,color:#5a0d12"),
    (TaskPhase::Dropped, "fill:#f6f6f6,stroke:#cccccc,color:#888888,stroke-dasharray:4"),
];

/// Draws the flowchart. Boxes are called `t1`, `t2`, … because task names may contain what Mermaid does not like.
pub(super) fn draw(drawing: &Drawing<'_>) -> String {
    let names: BTreeMap<&TaskId, String> =
        drawing.nodes.iter().zip(1..).map(|(node, n)| (&node.task.id, format!("t{n}"))).collect();
    let mut out = String::from("flowchart LR\n");
    let mut races: BTreeMap<&RaceId, Vec<&Node<'_>>> = BTreeMap::new();
    for node in &drawing.nodes {
        match &node.task.race {
            Some(race) => races.entry(race).or_default().push(node),
            None => draw_box(&mut out, "    ", node, &names),
        }
    }
    for (index, (race, members)) in races.iter().enumerate() {
        let _ = writeln!(out, "    subgraph r{}[\"race {}\"]", index + 1, escape(race.as_str()));
        members.iter().for_each(|node| draw_box(&mut out, "        ", node, &names));
        out.push_str("    end\n");
    }
    drawing.nodes.iter().for_each(|node| draw_arrows(&mut out, node, &names));
    draw_classes(&mut out, drawing);
    out
}

fn draw_box(out: &mut String, indent: &str, node: &Node<'_>, names: &BTreeMap<&TaskId, String>) {
    let Some(name) = names.get(&node.task.id) else { return };
    let (id, role, goal) = (&node.task.id, &node.task.role, one_line(&node.task.goal));
    let label = format!("{}<br/>{}<br/>{}", escape(id.as_str()), escape(role.as_str()), escape(&goal));
    let class = node.state.map(|state| format!(":::{}", class_name(state.phase))).unwrap_or_default();
    let _ = writeln!(out, "{indent}{name}[\"{label}\"]{class}");
}

/// A full arrow for a dependency that must be done, a dotted one for a dependency that must only be settled.
fn draw_arrows(out: &mut String, node: &Node<'_>, names: &BTreeMap<&TaskId, String>) {
    let arrow = if node.task.needs == Needs::AllSettled { "-.->" } else { "-->" };
    let Some(to) = names.get(&node.task.id) else { return };
    for from in node.task.after.iter().filter_map(|id| names.get(id)) {
        let _ = writeln!(out, "    {from} {arrow} {to}");
    }
}

fn draw_classes(out: &mut String, drawing: &Drawing<'_>) {
    for (phase, style) in CLASSES {
        let used = drawing.nodes.iter().any(|node| node.state.is_some_and(|state| state.phase == phase));
        if used {
            let _ = writeln!(out, "    classDef {} {style}", class_name(phase));
        }
    }
}

fn class_name(phase: TaskPhase) -> String {
    phase_name(phase).replace(' ', "_")
}

/// Mermaid writes characters that mean something to it as `#name;`.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '#' => escaped.push_str("#35;"),
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            '`' => escaped.push_str("#96;"),
            other => escaped.push(other),
        }
    }
    escaped
}
