//! What types expressions have before anything runs, and which can never work.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on may panic; helpers are not marked as tests"
)]

use smallhands_plan_format::expression::infer::{Scope, expect_truth, infer};
use smallhands_plan_format::expression::parse;
use smallhands_plan_format::source::Span;
use smallhands_plan_format::value_type::ValueType;

/// Names with types, as a step of a plan sees them.
struct Names;

const INPUTS: [(&str, &str); 6] = [
    ("flag", "boolean"),
    ("count", "integer"),
    ("share", "number"),
    ("name", "string"),
    ("names", "list<string>"),
    ("thing", "any"),
];
const OUTPUTS: [(&str, &str); 3] =
    [("version", "string"), ("sizes", "list<list<integer>>"), ("about", "object")];

fn find(table: &[(&str, &str)], name: &str) -> Option<ValueType> {
    table.iter().find(|(known, _)| *known == name).map(|(_, kind)| ValueType::parse(kind).unwrap())
}

fn names(table: &[(&str, &str)]) -> Vec<String> {
    table.iter().map(|(name, _)| (*name).to_owned()).collect()
}

impl Scope for Names {
    fn input(&self, name: &str) -> Option<ValueType> {
        find(&INPUTS, name)
    }

    fn inputs(&self) -> Vec<String> {
        names(&INPUTS)
    }

    fn has_task(&self, task: &str) -> bool {
        task == "build"
    }

    fn tasks(&self) -> Vec<String> {
        vec!["build".into()]
    }

    fn output(&self, _: &str, name: &str) -> Option<ValueType> {
        find(&OUTPUTS, name)
    }

    fn outputs(&self, _: &str) -> Vec<String> {
        names(&OUTPUTS)
    }

    fn variable(&self, name: &str) -> Option<ValueType> {
        find(&[("item", "string"), ("index", "integer")], name)
    }

    fn variables(&self) -> Vec<String> {
        vec!["item".into(), "index".into()]
    }
}

/// The type of an expression, or everything that is wrong with it.
fn told(text: &str) -> String {
    let expression = parse(text, &|range| Span::new(0, range.start, range.end))
        .unwrap_or_else(|p| panic!("{text}: {p:?}"));
    let mut problems = Vec::new();
    let kind = infer(&expression, &Names, &mut problems);
    if problems.is_empty() {
        return kind.to_string();
    }
    let lines = problems.iter().map(|problem| match &problem.help {
        Some(help) => format!("{} ({help})", problem.message),
        None => problem.message.clone(),
    });
    lines.collect::<Vec<_>>().join("; ")
}

#[test]
fn types_of_expressions() {
    for (text, expected) in [
        ("1", "integer"),
        ("-1.5", "number"),
        ("'a'", "string"),
        ("null", "any"),
        ("[]", "list"),
        ("[1, 2]", "list<integer>"),
        ("[1, 2.5]", "list<number>"),
        ("[1, 'a']", "list"),
        ("inputs.names", "list<string>"),
        ("inputs.names[0]", "string"),
        ("inputs.thing.a.b[0]", "any"),
        ("tasks.build.outputs.sizes[0][1]", "integer"),
        ("tasks.build.outputs.about.x", "any"),
        ("tasks.build.status", "string"),
        ("item", "string"),
        ("index", "integer"),
        ("inputs.count > 1 and not inputs.flag", "boolean"),
        ("inputs.count == inputs.share", "boolean"),
        ("inputs.thing < 3", "boolean"),
        ("'x' in inputs.names", "boolean"),
        ("'x' in inputs.name", "boolean"),
        ("length(inputs.names)", "integer"),
        ("split(inputs.name, ',')", "list<string>"),
        ("range(inputs.count)", "list<integer>"),
        ("default(inputs.thing, 1)", "any"),
        ("join(tasks.build.outputs.sizes, ' ')", "string"),
        ("always()", "boolean"),
        ("json('1')", "any"),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn what_can_never_work() {
    for (text, expected) in [
        ("inputs.nam", "there is no input `nam` (did you mean `name`?)"),
        ("tasks.biuld.status", "there is no task `biuld` (did you mean `build`?)"),
        ("tasks.build.outputs.verson", "task `build` has no output `verson` (did you mean `version`?)"),
        ("itm", "`itm` is not known here (did you mean `item`?)"),
        ("lenth('a')", "there is no function `lenth` (did you mean `length`?)"),
        ("length('a', 'b')", "`length` takes 1 values, not 2"),
        ("length(inputs.count)", "`length` takes text or a list here, not an integer"),
        ("join(inputs.name, ',')", "`join` takes a list here, not a string"),
        ("range(inputs.share)", "`range` takes a whole number here, not a number"),
        ("inputs.count == 'a'", "an integer `==` a string can never hold"),
        ("inputs.flag < true", "a boolean `<` a boolean can never hold"),
        ("inputs.names > 1", "a list<string> `>` an integer can never hold"),
        ("1 in inputs.names", "an integer `in` a list<string> can never hold"),
        ("1 not in inputs.name", "an integer `not in` a string can never hold"),
        ("1 in inputs.count", "an integer `in` an integer can never hold"),
        ("inputs.count.x", "an integer has no such part"),
        ("inputs.names.first", "a list<string> has no such part"),
        ("inputs.name[0]", "a string has no such part"),
        (
            "not inputs.name",
            "`inputs.name` is a string, not true or false (compare it with something, such as `== 'x'`)",
        ),
        ("tasks.build.status == 'don'", "`don` is not a status (did you mean `done`?)"),
        ("tasks.build.status in ['done', 'skiped']", "`skiped` is not a status (did you mean `skipped`?)"),
    ] {
        assert_eq!(told(text), expected, "{text}");
    }
}

#[test]
fn every_mistake_of_an_expression_is_told() {
    let said = told("inputs.nam == 1 and length(inputs.count) > 'a' or itm");
    assert_eq!(said.matches("; ").count(), 3, "{said}");
}

#[test]
fn conditions_are_true_or_false() {
    for (text, good) in
        [("inputs.flag", true), ("inputs.thing", true), ("inputs.count", false), ("'a'", false)]
    {
        let expression = parse(text, &|range| Span::new(0, range.start, range.end)).unwrap();
        let mut problems = Vec::new();
        expect_truth(&expression, &Names, &mut problems);
        assert_eq!(problems.is_empty(), good, "{text}: {problems:?}");
    }
}
