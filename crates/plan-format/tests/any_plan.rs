//! Properties of any plan: it unfolds to its end with everything in order, forecasts are consistent, and no text makes
//! the reader panic or stay silent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on may panic; helpers are not marked as tests"
)]

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value};
use smallhands_plan_format::draw::{dot, forecast_text, layers, mermaid};
use smallhands_plan_format::expand::{Known, Standing, expand};
use smallhands_plan_format::forecast::forecast;
use smallhands_plan_format::loading::load;
use smallhands_plan_format::model::Document;
use smallhands_plan_format::sketch::sketch;

/// A step of a random plan: the earlier steps it waits for, its kind, how long it takes.
#[derive(Debug, Clone)]
struct Drawn {
    after: Vec<usize>,
    kind: usize,
    seconds: u64,
}

fn drawn() -> impl Strategy<Value = Vec<Drawn>> {
    let step = (prop::collection::vec(0usize..20, 0..3), 0usize..5, 1u64..60)
        .prop_map(|(after, kind, seconds)| Drawn { after, kind, seconds });
    prop::collection::vec(step, 1..16)
}

/// The text of a random plan. Steps wait only for earlier ones.
fn text(steps: &[Drawn]) -> String {
    let mut out = String::from("tasks:\n");
    for (index, step) in steps.iter().enumerate() {
        let after: BTreeSet<usize> =
            step.after.iter().filter(|_| index > 0).map(|before| before % index.max(1)).collect();
        let names: Vec<String> = after.iter().map(|before| format!("t{before}")).collect();
        let first = after.first().map(|before| format!("tasks.t{before}"));
        out.push_str(&format!("  - id: t{index}\n    after: [{}]\n", names.join(", ")));
        if step.kind != 4 {
            out.push_str(&format!("    expect: {}s\n", step.seconds));
        }
        out.push_str(&match (step.kind, first) {
            (1, Some(first)) => format!("    command: echo\n    when: {first}.status == 'done'\n"),
            (2, Some(first)) => format!("    command: echo\n    when: {first}.status != 'done'\n"),
            (3, _) => "    for_each: [1, 2, 3]\n    command: echo ${{ item }}\n".to_owned(),
            (4, _) => "    use: inner\n".to_owned(),
            _ => "    command: echo\n".to_owned(),
        });
    }
    out.push_str("plans:\n  inner:\n    tasks: [{ id: a, command: x, expect: 1s }, { id: b, command: y, after: a, expect: 2s }]\n");
    out
}

fn document(text: &str) -> Document {
    let loaded = load("p.yaml", text, &mut |_| Err(String::new()));
    loaded.document.unwrap_or_else(|| panic!("{text}\n{}", loaded.problems.render(&loaded.sources)))
}

/// Plays a plan to its end; `fails` says whether the n-th task that ends has failed. Answers with how all tasks ended.
fn play(document: &Document, fails: &[bool]) -> Known {
    let mut known = Known::new();
    let mut ended = 0;
    for _ in 0..1000 {
        let expansion = expand(document, &Map::new(), &known);
        for task in &expansion.tasks {
            for before in &task.after {
                assert!(known.contains_key(before), "{} waits for {before}, which is not there", task.id);
            }
            assert!(
                known.insert(task.id.clone(), Standing::Open).is_none(),
                "{} was laid down twice",
                task.id
            );
        }
        for task in &expansion.skipped {
            assert!(known.insert(task.id.clone(), Standing::Skipped(task.reason.clone())).is_none());
        }
        if expansion.settled {
            assert!(known.values().all(|standing| *standing != Standing::Open));
            return known;
        }
        // As the task graph does it: what waits for something that is not done falls.
        let open = known.iter().find(|(_, standing)| **standing == Standing::Open).map(|(id, _)| id.clone());
        if let Some(id) = open {
            let failed = fails.get(ended).copied().unwrap_or(false);
            ended += 1;
            let standing = if failed { Standing::Failed("why".into()) } else { Standing::Done(Map::new()) };
            known.insert(id, standing);
        }
    }
    panic!("the plan never settles");
}

