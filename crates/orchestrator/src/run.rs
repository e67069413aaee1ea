//! Beginning and continuing a run: everything that has to be right before the dispatcher takes over.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallhands_agent::cancel::CancelToken;
use smallhands_event_log::EventLog;
use smallhands_sandbox::{Base, HostBackend, SandboxBackend};
use smallhands_task_graph::{Command, RunLimits, RunPhase};
use tokio::sync::mpsc;

use crate::assignment::Delivery;
use crate::deliver::check_target;
use crate::dispatcher::Dispatcher;
use crate::journal::{Applied, Journal, now_ms};
use crate::model;
use crate::plan_source::PlanSource;
use crate::planner::plan_file::Script;
use crate::progress::{Progress, RunSummary};
use crate::request::{ModelSettings, ResumeContext, RunError, RunRequest};
use crate::selection::select;
use crate::spec::{DEFAULT_TASK, RunSpec, SPEC_VERSION};
use crate::state_dir::{RunLock, StateDir};
use crate::workshop::{Workshop, WorkshopParts};

/// How long a run may take when the user does not say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30 * 60);
/// How long one execution of a check may take when the user does not say.
const DEFAULT_CHECK_TIMEOUT: Duration = Duration::from_secs(10 * 60);

/// Carries out a run from the beginning.
///
/// # Errors
/// See [`RunError`]; a run that merely finds nothing is a summary.
pub async fn run(
    state: &StateDir,
    request: RunRequest,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancelToken,
) -> Result<RunSummary, RunError> {
    let repo = repository(&request.repo)?;
    check_target(&request.deliver, &repo).await?;
    let log = state.log();
    let backend = backend(&request.sandbox, state)?;
    let run = new_run_id();
    let folder = state.run_folder(&run);
    std::fs::create_dir_all(&folder).map_err(|source| RunError::Io {
        what: "create",
        path: folder.clone(),
        source,
    })?;
    let lock = state.own(&run)?;
    let prepared = prepare(state, &run, &request, &repo, log, backend, &progress).await;
    match prepared {
        Ok((journal, workshop)) => drive(state, journal, workshop, lock, false, progress, cancel).await,
        Err(error) => {
            // Nothing was promised about this run yet; leave no trace of it.
            drop(lock);
            let _ = std::fs::remove_dir_all(&folder);
            Err(error)
        }
    }
}

/// Continues a run that was interrupted or killed. A finished run just gives its summary again.
///
/// # Errors
/// [`RunError::UnknownRun`], [`RunError::RunIsLive`], and everything that [`run`] may fail with.
pub async fn resume(
    state: &StateDir,
    run: &str,
    context: ResumeContext,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancelToken,
) -> Result<RunSummary, RunError> {
    let log = state.log();
    let unknown = || RunError::UnknownRun { run: run.to_owned(), state: state.root().to_path_buf() };
    match Journal::open(log.clone(), run)? {
        journal if journal.state().phase == RunPhase::Unsubmitted => return Err(unknown()),
        journal if journal.state().phase == RunPhase::Finished => return stored_summary(&journal, &progress),
        _ => {}
    }
    let lock = state.own(run)?;
    // Read again: the run may have gone on, or ended, while its owner was waited for.
    let mut journal = Journal::open(log.clone(), run)?;
    if journal.state().phase == RunPhase::Finished {
        return stored_summary(&journal, &progress);
    }
    let mut spec = stored_spec(&journal)?;
    let base = Base::open(&state.base(run)).await?;
    let backend = backend(&spec.sandbox, state)?;
    backend.reconcile().await?;
    expect_events(&mut journal, &Command::Resume { at_ms: now_ms() })?;
    let spent_usd_micros = spent(&journal);
    spec.budget_usd_micros = journal.state().control.budget_usd_micros.or(spec.budget_usd_micros);
    let parts = WorkshopParts {
        run: run.to_owned(),
        model: model_for(spec.model.as_deref(), context.model.as_ref(), spec.budget_usd_micros.is_some())?,
        deadline: deadline(&journal, &spec),
        base,
        backend,
        log,
        environment: context.environment,
        cores: context.cores,
        spent_usd_micros,
        script: script_for(spec.plan.as_ref(), spec.model.is_some())?,
        spec,
    };
    drive(state, journal, Workshop::new(parts), lock, true, progress, cancel).await
}

