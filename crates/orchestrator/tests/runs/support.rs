//! A bench to run on: a project and a state directory of its own, and a listener that keeps everything a run tells.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use smallhands_event_log::{StoredEvent, StreamId};
use smallhands_orchestrator::CancelToken;
use smallhands_orchestrator::plan_source::PlanSource;
use smallhands_orchestrator::progress::{Progress, RunSummary, Verdict};
use smallhands_orchestrator::request::{Deliver, ModelSettings, ResumeContext, RunError, RunRequest};
use smallhands_orchestrator::run::{resume, run};
use smallhands_orchestrator::state_dir::{Durability, StateDir};
use tempfile::TempDir;
use tokio::sync::mpsc;

/// Far more than any of these runs takes; reached only when something hangs.
pub const PATIENCE: Duration = Duration::from_secs(240);
/// The check of every project here.
pub const CHECK: &str = "python3 -m unittest";

/// A project with a state directory beside it.
pub struct Bench {
    folder: TempDir,
    /// The user's repository.
    pub repo: PathBuf,
    /// Where runs are kept.
    pub state: StateDir,
}

/// How a run came out, with everything that was told on the way.
#[derive(Debug)]
pub struct Told {
    /// What the run returned.
    pub result: Result<RunSummary, RunError>,
    /// What it told.
    pub events: Vec<Progress>,
}

impl Bench {
    /// A project made of `files`.
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let repo = folder.path().join("project");
        std::fs::create_dir(&repo).unwrap();
        let state = StateDir::open(&folder.path().join("state"), Durability::Full).unwrap();
        let bench = Self { repo: repo.canonicalize().unwrap(), state, folder };
        for (path, text) in files {
            bench.write(path, text);
        }
        bench
    }

    /// Writes a file of the project.
    pub fn write(&self, path: &str, text: &str) {
        let path = self.repo.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Writes a file beside the project, for scripts, plans and patches.
    pub fn beside(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Makes the project a git repository with one commit.
    pub fn commit(&self) {
        self.git(&["init", "-q", "-b", "main"]);
        self.git(&["add", "-A"]);
        self.git(&["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "first"]);
    }

    /// Runs git in the project.
    pub fn git(&self, arguments: &[&str]) -> String {
        let output =
            std::process::Command::new("git").args(arguments).current_dir(&self.repo).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// "Make the failing checks pass", offline, with two agents.
    pub fn request(&self) -> RunRequest {
        RunRequest {
            task: None,
            repo: self.repo.clone(),
            checks: vec![CHECK.into()],
            agents: 2,
            cores: 2,
            sandbox: "host".into(),
            model: None,
            plan: None,
            plan_only: false,
            budget_usd: None,
            timeout: Some(Duration::from_secs(200)),
            check_timeout: Some(Duration::from_secs(60)),
            test_timeout: None,
            deliver: Deliver::Patch { to: None },
            approvals: Default::default(),
            environment: environment(),
        }
    }

    /// The request to follow a plan, and to look for no checks.
    pub fn planned(&self, name: &str, text: &str, inputs: &[(&str, &str)]) -> RunRequest {
        let inputs: Vec<(String, String)> =
            inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let plan = PlanSource::read(&self.beside(name, text), &inputs).unwrap_or_else(|bad| panic!("{bad}"));
        RunRequest { plan: Some(plan), plan_only: true, checks: Vec::new(), ..self.request() }
    }

    /// The request with a model that plays `script`.
    pub fn scripted(&self, script: &serde_json::Value) -> RunRequest {
        let path = self.beside("script.json", &script.to_string());
        RunRequest { model: Some(settings(&format!("scripted:{}", path.display()), "")), ..self.request() }
    }

    /// Carries a request out to its end.
    pub async fn run(&self, request: RunRequest) -> Told {
        self.run_until(request, |_| false).await
    }

    /// Interrupts the run as soon as something is told that `enough` holds for.
    pub async fn run_until(&self, request: RunRequest, enough: impl Fn(&Progress) -> bool) -> Told {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let cancel = CancelToken::new();
        let listener = async {
            let mut events = Vec::new();
            while let Some(event) = receiver.recv().await {
                if enough(&event) {
                    cancel.cancel();
                }
                events.push(event);
            }
            events
        };
        let both = async { tokio::join!(run(&self.state, request, sender, cancel.clone()), listener) };
        let (result, events) = tokio::time::timeout(PATIENCE, both).await.expect("the run hangs");
        Told { result, events }
    }

    /// Lets the owner of a run die after it has told `count` things; whether it got that far.
    pub async fn run_and_die(&self, request: RunRequest, count: usize) -> (String, bool) {
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let state = self.state.clone();
        let owner = tokio::spawn(async move { run(&state, request, sender, CancelToken::new()).await });
        let mut told = Vec::new();
        while told.len() < count
            && let Some(event) = tokio::time::timeout(PATIENCE, receiver.recv()).await.expect("the run hangs")
        {
            told.push(event);
        }
        owner.abort();
        let died = owner.await.is_err();
        (run_id(&told), died)
    }

    /// Continues a run.
    pub async fn resume(&self, run: &str) -> Told {
        self.resume_with(run, None).await
    }

    /// Continues a run that uses a model.
    pub async fn resume_with(&self, run: &str, model: Option<ModelSettings>) -> Told {
        let context = ResumeContext { model, environment: environment(), cores: 2 };
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let work = resume(&self.state, run, context, sender, CancelToken::new());
        let result = tokio::time::timeout(PATIENCE, work).await.expect("the resumed run hangs");
        let mut events = Vec::new();
        while let Ok(event) = receiver.try_recv() {
            events.push(event);
        }
        Told { result, events }
    }

    /// Everything in the project but git's own files, by path.
    pub fn snapshot(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let mut files = BTreeMap::new();
        collect(&self.repo, &mut files);
        files
    }

    /// Sandboxes that are left.
    pub fn sandboxes(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.state.root().join("sandboxes")).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| self.state.root().join("sandboxes").join(name).is_dir()).collect()
    }

    /// The durable events of a run.
    pub fn stored(&self, run: &str) -> Vec<StoredEvent> {
        let stream = StreamId::new(format!("run/{run}")).unwrap();
        self.state.log().read(&stream, 0).unwrap()
    }

    /// Makes sure that no task which was done was begun again.
    pub fn assert_nothing_repeated(&self, run: &str) {
        let mut done = BTreeSet::new();
        for event in self.stored(run) {
            let attempt = event.payload["attempt"].as_str().unwrap_or_default();
            let task = attempt.rsplit_once('#').map_or(String::new(), |(task, _)| task.to_owned());
            match event.kind.as_str() {
                "attempt_started" => assert!(!done.contains(&task), "{task} was done, and was begun again"),
                "attempt_finished" if event.payload["then"] == "succeed" => {
                    assert!(!task.is_empty(), "an event without a task: {event:?}");
                    done.insert(task);
                }
                _ => {}
            }
        }
        assert!(!done.is_empty(), "no task of {run} was ever done");
    }

    /// Applies the patch of a run to a copy of the project and runs the check there.
    pub fn assert_patch_holds(&self, summary: &RunSummary) {
        let copy = tempfile::tempdir().unwrap();
        for (path, content) in self.snapshot() {
            let to = copy.path().join(path.strip_prefix(&self.repo).unwrap());
            std::fs::create_dir_all(to.parent().unwrap()).unwrap();
            std::fs::write(to, content).unwrap();
        }
        let patch = summary.patch.as_deref().expect("there is no patch");
        let script = format!("git apply '{patch}' && {CHECK}");
        let output = std::process::Command::new("bash")
            .args(["-c", &script])
            .current_dir(copy.path())
            .env("GIT_CEILING_DIRECTORIES", copy.path().parent().unwrap())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Told {
    /// The summary of a run that came to an end.
    pub fn summary(&self) -> &RunSummary {
        self.result.as_ref().unwrap_or_else(|error| panic!("{error}; told: {:#?}", self.events))
    }

    /// The summary, which must have this verdict.
    pub fn expect(&self, verdict: Verdict) -> &RunSummary {
        let summary = self.summary();
        assert_eq!(summary.verdict, verdict, "{summary:#?}\n{:#?}", self.events);
        summary
    }

    /// The error of a run that could not be carried out.
    pub fn error(&self) -> &RunError {
        self.result.as_ref().expect_err("the run came to an end")
    }

    /// The run's id, as told at its start.
    pub fn run(&self) -> String {
        run_id(&self.events)
    }

    /// The `type` of everything told, in order.
    pub fn kinds(&self) -> Vec<String> {
        self.events.iter().map(kind).collect()
    }

    /// Roles of the attempts, in the order in which they began.
    pub fn roles(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Progress::AttemptStarted { role, .. } => Some(role.as_str()),
                _ => None,
            })
            .collect()
    }

    /// How attempts of a role ended, with their notes.
    pub fn endings(&self, task: &str) -> Vec<(&str, &str)> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Progress::AttemptFinished { attempt, outcome, note } if attempt.starts_with(task) => {
                    Some((outcome.as_str(), note.as_str()))
                }
                _ => None,
            })
            .collect()
    }

    /// What the user was warned of.
    pub fn warnings(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter_map(|event| match event {
                Progress::Warning { message } => Some(message.as_str()),
                _ => None,
            })
            .collect()
    }

    /// Makes sure that these kinds were told in this order, whatever was told between them.
    pub fn assert_order(&self, expected: &[&str]) {
        let kinds = self.kinds();
        let mut rest = kinds.iter();
        for kind in expected {
            assert!(rest.any(|seen| seen == kind), "no {kind} in its place: {kinds:#?}");
        }
    }
}

