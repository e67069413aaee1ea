//! What an expression comes to, given what is known.

use std::cmp::Ordering;

use serde_json::Value;

use super::functions::{self, ALWAYS};
use super::{Expression, Kind, Operator, Problem};
use crate::value_type::ValueType;

/// What an expression may ask for. `None` means that there is no such thing, or that it is not known yet.
pub trait Facts {
    /// An input of the plan.
    fn input(&self, name: &str) -> Option<Value>;
    /// How a task ended: `done`, `failed` or `skipped`.
    fn status(&self, task: &str) -> Option<&'static str>;
    /// An output of a task; null when the task is not done.
    fn output(&self, task: &str, name: &str) -> Option<Value>;
    /// `item`, `index`, or the name that `as` gives.
    fn variable(&self, name: &str) -> Option<Value>;
}

/// Computes an expression.
///
/// # Errors
/// The first thing that has no value.
pub fn evaluate(expression: &Expression, facts: &dyn Facts) -> Result<Value, Problem> {
    let unknown = || Problem::new(expression.span, format!("`{expression}` is not known here"));
    match &expression.kind {
        Kind::Literal(value) => Ok(value.clone()),
        Kind::Input(name) => facts.input(name).ok_or_else(unknown),
        Kind::Status(task) => facts.status(task).map(Value::from).ok_or_else(unknown),
        Kind::Output(task, name) => facts.output(task, name).ok_or_else(unknown),
        Kind::Variable(name) => facts.variable(name).ok_or_else(unknown),
        Kind::List(items) => items.iter().map(|item| evaluate(item, facts)).collect(),
        Kind::Member(of, key) => member(expression, &evaluate(of, facts)?, &evaluate(key, facts)?),
        Kind::Call(name, arguments) => call(expression, name, arguments, facts),
        Kind::Not(part) => Ok(Value::Bool(!truth(part, facts)?)),
        Kind::Binary(Operator::And, left, right) => {
            Ok(Value::Bool(truth(left, facts)? && truth(right, facts)?))
        }
        Kind::Binary(Operator::Or, left, right) => {
            Ok(Value::Bool(truth(left, facts)? || truth(right, facts)?))
        }
        Kind::Binary(operator, left, right) => {
            let (left, right) = (evaluate(left, facts)?, evaluate(right, facts)?);
            compare(*operator, &left, &right)
                .map(Value::Bool)
                .map_err(|message| Problem::new(expression.span, message))
        }
    }
}

/// Computes a condition.
///
/// # Errors
/// When it has no value, or another value than true or false.
pub fn truth(expression: &Expression, facts: &dyn Facts) -> Result<bool, Problem> {
    match evaluate(expression, facts)? {
        Value::Bool(truth) => Ok(truth),
        other => {
            let message = format!("`{expression}` is {}, not true or false", a(&ValueType::of(&other)));
            Err(Problem::new(expression.span, message))
        }
    }
}

/// Whether a condition holds whatever came before.
#[must_use]
pub fn asks_always(expression: &Expression) -> bool {
    let mut found = false;
    expression.walk(&mut |part| found |= matches!(&part.kind, Kind::Call(name, _) if name == ALWAYS));
    found
}

/// A value inside text: texts as they are, everything else as JSON; nothing for null.
#[must_use]
pub fn as_text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// A type with an article.
pub(crate) fn a(kind: &ValueType) -> String {
    match kind {
        ValueType::Integer | ValueType::Object => format!("an {kind}"),
        ValueType::Any => "nothing".to_owned(),
        _ => format!("a {kind}"),
    }
}

fn call(
    expression: &Expression,
    name: &str,
    arguments: &[Expression],
    facts: &dyn Facts,
) -> Result<Value, Problem> {
    let wrong = |message: String| Problem::new(expression.span, message);
    let function = functions::find(name).ok_or_else(|| wrong(format!("there is no function `{name}`")))?;
    let given = arguments.iter().map(|argument| evaluate(argument, facts)).collect::<Result<Vec<_>, _>>()?;
    if given.len() != function.takes.len() {
        return Err(wrong(format!("`{name}` takes {} values, not {}", function.takes.len(), given.len())));
    }
    for (value, argument) in given.iter().zip(function.takes) {
        if !argument.accepts(&ValueType::of(value))
            || value.is_null() && *argument != functions::Argument::Any
        {
            let kind = a(&ValueType::of(value));
            return Err(wrong(format!("`{name}` takes {} here, not {kind}", argument.describe())));
        }
    }
    (function.apply)(&given).map_err(wrong)
}

fn member(expression: &Expression, of: &Value, key: &Value) -> Result<Value, Problem> {
    let wrong = |message: String| Problem::new(expression.span, message);
    match (of, key) {
        (Value::Object(fields), Value::String(name)) => {
            fields.get(name).cloned().ok_or_else(|| wrong(format!("there is no `{name}` in it")))
        }
        (Value::Array(items), Value::Number(index)) => {
            let index = index.as_i64().unwrap_or(i64::MAX);
            let from_end = if index < 0 { index.saturating_add_unsigned(items.len() as u64) } else { index };
            usize::try_from(from_end)
                .ok()
                .and_then(|at| items.get(at).cloned())
                .ok_or_else(|| wrong(format!("there is no item {index}; the list has {}", items.len())))
        }
        (of, key) => Err(wrong(format!("{} has no part `{}`", a(&ValueType::of(of)), as_text(key)))),
    }
}

fn compare(operator: Operator, left: &Value, right: &Value) -> Result<bool, String> {
    Ok(match operator {
        Operator::Equal => equal(left, right),
        Operator::NotEqual => !equal(left, right),
        Operator::In => is_in(left, right)?,
        Operator::NotIn => !is_in(left, right)?,
        _ => {
            let order = order(left, right).ok_or_else(|| {
                format!("{} and {} have no order", a(&ValueType::of(left)), a(&ValueType::of(right)))
            })?;
            match operator {
                Operator::Less => order == Ordering::Less,
                Operator::AtMost => order != Ordering::Greater,
                Operator::Greater => order == Ordering::Greater,
                _ => order != Ordering::Less,
            }
        }
    })
}

/// Numbers are equal by value, whichever way they are written.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(_), Value::Number(_)) => order(left, right) == Some(Ordering::Equal),
        _ => left == right,
    }
}

fn order(left: &Value, right: &Value) -> Option<Ordering> {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => match (left.as_i64(), right.as_i64()) {
            (Some(left), Some(right)) => Some(left.cmp(&right)),
            _ => left.as_f64()?.partial_cmp(&right.as_f64()?),
        },
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => None,
    }
}

fn is_in(item: &Value, of: &Value) -> Result<bool, String> {
    match (item, of) {
        (item, Value::Array(items)) => Ok(items.iter().any(|candidate| equal(candidate, item))),
        (Value::String(part), Value::String(whole)) => Ok(whole.contains(part.as_str())),
        (_, of) => Err(format!("nothing can be `in` {}", a(&ValueType::of(of)))),
    }
}
