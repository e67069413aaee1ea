//! Logs of every format that was ever written, and the states they lead to. Never changed once recorded: what was written
//! once must always mean the same.
//!
//! `cargo test -p smallhands-task-graph --test fixtures -- --ignored` records the logs of today's format that are not there
//! yet, as `tests/fixtures/v<version>/<name>.jsonl` with the state beside it.
#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use smallhands_task_graph::{
    AttemptResult, Command, EVENT_VERSION, Limit, Needs, PlanChange, RetryPolicy, RunEvent, RunLimits,
    RunState, Task, TaskId, decide, evolve, replay,
};

fn folder(version: u16) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/fixtures/v{version}"))
}

/// A run being made up.
#[derive(Default)]
struct Story {
    state: RunState,
    log: Vec<RunEvent>,
}

impl Story {
    fn tell(&mut self, command: &Command) {
        for event in decide(&self.state, command).unwrap_or_default() {
            self.state = evolve(std::mem::take(&mut self.state), &event);
            self.log.push(event);
        }
    }

    fn begin(limits: RunLimits) -> Self {
        let mut story = Self::default();
        let spec = json!({ "task": "make the failing checks pass", "budget": 0.30000000000000004 });
        story.tell(&Command::Submit { spec, limits, at_ms: 1_700_000_000_000 });
        story
    }

    fn end(&mut self, attempt: &str, result: AttemptResult, at_ms: i64) {
        let attempt = attempt.parse().unwrap();
        self.tell(&Command::FinishAttempt { attempt, result, at_ms: 1_700_000_000_000 + at_ms });
    }

    fn start(&mut self, at_ms: i64) {
        self.tell(&Command::StartReady { at_ms: 1_700_000_000_000 + at_ms });
    }

    fn adopt(&mut self, add: Vec<Task>, drop: &[&str], seen: Option<u64>) {
        let drop = drop.iter().map(|id| (*id).into()).collect();
        self.tell(&Command::AdoptPlan(PlanChange { add, drop, reason: "as planned".into(), seen }));
    }

    fn finish(&mut self) {
        self.tell(&Command::Finish { verdict: json!("verified"), summary: json!({ "cost": 0.1 }) });
    }
}

fn task(id: &str, after: &[&str]) -> Task {
    Task {
        after: after.iter().map(|id| (*id).into()).collect(),
        ..Task::new(id, "repair", format!("do {id}"))
    }
}

fn done() -> AttemptResult {
    AttemptResult::Done { output: json!({ "patch": "b3-00", "tests": [1, 2.5, "é"] }) }
}

fn gave_up() -> AttemptResult {
    AttemptResult::GaveUp { reason: "no candidate holds".into(), output: Value::Null }
}

fn lost() -> AttemptResult {
    AttemptResult::Lost { reason: "the sandbox broke".into() }
}

/// A small run that ends well: needs, a race, a lock, a note, a second round of planning.
fn verified() -> Story {
    let mut story = Story::begin(RunLimits { agents: 2, deadline_at_ms: None, max_attempts: None });
    let racer = |id: &str| Task { race: Some("calc".into()), priority: 3, ..task(id, &["baseline"]) };
    story.adopt(vec![task("baseline", &[]), racer("fix-a"), racer("fix-b")], &[], None);
    story.start(1);
    story.end("baseline#1", done(), 10);
    story.start(11);
    let note = json!({ "rank": 17 });
    story.tell(&Command::AttemptProgress { attempt: "fix-a#1".parse().unwrap(), note });
    story.end("fix-b#1", gave_up(), 20);
    story.end("fix-a#1", done(), 30);
    let settled = Task {
        needs: Needs::AllSettled,
        exclusive: Some("tree".into()),
        ..task("pick", &["fix-a", "fix-b"])
    };
    story.adopt(vec![settled], &[], Some(3));
    story.start(31);
    story.end("pick#1", done(), 40);
    story.adopt(vec![], &[], None);
    story.finish();
    story
}

