//! A runtime in a fresh directory, and short ways to use it.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use smallhands_shell_runtime::{
    Action, BashAction, BashInterruptAction, CreateSession, LocalOptions, LocalRuntime, Observation, Runtime,
    RuntimeError, processes::snapshot,
};

pub const GENEROUS: Duration = Duration::from_secs(60);

pub struct Place {
    pub root: tempfile::TempDir,
    pub runtime: Arc<LocalRuntime>,
}

impl Place {
    pub async fn new() -> Self {
        let place = Self::without_session();
        place.open("default").await.unwrap();
        place
    }

    pub fn without_session() -> Self {
        Self::with(|_| ())
    }

    /// With options of its own, and no session yet.
    pub fn with(change: impl FnOnce(&mut LocalOptions)) -> Self {
        let root = tempfile::tempdir().unwrap();
        let env = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", root.path().to_str().unwrap())];
        let env: BTreeMap<String, String> =
            env.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let mut options = LocalOptions { root: root.path().to_owned(), env, ..LocalOptions::default() };
        change(&mut options);
        Self { runtime: Arc::new(LocalRuntime::new(options).unwrap()), root }
    }

    pub async fn open(&self, name: &str) -> Result<String, RuntimeError> {
        let request =
            CreateSession { session: name.to_owned(), startup_timeout: GENEROUS, ..CreateSession::default() };
        Ok(bounded(self.runtime.create_session(request)).await?.output)
    }

    pub async fn act(&self, action: BashAction) -> Result<Observation, RuntimeError> {
        let action = BashAction { timeout: action.timeout.or(Some(GENEROUS)), ..action };
        bounded(self.runtime.run_in_session(Action::Bash(action))).await
    }

    pub async fn run(&self, command: &str) -> Observation {
        self.act(BashAction::new(command)).await.unwrap_or_else(|error| panic!("{command:?}: {error:?}"))
    }

    pub async fn output(&self, command: &str) -> String {
        self.run(command).await.output
    }

    /// What `action` is answered with, as the error it has to be.
    pub async fn refused(&self, command: &str) -> RuntimeError {
        self.act(BashAction::new(command)).await.unwrap_err()
    }

    pub async fn interrupt(&self) -> Result<Observation, RuntimeError> {
        let interrupt =
            BashInterruptAction { timeout: Duration::from_millis(300), ..BashInterruptAction::default() };
        bounded(self.runtime.run_in_session(Action::Interrupt(interrupt))).await
    }

    /// Lets a command run into its time limit, after it has shown that it runs.
    pub async fn time_out(&self, command: &str) -> RuntimeError {
        let action = BashAction { timeout: Some(Duration::from_millis(600)), ..BashAction::new(command) };
        self.act(action).await.unwrap_err()
    }
}

/// Keeps a broken test from hanging.
pub async fn bounded<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(2 * GENEROUS, future).await.expect("it hung")
}

/// How many processes run with exactly these arguments.
pub fn running(arguments: &str) -> usize {
    let wanted: Vec<u8> = arguments.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let is_it = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted);
    snapshot().iter().filter(|process| process.is_alive() && is_it(process.pid)).count()
}

pub async fn eventually(mut condition: impl FnMut() -> bool) {
    bounded(async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    })
    .await;
}
