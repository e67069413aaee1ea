//! What is published: the schema is the one of the tables and agrees with the checks, the reference in the
//! documentation is up to date, and the examples are good plans.
//!
//! `UPDATE_EXPECTED=1 cargo test` writes the schema and the reference anew.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on may panic; helpers are not marked as tests"
)]

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use smallhands_plan_format::diagnostic::Diagnostics;
use smallhands_plan_format::draw::layers;
use smallhands_plan_format::loading::load;
use smallhands_plan_format::shape::schema::schema;
use smallhands_plan_format::shape::{PLAN, Takes, check, reference};
use smallhands_plan_format::sketch::sketch;
use smallhands_plan_format::source::Source;
use smallhands_plan_format::syntax::parse;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn updates() -> bool {
    std::env::var_os("UPDATE_EXPECTED").is_some()
}

#[test]
fn the_published_schema_is_that_of_the_tables() {
    let path = root().join("docs/plan.schema.json");
    let text = format!("{}\n", serde_json::to_string_pretty(&schema()).unwrap());
    if updates() {
        std::fs::write(&path, &text).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), text);
}

#[test]
fn the_reference_is_that_of_the_tables() {
    const BEGIN: &str = "<!-- reference: generated -->\n";
    let path = root().join("docs/plan-files.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, _) = text.split_once(BEGIN).unwrap();
    let expected = format!("{before}{BEGIN}\n{}", reference::markdown().trim_end().to_owned() + "\n");
    if updates() {
        std::fs::write(&path, &expected).unwrap();
    }
    assert_eq!(std::fs::read_to_string(path).unwrap(), expected);
}

/// As much of JSON Schema as ours uses.
fn fits(value: &Value, schema: &Value, all: &Value) -> bool {
    let Some(rules) = schema.as_object() else { return true };
    rules.iter().all(|(rule, wanted)| match rule.as_str() {
        "$ref" => fits(value, all.pointer(wanted.as_str().unwrap().trim_start_matches('#')).unwrap(), all),
        "anyOf" => wanted.as_array().unwrap().iter().any(|option| fits(value, option, all)),
        "enum" => wanted.as_array().unwrap().contains(value),
        "type" => match wanted {
            Value::Array(types) => types.iter().any(|kind| is_type(value, kind)),
            kind => is_type(value, kind),
        },
        "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "exclusiveMinimum" => value.as_f64().is_none_or(|number| number > wanted.as_f64().unwrap()),
        "pattern" => value
            .as_str()
            .is_none_or(|text| regex::Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|item| fits(item, wanted, all))),
        "required" => value.as_object().is_none_or(|fields| {
            wanted.as_array().unwrap().iter().all(|name| fields.contains_key(name.as_str().unwrap()))
        }),
        "propertyNames" => {
            value.as_object().is_none_or(|fields| fields.keys().all(|name| fits(&json!(name), wanted, all)))
        }
        "properties" => value.as_object().is_none_or(|fields| {
            fields.iter().all(|(name, field)| wanted.get(name).is_none_or(|rule| fits(field, rule, all)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|fields| {
            let known = rules.get("properties").and_then(Value::as_object);
            let others =
                fields.iter().filter(|(name, _)| known.is_none_or(|known| !known.contains_key(*name)));
            others.into_iter().all(|(_, field)| *wanted != json!(false) && fits(field, wanted, all))
        }),
        "$schema" | "title" | "description" | "$defs" => true,
        other => panic!("the schema uses `{other}`, which this test does not know"),
    })
}

fn is_type(value: &Value, kind: &Value) -> bool {
    match kind.as_str().unwrap() {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other}"),
    }
}

/// Plans and no plans, about every field.
fn cases() -> Vec<Value> {
    let task = |field: &str, value: Value| {
        let mut task = json!({"id": "a", "command": "x"});
        task[field] = value;
        json!({"tasks": [task]})
    };
    let mut cases = vec![
        json!({}),
        json!([]),
        json!({"tasks": []}),
        json!({"tasks": {}}),
        json!({"version": 1, "tasks": [], "name": "n", "checks": "c", "description": true}),
        json!({"version": 2, "tasks": []}),
        json!({"tasks": [], "inputs": {"a": "string", "b": {"type": "list<integer>", "default": [1]}}}),
        json!({"tasks": [], "inputs": {"a": "text"}}),
        json!({"tasks": [], "inputs": {"a b": "string"}}),
        json!({"tasks": [], "inputs": {"a": {"default": 1}}}),
        json!({"tasks": [], "outputs": {"a": {"b": ["c"]}}, "plans": {"p": {"tasks": []}}}),
        json!({"tasks": [], "plans": {"p": {}}}),
        json!({"tasks": [], "defaults": {"timeout": "1h", "env": {"A": "b"}}}),
        json!({"tasks": [], "defaults": {"id": "x"}}),
        json!({"tasks": [{"id": "a"}, {"command": "x"}]}),
    ];
    let fields = [
        ("id", vec![json!("b"), json!("7"), json!(7), json!("a b"), json!("x".repeat(61))]),
        ("role", vec![json!("coder"), json!("dancer"), json!(1)]),
        ("command", vec![json!(true), json!(["x"]), json!(1.5)]),
        ("after", vec![json!("b"), json!(["b", "c"]), json!([["b"]]), json!([1])]),
        ("when", vec![json!("true"), json!(true), json!([])]),
        ("for_each", vec![json!("inputs.x"), json!([1, {"a": 2}]), json!({"a": 1})]),
        (
            "outputs",
            vec![
                json!({"a": "string"}),
                json!({"a": {"type": "any", "from": "stdout"}}),
                json!({"a": {}}),
                json!({"a": {"type": "any", "from": "x"}}),
            ],
        ),
        (
            "timeout",
            vec![json!("90s"), json!("1h30m"), json!("1h 30m"), json!("90"), json!(90), json!("soon")],
        ),
        (
            "resources",
            vec![
                json!({"cpu": 2, "memory": "1GB", "gpu": 1}),
                json!({"cpu": "250m"}),
                json!({"cpu": "two"}),
                json!({"memory": 5}),
                json!({"gpu": -1}),
            ],
        ),
        (
            "retry",
            vec![
                json!({"attempts": 3, "on": "failed"}),
                json!({"attempts": 0}),
                json!({"on": ["x"]}),
                json!({"backoff": "2s"}),
            ],
        ),
        ("budget", vec![json!({"usd": 0.5, "tokens": 10}), json!({"usd": -1}), json!({"tokens": 0.5})]),
        ("env", vec![json!({"A": "b", "B": 1}), json!({"1A": "b"}), json!("A=b")]),
        ("owns", vec![json!("src/**"), json!(["a", "b"]), json!({}), json!("/etc"), json!(7)]),
        ("approval", vec![json!(true), json!(false), json!("yes"), json!(1)]),
        ("effect", vec![json!("once"), json!("twice"), json!(true)]),
        ("priority", vec![json!(5), json!(-1001), json!("high")]),
        ("nonsense", vec![json!(1)]),
    ];
    cases.extend(
        fields
            .into_iter()
            .flat_map(|(field, values)| values.into_iter().map(move |value| (field, value)))
            .map(|(field, value)| task(field, value)),
    );
    cases
}

#[test]
fn schema_and_checks_agree() {
    let all = schema();
    for case in cases() {
        let mut found = Diagnostics::default();
        let node = parse(&Source::new("p.json", &case.to_string()), 0, &mut found).unwrap();
        let good = check(&node, &Takes::Object(&PLAN), &mut found);
        assert_eq!(good, found.is_empty(), "{case}");
        assert_eq!(fits(&case, &all, &all), good, "the schema and the checks differ on {case}: {found:?}");
    }
}

#[test]
fn the_examples_are_good_plans() {
    let folder = root().join("examples/plans");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        let name = path.display().to_string();
        let loaded =
            load(&name, &text, &mut |path| std::fs::read_to_string(path).map_err(|error| error.to_string()));
        let document =
            loaded.document.unwrap_or_else(|| panic!("{}", loaded.problems.render(&loaded.sources)));
        assert!(!layers(&sketch(&document, &Map::new()), 100).is_empty());
        let node = parse(&Source::new(name, &text), 0, &mut Diagnostics::default()).unwrap();
        assert!(fits(&node.to_value(), &schema(), &schema()), "{}", path.display());
        count += 1;
    }
    assert!(count >= 4);
}
