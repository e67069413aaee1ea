//! What a caller asks of the orchestrator, and what can go wrong before, around and after a run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use smallhands_event_log::LogError;
use smallhands_sandbox::SandboxError;

use crate::plan_source::{BadPlan, PlanSource};

/// How the result is handed over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deliver {
    /// Write a patch file; beside the report when no path is given.
    Patch {
        /// Where to write a further copy.
        to: Option<PathBuf>,
    },
    /// Apply the patch to the user's working tree.
    Apply,
    /// Commit the patch on a new branch of the user's repository; its working tree is left alone.
    Branch(String),
}

/// A model endpoint, as configured by the caller. `Debug` never shows the key.
#[derive(Clone)]
pub struct ModelSettings {
    /// Model name as the endpoint knows it, or `scripted:FILE` for the scripted model.
    pub name: String,
    /// Base URL of an OpenAI-compatible endpoint, such as `http://127.0.0.1:8080/v1`.
    pub base_url: String,
    /// Bearer token; absent for endpoints that need none.
    pub api_key: Option<String>,
    /// Price of a million uncached input tokens, US dollars.
    pub input_usd_per_million: Option<f64>,
    /// Price of a million output tokens, US dollars.
    pub output_usd_per_million: Option<f64>,
}

impl std::fmt::Debug for ModelSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ModelSettings")
            .field("name", &self.name)
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}

/// What happens when an agent wants to do something that reaches outside of its sandbox.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApprovalPolicy {
    /// The user is asked; no answer in time means no.
    #[default]
    Ask,
    /// It may.
    Allow,
    /// It may not.
    Deny,
}

/// How questions to the user are dealt with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approvals {
    /// Whether the user is asked at all.
    pub policy: ApprovalPolicy,
    /// How long an answer is waited for, milliseconds.
    pub wait_ms: u64,
}

impl Default for Approvals {
    fn default() -> Self {
        Self { policy: ApprovalPolicy::default(), wait_ms: 120_000 }
    }
}

/// Everything a run needs to know; resolved by the caller from flags and configuration.
#[derive(Debug, Clone)]
pub struct RunRequest {
    /// What is to be achieved; `None` means "make the failing checks pass".
    pub task: Option<String>,
    /// The user's repository.
    pub repo: PathBuf,
    /// Check commands; empty means detect.
    pub checks: Vec<String>,
    /// Agents that may work at the same time, 1 to 1000.
    pub agents: u32,
    /// CPU cores that agents may count on; bounds parallel work inside one attempt.
    pub cores: u32,
    /// Sandbox backend: `host` or `auto`.
    pub sandbox: String,
    /// The model, if one is to be used.
    pub model: Option<ModelSettings>,
    /// A plan to follow before the planner's rules.
    pub plan: Option<PlanSource>,
    /// Whether the plan is all that is wanted: checks are run if they are given or if the plan names some, but none is
    /// looked for.
    pub plan_only: bool,
    /// Upper bound for money spent on models, US dollars.
    pub budget_usd: Option<f64>,
    /// Upper bound for the whole run.
    pub timeout: Option<Duration>,
    /// Upper bound for one execution of a check command.
    pub check_timeout: Option<Duration>,
    /// Upper bound for one test.
    pub test_timeout: Option<Duration>,
    /// What to do with the result.
    pub deliver: Deliver,
    /// How questions to the user are dealt with.
    pub approvals: Approvals,
    /// Complete environment for commands in sandboxes.
    pub environment: BTreeMap<String, String>,
}

/// What a resumed run needs that must not be stored: secrets and the present environment.
#[derive(Debug, Clone, Default)]
pub struct ResumeContext {
    /// The model's settings, if the run uses one.
    pub model: Option<ModelSettings>,
    /// Complete environment for commands in sandboxes.
    pub environment: BTreeMap<String, String>,
    /// CPU cores that agents may count on.
    pub cores: u32,
}

/// Which documented exit code an error belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorClass {
    /// The request cannot be carried out as given (2).
    BadInput,
    /// A limit was reached (3).
    Limit,
    /// The machine, the disk or the state store failed (4).
    Infrastructure,
    /// The user interrupted; the state is kept (130).
    Interrupted,
}

