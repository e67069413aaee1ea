//! Drawings of a plan that has not run: layers for the terminal, Mermaid and DOT for documents. Instances of a fan-out
//! share a box.

mod graphs;
mod layers;

use std::collections::BTreeMap;

use crate::sketch::SketchedTask;

pub use graphs::{dot, mermaid};
pub use layers::{forecast_text, layers};

/// A box: a task, or all instances of a fan-out.
struct Shown<'a> {
    place: &'a str,
    task: &'a SketchedTask,
    count: usize,
    after: Vec<usize>,
    depth: usize,
}

/// Joins instances; the order is that of the tasks.
fn shown(tasks: &[SketchedTask]) -> Vec<Shown<'_>> {
    let mut index: BTreeMap<&str, usize> = BTreeMap::new();
    let mut all: Vec<Shown<'_>> = Vec::new();
    for task in tasks {
        let before: Vec<usize> = task
            .after
            .iter()
            .filter_map(|before| index.get(tasks.get(*before)?.place.as_str()).copied())
            .collect();
        let depth = before
            .iter()
            .filter_map(|before| all.get(*before))
            .map(|before| before.depth + 1)
            .max()
            .unwrap_or(0);
        let at = *index.entry(&task.place).or_insert_with(|| {
            all.push(Shown { place: &task.place, task, count: 0, after: Vec::new(), depth });
            all.len() - 1
        });
        let Some(own) = all.get_mut(at) else { continue };
        own.count += 1;
        own.depth = own.depth.max(depth);
        for before in before {
            if before != at && !own.after.contains(&before) {
                own.after.push(before);
            }
        }
    }
    all
}

/// `×3`, or `×?` for what only results tell; nothing for a single task.
fn times(shown: &Shown<'_>) -> String {
    match (&shown.task.over, shown.count) {
        (Some(_), _) => " ×?".to_owned(),
        (None, 1) => String::new(),
        (None, count) => format!(" ×{count}"),
    }
}

/// On one line, without anything that a terminal would obey.
fn one_line(text: &str) -> String {
    let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}
