//! Values as the protocol's original server takes them: numbers and booleans may come as strings, and so on.

use serde_json::{Map, Number, Value, json};

use super::Kind;
use super::check::Place;

/// Looks at `value` as a `kind`: nothing to do, or what it really is. Faults are told to `place`.
pub(super) fn coerce(kind: Kind, value: &Value, place: &mut Place<'_>) -> Option<Value> {
    match kind {
        Kind::Text => text(value, place),
        Kind::Flag => flag(value, place),
        Kind::Whole => whole(value, place),
        Kind::Number => number(value, place),
        Kind::Texts => texts(value, place),
        Kind::TextOrTexts => text_or_texts(value, place),
        Kind::TextMap => text_map(value, place),
        Kind::Choice(allowed) => choice(allowed, value, place),
    }
}

fn text(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    if !value.is_string() {
        place.fault("string_type", "Input should be a valid string", value);
    }
    None
}

fn flag(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    const UNCLEAR: &str = "Input should be a valid boolean, unable to interpret input";
    let meant = match value {
        Value::Bool(_) => return None,
        Value::String(word) => match word.to_ascii_lowercase().as_str() {
            "1" | "on" | "t" | "true" | "y" | "yes" => Some(true),
            "0" | "off" | "f" | "false" | "n" | "no" => Some(false),
            _ => None,
        },
        Value::Number(number) => match number.as_f64() {
            Some(1.0) => Some(true),
            Some(0.0) => Some(false),
            _ => None,
        },
        _ => {
            place.fault("bool_type", "Input should be a valid boolean", value);
            return None;
        }
    };
    if meant.is_none() {
        place.fault("bool_parsing", UNCLEAR, value);
    }
    meant.map(Value::Bool)
}

fn whole(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    const UNCLEAR: &str = "Input should be a valid integer, unable to parse string as an integer";
    const FRACTION: &str = "Input should be a valid integer, got a number with a fractional part";
    match value {
        Value::Number(number) if number.is_i64() || number.is_u64() => None,
        Value::Number(number) => match number.as_f64().filter(|float| float.fract() == 0.0) {
            // A number beyond all integers is as large as integers get.
            Some(float) => Some(json!(float as i64)),
            None => {
                place.fault("int_from_float", FRACTION, value);
                None
            }
        },
        Value::Bool(flag) => Some(json!(i64::from(*flag))),
        Value::String(text) => {
            let parsed = integer(text);
            if parsed.is_none() {
                place.fault("int_parsing", UNCLEAR, value);
            }
            parsed.map(Value::from)
        }
        _ => {
            place.fault("int_type", "Input should be a valid integer", value);
            None
        }
    }
}

/// An integer in words: blanks around it, underscores within and a fraction of zeros do no harm.
fn integer(text: &str) -> Option<i64> {
    let digits = text.trim().replace('_', "");
    let plain = match digits.split_once('.') {
        Some((before, after)) if after.bytes().all(|byte| byte == b'0') => before,
        Some(_) => return None,
        None => &digits,
    };
    plain.parse().ok()
}

fn number(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    const UNCLEAR: &str = "Input should be a valid number, unable to parse string as a number";
    match value {
        Value::Number(_) => None,
        Value::Bool(flag) => Some(json!(if *flag { 1.0 } else { 0.0 })),
        Value::String(text) => {
            let Ok(parsed) = text.trim().replace('_', "").parse::<f64>() else {
                place.fault("float_parsing", UNCLEAR, value);
                return None;
            };
            // JSON has no word for what is not finite: it stays a string here and is parsed again where it is used.
            Number::from_f64(parsed).map(Value::Number)
        }
        _ => {
            place.fault("float_type", "Input should be a valid number", value);
            None
        }
    }
}

fn texts(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    let Value::Array(items) = value else {
        place.fault("list_type", "Input should be a valid list", value);
        return None;
    };
    for (index, item) in items.iter().enumerate() {
        place.within(json!(index), |place| text(item, place));
    }
    None
}

/// Tells the faults of both possibilities, as a union does.
fn text_or_texts(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    let all_text = |items: &Vec<Value>| items.iter().all(Value::is_string);
    if value.is_string() || value.as_array().is_some_and(all_text) {
        return None;
    }
    place.within(json!("str"), |place| text(value, place));
    place.within(json!("list[str]"), |place| texts(value, place));
    None
}

fn text_map(value: &Value, place: &mut Place<'_>) -> Option<Value> {
    let Value::Object(entries) = value else {
        place.fault("dict_type", "Input should be a valid dictionary", value);
        return None;
    };
    for (name, item) in entries {
        place.within(json!(name), |place| text(item, place));
    }
    None
}

fn choice(allowed: &[&str], value: &Value, place: &mut Place<'_>) -> Option<Value> {
    if !value.as_str().is_some_and(|value| allowed.contains(&value)) {
        let expected = in_words(allowed);
        let context = Map::from_iter([("expected".to_owned(), json!(expected))]);
        place.fault_with("literal_error", format!("Input should be {expected}"), value, Some(context));
    }
    None
}

/// `'a', 'b' or 'c'`.
fn in_words(allowed: &[&str]) -> String {
    let quoted: Vec<_> = allowed.iter().map(|word| format!("'{word}'")).collect();
    match quoted.split_last() {
        Some((last, before)) if !before.is_empty() => format!("{} or {last}", before.join(", ")),
        _ => quoted.concat(),
    }
}