/// Two crashes, tries that broke, and a deadline that moves on.
fn crashes() -> Story {
    let limits = RunLimits { agents: 3, deadline_at_ms: Some(1_700_000_009_000), max_attempts: Some(9) };
    let mut story = Story::begin(limits);
    let twice = |id: &str| Task { max_attempts: 2, ..task(id, &[]) };
    let once = RetryPolicy { on_lost: false, on_gave_up: true, on_limit: true, ..RetryPolicy::default() };
    story.adopt(vec![twice("a"), twice("b"), Task { retry: once, ..twice("push") }], &[], None);
    story.start(1);
    story.tell(&Command::Resume { at_ms: 1_700_000_003_000 });
    story.start(3_001);
    story.end("a#2", lost(), 3_500);
    story.end("b#2", AttemptResult::LimitReached { which: Limit::Other("patience".into()) }, 3_600);
    story.start(3_601);
    story.tell(&Command::Resume { at_ms: 1_700_000_005_000 });
    story.start(5_001);
    story.tell(&Command::Tick { at_ms: 1_700_000_099_000 });
    story.end("a#4", lost(), 99_001);
    story.finish();
    story
}

/// Tasks that fall with what they need, tasks that are dropped while they run.
fn fallen() -> Story {
    let mut story = Story::begin(RunLimits { agents: 4, deadline_at_ms: None, max_attempts: None });
    let tasks = vec![
        task("root", &[]),
        task("left", &["root"]),
        task("right", &["root"]),
        task("after-left", &["left"]),
        task("after-both", &["left", "right"]),
        Task { needs: Needs::AllSettled, ..task("report", &["after-left", "after-both"]) },
    ];
    story.adopt(tasks, &[], None);
    story.start(1);
    story.end("root#1", done(), 2);
    story.start(3);
    story.adopt(vec![task("instead", &["root"])], &["right"], None);
    story.end("left#1", gave_up(), 4);
    story.end("right#1", lost(), 5);
    story.start(6);
    story.end("instead#1", done(), 7);
    story.start(8);
    story.tell(&Command::LimitReached { which: Limit::Cost });
    story.end("report#1", lost(), 9);
    story.finish();
    story
}

/// Attempts used up, then called off.
fn cancelled() -> Story {
    let mut story = Story::begin(RunLimits { agents: 1, deadline_at_ms: None, max_attempts: Some(1) });
    story.adopt(vec![task("a", &[]), task("b", &[])], &[], None);
    story.start(1);
    story.start(2);
    story.tell(&Command::LimitReached { which: Limit::Attempts });
    story.tell(&Command::Cancel { reason: "by hand".into() });
    story.tell(&Command::Finish { verdict: json!("cancelled"), summary: Value::Null });
    story
}

/// A run of chance, the same for the same seed: tasks of all sorts that end anyhow.
fn random(seed: u64) -> Story {
    let mut chance = Chance(seed);
    let mut story = Story::begin(RunLimits { agents: 3, deadline_at_ms: None, max_attempts: None });
    let mut names: Vec<TaskId> = Vec::new();
    for at_ms in 1..120 {
        match chance.below(8) {
            0 if names.len() < 40 => {
                let add: Vec<Task> =
                    (0..1 + chance.below(4)).map(|_| any_task(&mut chance, &mut names)).collect();
                let drop = if chance.below(4) == 0 { names[0].as_str().to_owned() } else { String::new() };
                story.adopt(add.clone(), &[drop.as_str()], None);
                story.adopt(add, &[], None);
            }
            1 if chance.below(6) == 0 => story.tell(&Command::Resume { at_ms: 1_700_000_000_000 + at_ms }),
            2..=4 => story.start(at_ms),
            _ => {
                let active = story.state.active_attempts();
                if let Some(attempt) = active.get(chance.below(3) as usize) {
                    let result = [done(), done(), gave_up(), lost()][chance.below(4) as usize].clone();
                    story.end(&attempt.to_string(), result, at_ms);
                }
            }
        }
    }
    story
}

