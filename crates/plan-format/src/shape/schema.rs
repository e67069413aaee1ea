//! The published JSON Schema (draft 2020-12), for editors; generated from the tables.

use serde_json::{Map, Value, json};

use super::{DEFAULTS, PLAN, Shape, Takes};

const NAME: &str = "^[A-Za-z_][A-Za-z0-9_-]{0,59}$";
/// Relative; empty parts and dots are left to the check.
const PATH: &str = "^[^/]";
const DURATION: &str = "^([0-9]+(\\.[0-9]+)?(ms|s|m|h|d) *)+$";
const MEMORY: &str = "^[0-9]+(\\.[0-9]+)? *([MmGgTt]([Ii]?[Bb])?)$";
const CPU: &str = "^[0-9]+(\\.[0-9]+)?m?$";
const TYPE: &str = "^(list<)*(string|integer|number|boolean|list|object|any)>*$";

/// The whole schema.
#[must_use]
pub fn schema() -> Value {
    let mut definitions = Map::new();
    define(&PLAN, &mut definitions);
    define(&DEFAULTS, &mut definitions);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "smallhands plan",
        "$ref": "#/$defs/plan",
        "$defs": definitions,
    })
}

/// Adds a shape and those that it refers to.
fn define(shape: &Shape, definitions: &mut Map<String, Value>) {
    if definitions.contains_key(shape.name) {
        return;
    }
    definitions.insert(shape.name.to_owned(), Value::Null);
    let mut properties = Map::new();
    for field in shape.fields {
        let mut property = of(&field.takes, definitions);
        if let Some(property) = property.as_object_mut() {
            property.insert("description".to_owned(), Value::from(field.doc));
        }
        properties.insert(field.name.to_owned(), property);
    }
    let required: Vec<&str> =
        shape.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let object = json!({
        "type": "object",
        "description": shape.doc,
        "additionalProperties": false,
        "required": required,
        "properties": properties,
    });
    definitions.insert(shape.name.to_owned(), object);
}

fn of(takes: &Takes, definitions: &mut Map<String, Value>) -> Value {
    match takes {
        // A command may be `true`, which YAML takes for a boolean.
        Takes::Text | Takes::Template | Takes::Expression => json!({"type": ["string", "number", "boolean"]}),
        Takes::Name => json!({"type": "string", "pattern": NAME}),
        Takes::Path => json!({"type": "string", "pattern": PATH}),
        Takes::Type => json!({"type": "string", "pattern": TYPE}),
        Takes::Duration => json!({"type": "string", "pattern": DURATION}),
        Takes::Memory => json!({"type": "string", "pattern": MEMORY}),
        Takes::Cpu => json!({"anyOf": [
            {"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": CPU}
        ]}),
        Takes::Whole(least, most) => json!({"type": "integer", "minimum": least, "maximum": most}),
        Takes::Amount => json!({"type": "number", "minimum": 0}),
        Takes::Flag => json!({"type": "boolean"}),
        Takes::Choice(words) => json!({"enum": words}),
        Takes::Anything => json!({}),
        Takes::List(item) => json!({"type": "array", "items": of(item, definitions)}),
        Takes::OneOrMany(item) => {
            let item = of(item, definitions);
            json!({"anyOf": [item, {"type": "array", "items": item}]})
        }
        Takes::Map(value) => json!({
            "type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": of(value, definitions)
        }),
        Takes::Object(shape) => {
            define(shape, definitions);
            json!({"$ref": format!("#/$defs/{}", shape.name)})
        }
        Takes::Either(first, second) => json!({"anyOf": [of(first, definitions), of(second, definitions)]}),
    }
}
