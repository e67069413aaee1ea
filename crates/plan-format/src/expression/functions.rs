//! The functions of the language: one table for types, values and documentation.

use serde_json::Value;

use crate::value_type::{ValueType, shorten};

/// Longest text and longest list that a function may make.
const LARGEST: usize = 1 << 20;

/// A function.
pub(super) struct Function {
    /// Its name.
    pub name: &'static str,
    /// The types of its arguments.
    pub takes: &'static [Argument],
    /// What it gives.
    pub gives: Gives,
    /// Computes it.
    pub apply: fn(&[Value]) -> Result<Value, String>,
}

/// Types of arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Argument {
    /// Anything.
    Any,
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A list.
    List,
    /// Text or a list.
    TextOrList,
}

/// Types of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    /// Known only when it runs.
    Any,
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// True or false.
    Boolean,
    /// A list of texts.
    Texts,
    /// A list of whole numbers.
    Integers,
}

impl Argument {
    /// Whether something of this type may be given.
    pub(super) fn accepts(self, kind: &ValueType) -> bool {
        match (self, kind) {
            (Self::Any, _) | (_, ValueType::Any) => true,
            (Self::Text, kind) => *kind == ValueType::Text,
            (Self::Integer, kind) => *kind == ValueType::Integer,
            (Self::List, kind) => matches!(kind, ValueType::List(_)),
            (Self::TextOrList, kind) => matches!(kind, ValueType::List(_) | ValueType::Text),
        }
    }

    /// What people call it.
    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::Any => "a value",
            Self::Text => "text",
            Self::Integer => "a whole number",
            Self::List => "a list",
            Self::TextOrList => "text or a list",
        }
    }
}

impl Gives {
    /// The type.
    pub(super) fn value_type(self) -> ValueType {
        match self {
            Self::Any => ValueType::Any,
            Self::Text => ValueType::Text,
            Self::Integer => ValueType::Integer,
            Self::Boolean => ValueType::Boolean,
            Self::Texts => ValueType::List(Box::new(ValueType::Text)),
            Self::Integers => ValueType::List(Box::new(ValueType::Integer)),
        }
    }
}

/// True whatever came before; a task with it waits for its dependencies, but not for their success.
pub(super) const ALWAYS: &str = "always";

/// All functions.
pub(super) static FUNCTIONS: &[Function] = &[
    Function { name: ALWAYS, takes: &[], gives: Gives::Boolean, apply: |_| Ok(Value::Bool(true)) },
    Function {
        name: "default",
        takes: &[Argument::Any, Argument::Any],
        gives: Gives::Any,
        apply: |given| Ok(given.iter().find(|value| !value.is_null()).cloned().unwrap_or_default()),
    },
    Function {
        name: "ends_with",
        takes: &[Argument::Text, Argument::Text],
        gives: Gives::Boolean,
        apply: |given| Ok(Value::Bool(text(given, 0).ends_with(text(given, 1)))),
    },
    Function { name: "join", takes: &[Argument::List, Argument::Text], gives: Gives::Text, apply: join },
    Function {
        name: "json",
        takes: &[Argument::Text],
        gives: Gives::Any,
        apply: |given| {
            serde_json::from_str(text(given, 0))
                .map_err(|_| format!("`{}` is not JSON", shorten(text(given, 0))))
        },
    },
    Function {
        name: "length",
        takes: &[Argument::TextOrList],
        gives: Gives::Integer,
        apply: |given| {
            Ok(Value::from(
                given
                    .first()
                    .and_then(Value::as_array)
                    .map_or_else(|| text(given, 0).chars().count(), Vec::len),
            ))
        },
    },
    Function {
        name: "lines",
        takes: &[Argument::Text],
        gives: Gives::Texts,
        apply: |given| {
            Ok(text(given, 0).lines().filter(|line| !line.trim().is_empty()).map(Value::from).collect())
        },
    },
    Function {
        name: "range",
        takes: &[Argument::Integer],
        gives: Gives::Integers,
        apply: |given| match given.first().and_then(Value::as_i64).unwrap_or(0) {
            count @ 0..=1000 => Ok((0..count).map(Value::from).collect()),
            other => Err(format!("range({other}) is not between 0 and 1000")),
        },
    },
    Function {
        name: "split",
        takes: &[Argument::Text, Argument::Text],
        gives: Gives::Texts,
        apply: |given| match text(given, 1) {
            "" => Err("nothing to split at".to_owned()),
            at => Ok(text(given, 0).split(at).map(Value::from).collect()),
        },
    },
    Function {
        name: "starts_with",
        takes: &[Argument::Text, Argument::Text],
        gives: Gives::Boolean,
        apply: |given| Ok(Value::Bool(text(given, 0).starts_with(text(given, 1)))),
    },
];

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

fn text(given: &[Value], index: usize) -> &str {
    given.get(index).and_then(Value::as_str).unwrap_or_default()
}

fn join(given: &[Value]) -> Result<Value, String> {
    let between = text(given, 1);
    let mut joined = String::new();
    for (index, item) in given.first().and_then(Value::as_array).into_iter().flatten().enumerate() {
        if index > 0 {
            joined.push_str(between);
        }
        joined.push_str(&super::evaluate::as_text(item));
        if joined.len() > LARGEST {
            return Err("the joined text is too long".to_owned());
        }
    }
    Ok(Value::from(joined))
}
