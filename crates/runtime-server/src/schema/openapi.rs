//! The OpenAPI document, made from the tables that bodies are checked against.

use serde_json::{Map, Value, json};

use super::{Body, Field, Kind, Preset, Shape};
use crate::routes::{Operation, ROUTES, Route};

/// The document that describes every endpoint.
pub fn document(version: &str) -> Value {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for route in &ROUTES {
        let method = route.method.as_str().to_ascii_lowercase();
        let path = paths.entry(route.path).or_insert_with(|| json!({}));
        path[method] = operation(route, &mut schemas);
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": "smallhands runtime server", "version": version},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}},
        },
        "security": [{"key": []}],
    })
}

fn operation(route: &Route, schemas: &mut Map<String, Value>) -> Value {
    let mut parameters: Vec<_> = route.query.iter().map(parameter).collect();
    if route.path.contains("{name}") {
        parameters
            .push(json!({"name": "name", "in": "path", "required": true, "schema": {"type": "string"}}));
    }
    let mut operation = json!({
        "summary": route.about,
        "operationId": format!("{:?}", route.operation),
        "parameters": parameters,
        "responses": {
            "200": {"description": "done"},
            "422": {"description": "the request is not understood"},
            "511": {"description": "the runtime could not do it; see swerexception"},
        },
    });
    if let Some(content) = content(route, schemas) {
        operation["requestBody"] = json!({"required": true, "content": content});
    }
    operation
}

fn parameter(field: &Field) -> Value {
    let required = field.preset == Preset::Required;
    json!({"name": field.name, "in": "query", "required": required, "schema": schema(field)})
}

fn content(route: &Route, schemas: &mut Map<String, Value>) -> Option<Value> {
    match (route.body, route.operation) {
        (Some(body), _) => Some(json!({"application/json": {"schema": body_schema(body, schemas)}})),
        (None, Operation::Upload) => Some(json!({"multipart/form-data": {"schema": upload()}})),
        (None, Operation::PutFile | Operation::PutArchive) => {
            Some(json!({"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}))
        }
        _ => None,
    }
}

fn upload() -> Value {
    json!({
        "type": "object",
        "required": ["file", "target_path"],
        "properties": {
            "file": {"type": "string", "format": "binary"},
            "target_path": {"type": "string"},
            "unzip": {"type": "boolean", "default": false},
        },
    })
}

fn body_schema(body: &Body, schemas: &mut Map<String, Value>) -> Value {
    let mut reference = |shape: &Shape| {
        schemas.entry(shape.title).or_insert_with(|| object(shape));
        format!("#/components/schemas/{}", shape.title)
    };
    match body {
        Body::Plain(shape) => json!({"$ref": reference(shape)}),
        Body::Tagged { tag, variants } => {
            let mapping: Map<_, _> =
                variants.iter().map(|(name, shape)| ((*name).to_owned(), json!(reference(shape)))).collect();
            let one_of: Vec<_> = mapping.values().map(|path| json!({"$ref": path})).collect();
            json!({"oneOf": one_of, "discriminator": {"propertyName": tag, "mapping": mapping}})
        }
    }
}

fn object(shape: &Shape) -> Value {
    let properties: Map<_, _> =
        shape.fields.iter().map(|field| (field.name.to_owned(), schema(field))).collect();
    let required: Vec<_> = shape
        .fields
        .iter()
        .filter(|field| field.preset == Preset::Required)
        .map(|field| field.name)
        .collect();
    json!({"title": shape.title, "type": "object", "properties": properties, "required": required})
}

fn schema(field: &Field) -> Value {
    let text = || json!({"type": "string"});
    let texts = || json!({"type": "array", "items": text()});
    let mut schema = match field.kind {
        Kind::Text => text(),
        Kind::Flag => json!({"type": "boolean"}),
        Kind::Whole => json!({"type": "integer"}),
        Kind::Number => json!({"type": "number"}),
        Kind::Texts => texts(),
        Kind::TextOrTexts => json!({"anyOf": [text(), texts()]}),
        Kind::TextMap => json!({"type": "object", "additionalProperties": text()}),
        Kind::Choice(words) => json!({"type": "string", "enum": words}),
    };
    if field.preset == Preset::Null {
        schema = json!({"anyOf": [schema, {"type": "null"}]});
    }
    if field.preset != Preset::Required {
        schema["default"] = field.preset.value();
    }
    schema["description"] = json!(field.about);
    schema
}
