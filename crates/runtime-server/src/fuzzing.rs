//! What must hold of requests whatever their bytes are, for fuzzers and for the tests below.

use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{HeaderMap, Method};
use serde_json::{Value, json};

use crate::reply::{Refusal, Reply};
use crate::routes::{Found, Operation};
use crate::schema::Fields;
use crate::wire::{self, Execute};
use crate::{incoming, query, routes, schema};

/// Any request line, content type and body end in JSON with a status that says what was wrong, or would be carried
/// out. Nothing is carried out here.
pub fn requests_are_understood_or_refused(method: &str, target: &str, content_type: &[u8], body: &[u8]) {
    let reply = match understood(method, target, content_type, body) {
        Ok(()) => Reply::ok(&json!({})),
        Err(refusal) => refusal.into_reply(),
    };
    let status = reply.status.as_u16();
    assert!(matches!(status, 200 | 307 | 400..=499 | 511), "status {status}");
    if status == 307 {
        return;
    }
    let said: Value = serde_json::from_slice(&reply.body).unwrap_or_else(|error| panic!("no JSON: {error}"));
    match status {
        422 => assert!(said["detail"].as_array().is_some_and(|details| !details.is_empty()), "{said}"),
        400..=499 => assert!(said["detail"].is_string(), "{said}"),
        511 => assert!(said["swerexception"]["class_path"].is_string(), "{said}"),
        _ => {}
    }
}

fn understood(method: &str, target: &str, content_type: &[u8], body: &[u8]) -> Result<(), Refusal> {
    let method = Method::from_bytes(method.as_bytes()).unwrap_or(Method::POST);
    let (path, parameters) = target.split_once('?').unwrap_or((target, ""));
    let operation = match routes::find(&method, path) {
        Found::Route(operation, _) => operation,
        Found::OtherMethod(methods) => return Err(Refusal::MethodNotAllowed(methods)),
        Found::WithoutSlash => return Err(Refusal::Moved(path.trim_end_matches('/').to_owned())),
        Found::Nothing => return Err(Refusal::NotFound),
    };
    let Some(route) = routes::route(operation) else { return Err(Refusal::NotFound) };
    query::check(route.query, parameters).map_err(Refusal::Unprocessable)?;
    let Some(shape) = route.body else { return Ok(()) };
    let mut headers = HeaderMap::new();
    if let Ok(value) = HeaderValue::from_bytes(content_type) {
        headers.insert(CONTENT_TYPE, value);
    }
    let fields = schema::check(shape, incoming::json(&headers, body)?).map_err(Refusal::Unprocessable)?;
    converted(operation, fields)
}

/// The fields become what the engine is asked for.
fn converted(operation: Operation, fields: Fields) -> Result<(), Refusal> {
    match operation {
        Operation::CreateSession => wire::create_session(fields).map(drop),
        Operation::RunInSession | Operation::StreamRun => wire::action(fields).map(drop),
        Operation::Execute => Execute::new(fields).map(Execute::split).map(drop),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Values of every kind, the extreme ones included, and texts that are nearly something else.
    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            prop_oneof![
                Just("bash"),
                Just("bash_interrupt"),
                Just("bash_wait"),
                Just("yes"),
                Just("1e999"),
                Just("-5"),
                Just("silent"),
                Just("(")
            ]
            .prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 12, 4, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                proptest::collection::hash_map(any::<String>(), inner, 0..4)
                    .prop_map(|fields| fields.into_iter().collect()),
            ]
        })
    }

    fn body() -> impl Strategy<Value = Value> {
        let name = prop_oneof![
            Just("action_type"),
            Just("session_type"),
            Just("session"),
            Just("command"),
            Just("timeout"),
            Just("check"),
            Just("expect"),
            Just("n_retry"),
            Just("env"),
            Just("cwd"),
            Just("shell"),
            Just("path"),
            Just("content"),
            Just("encoding"),
            Just("stdin"),
            Just("output_limit"),
            Just("startup_timeout"),
            Just("startup_source"),
            Just("is_interactive_quit"),
        ];
        let fields = proptest::collection::vec((name, value()), 0..8);
        fields.prop_map(|fields| {
            let tags = [("action_type", json!("bash")), ("session_type", json!("bash"))];
            tags.into_iter().chain(fields).map(|(name, value)| (name.to_owned(), value)).collect()
        })
    }

    fn target() -> impl Strategy<Value = String> {
        let path = "/(run_in_session|create_session|close_session|execute|read_file|write_file|close|is_alive|ext/run_in_session|ext/files|ext/search|ext/sessions/x/output|[a-z/]{0,9})/?";
        (path, "(\\?[a-z=&%+0-9.-]{0,20})?").prop_map(|(path, query)| path + &query)
    }

    proptest! {
        #[test]
        fn bodies(method in "(POST|GET|PUT|HEAD|x)", target in target(), body in body()) {
            let body = body.to_string();
            requests_are_understood_or_refused(&method, &target, b"application/json", body.as_bytes());
            requests_are_understood_or_refused("POST", "/run_in_session", b"application/json", body.as_bytes());
            requests_are_understood_or_refused("POST", "/execute", b"application/json", body.as_bytes());
        }

        #[test]
        fn bytes(target in target(), kind in any::<Vec<u8>>(), body in any::<Vec<u8>>()) {
            requests_are_understood_or_refused("POST", &target, &kind, &body);
            requests_are_understood_or_refused("POST", &target, b"application/json", &body);
        }
    }
}
