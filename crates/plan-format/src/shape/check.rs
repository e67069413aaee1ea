//! Compares a tree of values with the tables: unknown fields, missing fields, values of the wrong kind. All of them.

use serde_json::Value;

use super::{Shape, Takes};
use crate::diagnostic::Diagnostics;
use crate::node::{Kind, Node};
use crate::quantity::{cpu_milli, duration_ms, memory_mb};
use crate::similar::{nearest, suggestion};
use crate::value_type::ValueType;

/// Longest name of a task, input, output or lock.
const LONGEST_NAME: usize = 60;

/// Whether a value fits; what does not is noted.
pub fn check(node: &Node, takes: &Takes, found: &mut Diagnostics) -> bool {
    match takes {
        Takes::Anything => true,
        Takes::List(of) => check_list(node, of, takes, found),
        Takes::OneOrMany(of) => check_items(node.items(), of, found),
        Takes::Map(of) => check_map(node, of, takes, found),
        Takes::Object(shape) => check_object(node, shape, found),
        Takes::Either(scalar, composite) => {
            let takes = if node.scalar().is_some() { scalar } else { composite };
            check(node, takes, found)
        }
        _ => match scalar_problem(node, takes) {
            None => true,
            Some((message, help)) => {
                match help {
                    Some(help) => found.error_with_help(node.span, message, help),
                    None => found.error(node.span, message),
                }
                false
            }
        },
    }
}

/// Looks at every item, also after one that does not fit.
fn check_items(items: &[Node], of: &Takes, found: &mut Diagnostics) -> bool {
    let bad = items.iter().filter(|item| !check(item, of, found)).count();
    bad == 0
}

fn check_list(node: &Node, of: &Takes, takes: &Takes, found: &mut Diagnostics) -> bool {
    match &node.kind {
        Kind::List(items) => check_items(items, of, found),
        _ => {
            found.error(node.span, format!("expected {}, found {}", takes.describe(), node.kind_name()));
            false
        }
    }
}

fn check_map(node: &Node, of: &Takes, takes: &Takes, found: &mut Diagnostics) -> bool {
    let Kind::Map(entries) = &node.kind else {
        found.error(node.span, format!("expected {}, found {}", takes.describe(), node.kind_name()));
        return false;
    };
    entries.iter().fold(true, |good, entry| {
        let named = is_name(&entry.key);
        if !named {
            found.error_with_help(entry.key_span, format!("`{}` is not a usable name", entry.key), NAME_RULE);
        }
        check(&entry.value, of, found) && named && good
    })
}

fn check_object(node: &Node, shape: &Shape, found: &mut Diagnostics) -> bool {
    let Kind::Map(entries) = &node.kind else {
        let message = format!("expected the fields of {}, found {}", article(shape.name), node.kind_name());
        let names: Vec<&str> = shape.fields.iter().map(|field| field.name).collect();
        found.error_with_help(node.span, message, format!("its fields are: {}", names.join(", ")));
        return false;
    };
    let mut good = true;
    for entry in entries {
        match shape.fields.iter().find(|field| field.name == entry.key) {
            Some(field) => good &= check(&entry.value, &field.takes, found),
            None => {
                let message = format!("{} has no field `{}`", article(shape.name), entry.key);
                let names = shape.fields.iter().map(|field| field.name);
                found.error_with_help(entry.key_span, message, suggestion(&entry.key, names));
                good = false;
            }
        }
    }
    for field in shape.fields.iter().filter(|field| field.required && node.get(field.name).is_none()) {
        let message = format!("{} needs the field `{}`", article(shape.name), field.name);
        found.error_with_help(node.span, message, field.doc);
        good = false;
    }
    good
}

const NAME_RULE: &str = "use 1 to 60 letters, digits, `-` and `_`, beginning with a letter";

/// Whether `text` may name a task, an input, an output, a variable or a lock.
fn is_name(text: &str) -> bool {
    text.len() <= LONGEST_NAME
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

/// Whether a path leads out of the repository, or is not one.
fn is_outside(text: &str) -> bool {
    let inside = text.strip_suffix('/').unwrap_or(text);
    inside.len() > 1_000 || inside.split('/').any(|part| matches!(part, "" | "." | ".."))
}

type Problem = (String, Option<String>);

fn scalar_problem(node: &Node, takes: &Takes) -> Option<Problem> {
    let expected = || (format!("expected {}, found {}", takes.describe(), node.kind_name()), None);
    let (Some(text), Some(value)) = (node.text(), node.scalar()) else { return Some(expected()) };
    let told = |result: Result<u64, String>| result.err().map(|message| (message, None));
    match takes {
        Takes::Name if !is_name(text) => {
            Some((format!("`{text}` is not a usable name"), Some(NAME_RULE.to_owned())))
        }
        Takes::Path if is_outside(text) => {
            let help = "write it relative to the repository, without empty parts, `.` and `..`";
            Some((format!("`{text}` is not a path of the repository"), Some(help.to_owned())))
        }
        Takes::Path if !value.is_string() => Some(expected()),
        Takes::Type => {
            ValueType::parse(text).err().map(|help| (format!("`{text}` is not a type"), Some(help)))
        }
        Takes::Duration => told(duration_ms(text)),
        Takes::Memory => told(memory_mb(text)),
        Takes::Cpu => told(cpu_milli(text)),
        Takes::Whole(least, most) => match value.as_i64() {
            Some(number) if (*least..=*most).contains(&number) => None,
            Some(number) => Some((format!("{number} is not {}", takes.describe()), None)),
            None => Some(expected()),
        },
        Takes::Amount => match value.as_f64() {
            Some(number) if number >= 0.0 => None,
            _ => Some(expected()),
        },
        Takes::Flag if !value.is_boolean() => Some(expected()),
        Takes::Choice(words) if !words.contains(&text) => {
            let near = nearest(text, words.iter().copied()).map(|near| format!("did you mean `{near}`?"));
            Some((format!("`{text}` is not {}", takes.describe()), near))
        }
        Takes::Text | Takes::Template | Takes::Expression if text.trim().is_empty() => {
            Some((format!("expected {}, found nothing", takes.describe()), None))
        }
        _ => {
            debug_assert!(!matches!(value, Value::Null));
            None
        }
    }
}

/// The name with `a` or `an`.
fn article(name: &str) -> String {
    match name {
        "input" | "output" => format!("an {name}"),
        "resources" | "defaults" => format!("`{name}`"),
        other => format!("a {other}"),
    }
}
