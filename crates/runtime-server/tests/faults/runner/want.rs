//! Comparing an answer with what a step wants.

use regex::Regex;
use serde_json::Value;

use super::http::Answer;

/// What is wrong with `answer`, or nothing. `implied_exit_code` is wanted where the step names none.
pub fn differences(want: &Value, answer: &Answer, implied_exit_code: Option<i64>) -> Vec<String> {
    let body = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
    let looked_at = LookedAt { answer, body: &body };
    let mut found = Vec::new();
    for (key, wanted) in want.as_object().into_iter().flatten() {
        if let Err(difference) = looked_at.compare(key, wanted) {
            found.push(difference);
        }
    }
    let alternatives = want["any_of"].as_array();
    let fails = want.get("error").or(want.get("error_prefix")).is_some();
    if want.get("status").is_none() && alternatives.is_none() {
        found.extend(looked_at.status(if fails { 511 } else { 200 }).err());
    }
    if let Some(code) = implied_exit_code
        && found.is_empty()
        && !fails
        && alternatives.is_none()
        && want.get("exit_code").is_none()
        && want.get("status").is_none_or(|status| status == 200)
    {
        found.extend(looked_at.compare("exit_code", &code.into()).err());
    }
    found
}

struct LookedAt<'a> {
    answer: &'a Answer,
    body: &'a Value,
}

