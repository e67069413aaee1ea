//! Checks a body against its table, fills in what is missing, and says all that is wrong at once.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::coerce::coerce;
use super::{Body, Field, Preset, Shape};

/// One thing that is wrong with a body, in the form that the protocol has for it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Detail {
    #[serde(rename = "type")]
    kind: &'static str,
    loc: Vec<Value>,
    msg: String,
    input: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    ctx: Option<Map<String, Value>>,
}

impl Detail {
    /// A fault at `loc`.
    pub fn new(kind: &'static str, loc: Vec<Value>, msg: impl Into<String>, input: Value) -> Self {
        Self { kind, loc, msg: msg.into(), input, ctx: None }
    }

    /// The same with further facts.
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.ctx.get_or_insert_default().insert(name.to_owned(), value);
        self
    }

    /// The same without the object that a missing field was missed in: a form is none.
    pub fn without_object(mut self) -> Self {
        if self.kind == "missing" {
            self.input = Value::Null;
        }
        self
    }

    /// A field that is missing altogether.
    pub fn missing(loc: Vec<Value>, input: Value) -> Self {
        Self::new("missing", loc, "Field required", input)
    }
}

/// Where in the body the check is, and what it has found wrong so far.
#[derive(Debug)]
pub(super) struct Place<'a> {
    loc: Vec<Value>,
    details: &'a mut Vec<Detail>,
}

impl Place<'_> {
    pub(super) fn fault(&mut self, kind: &'static str, msg: &str, input: &Value) {
        self.fault_with(kind, msg.to_owned(), input, None);
    }

    pub(super) fn fault_with(
        &mut self,
        kind: &'static str,
        msg: String,
        input: &Value,
        ctx: Option<Map<String, Value>>,
    ) {
        self.details.push(Detail { kind, loc: self.loc.clone(), msg, input: input.clone(), ctx });
    }

    pub(super) fn within<T>(&mut self, step: Value, look: impl FnOnce(&mut Self) -> T) -> T {
        self.loc.push(step);
        let seen = look(self);
        self.loc.pop();
        seen
    }
}

/// Checks `value`; the answer holds every field of the table.
///
/// # Errors
/// All faults.
pub fn check(body: &Body, value: Value) -> Result<Fields, Vec<Detail>> {
    let mut loc = vec![json!("body")];
    let Value::Object(object) = value else {
        let msg = "Input should be a valid dictionary or object to extract fields from";
        return Err(vec![Detail::new("model_attributes_type", loc, msg, value)]);
    };
    let (variant, shape) = match body {
        Body::Plain(shape) => ("", *shape),
        Body::Tagged { tag, variants } => {
            let (name, shape) = variant(tag, variants, &object)?;
            loc.push(json!(name));
            (name, shape)
        }
    };
    check_object(shape.fields, object, loc).map(|values| Fields { variant, values })
}

fn variant(
    tag: &str,
    variants: &[(&'static str, &'static Shape)],
    object: &Map<String, Value>,
) -> Result<(&'static str, &'static Shape), Vec<Detail>> {
    let fault = |kind, msg: String| {
        let input = Value::Object(object.clone());
        Detail::new(kind, vec![json!("body")], msg, input).with("discriminator", json!(format!("'{tag}'")))
    };
    let Some(given) = object.get(tag) else {
        let msg = format!("Unable to extract tag using discriminator '{tag}'");
        return Err(vec![fault("union_tag_not_found", msg)]);
    };
    if let Some(found) = variants.iter().find(|(name, _)| given.as_str() == Some(name)) {
        return Ok(*found);
    }
    let given = match given {
        Value::String(text) => text.clone(),
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        other => other.to_string(),
    };
    let expected: Vec<_> = variants.iter().map(|(name, _)| format!("'{name}'")).collect();
    let expected = expected.join(", ");
    let msg = format!(
        "Input tag '{given}' found using '{tag}' does not match any of the expected tags: {expected}"
    );
    let fault = fault("union_tag_invalid", msg).with("tag", json!(given));
    Err(vec![fault.with("expected_tags", json!(expected))])
}

/// Checks the parameters of a query.
///
/// # Errors
/// All faults.
pub fn check_parameters(fields: &'static [Field], given: Map<String, Value>) -> Result<Fields, Vec<Detail>> {
    let checked = check_object(fields, given, vec![json!("query")]);
    checked.map(|values| Fields { variant: "", values })
}

