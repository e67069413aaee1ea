//! Layers for the terminal: what may run at the same time stands together, with what each waits for.

use std::fmt::Write as _;

use super::{Shown, one_line, shown, times};
use crate::forecast::Forecast;
use crate::quantity::show_ms;
use crate::sketch::SketchedTask;

/// Draws the plan, at most `width` characters wide where names allow it.
#[must_use]
pub fn layers(tasks: &[SketchedTask], width: usize) -> String {
    let all = shown(tasks);
    let name_width = all.iter().map(|shown| name(shown).chars().count()).max().unwrap_or(0);
    let deepest = all.iter().map(|shown| shown.depth).max();
    let mut out = String::new();
    for depth in 0..=deepest.unwrap_or(0) {
        let layer: Vec<&Shown<'_>> = all.iter().filter(|shown| shown.depth == depth).collect();
        for (index, shown) in layer.iter().enumerate() {
            let line = format!(
                " {} {:name_width$}  {:7}  {}",
                bracket(index, layer.len()),
                name(shown),
                shown.task.role,
                one_line(&shown.task.goal)
            );
            let _ = writeln!(out, "{}", cut(&line, width));
            let under = if index + 1 < layer.len() { '│' } else { ' ' };
            for remark in remarks(shown, &all) {
                let _ = writeln!(out, "{}", cut(&format!(" {under}   {remark}"), width));
            }
        }
        if Some(depth) < deepest {
            out.push_str(" ▼\n");
        }
    }
    out
}

fn name(shown: &Shown<'_>) -> String {
    format!("{}{}", shown.place, times(shown))
}

fn bracket(index: usize, count: usize) -> char {
    match (index, count) {
        (_, 1) => '─',
        (0, _) => '┌',
        (index, count) if index + 1 == count => '└',
        _ => '├',
    }
}

fn remarks(shown: &Shown<'_>, all: &[Shown<'_>]) -> Vec<String> {
    let mut remarks = Vec::new();
    if !shown.after.is_empty() {
        let names: Vec<&str> = shown.after.iter().filter_map(|index| Some(all.get(*index)?.place)).collect();
        remarks.push(format!("after {}", names.join(", ")));
    }
    remarks.extend(shown.task.condition.as_ref().map(|condition| format!("when {condition}")));
    remarks.extend(shown.task.over.as_ref().map(|over| format!("for each of {over}")));
    if !shown.task.locks.is_empty() {
        remarks.push(format!("alone on {}", shown.task.locks.join(", ")));
    }
    remarks
}

fn cut(line: &str, width: usize) -> String {
    let line = line.trim_end();
    if line.chars().count() <= width {
        return line.to_owned();
    }
    let kept: String = line.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// The forecast for people.
#[must_use]
pub fn forecast_text(forecast: &Forecast) -> String {
    let mut out = String::new();
    let at_least = if forecast.uncertain > 0 { "at least " } else { "" };
    let _ = writeln!(out, "tasks          {at_least}{}", forecast.tasks);
    let _ = writeln!(out, "work           {at_least}{}", show_ms(forecast.work_ms));
    let _ = writeln!(
        out,
        "critical path  {}: {}",
        show_ms(forecast.critical_path_ms),
        forecast.critical_path.join(" → ")
    );
    let _ = writeln!(
        out,
        "               {} if every task takes all the time it may",
        show_ms(forecast.worst_path_ms)
    );
    let mut spans: Vec<String> = Vec::new();
    let mut last = None;
    for (agents, ms) in &forecast.makespan_ms {
        if last != Some(*ms) {
            spans.push(format!(
                "{} with {agents} agent{}",
                show_ms(*ms),
                if *agents == 1 { "" } else { "s" }
            ));
        }
        last = Some(*ms);
    }
    let _ = writeln!(out, "takes about    {}", spans.join(", "));
    let cost = match (forecast.model_tasks, forecast.most_usd_micros) {
        (0, _) => "nothing: no task needs a model".to_owned(),
        (_, Some(most)) => {
            format!("$0 to ${:.2} by the budgets of {} model tasks", most as f64 / 1e6, forecast.model_tasks)
        }
        (count, None) => {
            format!("not bounded by the plan: of {count} model tasks some have no budget; use --budget-usd")
        }
    };
    let _ = writeln!(out, "cost           {cost}");
    if forecast.guessed > 0 {
        let _ = writeln!(
            out,
            "               {} tasks do not say what they `expect`; their time is guessed",
            forecast.guessed
        );
    }
    out
}
