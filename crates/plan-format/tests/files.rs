//! Plans in several files: found beside each other, read once, and their mistakes told where they are.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on may panic; helpers are not marked as tests"
)]

use std::collections::BTreeMap;

use smallhands_plan_format::loading::{Loaded, load};

/// Loads the first file; the others are there to be asked for. Also tells how often each was.
fn loaded(files: &[(&str, &str)]) -> (Loaded, BTreeMap<String, usize>) {
    let mut asked = BTreeMap::new();
    let loaded = load(files[0].0, files[0].1, &mut |path| {
        *asked.entry(path.to_owned()).or_insert(0) += 1;
        let found = files.iter().find(|(name, _)| *name == path);
        found.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    });
    (loaded, asked)
}

fn places(loaded: &Loaded) -> Vec<String> {
    let located = loaded.problems.located(&loaded.sources);
    located.iter().map(|at| format!("{}:{}:{} {}", at.file, at.line, at.column, at.message)).collect()
}

#[test]
fn files_are_found_beside_the_one_that_uses_them_and_read_once() {
    let (loaded, asked) = loaded(&[
        (
            "a/plan.yaml",
            "tasks: [{ id: x, use: b/one.yaml }, { id: y, use: ./b/one.yaml }, { id: z, use: ../two.json }]",
        ),
        ("a/b/one.yaml", "tasks: [{ id: i, use: ../../two.json }]"),
        ("two.json", "{\"tasks\": [{\"id\": \"j\", \"command\": \"make\"}]}"),
    ]);
    let document = loaded.document.unwrap_or_else(|| panic!("{}", loaded.problems.render(&loaded.sources)));
    assert_eq!(document.plans.len(), 3);
    assert_eq!(asked, [("a/b/one.yaml".to_owned(), 1), ("two.json".to_owned(), 1)].into());
}

#[test]
fn mistakes_are_told_in_the_file_that_has_them() {
    let (loaded, _) = loaded(&[
        (
            "plan.yaml",
            "tasks:\n  - id: a\n    use: ./one.yaml\n    with: { n: text }\n  - id: b\n    comand: x\n",
        ),
        ("one.yaml", "inputs: { n: integer }\ntasks:\n  - id: c\n    command: echo ${{ inputs.m }}\n"),
    ]);
    assert_eq!(
        places(&loaded),
        [
            "plan.yaml:4:13 the input `n` is integer, but this is string",
            "plan.yaml:6:5 a task has no field `comand`",
            "one.yaml:4:23 there is no input `m`",
        ]
    );
}

#[test]
fn a_file_that_is_no_plan_is_told_once() {
    let (loaded, asked) = loaded(&[
        ("plan.yaml", "tasks: [{ id: a, use: ./one.yaml }, { id: b, use: ./one.yaml }]"),
        ("one.yaml", "tasks: [\n"),
    ]);
    assert_eq!(asked.len(), 1);
    let places = places(&loaded);
    assert_eq!(places.len(), 1, "{places:?}");
    assert!(places[0].starts_with("one.yaml:"), "{places:?}");
}

#[test]
fn files_that_use_each_other_are_refused() {
    let (loaded, _) = loaded(&[
        ("plan.yaml", "tasks: [{ id: a, use: ./one.yaml }]"),
        ("one.yaml", "tasks: [{ id: b, use: ./two.yaml }]"),
        ("two.yaml", "tasks: [{ id: c, use: ./one.yaml }]"),
    ]);
    assert_eq!(places(&loaded), ["two.yaml:1:23 the plan uses itself: one.yaml → two.yaml → one.yaml"]);
}

#[test]
fn a_chain_of_plans_has_an_end() {
    let names: Vec<String> = (0..40).map(|n| format!("p{n}.yaml")).collect();
    let texts: Vec<String> = (1..41).map(|n| format!("tasks: [{{ id: a, use: ./p{n}.yaml }}]")).collect();
    let files: Vec<(&str, &str)> =
        names.iter().map(String::as_str).zip(texts.iter().map(String::as_str)).collect();
    let (loaded, _) = loaded(&files);
    assert!(places(&loaded)[0].contains("more than 16 deep"), "{:?}", places(&loaded));
}

#[test]
fn plans_see_those_of_the_plans_around_them() {
    let text = "
tasks: [{ id: a, use: outer }]
plans:
  shared: { tasks: [{ id: s, command: make }] }
  outer:
    tasks: [{ id: b, use: inner }, { id: c, use: shared }]
    plans:
      inner: { tasks: [{ id: d, use: shared }] }
";
    let (loaded, _) = loaded(&[("plan.yaml", text)]);
    assert!(loaded.document.is_some(), "{:?}", places(&loaded));
    let wrong = text.replace("[{ id: a, use: outer }]", "[{ id: a, use: inner }]");
    let (loaded, _) = self::loaded(&[("plan.yaml", &wrong)]);
    assert_eq!(places(&loaded), ["plan.yaml:2:23 there is no plan `inner`"]);
}

#[test]
fn yaml_and_json_are_the_same_plan() {
    let yaml = "
version: 1
inputs: { n: integer }
tasks:
  - id: a
    command: |
      make ${{ inputs.n }}
    outputs: { v: string }
    retry: { attempts: 2, on: [failed] }
  - { id: b, goal: 'use ${{ tasks.a.outputs.v }}', when: inputs.n > 1 }
";
    let json = r#"{"version": 1, "inputs": {"n": "integer"}, "tasks": [
        {"id": "a", "command": "make ${{ inputs.n }}\n", "outputs": {"v": "string"}, "retry": {"attempts": 2, "on": ["failed"]}},
        {"id": "b", "goal": "use ${{ tasks.a.outputs.v }}", "when": "inputs.n > 1"}]}"#;
    let facts = |name: &str, text: &str| {
        let (loaded, _) = loaded(&[(name, text)]);
        let document = loaded.document.unwrap();
        let steps = document.plans[0].steps.iter().map(|step| {
            let texts: Vec<String> =
                step.expressions().iter().map(|expression| expression.to_string()).collect();
            let goal = step.goal.as_ref().map(|goal| goal.text.clone());
            (step.id.clone(), goal, step.waits_for.clone(), step.bounds.clone(), step.outputs.clone(), texts)
        });
        steps.collect::<Vec<_>>()
    };
    assert_eq!(facts("p.yaml", yaml), facts("p.json", json));
}
