//! The run of forty tasks: five lanes of eight steps, most of them write a file, some have an effect outside.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::harness::{Account, Finished, finish};

pub const TASKS: usize = 40;
const LANES: usize = 5;
/// One in four has an effect outside.
const EVERY: usize = 4;
pub const EFFECTS: usize = TASKS / EVERY;

/// Where the process dies, or the disk is full.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Before(u64),
    After(u64),
    Full(u64),
}

impl Place {
    fn failpoint(self) -> String {
        match self {
            Self::Before(event) => format!("before:{event}"),
            Self::After(event) => format!("after:{event}"),
            Self::Full(event) => format!("full:{event}"),
        }
    }

    /// How a process ends there.
    fn exit(self) -> i32 {
        match self {
            Self::Before(_) | Self::After(_) => 128 + 9,
            Self::Full(_) => 4,
        }
    }
}

/// What a run left behind.
#[derive(Debug, Clone)]
pub struct Outcome {
    pub verdict: String,
    pub patch: String,
    /// The user's tree after delivery, by path.
    pub tree: BTreeMap<String, String>,
    /// The tasks whose effect happened outside, as often as it happened.
    pub ledger: Vec<String>,
    pub repeated: Vec<String>,
    pub replays: bool,
    pub left: Vec<String>,
    pub events: u64,
    /// The numbers of the events that record how an effect outside came out.
    pub receipts: Vec<u64>,
}

/// One execution: an account, a project, and the world outside.
pub struct Stage {
    account: Account,
}

impl Stage {
    pub fn new() -> Self {
        let stage = Self { account: Account::new() };
        std::fs::create_dir_all(stage.project()).unwrap();
        std::fs::write(stage.project().join("README.txt"), "a project\n").unwrap();
        std::fs::write(stage.ledger(), "").unwrap();
        std::fs::write(stage.plan(), stage.plan_text()).unwrap();
        stage
    }

    pub fn state(&self) -> PathBuf {
        self.account.state()
    }

    pub fn project(&self) -> PathBuf {
        self.account.home().join("project")
    }

    fn ledger(&self) -> PathBuf {
        self.account.home().join("ledger")
    }

    fn plan(&self) -> PathBuf {
        self.account.home().join("plan.json")
    }

    fn plan_text(&self) -> String {
        let ledger = self.ledger().display().to_string();
        let tasks: Vec<Value> = (0..TASKS).map(|number| task(number, &ledger)).collect();
        json!({ "tasks": tasks }).to_string()
    }

    pub fn run(&self, place: Option<Place>) -> Finished {
        let (plan, project) = (self.plan().display().to_string(), self.project().display().to_string());
        let check = format!("test $(ls steps | wc -l) -eq {}", TASKS - EFFECTS);
        let arguments = [
            "run", "--repo", &project, "--plan", &plan, "--check", &check, "--agents", "6", "--apply",
            "--json",
        ];
        let mut command = self.account.command(&arguments);
        if let Some(place) = place {
            command.env("SMALLHANDS_FAILPOINT", place.failpoint());
        }
        finish(command)
    }

    pub fn resume(&self, run: &str) -> Finished {
        self.account.smallhands(&["resume", run, "--json"])
    }

    /// The run that was begun here, if its first event is durable.
    pub fn only_run(&self) -> Option<String> {
        let listed = self.account.smallhands(&["runs", "--json"]).expect_exit(0).events();
        listed.first().and_then(|run| run["run"].as_str()).map(str::to_owned)
    }

    pub fn ledger_lines(&self) -> Vec<String> {
        ledger(&self.ledger())
    }

    pub fn outcome(&self, run: &str, finished: &Finished) -> Outcome {
        let result = finished.result();
        let patch = result["patch"].as_str().map(|path| std::fs::read_to_string(path).unwrap());
        let events = self.events(run);
        let receipts = events
            .iter()
            .enumerate()
            .filter(|(_, event)| event["kind"] == "effect_received")
            .map(|(index, _)| index as u64 + 1)
            .collect();
        Outcome {
            verdict: result["verdict"].as_str().unwrap().to_owned(),
            patch: patch.unwrap_or_default(),
            tree: tree(&self.project()),
            ledger: ledger(&self.ledger()),
            repeated: repeated(&events),
            replays: self.account.smallhands(&["replay", run]).exit == 0,
            left: self.sandboxes(),
            events: events.len() as u64,
            receipts,
        }
    }

