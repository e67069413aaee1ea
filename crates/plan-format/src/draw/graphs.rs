//! Mermaid flowcharts and Graphviz DOT.

use std::fmt::Write as _;

use super::{Shown, one_line, shown, times};
use crate::sketch::SketchedTask;

/// A Mermaid flowchart. Boxes are called `t1`, `t2`, …; dotted arrows lead to tasks with a condition.
#[must_use]
pub fn mermaid(tasks: &[SketchedTask]) -> String {
    let all = shown(tasks);
    let mut out = String::from("flowchart LR\n");
    for (index, shown) in all.iter().enumerate() {
        let label: Vec<String> = label(shown).iter().map(|line| mermaid_text(line)).collect();
        let _ = writeln!(out, "    t{}[\"{}\"]", index + 1, label.join("<br/>"));
    }
    for (index, shown) in all.iter().enumerate() {
        let arrow = if shown.task.condition.is_some() { "-.->" } else { "-->" };
        for before in &shown.after {
            let _ = writeln!(out, "    t{} {arrow} t{}", before + 1, index + 1);
        }
    }
    out
}

/// A Graphviz graph.
#[must_use]
pub fn dot(tasks: &[SketchedTask]) -> String {
    let all = shown(tasks);
    let mut out =
        String::from("digraph plan {\n    rankdir=LR;\n    node [shape=box, fontname=\"sans-serif\"];\n");
    for (index, shown) in all.iter().enumerate() {
        let _ = writeln!(out, "    t{} [label=\"{}\"];", index + 1, dot_text(&label(shown).join("\n")));
    }
    for (index, shown) in all.iter().enumerate() {
        let style = if shown.task.condition.is_some() { " [style=dashed]" } else { "" };
        for before in &shown.after {
            let _ = writeln!(out, "    t{} -> t{}{style};", before + 1, index + 1);
        }
    }
    out.push_str("}\n");
    out
}

fn label(shown: &Shown<'_>) -> Vec<String> {
    let mut lines = vec![format!("{}{}", shown.place, times(shown)), shown.task.role.to_owned()];
    lines.push(one_line(&shown.task.goal).chars().take(60).collect());
    lines.extend(shown.task.condition.as_ref().map(|condition| format!("when {condition}")));
    lines
}

/// Mermaid writes characters that mean something to it as `#name;`.
fn mermaid_text(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, c| {
        match c {
            '#' => out.push_str("#35;"),
            '"' => out.push_str("#quot;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '&' => out.push_str("#amp;"),
            '`' => out.push_str("#96;"),
            other => out.push(other),
        }
        out
    })
}

fn dot_text(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
