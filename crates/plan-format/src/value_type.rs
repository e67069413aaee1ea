//! Types of values: what inputs and outputs may be, and what expressions come to.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ValueType {
    /// Anything.
    Any,
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A list of this.
    List(Box<ValueType>),
    /// Names with values.
    Object,
}

/// Deepest `list<list<…>>`.
const DEEPEST: usize = 8;

impl ValueType {
    /// Reads a type as it is written in plans.
    ///
    /// # Errors
    /// What may be written.
    pub fn parse(text: &str) -> Result<Self, String> {
        Self::parse_to(text.trim(), DEEPEST).ok_or_else(|| {
            "the types are: string, integer, number, boolean, list, list<…>, object, any".to_owned()
        })
    }

    fn parse_to(text: &str, depth: usize) -> Option<Self> {
        Some(match text {
            "string" => Self::Text,
            "integer" => Self::Integer,
            "number" => Self::Number,
            "boolean" => Self::Boolean,
            "object" => Self::Object,
            "any" => Self::Any,
            "list" => Self::List(Box::new(Self::Any)),
            _ if depth == 0 => return None,
            other => {
                let inner = other.strip_prefix("list<")?.strip_suffix('>')?;
                Self::List(Box::new(Self::parse_to(inner.trim(), depth - 1)?))
            }
        })
    }

    /// Whether a value is of this type.
    #[must_use]
    pub fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Any, _)
            | (Self::Text, Value::String(_))
            | (Self::Number, Value::Number(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::Object, Value::Object(_)) => true,
            (Self::Integer, Value::Number(number)) => number.is_i64() || number.is_u64(),
            (Self::List(of), Value::Array(items)) => items.iter().all(|item| of.holds(item)),
            _ => false,
        }
    }

    /// Whether some value could be of both types; only then may one be given where the other is wanted.
    #[must_use]
    pub fn meets(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _)
            | (_, Self::Any)
            | (Self::Integer, Self::Number)
            | (Self::Number, Self::Integer) => true,
            (Self::List(left), Self::List(right)) => left.meets(right),
            (left, right) => left == right,
        }
    }

    /// The narrowest type of a value.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        match value {
            Value::Null => Self::Any,
            Value::Bool(_) => Self::Boolean,
            Value::Number(number) if number.is_f64() => Self::Number,
            Value::Number(_) => Self::Integer,
            Value::String(_) => Self::Text,
            Value::Array(items) => Self::List(Box::new(Self::joined(items.iter().map(Self::of)))),
            Value::Object(_) => Self::Object,
        }
    }

    /// The type that all of these are.
    #[must_use]
    pub fn joined(mut types: impl Iterator<Item = Self>) -> Self {
        let Some(first) = types.next() else { return Self::Any };
        types.fold(first, |joined, next| match (&joined, &next) {
            (left, right) if left == right => joined,
            (Self::Integer, Self::Number) | (Self::Number, Self::Integer) => Self::Number,
            _ => Self::Any,
        })
    }

    /// Reads text that stands for a value: on a command line, or in a file of outputs.
    ///
    /// # Errors
    /// What is expected instead.
    pub fn read(&self, text: &str) -> Result<Value, String> {
        let wrong = |what: &str| format!("`{}` is not {what}", shorten(text));
        match self {
            Self::Text => Ok(Value::from(text)),
            Self::Boolean => match text.trim() {
                "true" => Ok(Value::Bool(true)),
                "false" => Ok(Value::Bool(false)),
                _ => Err(wrong("true or false")),
            },
            Self::Any => Ok(serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))),
            _ => {
                let value: Value = serde_json::from_str(text.trim()).map_err(|_| wrong(&self.expected()))?;
                if self.holds(&value) { Ok(value) } else { Err(wrong(&self.expected())) }
            }
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Integer => "a whole number".into(),
            Self::Number => "a number".into(),
            Self::List(_) => format!("a {self} in JSON"),
            _ => "an object in JSON".into(),
        }
    }
}

/// The beginning of a text, for messages.
pub(crate) fn shorten(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

impl fmt::Display for ValueType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::Text => f.write_str("string"),
            Self::Integer => f.write_str("integer"),
            Self::Number => f.write_str("number"),
            Self::Boolean => f.write_str("boolean"),
            Self::Object => f.write_str("object"),
            Self::List(of) if **of == Self::Any => f.write_str("list"),
            Self::List(of) => write!(f, "list<{of}>"),
        }
    }
}

impl TryFrom<String> for ValueType {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<ValueType> for String {
    fn from(kind: ValueType) -> Self {
        kind.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn types_survive_text() {
        for text in ["string", "integer", "number", "boolean", "object", "any", "list", "list<list<integer>>"]
        {
            assert_eq!(ValueType::parse(text).unwrap().to_string(), text);
        }
        for text in ["", "text", "list<>", "list<string", "String", &"list<".repeat(100)] {
            assert!(ValueType::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_told_apart() {
        for (kind, value, holds) in [
            ("integer", json!(3), true),
            ("integer", json!(3.0), false),
            ("number", json!(3), true),
            ("string", json!(3), false),
            ("list<string>", json!(["a"]), true),
            ("list<string>", json!(["a", 1]), false),
            ("list", json!([1, "a"]), true),
            ("any", json!(null), true),
            ("string", json!(null), false),
            ("object", json!({}), true),
        ] {
            assert_eq!(ValueType::parse(kind).unwrap().holds(&value), holds, "{kind} {value}");
        }
        assert_eq!(ValueType::of(&json!([1, 2.5])).to_string(), "list<number>");
        assert_eq!(ValueType::of(&json!([1, "a"])).to_string(), "list");
    }

    #[test]
    fn text_is_read_by_type() {
        for (kind, text, expected) in [
            ("string", "12", Some(json!("12"))),
            ("integer", "12", Some(json!(12))),
            ("integer", "1.5", None),
            ("number", "1.5", Some(json!(1.5))),
            ("boolean", "true", Some(json!(true))),
            ("boolean", "yes", None),
            ("list<string>", "[\"a\"]", Some(json!(["a"]))),
            ("list<string>", "a,b", None),
            ("object", "{\"a\":1}", Some(json!({"a": 1}))),
            ("any", "{\"a\":1}", Some(json!({"a": 1}))),
            ("any", "word", Some(json!("word"))),
        ] {
            assert_eq!(ValueType::parse(kind).unwrap().read(text).ok(), expected, "{kind} {text}");
        }
    }

    #[test]
    fn types_that_can_meet() {
        let parse = |text| ValueType::parse(text).unwrap();
        for (left, right, meets) in [
            ("any", "string", true),
            ("integer", "number", true),
            ("string", "number", false),
            ("list<any>", "list<string>", true),
            ("list<integer>", "list<string>", false),
            ("list", "string", false),
        ] {
            assert_eq!(parse(left).meets(&parse(right)), meets, "{left} {right}");
            assert_eq!(parse(right).meets(&parse(left)), meets, "{right} {left}");
        }
    }
}