/// The `type` under which something is told.
pub fn kind(event: &Progress) -> String {
    serde_json::to_value(event).unwrap()["type"].as_str().unwrap().to_owned()
}

/// Whether an agent with this role begins.
pub fn begins(event: &Progress, wanted: &str) -> bool {
    matches!(event, Progress::AttemptStarted { role, .. } if role.starts_with(wanted))
}

/// A model's settings.
pub fn settings(name: &str, base_url: &str) -> ModelSettings {
    ModelSettings {
        name: name.into(),
        base_url: base_url.into(),
        api_key: None,
        input_usd_per_million: None,
        output_usd_per_million: None,
    }
}

/// The text of a run's report.
pub fn report(summary: &RunSummary) -> String {
    std::fs::read_to_string(summary.report.as_deref().expect("there is no report")).unwrap()
}

/// What a sandbox needs to find Python.
fn environment() -> BTreeMap<String, String> {
    let taken = ["PATH", "HOME"].into_iter();
    taken.filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))).collect()
}

fn run_id(events: &[Progress]) -> String {
    let id = events.iter().find_map(|event| match event {
        Progress::RunStarted { run, .. } => Some(run.clone()),
        _ => None,
    });
    id.unwrap_or_else(|| panic!("the run never started: {events:#?}"))
}

fn collect(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().is_some_and(|name| name == ".git") {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.insert(path.clone(), std::fs::read(&path).unwrap());
        }
    }
}
