//! `plan check` and `plan show`: what is wrong with a plan, and what it will do.

use std::path::Path;

use serde_json::{Map, Value, json};
use smallhands_orchestrator::plan_source::read;
use smallhands_orchestrator::request::RunError;
use smallhands_plan_format::draw::{dot, forecast_text, layers, mermaid};
use smallhands_plan_format::forecast::{AGENTS, Forecast, forecast};
use smallhands_plan_format::loading::Loaded;
use smallhands_plan_format::model::Document;
use smallhands_plan_format::sketch::{SketchedTask, sketch};

use crate::arguments::plan::{Format, PlanShowArguments};
use crate::exit_code;
use crate::failure::Failure;
use crate::run::explain;

/// Characters per line when there is no terminal to ask.
const WIDTH: usize = 120;

/// Says everything that is wrong with a plan.
///
/// # Errors
/// When the file cannot be read; a plan with problems is an exit code.
pub fn check(file: &Path, json: bool) -> Result<u8, Failure> {
    let loaded = load(file)?;
    if json {
        println!("{}", verdict(file, &loaded));
    } else if let Some(document) = &loaded.document {
        println!("{}: {}", file.display(), in_short(document));
    } else {
        eprint!("{}", loaded.problems.render(&loaded.sources));
        let count = loaded.problems.len();
        eprintln!("\n{}: {count} problem{}", file.display(), if count == 1 { "" } else { "s" });
    }
    Ok(if loaded.document.is_some() { exit_code::VERIFIED } else { exit_code::BAD_INPUT })
}

/// Draws a plan.
///
/// # Errors
/// When the file cannot be read, or an input does not fit; a plan with problems is an exit code.
pub fn show(arguments: &PlanShowArguments, json: bool) -> Result<u8, Failure> {
    let loaded = load(&arguments.file)?;
    let Some(document) = &loaded.document else { return check(&arguments.file, json) };
    let tasks = sketch(document, &inputs(document, &arguments.inputs)?);
    let forecast = match arguments.agents {
        Some(agents) => forecast(&tasks, &[agents]),
        None => forecast(&tasks, &AGENTS),
    };
    match if json { Format::Json } else { arguments.format } {
        Format::Text => print!("{}\n{}", layers(&tasks, width()), forecast_text(&forecast)),
        Format::Mermaid => print!("{}", mermaid(&tasks)),
        Format::Dot => print!("{}", dot(&tasks)),
        Format::Json => println!("{}", shown(&arguments.file, &tasks, &forecast)),
    }
    Ok(exit_code::VERIFIED)
}

fn load(file: &Path) -> Result<Loaded, Failure> {
    read(file).map_err(|bad| explain(&RunError::BadPlan(bad)))
}

/// Inputs that are given, by type, and defaults for the others; for a drawing none is needed.
fn inputs(document: &Document, given: &[(String, String)]) -> Result<Map<String, Value>, Failure> {
    let plan = document.plans.first();
    let mut inputs: Map<String, Value> = plan
        .into_iter()
        .flat_map(|plan| &plan.inputs)
        .filter_map(|input| Some((input.name.clone(), input.default.clone()?)))
        .collect();
    for (name, text) in given {
        let input = plan.and_then(|plan| plan.inputs.iter().find(|input| input.name == *name));
        let value = input
            .ok_or_else(|| "the plan has no such input".to_owned())
            .and_then(|input| input.kind.read(text));
        let refuse = |reason| {
            Failure::bad_input(reason, format!("--input {name}={text}"), "see `inputs:` of the plan")
        };
        inputs.insert(name.clone(), value.map_err(refuse)?);
    }
    Ok(inputs)
}

fn in_short(document: &Document) -> String {
    let tasks: usize = document.plans.iter().map(|plan| plan.steps.len()).sum();
    let inputs = document.plans.first().map_or(0, |plan| plan.inputs.len());
    let count = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let files = document.sources.iter().count();
    let more = if files > 1 { format!(" in {files} files") } else { String::new() };
    format!("no problems; {} and {}{more}", count(tasks, "task"), count(inputs, "input"))
}

fn verdict(file: &Path, loaded: &Loaded) -> Value {
    json!({
        "type": "plan.checked",
        "file": file.display().to_string(),
        "good": loaded.document.is_some(),
        "problems": loaded.problems.located(&loaded.sources),
    })
}

fn shown(file: &Path, tasks: &[SketchedTask], forecast: &Forecast) -> Value {
    let name = |index: &usize| tasks.get(*index).map(|task| task.id.as_str());
    let task = |task: &SketchedTask| {
        json!({
            "id": task.id,
            "role": task.role,
            "goal": task.goal,
            "after": task.after.iter().filter_map(name).collect::<Vec<_>>(),
            "when": task.condition,
            "for_each": task.over,
            "expect_ms": task.bounds.expect_ms,
            "timeout_ms": task.bounds.timeout_ms,
        })
    };
    json!({
        "type": "plan.shown",
        "file": file.display().to_string(),
        "tasks": tasks.iter().map(task).collect::<Vec<_>>(),
        "forecast": forecast,
    })
}

fn width() -> usize {
    terminal_size::terminal_size().map_or(WIDTH, |(width, _)| usize::from(width.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Loaded {
        smallhands_plan_format::loading::load("p.yaml", text, &mut |_| Err("no".into()))
    }

    #[test]
    fn verdicts_for_scripts_have_places() {
        let verdict = verdict(Path::new("p.yaml"), &loaded("tasks:\n  - id: a\n    comand: x\n"));
        assert_eq!(verdict["good"], false);
        assert_eq!(
            (&verdict["problems"][0]["line"], &verdict["problems"][0]["column"]),
            (&json!(3), &json!(5))
        );
        assert_eq!(verdict["problems"][0]["help"], "did you mean `command`?");
    }

    #[test]
    fn inputs_for_a_drawing_may_be_missing_but_not_wrong() {
        let loaded = loaded(
            "inputs: { a: integer, b: { type: string, default: x } }\ntasks: [{ id: t, command: x }]\n",
        );
        let document = loaded.document.as_ref().unwrap();
        assert_eq!(in_short(document), "no problems; 1 task and 2 inputs");
        assert_eq!(inputs(document, &[]).unwrap().len(), 1);
        assert_eq!(inputs(document, &[("a".into(), "3".into())]).unwrap()["a"], 3);
        assert!(
            inputs(document, &[("a".into(), "x".into())]).unwrap_err().to_string().contains("whole number")
        );
        assert!(inputs(document, &[("c".into(), "x".into())]).is_err());
    }
}