async fn drive(
    state: &StateDir,
    journal: Journal,
    workshop: Workshop,
    lock: RunLock,
    resumed: bool,
    progress: mpsc::UnboundedSender<Progress>,
    cancel: CancelToken,
) -> Result<RunSummary, RunError> {
    let spec = &workshop.spec;
    let _ = progress.send(Progress::RunStarted {
        run: workshop.run.clone(),
        repo: spec.repo.display().to_string(),
        task: spec.task.clone(),
        agents: spec.agents,
        sandbox: workshop.backend.kind().to_owned(),
        folder: state.run_folder(&workshop.run).display().to_string(),
        resumed,
    });
    for check in &spec.checks {
        let _ = progress
            .send(Progress::CheckSelected { command: check.command.clone(), reason: check.reason.clone() });
    }
    let summary = Dispatcher::new(journal, workshop, state.clone(), progress, cancel)?.drive().await;
    drop(lock);
    summary
}

/// Publishes the repository, settles the checks, and submits the run.
async fn prepare(
    state: &StateDir,
    run: &str,
    request: &RunRequest,
    repo: &Path,
    log: Arc<dyn EventLog>,
    backend: Arc<dyn SandboxBackend>,
    progress: &mpsc::UnboundedSender<Progress>,
) -> Result<(Journal, Workshop), RunError> {
    let wanted = request.model.as_ref().map(|model| model.name.as_str());
    let model = model_for(wanted, request.model.as_ref(), request.budget_usd.is_some())?;
    let script = script_for(request.plan.as_ref(), request.model.is_some())?;
    for removed in backend.reconcile().await? {
        tracing::info!(%removed, "removed what a crashed run left behind");
    }
    let base = Base::publish(repo, &state.base(run)).await?;
    for message in base.warnings() {
        let _ = progress.send(Progress::Warning { message: message.to_string() });
    }
    let checks = checks_for(request, script.as_ref(), &base, repo).await?;
    let spec = to_spec(request, repo, checks, &base);
    let limits = RunLimits {
        agents: spec.agents,
        deadline_at_ms: Some(now_ms().saturating_add(i64::try_from(spec.timeout_ms).unwrap_or(i64::MAX))),
        max_attempts: None,
    };
    let mut journal = Journal::open(log.clone(), run)?;
    let value = serde_json::to_value(&spec).map_err(|error| RunError::BadInput(error.to_string()))?;
    expect_events(&mut journal, &Command::Submit { spec: value, limits, at_ms: now_ms() })?;
    if spec.goal().is_some() && spec.model.is_none() {
        let message =
            "without a model (--model) only failing checks can be repaired; the task's text is not used";
        let _ = progress.send(Progress::Warning { message: message.into() });
    }
    let parts = WorkshopParts {
        run: run.to_owned(),
        deadline: deadline(&journal, &spec),
        spec,
        base,
        backend,
        log,
        model,
        environment: request.environment.clone(),
        cores: request.cores,
        spent_usd_micros: 0,
        script,
    };
    Ok((journal, Workshop::new(parts)))
}

fn to_spec(
    request: &RunRequest,
    repo: &Path,
    checks: Vec<crate::spec::SelectedCheck>,
    base: &Base,
) -> RunSpec {
    let timeout = request.timeout.unwrap_or(DEFAULT_TIMEOUT);
    let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    RunSpec {
        version: SPEC_VERSION,
        task: request.task.clone().unwrap_or_else(|| DEFAULT_TASK.to_owned()),
        repo: repo.to_path_buf(),
        checks,
        agents: request.agents.clamp(1, 1000),
        sandbox: request.sandbox.clone(),
        model: request.model.as_ref().map(|model| model.name.clone()),
        budget_usd_micros: request.budget_usd.map(|budget| (budget * 1e6) as u64),
        timeout_ms: millis(timeout),
        check_timeout_ms: millis(request.check_timeout.unwrap_or(DEFAULT_CHECK_TIMEOUT).min(timeout / 3)),
        test_timeout_ms: request.test_timeout.map(millis),
        deliver: absolute(&request.deliver),
        approvals: request.approvals,
        base: base.head().to_string(),
        plan: request.plan.clone(),
    }
}

/// A path given on the command line means the folder that the user is in now, not where a resuming process will be.
fn absolute(deliver: &crate::request::Deliver) -> crate::request::Deliver {
    use crate::request::Deliver;
    match deliver {
        Deliver::Patch { to: Some(path) } => {
            Deliver::Patch { to: Some(std::path::absolute(path).unwrap_or_else(|_| path.clone())) }
        }
        other => other.clone(),
    }
}

/// The plan in the form that is followed.
fn script_for(plan: Option<&PlanSource>, has_model: bool) -> Result<Option<Script>, RunError> {
    let Some(plan) = plan else { return Ok(None) };
    Ok(Some(Script::new(plan, has_model)?))
}

