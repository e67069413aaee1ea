//! Expressions as text again, in one form: for messages.

use std::fmt;

use serde_json::Value;

use super::{Expression, Kind};

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Literal(value) => write_literal(f, value),
            Kind::Input(name) => write!(f, "inputs.{name}"),
            Kind::Status(task) => write!(f, "tasks.{task}.status"),
            Kind::Output(task, name) => write!(f, "tasks.{task}.outputs.{name}"),
            Kind::Variable(name) => f.write_str(name),
            Kind::List(items) => {
                f.write_str("[")?;
                write_items(f, items)?;
                f.write_str("]")
            }
            Kind::Member(of, key) => match &key.kind {
                Kind::Literal(Value::String(name)) if is_word(name) => write!(f, "{}.{name}", Operand(of)),
                _ => write!(f, "{}[{key}]", Operand(of)),
            },
            Kind::Call(name, items) => {
                write!(f, "{name}(")?;
                write_items(f, items)?;
                f.write_str(")")
            }
            Kind::Not(part) => write!(f, "not {}", Operand(part)),
            Kind::Binary(operator, left, right) => {
                write!(f, "{} {} {}", Operand(left), operator.text(), Operand(right))
            }
        }
    }
}

/// A part of an expression, in parentheses where it needs them.
struct Operand<'a>(&'a Expression);

impl fmt::Display for Operand<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.kind {
            Kind::Binary(..) | Kind::Not(_) => write!(f, "({})", self.0),
            Kind::Literal(Value::Number(number)) if number.as_f64().is_some_and(f64::is_sign_negative) => {
                write!(f, "({})", self.0)
            }
            _ => write!(f, "{}", self.0),
        }
    }
}

fn is_word(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-".contains(c))
}

fn write_items(f: &mut fmt::Formatter<'_>, items: &[Expression]) -> fmt::Result {
    items.iter().enumerate().try_for_each(|(index, item)| {
        if index > 0 {
            f.write_str(", ")?;
        }
        write!(f, "{item}")
    })
}

fn write_literal(f: &mut fmt::Formatter<'_>, value: &Value) -> fmt::Result {
    match value {
        Value::String(text) => {
            let escaped =
                text.replace('\\', "\\\\").replace('\'', "\\'").replace('\n', "\\n").replace('\t', "\\t");
            write!(f, "'{escaped}'")
        }
        other => write!(f, "{other}"),
    }
}
