//! Drawings, as they should look.

use smallhands_task_graph::render::{plan_mermaid, plan_text, run_mermaid, run_text};
use smallhands_task_graph::{Command, Needs, Plan, Task};

use crate::support::{Run, done, gave_up, race_of, task};

fn check(actual: &str, expected: &str) {
    let margin = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = expected.lines().skip(1).collect();
    let indent =
        lines.iter().filter(|line| !line.trim().is_empty()).map(|line| margin(line)).min().unwrap_or(0);
    let mut wanted: Vec<&str> =
        lines.iter().map(|line| line.get(indent..).unwrap_or("").trim_end()).collect();
    wanted.pop();
    assert!(actual.lines().eq(wanted.iter().copied()), "drawn:\n{actual}\nwanted:\n{}", wanted.join("\n"));
}

fn plan() -> Plan {
    let fixer = |id: &str, role: &str, goal: &str| Task {
        role: role.into(),
        goal: goal.into(),
        race: race_of("calc"),
        weight_ms: 5_000,
        ..task(id, &["baseline"])
    };
    let named = |id: &str, role: &str, goal: &str, after: &[&str]| Task {
        role: role.into(),
        goal: goal.into(),
        ..task(id, after)
    };
    Plan {
        tasks: vec![
            named("baseline", "tester", "run the checks", &[]),
            fixer("fix-calc-1", "repair-python", "repair calc.py"),
            fixer("fix-calc-2", "coder", "rewrite the \"add\" function"),
            Task {
                needs: Needs::AllSettled,
                exclusive: Some("tree".into()),
                ..named("integrate", "integrator", "merge\nwhat <holds>", &["fix-calc-1", "fix-calc-2"])
            },
            named("verify", "verifier", "check in a fresh copy", &["integrate"]),
        ],
    }
}

fn run() -> Run {
    let mut run = Run::with_plan(2, plan().tasks);
    for _ in 0..2 {
        let attempt = run.start(1).remove(0);
        run.end(&attempt, done(), 2);
    }
    run.end(&"fix-calc-2#1".parse().unwrap(), gave_up(), 3);
    run.start(4);
    run
}

#[test]
fn a_plan_as_text() {
    check(
        &plan_text(&plan(), 100),
        "
        5 tasks in 4 steps
          1 │  baseline    tester         run the checks
          2 │  fix-calc-1  repair-python  repair calc.py · after baseline · race calc
            │  fix-calc-2  coder          rewrite the \"add\" function · after baseline · race calc
          3 │  integrate   integrator     merge what <holds> · after fix-calc-1, fix-calc-2, however they e…
          4 │  verify      verifier       check in a fresh copy · after integrate
        ",
    );
}

#[test]
fn a_run_as_text() {
    check(
        &run_text(&run().state, 200),
        "
        5 tasks in 4 steps
          1 ✔  baseline    tester         run the checks
          2 ✔  fix-calc-1  repair-python  repair calc.py · after baseline · race calc
            ✘  fix-calc-2  coder          rewrite the \"add\" function · after baseline · race calc · gave up: no idea
          3 ▶  integrate   integrator     merge what <holds> · after fix-calc-1, fix-calc-2, however they end · alone on tree
          4 ·  verify      verifier       check in a fresh copy · after integrate
        ",
    );
}

#[test]
fn every_phase_has_its_sign_and_its_reason() {
    let mut run = Run::with_plan(3, vec![task("a", &[]), task("b", &[]), task("c", &[]), task("d", &["c"])]);
    run.start(1);
    run.end(
        &"b#1".parse().unwrap(),
        smallhands_task_graph::AttemptResult::Lost { reason: "the sandbox broke".into() },
        2,
    );
    run.must(&Command::Cancel { reason: "enough".into() });
    check(
        &run_text(&run.state, 200),
        "
        4 tasks in 2 steps
          1 ■  a  worker  work · stopping: cancelled: enough
            !  b  worker  work · failed: the sandbox broke
            ■  c  worker  work · stopping: cancelled: enough
          2 –  d  worker  work · after c · dropped: cancelled: enough
        ",
    );
}

#[test]
fn narrow_terminals_still_show_who_does_what() {
    check(
        &plan_text(&plan(), 10),
        "
        5 tasks in 4 steps
          1 │  baseline    tester…
          2 │  fix-calc-1  repair-python…
            │  fix-calc-2  coder…
          3 │  integrate   integrator…
          4 │  verify      verifier…
        ",
    );
    assert_eq!(plan_text(&Plan::default(), 80), "0 tasks in 0 steps\n");
}

#[test]
fn a_plan_as_mermaid() {
    check(
        &plan_mermaid(&plan()),
        "
        flowchart LR
            t1[\"baseline<br/>tester<br/>run the checks\"]
            t4[\"integrate<br/>integrator<br/>merge what #lt;holds#gt;\"]
            t5[\"verify<br/>verifier<br/>check in a fresh copy\"]
            subgraph r1[\"race calc\"]
                t2[\"fix-calc-1<br/>repair-python<br/>repair calc.py\"]
                t3[\"fix-calc-2<br/>coder<br/>rewrite the #quot;add#quot; function\"]
            end
            t1 --> t2
            t1 --> t3
            t2 -.-> t4
            t3 -.-> t4
            t4 --> t5
        ",
    );
}

#[test]
fn a_run_as_mermaid_is_coloured_by_phase() {
    let drawn = run_mermaid(&run().state);
    for line in [
        "t1[\"baseline<br/>tester<br/>run the checks\"]:::done",
        "t3[\"fix-calc-2<br/>coder<br/>rewrite the #quot;add#quot; function\"]:::gave_up",
        "classDef gave_up fill:",
        "classDef waiting fill:",
    ] {
        assert!(drawn.contains(line), "{line} is missing in\n{drawn}");
    }
    assert!(!drawn.contains("classDef failed"), "only what is used is declared");
}
