//! The expression language: what expressions come to, what is refused, and that nothing makes it panic.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic; helpers are not marked as tests")]

use proptest::prelude::*;
use serde_json::{Value, json};
use smallhands_plan_format::expression::evaluate::{Facts, evaluate};
use smallhands_plan_format::expression::{Expression, parse};
use smallhands_plan_format::source::Span;

/// A small world.
struct World;

impl Facts for World {
    fn input(&self, name: &str) -> Option<Value> {
        json!({"yes": true, "no": false, "n": 3, "half": 0.5, "name": "main", "list": ["a", "b"], "o": {"k-1": [1]}})
            .get(name)
            .cloned()
    }

    fn status(&self, task: &str) -> Option<&'static str> {
        match task {
            "build" => Some("done"),
            "lint-all" => Some("failed"),
            _ => None,
        }
    }

    fn output(&self, task: &str, name: &str) -> Option<Value> {
        (task == "build").then(|| if name == "version" { json!("1.2") } else { Value::Null })
    }

    fn variable(&self, name: &str) -> Option<Value> {
        (name == "item").then(|| json!({"id": 7}))
    }
}

fn read(text: &str) -> Result<Expression, String> {
    parse(text, &|range| Span::new(0, range.start, range.end)).map_err(|problem| problem.message)
}

fn value(text: &str) -> Result<Value, String> {
    evaluate(&read(text)?, &World).map_err(|problem| problem.message)
}

#[test]
fn what_expressions_come_to() {
    let cases = [
        ("1 < 2", json!(true)),
        ("-1 < 0 and not inputs.no", json!(true)),
        ("inputs.no or inputs.yes and inputs.no", json!(false)),
        ("(inputs.yes or inputs.no) and not (1 == 2)", json!(true)),
        ("1 == 1.0", json!(true)),
        ("inputs.half >= 0.5", json!(true)),
        ("'a' < 'b'", json!(true)),
        ("inputs.name == \"main\"", json!(true)),
        ("inputs.name != 'ma\\'in'", json!(true)),
        ("'ai' in inputs.name", json!(true)),
        ("'c' not in inputs.list", json!(true)),
        ("3 in [1, 2, 3]", json!(true)),
        ("inputs.list[1]", json!("b")),
        ("inputs.list[-1]", json!("b")),
        ("inputs.o.k-1[0]", json!(1)),
        ("inputs.o['k-1']", json!([1])),
        ("item.id", json!(7)),
        ("tasks.build.status == 'done'", json!(true)),
        ("tasks.lint-all.status in ['failed', 'skipped']", json!(true)),
        ("tasks.build.outputs.version", json!("1.2")),
        ("default(tasks.build.outputs.nothing, 'x')", json!("x")),
        ("length('größe')", json!(5)),
        ("length(inputs.list)", json!(2)),
        ("join(inputs.list, ', ')", json!("a, b")),
        ("split('a:b', ':')", json!(["a", "b"])),
        ("lines('a\\n\\nb')", json!(["a", "b"])),
        ("range(3)", json!([0, 1, 2])),
        ("json('{\"a\": [1]}').a[0]", json!(1)),
        ("starts_with(inputs.name, 'ma') and ends_with(inputs.name, 'in')", json!(true)),
        ("always()", json!(true)),
        ("[]", json!([])),
        ("null == tasks.build.outputs.nothing", json!(true)),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), Ok(expected), "{text}");
    }
}

#[test]
fn what_has_no_value() {
    let cases = [
        ("", "a value is expected here"),
        ("1 <", "a value is expected here"),
        ("1 2", "unexpected `2`"),
        ("a && b", "`&&` means nothing here"),
        ("!a", "`!` means nothing here"),
        ("a = b", "`=` means nothing here"),
        ("'open", "the text has no end"),
        ("1.2.3", "`1.2.3` is not a number"),
        ("-'a'", "`-` may only stand before a number"),
        ("inputs", "`.` is expected here"),
        ("tasks.build.result", "a task has no `result`"),
        ("f(1", "`,` is expected here"),
        ("[1, 2", "`,` is expected here"),
        ("a.", "a name after `.` is expected here"),
        ("and", "a value is expected here, not `and`"),
        ("inputs.unknown", "`inputs.unknown` is not known here"),
        ("tasks.later.status == 'done'", "`tasks.later.status` is not known here"),
        ("nobody", "`nobody` is not known here"),
        ("inputs.n and true", "`inputs.n` is an integer, not true or false"),
        ("not 'x'", "`'x'` is a string, not true or false"),
        ("'a' < 1", "a string and an integer have no order"),
        ("1 in 2", "nothing can be `in` an integer"),
        ("inputs.list[2]", "there is no item 2; the list has 2"),
        ("item.name", "there is no `name` in it"),
        ("inputs.n.x", "an integer has no part `x`"),
        ("length(1)", "`length` takes text or a list here, not an integer"),
        ("length()", "`length` takes 1 values, not 0"),
        ("shout('a')", "there is no function `shout`"),
        ("range(5000)", "range(5000) is not between 0 and 1000"),
        ("json('{')", "`{` is not JSON"),
        ("split('a', '')", "nothing to split at"),
    ];
    for (text, expected) in cases {
        assert_eq!(value(text), Err(expected.to_owned()), "{text}");
    }
    assert!(read(&"(".repeat(100)).unwrap_err().contains("nested too deeply"));
    assert!(read(&"x".repeat(5000)).unwrap_err().contains("longer than"));
}

#[test]
fn problems_stand_where_they_are() {
    for (text, part) in [("1 == (2 3)", "3"), ("inputs.n and", ""), ("a.b &c", "&"), ("x(1,, 2)", ",")] {
        let problem = parse(text, &|range| Span::new(0, range.start, range.end)).unwrap_err();
        let place = &text[problem.span.start as usize..problem.span.end as usize];
        assert_eq!(place, part, "{text}: {problem:?}");
    }
}

/// Expressions of every kind, not all of which have a value.
fn expressions() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("null".to_owned()),
        (-999i64..999).prop_map(|number| number.to_string()),
        "[a-z ']{0,6}".prop_map(|text| format!("'{}'", text.replace('\'', "\\'"))),
        Just("inputs.n".to_owned()),
        Just("inputs.o.k-1".to_owned()),
        Just("tasks.lint-all.status".to_owned()),
        Just("tasks.build.outputs.version".to_owned()),
        Just("item".to_owned()),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let operators = prop::sample::select(vec!["and", "or", "==", "!=", "<", ">=", "in", "not in"]);
        prop_oneof![
            (inner.clone(), operators, inner.clone()).prop_map(|(l, o, r)| format!("({l}) {o} ({r})")),
            inner.clone().prop_map(|part| format!("not ({part})")),
            prop::collection::vec(inner.clone(), 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
            (inner.clone(), inner.clone()).prop_map(|(of, key)| format!("({of})[{key}]")),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("default({})", items.join(", "))),
        ]
    })
}

fn without_places(mut expression: Expression) -> String {
    expression.span = Span::default();
    expression.to_string()
}

proptest! {
    #[test]
    fn text_of_an_expression_means_the_same(text in expressions()) {
        let first = read(&text).unwrap();
        let again = read(&first.to_string()).unwrap();
        prop_assert_eq!(without_places(first.clone()), without_places(again.clone()));
        let values = (evaluate(&first, &World).ok(), evaluate(&again, &World).ok());
        prop_assert_eq!(&values.0, &values.1);
    }

    #[test]
    fn no_text_makes_it_panic(text in "[a-z0-9.'\"()\\[\\], &|!=<>äß-]{0,60}") {
        let _ = value(&text);
    }
}