/// Why a run could not be carried out. A task that merely fails is a verdict, not an error.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The repository folder is missing or not a folder.
    #[error("cannot use {path} as a repository: {reason}; give an existing folder with --repo DIR")]
    Repository {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Nothing to run was given or found.
    #[error("no check was found in {path}: {looked_for}; name one with --check 'COMMAND'")]
    NoChecks {
        /// The repository.
        path: PathBuf,
        /// What was looked for.
        looked_for: String,
    },
    /// A check command cannot be started at all.
    #[error(
        "the check `{command}` could not be run: {reason}; correct it, or install what it needs (see `smallhands doctor`)"
    )]
    CheckNotRunnable {
        /// The command.
        command: String,
        /// Its own words.
        reason: String,
    },
    /// A plan that cannot be followed.
    #[error("{0}")]
    BadPlan(#[from] BadPlan),
    /// Any other unusable input.
    #[error("{0}")]
    BadInput(String),
    /// No such run.
    #[error("there is no run `{run}` in {state}; `smallhands runs` lists them")]
    UnknownRun {
        /// Run id as given.
        run: String,
        /// State directory.
        state: PathBuf,
    },
    /// Another process owns the run.
    #[error("run {0} is being worked on by another process; wait for it, or stop that process first")]
    RunIsLive(String),
    /// The user interrupted.
    #[error("interrupted; everything finished so far is kept. Continue with: smallhands resume {run}")]
    Interrupted {
        /// Run id.
        run: String,
    },
    /// The state directory cannot be used.
    #[error("cannot use the state directory {path}: {reason}; choose another with --state-dir DIR")]
    StateDir {
        /// The directory.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The event log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The sandbox failed.
    #[error(transparent)]
    Sandbox(#[from] SandboxError),
    /// Reading or writing a file failed.
    #[error("cannot {what} {path}: {source}")]
    Io {
        /// `read`, `write`, …
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The stored events contradict each other or this version of smallhands.
    #[error(
        "the stored state of run {run} cannot be continued: {reason}; start a new run (the old one stays readable with `smallhands show {run}`)"
    )]
    StoredState {
        /// Run id.
        run: String,
        /// What was found.
        reason: String,
    },
}

impl RunError {
    /// The documented class, from which the exit code follows.
    #[must_use]
    pub fn class(&self) -> ErrorClass {
        match self {
            Self::Repository { .. }
            | Self::NoChecks { .. }
            | Self::CheckNotRunnable { .. }
            | Self::BadInput(_)
            | Self::BadPlan(_)
            | Self::UnknownRun { .. } => ErrorClass::BadInput,
            Self::Interrupted { .. } => ErrorClass::Interrupted,
            Self::RunIsLive(_)
            | Self::StateDir { .. }
            | Self::Log(_)
            | Self::Sandbox(_)
            | Self::Io { .. }
            | Self::StoredState { .. } => ErrorClass::Infrastructure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_has_its_class_and_says_what_to_do() {
        let io = || std::io::Error::other("disk full");
        let run = || "r1".to_owned();
        let cases = [
            (
                RunError::Repository { path: "/x".into(), reason: "gone".into() },
                ErrorClass::BadInput,
                "--repo",
            ),
            (
                RunError::NoChecks { path: "/x".into(), looked_for: "y".into() },
                ErrorClass::BadInput,
                "--check",
            ),
            (
                RunError::CheckNotRunnable { command: "c".into(), reason: "none".into() },
                ErrorClass::BadInput,
                "smallhands doctor",
            ),
            (RunError::BadInput("no".into()), ErrorClass::BadInput, "no"),
            (
                RunError::UnknownRun { run: run(), state: "/s".into() },
                ErrorClass::BadInput,
                "smallhands runs",
            ),
            (RunError::Interrupted { run: run() }, ErrorClass::Interrupted, "smallhands resume r1"),
            (RunError::RunIsLive(run()), ErrorClass::Infrastructure, "another process"),
            (
                RunError::StateDir { path: "/s".into(), reason: "read-only".into() },
                ErrorClass::Infrastructure,
                "--state-dir",
            ),
            (
                RunError::Io { what: "write", path: "/s/f".into(), source: io() },
                ErrorClass::Infrastructure,
                "cannot write /s/f: disk full",
            ),
            (
                RunError::StoredState { run: run(), reason: "odd".into() },
                ErrorClass::Infrastructure,
                "smallhands show r1",
            ),
        ];
        for (error, class, expected) in cases {
            assert_eq!(error.class(), class, "{error}");
            assert!(error.to_string().contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn every_way_of_delivery_survives_the_log() {
        let ways = [
            Deliver::Patch { to: None },
            Deliver::Patch { to: Some("/x/fix.patch".into()) },
            Deliver::Apply,
            Deliver::Branch("fix/it".into()),
        ];
        for way in ways {
            let stored = serde_json::to_string(&way).unwrap();
            assert_eq!(serde_json::from_str::<Deliver>(&stored).unwrap(), way, "{stored}");
        }
    }
}
