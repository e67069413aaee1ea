//! How plans unfold: from what is known to what is laid down, skipped, failed; the same whatever the order of results.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on may panic; helpers are not marked as tests"
)]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Map, Value, json};
use smallhands_plan_format::draw::{dot, forecast_text, layers, mermaid};
use smallhands_plan_format::expand::{Expansion, Known, PlannedWork, Standing, expand};
use smallhands_plan_format::forecast::{AGENTS, forecast};
use smallhands_plan_format::inputs::from_arguments;
use smallhands_plan_format::loading::load;
use smallhands_plan_format::model::Document;
use smallhands_plan_format::sketch::sketch;

fn document(text: &str) -> Document {
    let loaded = load("p.yaml", text, &mut |_| Err("no files here".into()));
    loaded.document.unwrap_or_else(|| panic!("{}", loaded.problems.render(&loaded.sources)))
}

fn done(outputs: Value) -> Standing {
    Standing::Done(outputs.as_object().cloned().unwrap_or_default())
}

fn known(standings: &[(&str, Standing)]) -> Known {
    standings.iter().map(|(id, standing)| ((*id).to_owned(), standing.clone())).collect()
}

fn unfold(text: &str, inputs: Value, standings: &[(&str, Standing)]) -> Expansion {
    let inputs = inputs.as_object().cloned().unwrap_or_default();
    expand(&document(text), &inputs, &known(standings))
}

/// `id: command <- after` per task laid down, `id: reason` per task skipped.
fn told(expansion: &Expansion) -> (Vec<String>, Vec<String>) {
    let tasks = expansion.tasks.iter().map(|task| {
        let command = match &task.work {
            PlannedWork::Command { command, .. } => command.trim(),
            PlannedWork::Coder => &task.goal,
        };
        let after =
            if task.after.is_empty() { String::new() } else { format!(" <- {}", task.after.join(" ")) };
        format!("{}: {command}{after}", task.id)
    });
    let skipped = expansion.skipped.iter().map(|task| format!("{}: {}", task.id, task.reason));
    (tasks.collect(), skipped.collect())
}

#[track_caller]
fn check(
    text: &str,
    inputs: Value,
    standings: &[(&str, Standing)],
    tasks: &[&str],
    skipped: &[&str],
) -> Expansion {
    let expansion = unfold(text, inputs, standings);
    let (laid_down, left_out) = told(&expansion);
    assert_eq!(
        (laid_down, left_out),
        (tasks.iter().map(|s| (*s).to_owned()).collect(), skipped.iter().map(|s| (*s).to_owned()).collect())
    );
    expansion
}

const DIAMOND: &str = "
inputs: { n: { type: integer, default: 1 } }
tasks:
  - { id: d, command: d, after: [b, c] }
  - { id: b, command: 'b ${{ inputs.n }}', after: a }
  - { id: c, command: c, after: a }
  - { id: a, command: a }
";

#[test]
fn what_needs_no_results_is_laid_down_at_once() {
    check(DIAMOND, json!({"n": 2}), &[], &["a: a", "b: b 2 <- a", "c: c <- a", "d: d <- b c"], &[]);
    let all = ["a", "b", "c", "d"].map(|id| (id, done(json!({}))));
    assert!(check(DIAMOND, json!({"n": 2}), &all, &[], &[]).settled);
    let open = [("a", Standing::Open)];
    assert!(!unfold(DIAMOND, json!({"n": 2}), &open).settled);
}

#[test]
fn the_most_urgent_chain_is_known_from_the_beginning() {
    let text = "tasks: [{ id: a, command: x, expect: 1s }, { id: b, command: x, expect: 30s, after: a }, { id: c, command: x, expect: 5s }]";
    let urgency: Vec<u64> = unfold(text, json!({}), &[]).tasks.iter().map(|task| task.urgency_ms).collect();
    assert_eq!(urgency, [31_000, 30_000, 5_000]);
}

const RESULTS: &str = "
tasks:
  - { id: find, command: find, outputs: { files: list<string>, n: integer } }
  - { id: each, for_each: tasks.find.outputs.files, as: file, command: 'do ${{ file }} ${{ index }}', outputs: { size: integer } }
  - { id: sum, command: 'sum ${{ tasks.each.outputs.size }}' }
  - { id: many, when: tasks.find.outputs.n > 5, command: many }
  - { id: after-many, command: x, after: many }
";

#[test]
fn results_decide_what_comes_next() {
    check(RESULTS, json!({}), &[], &["find: find"], &[]);
    check(RESULTS, json!({}), &[("find", Standing::Open)], &[], &[]);
    let found = ("find", done(json!({"files": ["a b", "c"], "n": 2})));
    let skipped =
        ["many: its condition is false: tasks.find.outputs.n > 5", "after-many: `many` was skipped"];
    check(
        RESULTS,
        json!({}),
        std::slice::from_ref(&found),
        &["each.1: do 'a b' 0 <- find", "each.2: do c 1 <- find"],
        &skipped,
    );
    let each = [found, ("each.1", done(json!({"size": 3}))), ("each.2", done(json!({"size": 4})))];
    check(RESULTS, json!({}), &each, &["sum: sum 3 4 <- each.1 each.2"], &skipped);
}

