//! The values that a plan is given: read from a command line, completed by defaults, checked by type.

use serde_json::{Map, Value};

use crate::model::Plan;
use crate::similar::suggestion;
use crate::value_type::shorten;

/// Reads `NAME=VALUE` arguments by the types of the plan's inputs, and completes them.
///
/// # Errors
/// Everything that is wrong with them, one line each.
pub fn from_arguments(
    plan: &Plan,
    arguments: &[(String, String)],
) -> Result<Map<String, Value>, Vec<String>> {
    let mut given = Map::new();
    let mut problems = Vec::new();
    for (name, text) in arguments {
        match plan.inputs.iter().find(|input| input.name == *name) {
            None => {
                let help = suggestion(name, plan.inputs.iter().map(|input| input.name.as_str()));
                problems.push(format!("the plan has no input `{name}`; {help}"));
            }
            Some(input) => match input.kind.read(text) {
                Ok(value) => {
                    given.insert(name.clone(), value);
                }
                Err(reason) => problems.push(format!("the input `{name}`: {reason}")),
            },
        }
    }
    match complete(plan, given) {
        Ok(inputs) if problems.is_empty() => Ok(inputs),
        Ok(_) => Err(problems),
        Err(more) => {
            problems.extend(more);
            Err(problems)
        }
    }
}

/// Adds defaults, and checks types and choices.
///
/// # Errors
/// Everything that is wrong with them, one line each.
pub fn complete(plan: &Plan, mut given: Map<String, Value>) -> Result<Map<String, Value>, Vec<String>> {
    let mut problems = Vec::new();
    let mut inputs = Map::new();
    for input in &plan.inputs {
        let Some(value) = given.remove(&input.name).or_else(|| input.default.clone()) else {
            problems.push(format!("the input `{}` ({}) is missing", input.name, input.kind));
            continue;
        };
        let shown = shorten(&value.to_string());
        if !input.kind.holds(&value) {
            problems.push(format!("the input `{}` is to be {}, not {shown}", input.name, input.kind));
        } else if !input.choices.is_empty() && !input.choices.contains(&value) {
            let choices: Vec<String> = input.choices.iter().map(ToString::to_string).collect();
            problems.push(format!(
                "the input `{}` is {shown}, but may only be one of: {}",
                input.name,
                choices.join(", ")
            ));
        }
        inputs.insert(input.name.clone(), value);
    }
    if problems.is_empty() { Ok(inputs) } else { Err(problems) }
}
