//! Plan files: tasks that the user lays down; they are worked on before the rules look at the checks.
//!
//! ```json
//! { "tasks": [
//!   { "id": "format", "role": "command", "command": "python3 tools/format.py" },
//!   { "id": "feature", "role": "coder", "goal": "add a --quiet flag", "after": ["format"] }
//! ] }
//! ```
//! Each task works on the tree that the tasks named in `after` left behind, and what it changes is integrated before its
//! dependents start. `coder` needs a model.

use std::collections::BTreeSet;

use serde::Deserialize;
use smallhands_task_graph::{Plan, PlanChange, Task, TaskId};

use super::rules::{integration_task, task};
use crate::assignment::Assignment;
use crate::conduct::{Conduct, Once};

/// A plan file as written by the user.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    tasks: Vec<FileTask>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileTask {
    id: String,
    role: FileRole,
    #[serde(default)]
    goal: Option<String>,
    #[serde(default)]
    command: Option<String>,
    #[serde(default)]
    after: Vec<String>,
    /// Ask the user before the task begins.
    #[serde(default)]
    approval: bool,
    /// The command has an effect outside.
    #[serde(default)]
    effect: Option<FileEffect>,
    /// Tells whether that effect has happened.
    #[serde(default)]
    verify: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileEffect {
    Once,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum FileRole {
    Command,
    Coder,
}

/// Parses a plan file into the first change of the plan.
///
/// # Errors
/// A message that names the line or the task, and what to do about it.
pub fn parse(text: &str, has_model: bool) -> Result<PlanChange, String> {
    let file: PlanFile =
        serde_json::from_str(text).map_err(|error| format!("line {}: {error}", error.line()))?;
    let known: BTreeSet<&str> = file.tasks.iter().map(|task| task.id.as_str()).collect();
    let mut add = Vec::new();
    for entry in &file.tasks {
        if let Some(unknown) = entry.after.iter().find(|id| !known.contains(id.as_str())) {
            return Err(format!("task `{}` waits for `{unknown}`, which is not in the plan", entry.id));
        }
        add.extend(tasks_of(entry, has_model)?);
    }
    Plan { tasks: add.clone() }.validate().map_err(|error| error.to_string())?;
    Ok(PlanChange { add, reason: "the plan file".into(), ..PlanChange::default() })
}

fn tasks_of(entry: &FileTask, has_model: bool) -> Result<[Task; 2], String> {
    let missing = |field: &str| format!("task `{}` needs a `{field}`", entry.id);
    let (work, goal) = match entry.role {
        FileRole::Command => {
            let command = entry.command.clone().ok_or_else(|| missing("command"))?;
            (Assignment::Run { command: command.clone() }, entry.goal.clone().unwrap_or(command))
        }
        FileRole::Coder if !has_model => {
            return Err(format!(
                "task `{}` is for a coder, which needs a model; name one with --model",
                entry.id
            ));
        }
        FileRole::Coder => {
            let goal = entry.goal.clone().ok_or_else(|| missing("goal"))?;
            (code(&entry.id, &goal), goal)
        }
    };
    let mut work = task(entry.id.clone(), work, goal);
    conduct(entry)?.write_into(&mut work.params);
    work.after = entry.after.iter().map(|id| TaskId::new(integration_id(id))).collect();
    let mut integration = integration_task(0, &entry.id, 0, vec![entry.id.clone()], Vec::new(), None);
    integration.id = TaskId::new(integration_id(&entry.id));
    Ok([work, integration])
}

fn conduct(entry: &FileTask) -> Result<Conduct, String> {
    if entry.verify.is_some() && entry.effect.is_none() {
        return Err(format!("task `{}` has a `verify` but no effect; add `\"effect\": \"once\"`", entry.id));
    }
    if entry.effect.is_some() && entry.role != FileRole::Command {
        return Err(format!("task `{}` is no command; only a command can have an `effect`", entry.id));
    }
    let once = entry.effect.map(|FileEffect::Once| Once { verify: entry.verify.clone() });
    Ok(Conduct { approval: entry.approval, once })
}

fn code(id: &str, goal: &str) -> Assignment {
    Assignment::Code {
        group: id.to_owned(),
        round: 0,
        goal: goal.to_owned(),
        failing: Vec::new(),
        hints: Vec::new(),
        check: 0,
        observation: None,
    }
}

fn integration_id(id: &str) -> String {
    format!("integrate-{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_wait_for_the_integration_of_what_they_depend_on() {
        let text = r#"{"tasks":[{"id":"a","role":"command","command":"touch x"},
                               {"id":"b","role":"coder","goal":"use x","after":["a"]}]}"#;
        let change = parse(text, true).unwrap();
        let ids: Vec<&str> = change.add.iter().map(|task| task.id.as_str()).collect();
        assert_eq!(ids, ["a", "integrate-a", "b", "integrate-b"]);
        assert_eq!(change.add[2].after, [TaskId::new("integrate-a")]);
        assert_eq!(change.add[3].after, [TaskId::new("b")]);
    }

    #[test]
    fn conduct_travels_with_the_task() {
        let text = r#"{"tasks":[{"id":"a","role":"command","command":"x","approval":true,"effect":"once","verify":"y"}]}"#;
        let change = parse(text, false).unwrap();
        let expected = Conduct { approval: true, once: Some(Once { verify: Some("y".into()) }) };
        assert_eq!(Conduct::of(&change.add[0].params), expected);
        assert_eq!(Conduct::of(&change.add[1].params), Conduct::default());
    }

    #[test]
    fn mistakes_are_named() {
        let cases = [
            (r#"{"tasks":["#, "line 1"),
            (r#"{"tasks":[{"id":"a","role":"dancer"}]}"#, "dancer"),
            (r#"{"tasks":[{"id":"a","role":"command"}]}"#, "needs a `command`"),
            (r#"{"tasks":[{"id":"a","role":"coder","goal":"g"}]}"#, "--model"),
            (r#"{"tasks":[{"id":"a","role":"command","command":"x","verify":"y"}]}"#, "effect"),
            (r#"{"tasks":[{"id":"a","role":"command","command":"x","effect":"twice"}]}"#, "twice"),
            (r#"{"tasks":[{"id":"a","role":"command","command":"x","after":["z"]}]}"#, "waits for `z`"),
            (
                r#"{"tasks":[{"id":"a","role":"command","command":"x","after":["b"]},
                             {"id":"b","role":"command","command":"x","after":["a"]}]}"#,
                "a",
            ),
        ];
        for (text, expected) in cases {
            let message = parse(text, false).unwrap_err();
            assert!(message.contains(expected), "{text}: {message}");
        }
    }
}