fn any_task(chance: &mut Chance, names: &mut Vec<TaskId>) -> Task {
    let id = TaskId::new(format!("t{:02}", names.len()));
    let mut after: Vec<TaskId> = names.iter().filter(|_| chance.below(5) == 0).cloned().collect();
    after.truncate(3);
    names.push(id.clone());
    Task {
        after,
        needs: if chance.below(3) == 0 { Needs::AllSettled } else { Needs::AllDone },
        max_attempts: 1 + chance.below(3) as u32,
        weight_ms: chance.below(20),
        exclusive: (chance.below(4) == 0).then(|| "git".into()),
        ..Task::new(id, "worker", "work")
    }
}

/// A small generator (G. Marsaglia, *Xorshift RNGs*, 2003).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

fn stories() -> Vec<(&'static str, Story)> {
    vec![
        ("verified", verified()),
        ("crashes", crashes()),
        ("fallen", fallen()),
        ("cancelled", cancelled()),
        ("random-1", random(0x9E37_79B9)),
        ("random-2", random(0x1234_5678_9ABC)),
        ("random-3", random(77)),
    ]
}

#[test]
#[ignore = "writes the logs of today's format that are not recorded yet"]
fn record() {
    std::fs::create_dir_all(folder(EVENT_VERSION)).unwrap();
    for (name, story) in stories() {
        let path = folder(EVENT_VERSION).join(format!("{name}.jsonl"));
        if path.exists() {
            continue;
        }
        let lines: Vec<String> = story.log.iter().map(|event| stored(event).to_string() + "\n").collect();
        std::fs::write(&path, lines.concat()).unwrap();
        let state = serde_json::to_string_pretty(&story.state).unwrap();
        std::fs::write(path.with_extension("state.json"), state + "\n").unwrap();
    }
}

fn stored(event: &RunEvent) -> Value {
    let encoded = event.encode();
    json!({ "kind": encoded.kind, "version": encoded.version, "payload": encoded.payload })
}

fn recorded(version: u16) -> Vec<PathBuf> {
    let mut logs: Vec<PathBuf> = std::fs::read_dir(folder(version))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "jsonl"))
        .collect();
    logs.sort();
    logs
}

fn read(log: &Path) -> Vec<RunEvent> {
    let text = std::fs::read_to_string(log).unwrap();
    let decode = |line: &str| {
        let stored: Value = serde_json::from_str(line).unwrap();
        let version = stored["version"].as_u64().unwrap() as u16;
        RunEvent::decode(stored["kind"].as_str().unwrap(), version, &stored["payload"]).unwrap()
    };
    text.lines().map(decode).collect()
}

#[test]
fn every_old_log_leads_to_the_state_that_was_recorded_with_it() {
    let mut seen = 0;
    for version in 1..=EVENT_VERSION {
        for log in recorded(version) {
            let state = replay(&read(&log)).unwrap();
            let text = std::fs::read_to_string(log.with_extension("state.json")).unwrap();
            assert_eq!(serde_json::to_string_pretty(&state).unwrap() + "\n", text, "{}", log.display());
            seen += 1;
        }
    }
    assert!(seen >= 7, "the logs are there");
}

#[test]
fn what_is_written_today_about_the_same_things_reads_the_same() {
    for log in recorded(EVENT_VERSION) {
        let text = std::fs::read_to_string(&log).unwrap();
        for (event, line) in read(&log).iter().zip(text.lines()) {
            assert_eq!(stored(event).to_string(), line, "{}", log.display());
        }
    }
}

#[test]
fn every_prefix_of_an_old_log_is_a_run_that_can_go_on() {
    for log in recorded(1) {
        let events = read(&log);
        for length in 1..events.len() {
            let state = replay(&events[..length]).unwrap();
            let at_ms = state.last_at_ms;
            decide(&state, &Command::Resume { at_ms }).unwrap();
        }
    }
}
