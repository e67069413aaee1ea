//! A small project in a temporary folder with a validator over it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use smallhands_agent::validation::{
    CheckRun, CheckSpec, Ended, RunOutcome, RunRequest, StopRule, TestLimits, Validator, open, run_check,
};
use smallhands_checks::{Framework, Outcome, TestId};
use smallhands_repair::Edit;
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime, Runtime};
use tempfile::TempDir;

/// The command for pytest projects.
pub const PYTEST: &str = "python3 -m pytest -q";
/// The command for unittest projects.
pub const UNITTEST: &str = "python3 -m unittest";

/// Limits under which nothing hangs for long.
pub const LIMITS: TestLimits =
    TestLimits { cpu: Duration::from_millis(700), wall: Duration::from_secs(6), memory_bytes: 512 << 20 };

/// Files and a runtime over them.
pub struct Project {
    folder: TempDir,
    /// The files as they were made, by path.
    sources: BTreeMap<String, String>,
    pub runtime: Arc<dyn Runtime>,
}

impl Project {
    pub fn new(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("copy");
        let scratch = folder.path().join("tmp");
        std::fs::create_dir_all(&scratch).unwrap();
        std::fs::create_dir_all(&root).unwrap();
        for (path, content) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, content).unwrap();
        }
        let mut env: BTreeMap<String, String> = ["PATH", "HOME", "CARGO_HOME", "RUSTUP_HOME"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?)))
            .collect();
        env.insert("TMPDIR".into(), scratch.display().to_string());
        let options = LocalOptions { root, env, limits: Limits::default(), ..LocalOptions::default() };
        let runtime = Arc::new(LocalRuntime::new(options).unwrap());
        let sources = files.iter().map(|(path, content)| (path.to_string(), content.to_string())).collect();
        Self { folder, sources, runtime }
    }

    pub fn root(&self) -> std::path::PathBuf {
        self.folder.path().join("copy")
    }

    pub fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.root().join(path)).unwrap()
    }

    /// Every file with its content; the folders that the interpreter and pytest keep for themselves are left out.
    pub fn snapshot(&self) -> BTreeMap<String, Vec<u8>> {
        let mut found = BTreeMap::new();
        collect(&self.root(), &self.root(), &mut found);
        found
    }

    /// How many folders of ours are left in the temporary folder.
    pub fn scratch(&self) -> usize {
        let entries = std::fs::read_dir(self.folder.path().join("tmp")).unwrap();
        entries
            .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("smallhands-"))
            .count()
    }

    /// Replaces the first occurrence of `old` in the file as it was made.
    pub fn edit(&self, file: &str, old: &str, new: &str) -> Edit {
        let source = &self.sources[file];
        let start = source.find(old).unwrap_or_else(|| panic!("{old:?} is not in {file}"));
        Edit { file: file.into(), start, end: start + old.len(), text: new.into() }
    }

    pub async fn open(&self, command: &str) -> Session<'_> {
        self.open_only(command, &[]).await
    }

    pub async fn open_only(&self, command: &str, only: &[&str]) -> Session<'_> {
        let only: Vec<TestId> = only.iter().map(|id| TestId::new(*id)).collect();
        let validator = open(Arc::clone(&self.runtime), &spec(command), &only).await.unwrap();
        Session { project: self, validator, before: self.snapshot() }
    }

    pub async fn check(&self, command: &str) -> CheckRun {
        run_check(Arc::clone(&self.runtime), &spec(command)).await.unwrap()
    }
}

fn collect(root: &Path, folder: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            if !matches!(name.as_str(), ".pytest_cache" | "target") {
                collect(root, &path, found);
            }
        } else {
            let relative = path.strip_prefix(root).unwrap().display().to_string();
            found.insert(relative, std::fs::read(&path).unwrap());
        }
    }
}

/// The check that a command is, with generous time.
pub fn spec(command: &str) -> CheckSpec {
    CheckSpec {
        command: command.into(),
        framework: smallhands_checks::classify(command),
        timeout: Duration::from_secs(120),
        test_timeout: None,
    }
}

/// A validator in use.
pub struct Session<'p> {
    project: &'p Project,
    pub validator: Box<dyn Validator>,
    before: BTreeMap<String, Vec<u8>>,
}

impl Session<'_> {
    pub fn warm(self) -> Self {
        let kind = self.validator.kind();
        assert!(kind.starts_with("warm-"), "{kind}: {:?}", self.validator.fallback());
        self
    }

    pub async fn ask(&mut self, edits: &[Edit], tests: &[&str], stop: StopRule) -> RunOutcome {
        let tests: Vec<TestId> = tests.iter().map(|id| TestId::new(*id)).collect();
        let request = RunRequest { edits, tests: &tests, limits: LIMITS, stop, trace: false };
        self.validator.run(request).await.unwrap()
    }

    /// All tests, as they are or with edits, none left out.
    pub async fn all(&mut self, edits: &[Edit]) -> RunOutcome {
        let tests = self.validator.tests().to_vec();
        let request =
            RunRequest { edits, tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: false };
        self.validator.run(request).await.unwrap()
    }

    pub async fn trace(&mut self) -> RunOutcome {
        let tests = self.validator.tests().to_vec();
        let request =
            RunRequest { edits: &[], tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: true };
        self.validator.run(request).await.unwrap()
    }

    /// One edit, one test.
    pub async fn outcome(&mut self, edit: Edit, test: &str) -> Outcome {
        let outcome = self.ask(&[edit], &[test], StopRule::FirstFailure).await;
        outcome.report.tests.get(&TestId::new(test)).map(|result| result.outcome).unwrap_or_else(|| {
            panic!("no result for {test}: {outcome:?}");
        })
    }

    /// Closes the validator and checks that it left nothing behind.
    pub async fn close(self) {
        self.validator.close().await;
        assert_eq!(self.before, self.project.snapshot(), "the copy was changed");
        assert_eq!(self.project.scratch(), 0, "something is left in the temporary folder");
    }
}

/// Outcomes by test name, as text.
pub fn outcomes(outcome: &RunOutcome) -> BTreeMap<String, Outcome> {
    outcome.report.tests.iter().map(|(id, result)| (id.0.clone(), result.outcome)).collect()
}

/// Asserts what became of some tests.
pub fn expect(outcome: &RunOutcome, expected: &[(&str, Outcome)]) {
    let found = outcomes(outcome);
    for (test, wanted) in expected {
        assert_eq!(found.get(*test), Some(wanted), "{test}: {:?}", outcome.report);
    }
}

/// Whether the tests of this module can run; says loudly when they cannot.
pub fn pytest_is_missing() -> bool {
    let found = std::process::Command::new("python3").args(["-m", "pytest", "--version"]).output();
    let missing = !found.is_ok_and(|output| output.status.success());
    if missing {
        eprintln!("SKIPPED: pytest is not installed");
    }
    missing
}

/// Keeps imports of enumerations in one place.
pub use Outcome::{Crashed, Errored, Failed, Passed, Skipped, TimedOut};
pub type End = Ended;

/// The framework of a command, for assertions.
pub fn framework(command: &str) -> Framework {
    smallhands_checks::classify(command)
}
