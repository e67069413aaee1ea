//! What the plan-file planner lays down, waits for and ends with.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;

fn script(text: &str) -> Script {
    let texts = BTreeMap::from([("p.yaml".to_owned(), text.to_owned())]);
    let source = PlanSource { file: "p.yaml".into(), texts, inputs: Map::new() };
    Script::new(&source, true).unwrap()
}

fn ids(tasks: &[Task]) -> Vec<&str> {
    tasks.iter().map(|task| task.id.as_str()).collect()
}

fn changes_of(progressed: Progressed) -> Vec<PlanChange> {
    match progressed {
        Progressed::Changes(changes) => changes,
        other => panic!("{other:?}"),
    }
}

fn done(outputs: Value) -> Standing {
    Standing::Done(outputs.as_object().cloned().unwrap_or_default())
}

#[test]
fn tasks_wait_for_the_merge_of_what_they_depend_on() {
    let script = script("tasks: [{ id: a, command: touch x }, { id: b, goal: use x, after: a }]");
    let [change] = &changes_of(script.progress(&Known::new()))[..] else { panic!() };
    assert_eq!(ids(&change.add), ["a", "integrate-a", "b", "integrate-b"]);
    assert_eq!(change.add[2].after, [TaskId::new("integrate-a")]);
    assert_eq!(change.add[3].after, [TaskId::new("b")]);
    assert!(change.add.iter().all(|task| task.needs == Needs::AllDone));
    smallhands_task_graph::Plan { tasks: change.add.clone() }.validate().unwrap();
}

#[test]
fn conduct_travels_with_the_task() {
    let script = script(
        r#"tasks: [{ id: a, command: x, approval: true, effect: once, verify: "test -e ${{ 'a b' }}" }, { id: b, command: y }]"#,
    );
    let [change] = &changes_of(script.progress(&Known::new()))[..] else { panic!() };
    let verify = Some("test -e 'a b'".to_owned());
    let expected = Conduct { approval: true, once: Some(Once { verify }) };
    assert_eq!(Conduct::of(&change.add[0].params), expected);
    for other in &change.add[1..] {
        assert_eq!(Conduct::of(&other.params), Conduct::default(), "{}", other.id);
    }
}

#[test]
fn limits_of_the_plan_become_those_of_the_task() {
    let script = script(
        "tasks: [{ id: a, command: x, timeout: 90s, expect: 5s, locks: [db, port], owns: src/**, priority: 7, resources: { cpu: 0.5, memory: 1GB, gpu: 1 }, retry: { attempts: 3, on: [failed], backoff: 2s } }, { id: b, command: y }]",
    );
    let changes = changes_of(script.progress(&Known::new()));
    let (a, b) = (&changes[0].add[0], &changes[0].add[2]);
    assert_eq!((a.time_limit_ms, a.weight_ms, a.max_attempts), (90_000, 5_000, 3));
    assert_eq!((a.retry.on_lost, a.retry.on_gave_up, a.retry.on_limit), (false, true, false));
    assert_eq!(a.retry.backoff.map(|backoff| (backoff.initial_ms, backoff.max_ms)), Some((2_000, 600_000)));
    assert_eq!(a.locks, [Lock::exclusive("plan:db"), Lock::exclusive("plan:port")]);
    assert_eq!(a.resources, Resources { cpu_milli: 500, memory_mb: 1024, gpu: 1 });
    assert_eq!((a.owns.as_slice(), a.priority, a.rank_ms), (&["src/**".to_owned()][..], 7, Some(5_000)));
    assert_eq!((b.max_attempts, b.retry), (2, RetryPolicy::default()));
}

#[test]
fn what_is_skipped_is_on_record_with_its_reason() {
    let script = script("tasks: [{ id: a, command: x, when: 1 > 2 }, { id: b, command: y, after: a }]");
    let changes = changes_of(script.progress(&Known::new()));
    let told: Vec<_> = changes.iter().map(|change| (ids(&change.add), change.reason.as_str())).collect();
    assert_eq!(told, [(vec!["a"], "its condition is false: 1 > 2"), (vec!["b"], "`a` was skipped")]);
    assert!(
        changes
            .iter()
            .all(|change| ids(&change.add) == change.drop.iter().map(TaskId::as_str).collect::<Vec<_>>())
    );
}

#[test]
fn results_unfold_into_tasks_and_the_end_is_told() {
    let script = script(
        "tasks:\n  - { id: find, command: ls, outputs: { files: list<string> } }\n  - { id: lint, for_each: tasks.find.outputs.files, command: 'lint ${{ item }}' }\n",
    );
    let mut known = Known::from([("find".to_owned(), Standing::Open)]);
    assert_eq!(script.progress(&known), Progressed::Changes(vec![PlanChange::default()]), "wait");
    known.insert("find".into(), done(json!({"files": ["a", "b c"]})));
    let changes = changes_of(script.progress(&known));
    assert_eq!(ids(&changes[0].add), ["lint.1", "integrate-lint.1", "lint.2", "integrate-lint.2"]);
    let run = Assignment::from_value(&changes[0].add[2].params).unwrap();
    assert!(matches!(run, Assignment::Run { command, .. } if command == "lint 'b c'"));
    known.insert("lint.1".into(), done(json!({})));
    known.insert("lint.2".into(), done(json!({})));
    assert_eq!(script.progress(&known), Progressed::Done("all of the plan is done: 3 tasks".into()));
    known.insert("lint.2".into(), Standing::Failed("exit code 1: bad".into()));
    let Progressed::Failed(reason) = script.progress(&known) else { panic!() };
    assert_eq!(reason, "task `lint.2` of the plan failed: exit code 1: bad");
}

#[test]
fn tasks_for_a_model_need_one() {
    let texts = BTreeMap::from([("p.yaml".to_owned(), "tasks: [{ id: a, goal: think }]".to_owned())]);
    let source = PlanSource { file: "p.yaml".into(), texts, inputs: Map::new() };
    let told = Script::new(&source, false).unwrap_err().to_string();
    assert!(told.contains("p.yaml:1:15") && told.contains("--model"), "{told}");
}