fn check_object(
    fields: &'static [Field],
    mut object: Map<String, Value>,
    loc: Vec<Value>,
) -> Result<BTreeMap<&'static str, Value>, Vec<Detail>> {
    let mut details = Vec::new();
    let mut place = Place { loc, details: &mut details };
    let mut values = BTreeMap::new();
    for field in fields {
        let value = place.within(json!(field.name), |place| check_field(field, &object, place));
        values.insert(field.name, value);
    }
    if !details.is_empty() {
        return Err(details);
    }
    // What was fine as it is moves over only now: texts may be long, and faults show the whole object.
    let complete = values
        .into_iter()
        .map(|(name, value)| (name, value.or_else(|| object.remove(name)).unwrap_or_default()));
    Ok(complete.collect())
}

/// The field's value when it differs from what was given.
fn check_field(field: &Field, object: &Map<String, Value>, place: &mut Place<'_>) -> Option<Value> {
    match (object.get(field.name), field.preset) {
        (Some(Value::Null), Preset::Null) => None,
        (Some(value), _) => coerce(field.kind, value, place),
        (None, Preset::Required) => {
            place.fault("missing", "Field required", &Value::Object(object.clone()));
            None
        }
        (None, preset) => Some(preset.value()),
    }
}

impl Preset {
    /// The preset as JSON; null for what is required.
    pub(super) fn value(self) -> Value {
        match self {
            Self::Required | Self::Null => Value::Null,
            Self::Text(text) => json!(text),
            Self::Flag(flag) => json!(flag),
            Self::Whole(number) => json!(number),
            Self::Number(number) => json!(number),
            Self::NoTexts => json!([]),
        }
    }
}

/// The fields of a body that was checked. Each is taken once; what the table does not name is empty.
#[derive(Debug, Default)]
pub struct Fields {
    /// The tag's value, or empty.
    pub variant: &'static str,
    values: BTreeMap<&'static str, Value>,
}

impl Fields {
    fn take(&mut self, name: &str) -> Value {
        self.values.get_mut(name).map(Value::take).unwrap_or_default()
    }

    /// A string that may be null.
    pub fn maybe_text(&mut self, name: &str) -> Option<String> {
        match self.take(name) {
            Value::String(text) => Some(text),
            _ => None,
        }
    }

    /// A string.
    pub fn text(&mut self, name: &str) -> String {
        self.maybe_text(name).unwrap_or_default()
    }

    /// A boolean.
    pub fn flag(&mut self, name: &str) -> bool {
        self.take(name).as_bool().unwrap_or_default()
    }

    /// An integer that may be null; one that is negative counts as zero.
    pub fn maybe_count(&mut self, name: &str) -> Option<u64> {
        let value = self.take(name);
        value.as_u64().or_else(|| value.as_i64().map(|_| 0))
    }

    /// A number that may be null, and need not be finite.
    pub fn maybe_number(&mut self, name: &str) -> Option<f64> {
        match self.take(name) {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.trim().replace('_', "").parse().ok(),
            _ => None,
        }
    }

    /// A list of strings; a single string is a list of one.
    pub fn texts(&mut self, name: &str) -> Vec<String> {
        match self.take(name) {
            Value::Array(items) => items.into_iter().filter_map(into_text).collect(),
            Value::String(text) => vec![text],
            _ => Vec::new(),
        }
    }

    /// A string or a list of strings: which of the two, and what.
    pub fn text_or_texts(&mut self, name: &str) -> Result<String, Vec<String>> {
        match self.take(name) {
            Value::String(text) => Ok(text),
            Value::Array(items) => Err(items.into_iter().filter_map(into_text).collect()),
            _ => Err(Vec::new()),
        }
    }

    /// An object of strings that may be null.
    pub fn maybe_map(&mut self, name: &str) -> Option<BTreeMap<String, String>> {
        match self.take(name) {
            Value::Object(entries) => Some(
                entries.into_iter().filter_map(|(name, value)| Some((name, into_text(value)?))).collect(),
            ),
            _ => None,
        }
    }
}

fn into_text(value: Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text),
        _ => None,
    }
}