/// The checks that are given, else those that the plan names, else what is found; nothing is looked for when only the
/// plan is wanted.
async fn checks_for(
    request: &RunRequest,
    script: Option<&Script>,
    base: &Base,
    repo: &Path,
) -> Result<Vec<crate::spec::SelectedCheck>, RunError> {
    let named = script.map(Script::checks).unwrap_or_default();
    let given = if request.checks.is_empty() { named } else { &request.checks };
    if given.is_empty() && request.plan_only {
        return Ok(Vec::new());
    }
    select(given, base, repo).await
}

fn repository(path: &Path) -> Result<PathBuf, RunError> {
    let refused = |reason: String| RunError::Repository { path: path.to_path_buf(), reason };
    let absolute = path.canonicalize().map_err(|error| refused(error.to_string()))?;
    if absolute.is_dir() { Ok(absolute) } else { Err(refused("not a folder".into())) }
}

fn backend(kind: &str, state: &StateDir) -> Result<Arc<dyn SandboxBackend>, RunError> {
    match kind {
        "host" | "auto" => Ok(Arc::new(HostBackend::new(state.root()))),
        other => Err(RunError::BadInput(format!(
            "there is no sandbox `{other}` yet; use --sandbox host (see `smallhands doctor`)"
        ))),
    }
}

fn model_for(
    wanted: Option<&str>,
    settings: Option<&ModelSettings>,
    has_budget: bool,
) -> Result<Option<Arc<dyn smallhands_model_gateway::ChatModel>>, RunError> {
    match (wanted, settings) {
        (None, _) => Ok(None),
        (Some(name), Some(settings)) => {
            let settings = ModelSettings { name: name.to_owned(), ..settings.clone() };
            model::open(&settings, has_budget).map(Some).map_err(RunError::BadInput)
        }
        (Some(name), None) => Err(RunError::BadInput(format!(
            "the run uses the model `{name}`; name it and its endpoint again to resume"
        ))),
    }
}

fn deadline(journal: &Journal, spec: &RunSpec) -> Instant {
    let left = match journal.state().limits.deadline_at_ms {
        Some(deadline) => u64::try_from(deadline.saturating_sub(now_ms())).unwrap_or(0),
        None => spec.timeout_ms,
    };
    Instant::now() + Duration::from_millis(left)
}

fn stored_spec(journal: &Journal) -> Result<RunSpec, RunError> {
    serde_json::from_value(journal.state().spec.clone())
        .map_err(|error| RunError::StoredState { run: journal.run().to_owned(), reason: error.to_string() })
}

fn stored_summary(
    journal: &Journal,
    progress: &mpsc::UnboundedSender<Progress>,
) -> Result<RunSummary, RunError> {
    let stored = journal.state().summary.clone().unwrap_or_default();
    let summary: RunSummary = serde_json::from_value(stored).map_err(|_| RunError::StoredState {
        run: journal.run().to_owned(),
        reason: "it ended without a result".into(),
    })?;
    let _ = progress.send(Progress::RunFinished(summary.clone()));
    Ok(summary)
}

/// Money spent by attempts that have ended, millionths of a US dollar.
fn spent(journal: &Journal) -> u64 {
    let attempts = journal.state().tasks.values().flat_map(|task| task.attempts.iter());
    attempts
        .filter_map(|attempt| Delivery::from_value(attempt.output.as_ref()?).ok())
        .map(|delivery| match delivery {
            Delivery::Changed { cost_usd_micros, .. } => cost_usd_micros,
            _ => 0,
        })
        .sum()
}

fn expect_events(journal: &mut Journal, command: &Command) -> Result<(), RunError> {
    match journal.apply(command)? {
        Applied::Events(_) => Ok(()),
        Applied::Rejected(rejection) => {
            Err(RunError::StoredState { run: journal.run().to_owned(), reason: rejection.to_string() })
        }
    }
}

/// A run id: sortable by time, unique on this machine.
pub(crate) fn new_run_id() -> String {
    let time = u64::try_from(now_ms()).unwrap_or(0);
    format!("{}-{}", base36(time), base36(u64::from(std::process::id())))
}

fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut text = Vec::new();
    loop {
        text.push(char::from(DIGITS[(number % 36) as usize]));
        number /= 36;
        if number == 0 {
            return text.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn run_ids_sort_by_time() {
        assert_eq!(base36(0), "0");
        assert_eq!(base36(36 * 36 + 1), "101");
        assert!(base36(1_763_000_000_000) < base36(1_763_000_000_001));
    }

    #[test]
    fn a_missing_repository_is_named() {
        let message = repository(Path::new("/no/such/folder")).unwrap_err().to_string();
        assert!(message.contains("/no/such/folder") && message.contains("--repo"), "{message}");
    }

    #[test]
    fn unknown_sandboxes_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path(), crate::state_dir::Durability::Full).unwrap();
        assert!(backend("microvm", &state).is_err());
        assert_eq!(backend("auto", &state).unwrap().kind(), "host");
    }
}