    fn sandboxes(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.state().join("sandboxes")).unwrap().map(|entry| entry.unwrap());
        let folders = entries.filter(|entry| entry.path().is_dir());
        folders.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
    }

    fn events(&self, run: &str) -> Vec<Value> {
        self.account.smallhands(&["events", run, "--json"]).expect_exit(0).events()
    }
}

fn task(number: usize, ledger: &str) -> Value {
    let id = format!("t{number:02}");
    let after: Vec<String> =
        number.checked_sub(LANES).map(|before| format!("t{before:02}")).into_iter().collect();
    if number % EVERY == EVERY - 1 {
        let command = format!("echo \"$SMALLHANDS_IDEMPOTENCY_KEY\" >> {ledger}");
        let verify = format!("grep -qxF \"$SMALLHANDS_IDEMPOTENCY_KEY\" {ledger}");
        return json!({"id": id, "role": "command", "command": command, "after": after,
                      "effect": "once", "verify": verify});
    }
    let command = format!("mkdir -p steps && echo {id} > steps/{id}.txt");
    json!({"id": id, "role": "command", "command": command, "after": after})
}

pub fn run_undisturbed() -> Outcome {
    let stage = Stage::new();
    let finished = stage.run(None).expect_exit(0);
    let run = finished.events()[0]["run"].as_str().unwrap().to_owned();
    stage.outcome(&run, &finished)
}

/// Lets the run fail there and resumes it; nothing when it was over before, or had not begun.
pub fn run_failing_at(place: Place) -> Option<Outcome> {
    let stage = Stage::new();
    let failed = stage.run(Some(place));
    if failed.exit == 0 {
        return None;
    }
    assert_eq!(failed.exit, place.exit(), "{place:?}: {failed:?}");
    if matches!(place, Place::Full(_)) {
        assert!(failed.stderr.contains("no room left to write the log"), "{failed:?}");
        assert_eq!(stage.sandboxes(), Vec::<String>::new(), "{place:?}: put away although there was no room");
    }
    let Some(run) = stage.only_run() else {
        // It failed before its first event was durable: there is no run, and nothing has happened.
        assert_eq!(stage.ledger_lines(), Vec::<String>::new());
        return None;
    };
    let resumed = stage.resume(&run).expect_exit(0);
    Some(stage.outcome(&run, &resumed))
}

fn tree(project: &Path) -> BTreeMap<String, String> {
    let listed = Command::new("find").args([".", "-type", "f"]).current_dir(project).output().unwrap();
    let paths = String::from_utf8(listed.stdout).unwrap();
    paths
        .lines()
        .map(|path| (path.to_owned(), std::fs::read_to_string(project.join(path)).unwrap()))
        .collect()
}

/// The keys name the run and the task; the runs differ.
fn ledger(path: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut tasks: Vec<String> =
        text.lines().map(|key| key.rsplit_once('/').map_or(key, |(_, task)| task).to_owned()).collect();
    tasks.sort();
    tasks
}

fn repeated(events: &[Value]) -> Vec<String> {
    let mut finished = BTreeSet::new();
    let mut repeated = Vec::new();
    for event in events {
        let attempt = event["payload"]["attempt"].as_str().unwrap_or_default();
        let Some((task, _)) = attempt.rsplit_once('#') else { continue };
        match event["kind"].as_str().unwrap_or_default() {
            "attempt_started" if finished.contains(task) => repeated.push(attempt.to_owned()),
            "attempt_finished" if event["payload"]["then"] != "retry" => {
                finished.insert(task.to_owned());
            }
            _ => {}
        }
    }
    repeated
}
