//! Texts of cases: placeholders such as `@DIR@`, and generators for what is too long to be written out.

use serde_json::Value;

/// What placeholders stand for.
#[derive(Debug, Clone)]
pub struct Names(Vec<(&'static str, String)>);

impl Names {
    pub fn new(names: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self(names.into_iter().collect())
    }

    /// The same names and `@I@`, the number of a parallel copy.
    pub fn numbered(&self, number: usize) -> Self {
        let mut names = self.0.clone();
        names.push(("@I@", number.to_string()));
        Self(names)
    }

    pub fn get(&self, name: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    fn fill(&self, text: &str) -> String {
        if !text.contains('@') {
            return text.to_owned();
        }
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }
}

/// `value` with its placeholders filled and its generators run, everywhere in it.
pub fn expand(value: &Value, names: &Names) -> Value {
    match value {
        Value::Object(_) if is_generator(value) => Value::String(text(value, names)),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| (names.fill(key), expand(value, names))).collect()
        }
        Value::Array(items) => items.iter().map(|item| expand(item, names)).collect(),
        Value::String(text) => Value::String(names.fill(text)),
        other => other.clone(),
    }
}

fn is_generator(value: &Value) -> bool {
    ["repeat", "concat", "lines", "numbers"].iter().any(|key| value.get(key).is_some())
}

/// The text that a string or a generator stands for.
pub fn text(value: &Value, names: &Names) -> String {
    let parts = |key: &str| {
        value[key].as_array().map(|parts| parts.iter().map(|part| text(part, names)).collect::<Vec<_>>())
    };
    if let Value::String(text) = value {
        names.fill(text)
    } else if let Some(repeated) = value.get("repeat") {
        text(repeated, names).repeat(value["times"].as_u64().expect("times") as usize)
    } else if let Some(parts) = parts("concat") {
        parts.concat()
    } else if let Some(lines) = parts("lines") {
        lines.join("\n")
    } else if let [from, to] = value["numbers"].as_array().map_or(&[][..], Vec::as_slice) {
        let numbers = from.as_u64().expect("from")..=to.as_u64().expect("to");
        numbers.map(|number| format!("{number}\n")).collect()
    } else {
        panic!("neither a text nor a generator: {value}")
    }
}

/// The bytes that a text, a generator or `{"hex": ..}` stands for.
pub fn bytes(value: &Value, names: &Names) -> Vec<u8> {
    match value["hex"].as_str() {
        Some(digits) => unhex(digits),
        None => text(value, names).into_bytes(),
    }
}

/// The bytes written in hexadecimal digits.
pub fn unhex(digits: &str) -> Vec<u8> {
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).expect("hexadecimal digits");
    (0..digits.len()).step_by(2).map(byte).collect()
}
