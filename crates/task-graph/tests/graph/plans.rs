//! Which sets of tasks are plans, and what is said about those that are not.

use crate::support::{race_of, task};
use smallhands_task_graph::{Plan, PlanError, Task};

fn check(tasks: Vec<Task>, expected: Result<(), PlanError>) {
    assert_eq!(Plan { tasks }.validate(), expected);
}

fn bad_name(task: &str, what: &'static str, name: &str) -> Result<(), PlanError> {
    Err(PlanError::BadName { task: task.into(), what, name: name.into() })
}

#[test]
fn sound_plans() {
    check(vec![], Ok(()));
    check(vec![task("b", &["a"]), task("a", &[])], Ok(()));
    check(vec![task("a", &[]), task("b", &["a"]), task("c", &["a"]), task("d", &["b", "c", "a"])], Ok(()));
    let full = Task { race: race_of("r"), exclusive: Some("git/index".into()), ..task("x-1.y:z/2", &[]) };
    check(vec![full], Ok(()));
}

#[test]
fn bad_names() {
    check(vec![task("", &[])], bad_name("", "id", ""));
    check(vec![task("a#1", &[])], bad_name("a#1", "id", "a#1"));
    check(vec![Task { role: "two words".into(), ..task("a", &[]) }], bad_name("a", "role", "two words"));
    check(vec![Task { race: race_of("\u{1b}[31m"), ..task("a", &[]) }], bad_name("a", "race", "\u{1b}[31m"));
    check(
        vec![Task { exclusive: Some("../x".into()), ..task("a", &[]) }],
        bad_name("a", "exclusive", "../x"),
    );
}

#[test]
fn limits_of_nothing() {
    let zero = |field| Err(PlanError::ZeroLimit { task: "a".into(), field });
    check(vec![Task { max_attempts: 0, ..task("a", &[]) }], zero("max_attempts"));
    check(vec![Task { time_limit_ms: 0, ..task("a", &[]) }], zero("time_limit_ms"));
}

#[test]
fn wrong_dependencies() {
    check(vec![task("a", &[]), task("a", &[])], Err(PlanError::Duplicate { task: "a".into() }));
    let missing = PlanError::UnknownDependency { task: "b".into(), missing: "c".into() };
    check(vec![task("a", &[]), task("b", &["a", "c"])], Err(missing));
    let repeated = PlanError::RepeatedDependency { task: "b".into(), repeated: "a".into() };
    check(vec![task("a", &[]), task("b", &["a", "a"])], Err(repeated));
}

#[test]
fn cycles_are_named_from_their_first_task() {
    let cycle = |names: &[&str]| {
        let cycle: Vec<_> = names.iter().map(|name| (*name).into()).collect();
        Err(PlanError::Cycle { task: names[0].into(), cycle })
    };
    check(vec![task("a", &["a"])], cycle(&["a"]));
    check(vec![task("b", &["a"]), task("a", &["b"])], cycle(&["a", "b"]));
    let entangled =
        vec![task("a", &["b"]), task("b", &["d"]), task("c", &["b"]), task("d", &["c"]), task("e", &[])];
    check(entangled, cycle(&["b", "d", "c"]));
    check(vec![task("a", &["c"]), task("c", &["b"]), task("b", &["c"])], cycle(&["b", "c"]));
}

#[test]
fn a_plan_that_runs_away_is_refused_and_a_long_chain_is_not() {
    let chain = |length: usize| -> Vec<Task> {
        let name = |n: usize| format!("t{n}");
        let link = |n: usize| match n {
            0 => task("t0", &[]),
            _ => task(&name(n), &[&name(n - 1)]),
        };
        (0..length).map(link).collect()
    };
    check(chain(200_000), Ok(()));
    check(chain(200_001), Err(PlanError::TooMany { task: "t200000".into(), most: 200_000 }));
    let mut loop_of_all = chain(10_000);
    loop_of_all[0].after.push("t9999".into());
    match (Plan { tasks: loop_of_all }).validate() {
        Err(PlanError::Cycle { cycle, .. }) => assert_eq!(cycle.len(), 10_000),
        other => panic!("{other:?}"),
    }
}

#[test]
fn messages_name_the_task_and_the_remedy() {
    let cases = [
        (
            PlanError::Cycle { task: "a".into(), cycle: vec!["a".into(), "b".into()] },
            "task `a` waits for itself: a → b → a; remove one of these dependencies",
        ),
        (
            PlanError::ZeroLimit { task: "a".into(), field: "max_attempts" },
            "task `a`: `max_attempts` is 0; it must be at least 1",
        ),
        (
            PlanError::UnknownDependency { task: "a".into(), missing: "b".into() },
            "task `a` waits for `b`, which is not in the plan; add it or remove it from `after`",
        ),
    ];
    for (error, message) in cases {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn a_plan_file_needs_only_what_matters() {
    let text = r#"{ "tasks": [{ "id": "a", "role": "tester", "goal": "run the checks", "max_attempts": 1, "time_limit_ms": 5 }] }"#;
    let plan: Plan = serde_json::from_str(text).unwrap();
    let expected = Task { time_limit_ms: 5, weight_ms: 0, ..Task::new("a", "tester", "run the checks") };
    assert_eq!(plan.tasks, [expected]);
    let again: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(again, plan);
}