proptest! {
    #[test]
    fn every_plan_comes_to_its_end(steps in drawn(), fails in prop::collection::vec(any::<bool>(), 8)) {
        let document = document(&text(&steps));
        let known = play(&document, &fails);
        prop_assert!(known.len() >= steps.len());
        prop_assert_eq!(play(&document, &fails), known, "the same results, the same end");
    }

    #[test]
    fn without_failures_only_conditions_skip(steps in drawn()) {
        let known = play(&document(&text(&steps)), &[]);
        let reasons = known.values().filter_map(|standing| match standing {
            Standing::Skipped(reason) => Some(reason.clone()),
            _ => None,
        });
        for reason in reasons {
            prop_assert!(reason.contains("condition is false") || reason.ends_with("was skipped"), "{}", reason);
        }
    }

    #[test]
    fn forecasts_are_consistent(steps in drawn()) {
        let tasks = sketch(&document(&text(&steps)), &Map::new());
        let forecast = forecast(&tasks, &[1, 2, 3, 100]);
        let spans: Vec<u64> = forecast.makespan_ms.iter().map(|(_, ms)| *ms).collect();
        prop_assert_eq!(spans[0], forecast.work_ms, "one agent does all the work");
        prop_assert_eq!(spans[3], forecast.critical_path_ms, "agents enough leave the longest chain");
        for (agents, span) in &forecast.makespan_ms {
            let bound = forecast.critical_path_ms + forecast.work_ms / u64::from(*agents);
            prop_assert!(*span >= forecast.critical_path_ms && *span <= bound, "Graham's bound: {} {}", span, bound);
        }
        let path: u64 = forecast.critical_path.iter().map(|id| tasks.iter().find(|task| task.id == *id).unwrap().bounds.expect_ms).sum();
        prop_assert_eq!(path, forecast.critical_path_ms);
        prop_assert!(!layers(&tasks, 60).is_empty() && !forecast_text(&forecast).is_empty());
        prop_assert!(mermaid(&tasks).lines().count() == dot(&tasks).lines().count() - 3);
    }

    #[test]
    fn spoiled_plans_are_refused_with_a_reason_or_read(steps in drawn(), at in 0usize..2000, with in "[ -~\\n]{0,4}", cut in 0usize..6) {
        let text = text(&steps);
        let start = at % text.len();
        let end = (start + cut).min(text.len());
        let spoiled = format!("{}{with}{}", &text[..start], &text[end..]);
        for name in ["p.yaml", "p.json"] {
            let loaded = load(name, &spoiled, &mut |_| Err("no".into()));
            prop_assert_eq!(loaded.document.is_none(), !loaded.problems.is_empty());
            let rendered = loaded.problems.render(&loaded.sources);
            prop_assert_eq!(rendered.matches("error: ").count() >= 1, loaded.document.is_none());
            if let Some(document) = &loaded.document {
                let _ = expand(document, &Map::new(), &Known::new());
                let _: Vec<_> = sketch(document, &Map::new());
            }
        }
    }
}

#[test]
fn a_thousand_steps_unfold_at_once() {
    let steps: String = (0..1000)
        .map(|n| {
            format!(
                "  - {{ id: t{n}, command: echo, after: [{}] }}\n",
                if n > 0 { format!("t{}", n - 1) } else { String::new() }
            )
        })
        .collect();
    let document = document(&format!("tasks:\n{steps}"));
    let expansion = expand(&document, &Map::new(), &Known::new());
    assert_eq!(expansion.tasks.len(), 1000);
    assert_eq!(expansion.tasks[0].urgency_ms, 10_000_000);
    let none: Map<String, Value> = Map::new();
    assert_eq!(forecast(&sketch(&document, &none), &[1]).critical_path.len(), 1000);
}