#[test]
fn nothing_to_repeat_is_done_and_lists_are_empty() {
    let found = ("find", done(json!({"files": [], "n": 9})));
    check(
        RESULTS,
        json!({}),
        &[found],
        &["sum: sum <- find", "many: many <- find", "after-many: x <- many"],
        &[],
    );
}

#[test]
fn failures_stop_what_waits_for_them_unless_it_asks() {
    let text = "
tasks:
  - { id: a, command: a }
  - { id: b, command: b, after: a }
  - { id: c, command: c, when: tasks.a.status == 'failed' }
  - { id: d, command: d, after: a, when: always() }
  - { id: e, command: e, after: c, when: \"tasks.b.status in ['done', 'skipped']\" }
";
    let failed = ("a", Standing::Failed("exit code 1".into()));
    let dropped = ("b", Standing::Skipped("needs a".into()));
    let expansion = check(text, json!({}), &[failed.clone(), dropped.clone()], &["c: c", "d: d"], &[]);
    assert_eq!(expansion.failed, [("a".to_owned(), "exit code 1".to_owned())]);
    let open = [failed.clone(), dropped.clone(), ("c", done(json!({}))), ("d", done(json!({})))];
    check(text, json!({}), &open, &["e: e <- c"], &[]);
    let good = [("a", done(json!({}))), ("b", done(json!({})))];
    let skipped = ["c: its condition is false: tasks.a.status == 'failed'", "e: `c` was skipped"];
    check(text, json!({}), &good, &["d: d <- a"], &skipped);
}

#[test]
fn plans_within_plans_have_their_own_names() {
    let text = "
inputs: { names: list<string> }
tasks:
  - { id: first, command: first, outputs: { v: string } }
  - { id: part, for_each: inputs.names, use: inner, with: { name: '${{ item }}', v: '${{ tasks.first.outputs.v }}' } }
  - { id: end, command: 'end ${{ tasks.part.outputs.all }}' }
plans:
  inner:
    inputs: { name: string, v: string, x: { type: integer, default: 5 } }
    tasks:
      - { id: one, command: 'one ${{ inputs.name }} ${{ inputs.v }} ${{ inputs.x }}' }
      - { id: two, command: 'two', after: one }
    outputs: { all: '${{ inputs.name }}:${{ tasks.two.outputs.stdout }}' }
";
    let names = json!({"names": ["p", "q"]});
    check(text, names.clone(), &[], &["first: first"], &[]);
    let first = ("first", done(json!({"v": "1.0"})));
    check(
        text,
        names.clone(),
        std::slice::from_ref(&first),
        &[
            "part.1/one: one p 1.0 5 <- first",
            "part.1/two: two <- part.1/one",
            "part.2/one: one q 1.0 5 <- first",
            "part.2/two: two <- part.2/one",
        ],
        &[],
    );
    let inner = ["part.1/one", "part.2/one", "part.1/two", "part.2/two"];
    let mut all: Vec<(&str, Standing)> = inner.map(|id| (id, done(json!({"stdout": "out"})))).into();
    all.push(first);
    let expansion = unfold(text, names, &all);
    assert_eq!(told(&expansion).0, ["end: end p:out q:out <- part.1/one part.1/two part.2/one part.2/two"]);
}

#[test]
fn what_cannot_be_computed_fails_with_its_reason() {
    let text = "tasks: [{ id: a, command: a, outputs: { v: any } }, { id: b, for_each: tasks.a.outputs.v, command: b }, { id: c, command: c, after: b }]";
    let expansion = unfold(text, json!({}), &[("a", done(json!({"v": 3})))]);
    assert_eq!(expansion.failed.len(), 1);
    assert!(expansion.failed[0].1.contains("is not a list but integer"), "{:?}", expansion.failed);
    assert!(told(&expansion).1[1].starts_with("c: `b` failed"));
    assert!(expansion.settled);
    let many: Vec<i32> = (0..2000).collect();
    let expansion = unfold(text, json!({}), &[("a", done(json!({"v": many})))]);
    assert!(expansion.failed[0].1.contains("at most 1000"), "{:?}", expansion.failed);
}

#[test]
fn what_is_on_record_as_not_done_stays_so() {
    let text = "
tasks:
  - { id: a, command: a, outputs: { v: any } }
  - { id: skipped, for_each: [1, 2], command: b, when: tasks.a.outputs.v == 0 }
  - { id: after, for_each: [1, 2], command: c, after: skipped }
  - { id: broken, command: 'd ${{ tasks.a.outputs.v[9] }}' }
  - { id: asks, command: e, when: tasks.after.status == 'skipped' }
";
    let mut standings = known(&[("a", done(json!({"v": [1]})))]);
    let document = document(text);
    let first = expand(&document, &Map::new(), &standings);
    assert_eq!(first.failed.len(), 1);
    let (tasks, skipped) = told(&first);
    assert_eq!(tasks, ["asks: e"]);
    assert_eq!(skipped.len(), 3, "{skipped:?}");
    for task in &first.skipped {
        standings.insert(task.id.clone(), Standing::Skipped(task.reason.clone()));
    }
    standings.insert("asks".into(), done(json!({})));
    let second = expand(&document, &Map::new(), &standings);
    assert_eq!(told(&second), (vec![], vec![]));
    assert!(second.settled);
    assert_eq!(second.failed, first.failed, "a failure stays one when it is on record");
}

#[test]
fn inputs_are_read_by_type_and_completed() {
    let document = document(
        "inputs: { n: integer, mode: { type: string, default: fast, choices: [fast, slow] } }\ntasks: [{ id: a, command: a }]",
    );
    let plan = &document.plans[0];
    let read = |arguments: &[(&str, &str)]| {
        let arguments: Vec<_> = arguments.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        from_arguments(plan, &arguments)
    };
    assert_eq!(Value::Object(read(&[("n", "3")]).unwrap()), json!({"n": 3, "mode": "fast"}));
    assert_eq!(read(&[]).unwrap_err(), ["the input `n` (integer) is missing"]);
    let wrong = read(&[("n", "x"), ("mdoe", "fast"), ("mode", "warp")]).unwrap_err();
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    assert!(
        wrong[1].contains("did you mean `mode`?") && wrong[3].contains("may only be one of"),
        "{wrong:?}"
    );
}

#[test]
fn drawings_and_forecasts() {
    let document = document(RESULTS);
    let tasks = sketch(&document, &Map::new());
    let text = layers(&tasks, 80);
    for part in [
        "find",
        "each ×?",
        "for each of tasks.find.outputs.files",
        "when tasks.find.outputs.n > 5",
        "after find",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    assert!(mermaid(&tasks).contains("t1 --> t2") && mermaid(&tasks).contains("t1 -.-> t"));
    assert!(dot(&tasks).starts_with("digraph plan {") && dot(&tasks).contains("t1 -> t2;"));
    let forecast = forecast(&tasks, &AGENTS);
    assert_eq!((forecast.tasks, forecast.uncertain, forecast.guessed), (5, 2, 5));
    assert_eq!(forecast.critical_path, ["find", "each.*", "sum"]);
    assert_eq!((forecast.critical_path_ms, forecast.work_ms), (30_000, 50_000));
    assert_eq!(&forecast.makespan_ms[..2], [(1, 50_000), (2, 30_000)]);
    assert!(forecast_text(&forecast).contains("at least 5"), "{}", forecast_text(&forecast));
}

#[test]
fn locks_and_budgets_are_part_of_the_forecast() {
    let text = "
tasks:
  - { id: a, for_each: [1, 2, 3], command: a, locks: db, expect: 10s }
  - { id: b, goal: think, expect: 5s, budget: { usd: 0.5 }, retry: { attempts: 3 }, after: a }
";
    let tasks = sketch(&document(text), &Map::new());
    let forecast = forecast(&tasks, &[1, 8]);
    assert_eq!(forecast.makespan_ms, [(1, 35_000), (8, 35_000)], "the lock lets one at a time");
    assert_eq!(forecast.critical_path_ms, 15_000);
    assert_eq!(forecast.most_usd_micros, Some(1_500_000));
    assert!(layers(&tasks, 80).contains("a ×3") && layers(&tasks, 80).contains("alone on db"));
}

/// Plays a plan to its end; `choose` decides which open task ends next.
fn play(
    document: &Document,
    choose: &mut dyn FnMut(usize) -> usize,
) -> (BTreeMap<String, String>, Vec<String>) {
    let mut known = Known::new();
    let mut commands = BTreeMap::new();
    for _ in 0..1000 {
        let expansion = expand(document, &Map::new(), &known);
        for task in &expansion.tasks {
            if let PlannedWork::Command { command, .. } = &task.work {
                commands.insert(task.id.clone(), command.clone());
            }
            known.insert(task.id.clone(), Standing::Open);
        }
        for task in &expansion.skipped {
            known.insert(task.id.clone(), Standing::Skipped(task.reason.clone()));
        }
        if expansion.settled {
            let skipped = known.iter().filter(|(_, s)| matches!(s, Standing::Skipped(_)));
            return (commands, skipped.map(|(id, _)| id.clone()).collect());
        }
        let open: Vec<String> =
            known.iter().filter(|(_, s)| **s == Standing::Open).map(|(id, _)| id.clone()).collect();
        if open.is_empty() {
            continue;
        }
        let ended = &open[choose(open.len()) % open.len()];
        let outputs = json!({"files": ["x", "y", "z"], "n": 9, "size": ended.len(), "stdout": "s"});
        known.insert(ended.clone(), done(outputs));
    }
    panic!("the plan never settles");
}

proptest! {
    #[test]
    fn the_order_of_results_does_not_matter(choices in prop::collection::vec(0usize..8, 40)) {
        let document = document(RESULTS);
        let mut next = choices.iter().copied().cycle();
        let shuffled = play(&document, &mut |_| next.next().unwrap_or(0));
        prop_assert_eq!(shuffled, play(&document, &mut |_| 0));
    }
}