impl LookedAt<'_> {
    fn compare(&self, key: &str, wanted: &Value) -> Result<(), String> {
        if let Some(field) = key.strip_suffix("_contains") {
            return self.contains(field, wanted);
        }
        if let Some(field) = key.strip_suffix("_lacks") {
            return match each(wanted).find(|text| self.field(field).contains(*text)) {
                None => Ok(()),
                Some(text) => self.differs(key, &format!("without {text:?}"), &self.field(field)),
            };
        }
        if let Some(field) = key.strip_suffix("_regex") {
            let pattern = wanted.as_str().expect("a pattern");
            let fits = Regex::new(pattern).expect("a valid pattern").is_match(&self.field(field));
            return if fits { Ok(()) } else { self.differs(key, pattern, &self.field(field)) };
        }
        self.compare_exactly(key, wanted)
    }

    fn compare_exactly(&self, key: &str, wanted: &Value) -> Result<(), String> {
        match key {
            "status" => self.status(wanted.as_u64().expect("a status") as u16),
            "any_of" => self.any_of(wanted.as_array().expect("alternatives")),
            "within_s" => {
                let taken = self.answer.elapsed.as_secs_f64();
                if taken <= wanted.as_f64().expect("seconds") {
                    Ok(())
                } else {
                    self.differs("time", &format!("at most {wanted} s"), &format!("{taken:.1} s"))
                }
            }
            "error" => {
                let got = self.class_path();
                if each(wanted).any(|class| class == got) {
                    Ok(())
                } else {
                    self.differs(key, &wanted.to_string(), &got)
                }
            }
            "error_prefix" => {
                let (got, prefix) = (self.class_path(), wanted.as_str().expect("a prefix"));
                if !got.is_empty() && got.starts_with(prefix) {
                    Ok(())
                } else {
                    self.differs(key, prefix, &got)
                }
            }
            "extra_info" => self.extra_info(wanted),
            "json" => {
                wanted.as_object().expect("pointers").iter().try_for_each(|(at, value)| self.json(at, value))
            }
            "header" => wanted
                .as_object()
                .expect("headers")
                .iter()
                .try_for_each(|(name, value)| self.header(name, value)),
            "length" => self.equal(key, wanted, &Value::from(self.field("output").len())),
            "output" | "stdout" | "stderr" | "content" | "body" => self.same_text(key, wanted),
            "exit_code" | "expect_string" => self.json(&format!("/{key}"), wanted),
            other => panic!("a step wants {other:?}, which nobody knows"),
        }
    }

    fn any_of(&self, alternatives: &[Value]) -> Result<(), String> {
        let results: Vec<_> = alternatives.iter().map(|want| differences(want, self.answer, None)).collect();
        if results.iter().any(Vec::is_empty) {
            return Ok(());
        }
        Err(format!("none of {} alternatives: {}", results.len(), results.concat().join(" | ")))
    }

    fn status(&self, wanted: u16) -> Result<(), String> {
        if self.answer.status == wanted {
            return Ok(());
        }
        self.differs("status", &wanted.to_string(), &format!("{} {}", self.answer.status, self.answer.text()))
    }

    fn same_text(&self, key: &str, wanted: &Value) -> Result<(), String> {
        let (got, wanted) = (self.field(key), wanted.as_str().expect("a text"));
        if got == wanted { Ok(()) } else { self.differs(key, &around(wanted, &got), &around(&got, wanted)) }
    }

    fn contains(&self, field: &str, wanted: &Value) -> Result<(), String> {
        if field == "header" {
            let mut headers = wanted.as_object().expect("headers").iter();
            return headers.try_for_each(|(name, value)| self.header(name, value));
        }
        match each(wanted).find(|text| !self.field(field).contains(*text)) {
            None => Ok(()),
            Some(text) => self.differs(field, &format!("something with {text:?}"), &self.field(field)),
        }
    }

    fn header(&self, name: &str, wanted: &Value) -> Result<(), String> {
        let got = self.answer.header(name).unwrap_or_default();
        if got.contains(wanted.as_str().expect("a value")) {
            Ok(())
        } else {
            self.differs(name, &wanted.to_string(), got)
        }
    }

    fn extra_info(&self, wanted: &Value) -> Result<(), String> {
        wanted.as_object().expect("fields").iter().try_for_each(|(name, part)| {
            let got = self.body["swerexception"]["extra_info"][name].as_str();
            let part = part.as_str().expect("a text");
            match got {
                Some(got) if got.contains(part) => Ok(()),
                _ => self.differs(&format!("extra_info {name}"), part, &format!("{got:?}")),
            }
        })
    }

    fn json(&self, at: &str, wanted: &Value) -> Result<(), String> {
        let got = self.body.pointer(at);
        match wanted.get("type").and_then(Value::as_str) {
            Some(name) if got.is_some_and(|got| type_name(got) == name) => Ok(()),
            Some(name) => self.differs(at, name, &format!("{got:?} in {}", self.answer.text())),
            None => match got {
                Some(got) => self.equal(at, wanted, got),
                None => {
                    self.differs(at, &wanted.to_string(), &format!("nothing there in {}", self.answer.text()))
                }
            },
        }
    }

    fn equal(&self, what: &str, wanted: &Value, got: &Value) -> Result<(), String> {
        let same = wanted == got || wanted.is_number() && wanted.as_f64() == got.as_f64();
        if same {
            Ok(())
        } else {
            self.differs(what, &wanted.to_string(), &format!("{got} in {}", self.answer.text()))
        }
    }

    fn class_path(&self) -> String {
        self.body["swerexception"]["class_path"].as_str().unwrap_or_default().to_owned()
    }

    fn field(&self, name: &str) -> String {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        match name {
            "body" => self.answer.text(),
            "message" => text(&self.body["swerexception"]["message"]),
            field => text(&self.body[field]),
        }
    }

    fn differs(&self, what: &str, wanted: &str, got: &str) -> Result<(), String> {
        let status = self.answer.status;
        Err(format!("{what}: expected {}, got {} (status {status})", shortened(wanted), shortened(got)))
    }
}

fn each(wanted: &Value) -> impl Iterator<Item = &str> {
    let one = wanted.as_str().into_iter();
    one.chain(wanted.as_array().into_iter().flatten().filter_map(Value::as_str))
}

fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The part of a long text where it begins to differ from another.
fn around(text: &str, other: &str) -> String {
    let same = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    if same < 150 {
        return format!("{text:?}");
    }
    let part: String = text.chars().skip(same - 40).take(160).collect();
    format!("{} bytes, at character {same} {part:?}", text.len())
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(500) {
        Some((at, _)) => format!("{}… ({} bytes)", &text[..at], text.len()),
        None => text.to_owned(),
    }
}
