//! Plans that unfold while they run: outputs, conditions, fan-outs over results, plans within plans; killed and resumed.

use std::collections::BTreeMap;

use smallhands_orchestrator::listing;
use smallhands_orchestrator::progress::{Progress, TaskPhase, Verdict};

use crate::support::{Bench, Told, begins, report};

/// A fan-out over the files that a command found, a check on each, a plan within the plan, and a task that is skipped.
const UNFOLDING: &str = r#"
inputs:
  greeting: string
  publish: { type: boolean, default: false }
tasks:
  - id: find
    command: ls *.txt
    outputs:
      files: { type: list<string>, from: stdout }
  - id: greet
    for_each: tasks.find.outputs.files
    as: file
    command: |
      echo ${{ inputs.greeting }} >> ${{ file }}
      echo "lines=$(wc -l < ${{ file }})" >> "$SMALLHANDS_OUTPUT"
    outputs: { lines: integer }
    checks: grep -q ${{ inputs.greeting }} ${{ file }}
  - id: sum
    use: summary
    with: { counts: "${{ tasks.greet.outputs.lines }}" }
  - id: publish
    when: inputs.publish
    command: echo ${{ tasks.sum.outputs.text }} > published.txt
  - id: mourn
    when: tasks.greet.status == 'failed'
    command: echo alas > alas.txt
plans:
  summary:
    inputs: { counts: list<integer> }
    tasks:
      - id: write
        command: printf '%s,' ${{ inputs.counts }} | tee counts.txt
    outputs: { text: "counted ${{ tasks.write.outputs.stdout }}" }
"#;

fn bench() -> Bench {
    Bench::new(&[("one.txt", "1\n"), ("two words.txt", "1\n2\n"), ("other.md", "x\n")])
}

fn phases(told: &Told) -> BTreeMap<&str, (TaskPhase, &str)> {
    let changed = told.events.iter().filter_map(|event| match event {
        Progress::TaskChanged { task, phase, note } => Some((task.as_str(), (*phase, note.as_str()))),
        _ => None,
    });
    changed.collect()
}

fn assert_unfolded(bench: &Bench, told: &Told) {
    let summary = told.expect(Verdict::Verified);
    assert!(summary.reason.starts_with("all of the plan is done: 4 tasks, 2 skipped"), "{}", summary.reason);
    let patch = std::fs::read_to_string(summary.patch.as_deref().unwrap()).unwrap();
    for part in ["b/one.txt", "b/two words.txt", "+hello 'you'", "+2,3,"] {
        assert!(patch.contains(part), "{part}: {patch}");
    }
    assert!(
        !patch.contains("other.md") && !patch.contains("published") && !patch.contains("alas"),
        "{patch}"
    );
    let shown = listing::show(&bench.state, &summary.run).unwrap().plan;
    for part in ["greet.1", "greet.2", "sum/write", "its condition is false: inputs.publish"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    bench.assert_nothing_repeated(&summary.run);
    assert_eq!(bench.sandboxes(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn results_decide_what_is_done() {
    let bench = bench();
    let before = bench.snapshot();
    let told = bench.run(bench.planned("plan.yaml", UNFOLDING, &[("greeting", "hello 'you'")])).await;
    assert_unfolded(&bench, &told);
    let phases = phases(&told);
    assert_eq!(phases["greet.2"].0, TaskPhase::Done);
    assert_eq!(phases["publish"], (TaskPhase::Dropped, "its condition is false: inputs.publish"));
    assert_eq!(phases["mourn"].0, TaskPhase::Dropped);
    assert_eq!(bench.snapshot(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn interrupted_anywhere_it_unfolds_to_the_same() {
    for begun in ["find", "greet.1", "sum/write"] {
        let bench = bench();
        let request = bench.planned("plan.yaml", UNFOLDING, &[("greeting", "hello 'you'")]);
        let stop = |event: &Progress| matches!(event, Progress::AttemptStarted { attempt, .. } if attempt.starts_with(begun));
        let told = bench.run_until(request, stop).await;
        // The run needs none of its files any more.
        bench.beside("plan.yaml", "not a plan");
        assert_unfolded(&bench, &bench.resume(&told.run()).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_unfolds_to_the_same() {
    for count in [2, 6, 11, 17, 24] {
        let bench = bench();
        let request = bench.planned("plan.yaml", UNFOLDING, &[("greeting", "hello 'you'")]);
        let (run, _) = bench.run_and_die(request, count).await;
        assert_unfolded(&bench, &bench.resume(&run).await);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_fails_stops_what_waits_for_it_and_nothing_else() {
    let bench = bench();
    let plan = r#"
tasks:
  - { id: break, command: "echo one >&2; echo the reason; echo x > made.txt; exit 3" }
  - { id: never, command: "true", after: break }
  - { id: beside, command: echo y > beside.txt }
  - { id: clean, command: echo z > clean.txt, when: tasks.break.status == 'failed' }
"#;
    let told = bench.run(bench.planned("plan.yaml", plan, &[])).await;
    let summary = told.expect(Verdict::Failed);
    let reason = "task `break` of the plan failed: exit code 3: the reason | one";
    assert!(summary.reason.starts_with(reason), "{}", summary.reason);
    assert_eq!(told.endings("break"), [("gave_up", "exit code 3: the reason | one")]);
    assert!(told.endings("never").is_empty());
    assert_eq!(phases(&told)["never"].0, TaskPhase::Dropped);
    let patch = std::fs::read_to_string(summary.patch.as_deref().unwrap()).unwrap();
    assert!(
        patch.contains("beside.txt") && patch.contains("clean.txt") && !patch.contains("made.txt"),
        "{patch}"
    );
    assert!(report(summary).contains("the reason"), "{}", report(summary));
    assert!(!told.events.iter().any(|event| begins(event, "tester")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_handed_on_as_declared_is_a_failure() {
    let cases = [
        ("true", "{ n: integer }", "the output `n` was not written"),
        ("echo n=x >> $SMALLHANDS_OUTPUT", "{ n: integer }", "`x` is not a whole number"),
        ("echo m=1 >> $SMALLHANDS_OUTPUT", "{ n: integer }", "the plan declares no output `m`"),
    ];
    for (command, outputs, expected) in cases {
        let bench = bench();
        let plan = format!("tasks: [{{ id: a, command: '{command}', outputs: {outputs} }}]");
        let told = bench.run(bench.planned("plan.yaml", &plan, &[])).await;
        let summary = told.expect(Verdict::Failed);
        assert!(summary.reason.contains(expected), "{}", summary.reason);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_command_is_tried_again_as_often_as_the_plan_says() {
    let bench = bench();
    let marker = bench.beside("tries", "");
    let plan = format!(
        "tasks: [{{ id: a, command: 'echo x >> {0}; test $(wc -l < {0}) -ge 3', retry: {{ attempts: 3 }} }}]",
        marker.display()
    );
    let told = bench.run(bench.planned("plan.yaml", &plan, &[])).await;
    told.expect(Verdict::Verified);
    assert_eq!(told.endings("a").len(), 3, "{:?}", told.endings("a"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_of_a_task_keeps_its_change_out() {
    let bench = bench();
    let plan = "tasks: [{ id: a, command: echo bad > one.txt, checks: grep -q good one.txt }]";
    let told = bench.run(bench.planned("plan.yaml", plan, &[])).await;
    let summary = told.expect(Verdict::Failed);
    assert!(summary.reason.contains("the check `grep -q good one.txt` does not hold"), "{}", summary.reason);
    assert_eq!(summary.patch, None);
}
